"""Which mailboxes does a connection reach: all, or those that an administrator chose? Found by trying.

Three things decide together: an app role in Entra opens every mailbox; a role in
Exchange (RBAC for Applications) opens those in its scope, and shows in no token; an application access
policy closes mailboxes again. The rights add up, so a scope beside an app role limits nothing.
"""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum

from counterfoil.model.trust import Job
from counterfoil.tenant.door import Ask, CallRefused, Door, segment

MAIL = frozenset({"Mail.Read", "Mail.ReadBasic", "Mail.ReadBasic.All", "Mail.ReadWrite"})
BESIDE = frozenset({"full_access_as_app", "MailboxItem.Read.All", "MailboxItem.ImportExport.All"})
"""Permissions that open every mailbox by another way than the one that is tried here."""


class Scope(StrEnum):
    """What was found; ``UNSCOPED`` is too much where few mailboxes are meant."""

    NO_MAIL = "no-mail"
    UNSCOPED = "unscoped"
    BY_ROLE = "scoped-by-exchange-role"
    BY_POLICY = "scoped-by-access-policy"
    UNKNOWN = "unknown"


WORDS = {
    Scope.NO_MAIL: "it reaches no mailbox",
    Scope.UNSCOPED: "it reaches every mailbox of the tenant: a scope in Exchange limits nothing beside an app role",
    Scope.BY_ROLE: "it reaches the mailboxes in the scope of a role in Exchange (RBAC for Applications)",
    Scope.BY_POLICY: "an application access policy keeps it out of some mailboxes",
    Scope.UNKNOWN: "which mailboxes it reaches is not known: name one with --inside and one with --outside",
}


@dataclass(frozen=True, slots=True)
class Probes:
    """Mailboxes to try: one that the connection should reach, one that it should not."""

    inside: str | None = None
    outside: str | None = None


NO_PROBES = Probes()


def scope_of(door: Door, granted: AbstractSet[str], probes: Probes, job: Job) -> Scope:
    """Try the mailboxes that were named, and judge."""
    inside = None if probes.inside is None else _opens(door, probes.inside, job)
    outside = None if probes.outside is None else _opens(door, probes.outside, job)
    return Scope.UNSCOPED if BESIDE & granted else judge(bool(MAIL & granted), inside, outside)


def judge(by_token: bool, inside: bool | None, outside: bool | None) -> Scope:
    """Judge from what the token grants and which mailboxes opened; ``None`` was not tried. Pure."""
    if outside is True:
        return Scope.UNSCOPED
    if by_token:
        # An app role opens every mailbox; one that stays shut is kept shut by a policy.
        return Scope.BY_POLICY if outside is False or inside is False else Scope.UNSCOPED
    if inside is True:
        return Scope.BY_ROLE
    return Scope.NO_MAIL if inside is False else Scope.UNKNOWN


def _opens(door: Door, mailbox: str, job: Job) -> bool | None:
    """Say whether a mailbox opens; ``None`` where there is none of that address."""
    path = f"/v1.0/users/{segment(mailbox)}/mailFolders/inbox?$select=id"
    try:
        door.call(Ask("GET", path, "read", mailbox), job)
    except CallRefused as error:
        if error.status == 404:
            return None
        if error.status == 403:
            return False
        raise
    return True
