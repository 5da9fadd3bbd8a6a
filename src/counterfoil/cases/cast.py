"""Who appears in a case: tenants with their mailboxes and keys, the fault each has, the thief each meets."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from counterfoil.cases.chance import Chance
from counterfoil.cases.rows import Key
from counterfoil.cases.spell import CURRENT, VINTAGES, Vintage

GRAPH_ROLES = ("Mail.ReadWrite",)
EWS_ROLES = ("full_access_as_app",)


@dataclass(frozen=True, slots=True)
class Tenant:
    """One invented customer.

    ``app`` is the client id and ``application`` the object id of the registration; ``standby`` is a
    certificate of ours that lies ready and is never used; ``style`` is how we reach its mail: ``graph`` or
    ``ews``.
    """

    name: str
    tenant: UUID
    app: UUID
    application: UUID
    service_principal: UUID
    key: Key
    standby: Key
    shared_key: bool
    style: str
    mailboxes: tuple[str, ...]
    roles: tuple[str, ...]
    address: str
    faults: tuple[str, ...]
    thief: str | None

    @property
    def vintage(self) -> Vintage:
        """How this tenant's logs spell what they say."""
        return next((VINTAGES[fault] for fault in self.faults if fault in VINTAGES), CURRENT)


@dataclass(frozen=True, slots=True)
class Setting:
    """The stage: when it plays, how long, how many calls we make in an hour, and the seed.

    ``lost`` is the hour of which our own ledger lost its stubs, if it did.
    """

    start: datetime
    hours: int
    calls_an_hour: int
    seed: int
    lost: tuple[datetime, datetime] | None = None

    @property
    def middle(self) -> datetime:
        """Half of the time."""
        return self.start + timedelta(hours=self.hours / 2)


def shared_certificate(seed: int) -> tuple[str, str]:
    """Return the thumbprints of the certificate that several connections share."""
    chance = Chance(seed, "shared certificate")
    return chance.hex(20), chance.hex(32)


def tenant(  # the arguments are the columns of the cast
    seed: int, number: int, *, style: str, shared: bool, faults: tuple[str, ...], thief: str | None
) -> Tenant:
    """Invent one tenant; the same seed and number give the same one."""
    chance = Chance(seed, "tenant", number)
    name = f"customer-{number:04d}"
    sha1, sha256 = shared_certificate(seed) if shared else (chance.hex(20), chance.hex(32))
    spare = Chance(seed, "standby", number)
    return Tenant(
        name=name,
        tenant=chance.guid(),
        app=chance.guid(),
        application=chance.guid(),
        service_principal=chance.guid(),
        key=Key(chance.guid(), sha1, sha256, f"CN={name}.mailguard.example"),
        standby=Key(spare.guid(), spare.hex(20), spare.hex(32), f"CN={name}.mailguard.example (standby)"),
        shared_key=shared,
        style=style,
        mailboxes=tuple(f"user{n}@{name}.example" for n in range(1, chance.between(3, 5) + 1)),
        roles=EWS_ROLES if style == "ews" else GRAPH_ROLES,
        address=f"198.51.100.{chance.between(1, 40)}",
        faults=faults,
        thief=thief,
    )
