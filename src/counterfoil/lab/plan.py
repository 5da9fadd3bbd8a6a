"""The fault plan: which tenant suffers what, drawn from a seed; and things that happen by themselves later.

The same seed and the same tenants give the same plan, whatever else the laboratory does.
"""

import hashlib
from typing import Any

from counterfoil.lab import places
from counterfoil.lab.objects import Row, Scheduled, Tenant
from counterfoil.lab.world import World
from counterfoil.model.errors import Refused

FAULTS: dict[str, dict[str, float]] = {
    "lag": {"replication_seconds": 2.0},
    "stale-reads": {"read_lag_seconds": 0.5},
    "timeouts": {"timeout_share": 0.2},
    "cuts": {"cut_share": 0.2},
    "storms": {"throttle_share": 0.1, "storm_seconds": 0.5},
    "throttled-tokens": {"throttled_share": 0.1},
    "errors": {"error_share": 0.1},
    "lost-tokens": {"token_lost_share": 0.1},
    "lost-rows": {"lost_share": 0.1},
    "twice": {"duplicate_share": 0.3},
    "late": {"signin_delay_max": 3.0, "activity_delay_max": 3.0, "audit_delay_max": 3.0, "directory_delay_max": 3.0},
    "unlicensed": {},
    "admin": {},
    "copied-key": {},
    "copied-token": {},
}
"""What may befall a tenant, and the dials that make it so; those without dials are done otherwise.

A thief has no key before somebody hands him one: the plan says whose he is given, the drill gives it to a ``Thief``.
"""


def draw(seed: int, subject: str, fault: str) -> float:
    """Return a number from 0 up to 1 that depends on nothing but its arguments."""
    digest = hashlib.sha256(f"{seed}|{subject}|{fault}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def apply_faults(
    world: World, now: float, *, seed: int, share: float = 0.2, kinds: list[str] | None = None
) -> dict[str, list[str]]:
    """Give every tenant each kind of fault with a probability; returns what each got, by tenant id.

    A tenant is known to the plan by its name, since ids are random. ``admin``: between 1 and 5 seconds
    from now an administrator makes a client secret on one of the tenant's applications and tells
    nobody.

    Raises:
        Refused: If a kind is unknown.
    """
    unknown = sorted(set(kinds or ()) - set(FAULTS))
    if unknown:
        raise Refused(f"the laboratory knows no fault {unknown[0]}", f"it knows: {', '.join(FAULTS)}")
    given: dict[str, list[str]] = {}
    for tenant in world.every(Tenant):
        struck = [kind for kind in kinds or FAULTS if draw(seed, tenant.name, kind) < share]
        for kind in struck:
            tenant.settings |= FAULTS[kind]
        if "unlicensed" in struck:
            tenant.licensed = False
        if "admin" in struck:
            _admin(world, now + 1 + 4 * draw(seed, tenant.name, "when"), tenant)
        world.put(tenant)
        given[tenant.id] = struck
    return given


def _admin(world: World, at: float, tenant: Tenant) -> None:
    arguments: dict[str, Any] = {"tenant": tenant.id, "user": f"operator@{tenant.domains[0]}"}
    world.put(Scheduled(world.guid(), at, "admin_meddle", arguments))


def schedule(world: World, now: float, *, seconds: float, operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Let an operation happen by itself after a while (an administrator in the middle of a rotation)."""
    tenant = arguments.get("tenant")
    if tenant is not None:
        places.tenant(world, str(tenant))
    appointment = Scheduled(world.guid(), now + seconds, operation, arguments)
    world.put(appointment)
    return {"id": appointment.id, "at": appointment.at}


def lose_rows(
    world: World, _now: float, *, tenant: str, logs: list[str] | None = None, address: str | None = None
) -> dict[str, int]:
    """Lose rows that are there: of some logs, or all; of one caller's address, or of everybody.

    A theft all of whose rows are lost while all of ours survive cannot be seen in any log; a drill that
    makes one has to say so.
    """
    place = places.tenant(world, tenant)
    lost = 0
    for row in world.every(Row, place.id):
        who = row.body.get("ipAddress") or row.body.get("ClientIPAddress") or ""
        if (logs is None or row.log in logs) and (address is None or who == address):
            row.visible = float("inf")
            world.put(row)
            lost += 1
    return {"lost": lost}
