"""The thieves, by name, and a thief let into a tenant.

A thief's acts go into the tenant's books like anybody's; what he really did goes into a ``Theft``, which
is what a reconciliation is scored against.
"""

from collections.abc import Callable
from datetime import timedelta

from counterfoil.cases.acts import Actor
from counterfoil.cases.burglary import BURGLARS
from counterfoil.cases.burglary import NEEDS_GRAPH as THESE_NEED_GRAPH
from counterfoil.cases.cast import Setting, Tenant
from counterfoil.cases.chance import Chance
from counterfoil.cases.foothold import FOOTHOLDS
from counterfoil.cases.rows import THIEF, Books
from counterfoil.cases.theft import Raid, Theft

AGENT = "python-requests/2.31"

THIEVES: dict[str, Callable[[Raid], None]] = {**BURGLARS, **FOOTHOLDS}
"""Every behaviour by name; the first line of its docstring says what it is."""

NEEDS_GRAPH = frozenset(name for name, behaviour in THIEVES.items() if behaviour in THESE_NEED_GRAPH)
"""Behaviours that only a connection over Graph allows, or whose calls only Graph's log tells apart."""


def raid(tenant: Tenant, setting: Setting, books: Books) -> Theft | None:
    """Let the tenant's thief in, if it has one; return what he did."""
    if tenant.thief is None:
        return None
    chance = Chance(setting.seed, "thief", tenant.name)
    hour = chance.between(setting.hours // 2, setting.hours - 1)
    start = chance.within(setting.start + timedelta(hours=hour, minutes=15), 1_200)
    actor = Actor(THIEF, tenant, f"203.0.113.{chance.between(1, 250)}", AGENT, books, chance)
    theft = Theft()
    THIEVES[tenant.thief](Raid(tenant, setting, books, start, actor, theft))
    return theft
