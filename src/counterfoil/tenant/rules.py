"""Inbox rules that send mail away, hide it or delete it: who may make them, who may list them, and what there is.

A rule needs no token: made once, it works until somebody removes it (Microsoft Graph, messageRule and
messageRuleActions). Graph lists the rules that a mailbox shows; one that was hidden by means of MAPI it does not list.
"""

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from counterfoil.model.errors import Unavailable
from counterfoil.model.trust import Job
from counterfoil.tenant.batch import LARGEST, batch
from counterfoil.tenant.door import BUSY, Ask, CallRefused, Door, accepted, segment
from counterfoil.tenant.endpoints import GRAPH
from counterfoil.tenant.pages import items
from counterfoil.tenant.wire import Answer

MAKERS = frozenset(
    {
        "MailboxSettings.ReadWrite",
        "full_access_as_app",
        "EWS.AccessAsApp",
        "Exchange Full Access",
        "Exchange.ManageAsApp",
        "AppRoleAssignment.ReadWrite.All",
        "RoleManagement.ReadWrite.Directory",
        "RoleManagement.ReadWrite.Exchange",
    }
)
"""Permissions that make inbox rules, or that give their holder one that does."""

SETTINGS = ("MailboxSettings.Read", "MailboxSettings.ReadWrite", "Exchange Full Access")
USERS = ("User.Read.All", "User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All")

IN_EXCHANGE = "Application "
"""A role in Exchange (RBAC for Applications) has its permission's name behind this word."""

LONGEST = 120
"""So many characters of a name, and of what a rule does, are shown; its mark stands for the whole of it."""


def makers(roles: Collection[str]) -> list[str]:
    """Return those of these permissions with which inbox rules can be made. Pure."""
    return sorted(MAKERS & _plain(roles))


def lacking(roles: Collection[str]) -> list[str]:
    """Return which permissions are wanting to list the inbox rules of all mailboxes; none if it may. Pure."""
    held = _plain(roles)
    return [wanted[0] for wanted in (SETTINGS, USERS) if not held & set(wanted)]


def _plain(roles: Collection[str]) -> set[str]:
    return {role.removeprefix(IN_EXCHANGE) for role in roles}


@dataclass(frozen=True, slots=True)
class Rule:
    """An inbox rule that sends mail away, hides it or deletes it; all texts are from outside.

    ``mark`` is of all that it looks for and does, so that a rule that was changed is another one.
    """

    mailbox: str
    id: str
    name: str
    does: tuple[str, ...]
    mark: str
    enabled: bool = True

    @property
    def words(self) -> str:
        """Name it exactly, in one line without a semicolon."""
        state = "" if self.enabled else ", switched off"
        return (
            f"{RULE_OF}{shown(self.mailbox)}: «{shown(self.name)}»{state}, {shown(', '.join(self.does))} "
            f"(id {shown(self.id)}, mark {self.mark})"
        )


def shown(text: str) -> str:
    """Spell text from outside so that it can stand in a list of one line: no controls, no semicolons, not too long."""
    plain = "".join(character if character.isprintable() else " " for character in text).replace(";", ",")
    return plain if len(plain) <= LONGEST else f"{plain[:LONGEST]}..."


RULE_OF = "inbox rule of "
SENDS = ("forwards", "redirects")
"""How the words of what sends mail away begin."""

_SENDS = (
    ("forwardTo", "forwards to"),
    ("forwardAsAttachmentTo", "forwards as an attachment to"),
    ("redirectTo", "redirects to"),
)
UNREADABLE = "does what cannot be read"
_SAID = ("conditions", "exceptions", "actions", "isEnabled")


def rule_of(mailbox: str, entry: Mapping[str, Any]) -> Rule | None:
    """Read a rule as Graph lists it; ``None`` where it sends nothing away, hides nothing and deletes nothing. Pure.

    Moving alone is how people sort their mail; it hides where the message is marked as read too.
    """
    actions = entry.get("actions") or {}
    does = tuple(_deeds(actions)) if isinstance(actions, Mapping) else (UNREADABLE,)
    if not does:
        return None
    said = json.dumps([entry.get(name) for name in _SAID], sort_keys=True)
    mark = hashlib.sha256(said.encode()).hexdigest()[:16]
    name, enabled = str(entry.get("displayName") or ""), entry.get("isEnabled") is not False
    return Rule(mailbox, str(entry.get("id")), name, does, mark, enabled)


def _deeds(actions: Mapping[str, Any]) -> Iterator[str]:
    for name, words in _SENDS:
        if people := actions.get(name):
            yield f"{words} {', '.join(map(_address, people)) if isinstance(people, list) else people}"
    if actions.get("permanentDelete"):
        yield "deletes for good"
    elif actions.get("delete"):
        yield "deletes"
    if actions.get("moveToFolder") and actions.get("markAsRead"):
        yield "marks as read and moves out of the inbox"


def _address(person: object) -> str:
    inner = person.get("emailAddress") if isinstance(person, Mapping) else None
    return str(inner.get("address") or inner.get("name")) if isinstance(inner, Mapping) else "somebody"


def closed(mailboxes: Sequence[str]) -> str:
    """Name the mailboxes whose rules cannot be seen, exactly and shortly. Pure."""
    names = sorted(mailboxes)
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    mark = hashlib.sha256(json.dumps(names).encode()).hexdigest()[:16]
    return f"inbox rules of {shown(', '.join(names[:3]))}{more}: this connection may not see them (mark {mark})"


@dataclass(frozen=True, slots=True)
class Listing:
    """The rules of all mailboxes that send mail away, hide or delete it, and the mailboxes that stay shut."""

    rules: tuple[Rule, ...]
    shut: tuple[str, ...]

    @property
    def words(self) -> tuple[str, ...]:
        """Name each rule, and the mailboxes that stay shut."""
        return (*(rule.words for rule in self.rules), *([closed(self.shut)] if self.shut else []))


def list_rules(door: Door, job: Job) -> Listing:
    """List the inbox rules of every mailbox of the tenant, twenty mailboxes in one request.

    Raises:
        CallRefused: If the users cannot be listed.
        Unavailable: If Microsoft 365 is busy or an answer cannot be read: a part of the list is no list.
    """
    users = items(door, Ask("GET", "/v1.0/users?$select=id,mail,userPrincipalName&$top=999", "none"), job)
    rules: list[Rule] = []
    shut: list[str] = []
    while some := list(islice(users, LARGEST)):
        asks = [Ask("GET", _path(str(user.get("id"))), "read", _address_of(user)) for user in some]
        for ask, answer in zip(asks, batch(door, asks, job), strict=True):
            mailbox = str(ask.mailbox)
            entries = _entries(door, ask, answer, job)
            if entries is None:
                shut.append(mailbox)
                continue
            rules += [rule for rule in (rule_of(mailbox, entry) for entry in entries) if rule is not None]
    return Listing(tuple(rules), tuple(shut))


def _path(user: str) -> str:
    return f"/v1.0/users/{segment(user)}/mailFolders/inbox/messageRules"


def _address_of(user: Mapping[str, Any]) -> str:
    return str(user.get("mail") or user.get("userPrincipalName") or user.get("id"))


def _entries(door: Door, ask: Ask, answer: Answer, job: Job) -> list[dict[str, Any]] | None:
    """Return the rules of one mailbox, none where the user has no mailbox, ``None`` where it stays shut."""
    if answer.status in BUSY:
        raise Unavailable("Microsoft 365 is busy", "it is tried again later")
    if answer.status == 404:
        return []
    try:
        page = json.loads(accepted(answer).content)
        found = list(page.get("value") or ())
        if link := page.get("@odata.nextLink"):
            found += items(door, replace(ask, path=door.path_of(link, GRAPH)), job)
    except CallRefused:
        return None
    except (ValueError, AttributeError) as error:
        raise Unavailable(NO_LIST) from error
    if not all(isinstance(entry, dict) for entry in found):
        raise Unavailable(NO_LIST)
    return found


NO_LIST = "Microsoft 365 answered with something that is no list of rules"
