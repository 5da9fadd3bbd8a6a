"""How a row reaches the customer: late, twice, out of order, or never, as the settings say."""

from typing import Any

from counterfoil.lab.objects import Row
from counterfoil.lab.world import World

SIGNIN = "signin"
ACTIVITY = "activity"
DIRECTORY = "directory"
MAILBOX = "audit"


def record(world: World, tenant: str, log: str, at: float, body: dict[str, Any]) -> None:
    """Keep a row of a tenant's log; ``body`` says what happened, ``at`` when.

    A row that is lost is kept as one that becomes visible never, so that a drill can count it.
    """
    visible = at + world.between(tenant, f"{log}_delay")
    if world.happens(tenant, "lost_share") or world.happens(tenant, f"{log}_lost_share"):
        visible = float("inf")
    world.put(Row(world.guid(), tenant, log, at, visible, body))
    if visible != float("inf") and world.happens(tenant, "duplicate_share"):
        again = visible + 1.0 + world.between(tenant, f"{log}_delay")
        world.put(Row(world.guid(), tenant, log, at, again, body))


def seen(world: World, tenant: str, log: str, now: float) -> list[Row]:
    """Return the rows that the customer can see by now, in the order in which they became visible."""
    rows = [row for row in world.every(Row, tenant) if row.log == log and row.visible <= now]
    return sorted(rows, key=lambda row: row.visible)
