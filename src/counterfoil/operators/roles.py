"""What each role permits, as one table, and for which tenants. Pure.

Mail and keys are kept apart on purpose: who rotates keys reads no mail, and who reads mail rotates no keys.
An account that needs both has both roles.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What somebody is here for."""

    VIEWER = "viewer"
    ANALYST = "analyst"
    OPERATOR = "operator"
    KEY_CUSTODIAN = "key-custodian"


class Permission(StrEnum):
    """What can be done, or looked at, in the console."""

    SEE_MAIL = "see-mail"
    READ_HELD = "read-held"
    RELEASE = "release"
    DELETE = "delete"
    SEE_TENANTS = "see-tenants"
    SEE_CONNECTIONS = "see-connections"
    SEE_CAMPAIGNS = "see-campaigns"
    HOLD = "hold"
    RESUME = "resume"
    SEE_INCIDENTS = "see-incidents"
    SEE_LEDGER = "see-ledger"
    VERIFY_LEDGER = "verify-ledger"


_P = Permission
_LOOK = frozenset({_P.SEE_TENANTS, _P.SEE_CONNECTIONS, _P.SEE_CAMPAIGNS, _P.SEE_INCIDENTS, _P.SEE_LEDGER})
_MAIL = _LOOK | {_P.SEE_MAIL}

PERMITS: Mapping[Role, frozenset[Permission]] = {
    Role.VIEWER: _MAIL,
    Role.ANALYST: _MAIL | {_P.READ_HELD, _P.VERIFY_LEDGER},
    # Everybody who runs something may stop a rotation; only who keeps the keys lets it go on.
    Role.OPERATOR: _MAIL | {_P.READ_HELD, _P.VERIFY_LEDGER, _P.RELEASE, _P.DELETE, _P.HOLD},
    Role.KEY_CUSTODIAN: _LOOK | {_P.VERIFY_LEDGER, _P.HOLD, _P.RESUME},
}
"""The one table of who may do what."""


@dataclass(frozen=True, slots=True)
class Grant:
    """A role for one tenant, or for all of them (``None``)."""

    role: Role
    tenant: str | None


@dataclass(frozen=True, slots=True)
class Scope:
    """The tenants that a question is about: all, those of no tenant too (``None``), or these and no other (law 11)."""

    tenants: frozenset[str] | None

    def __bool__(self) -> bool:
        """Say whether there is anything in it."""
        return self.tenants is None or bool(self.tenants)

    @property
    def everything(self) -> bool:
        """Say whether nothing is left out."""
        return self.tenants is None

    def has(self, tenant: str | None) -> bool:
        """Say whether a tenant is in it; what is no tenant's is in the scope of all only."""
        return self.tenants is None or tenant in self.tenants

    def narrowed(self, tenant: str | None) -> "Scope":
        """Return the part of it that is one tenant's; of a tenant outside, nothing."""
        if not tenant:
            return self
        return Scope(frozenset({tenant}) if self.has(tenant) else frozenset())


def scope(grants: Iterable[Grant], permission: Permission) -> Scope:
    """Return for which tenants the grants permit something."""
    fitting = [grant.tenant for grant in grants if permission in PERMITS[grant.role]]
    if None in fitting:
        return Scope(None)
    return Scope(frozenset(tenant for tenant in fitting if tenant is not None))
