"""Waves: how a campaign cuts over a few tenants before many, and when it stops by itself. Pure.

The shape is own test tenant, one, 1 % (three at least), 10 %, 50 %, the rest; a wave begins when every
tenant of the one before has been cut over for the bake time. A compromise shortens the bake time and
never skips the first single tenant: until one has worked for the bake time, whichever it is, no second is cut over.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from counterfoil.credential.campaign import Place
from counterfoil.credential.rotation import Kind, State

VAIN = 3
SHARES = (0.01, 0.1, 0.5)
FEWEST_OF_ONE_PERCENT = 3
REMOVED = frozenset({State.RETIRED, State.PROVEN_DEAD, State.DONE})
PAST_CUT_OVER = frozenset({State.CUT_OVER, State.DRAINING, State.RETIRING}) | REMOVED
OUT_OF_THE_WAY = frozenset({State.ROLLED_BACK, State.ROLLING_BACK, State.UNREACHABLE, State.SUPERSEDED})


@dataclass(frozen=True, slots=True)
class Brakes:
    """When a campaign holds by itself; shares between 0 and 1, ages in seconds.

    ``held_share`` counts tenants that the campaign had to hold, not those that an operator holds; in the first two
    waves one is enough.
    ``vain_share`` counts tenants from which no answer came ``VAIN`` times in a row: where those are many, it is us.
    """

    bake: timedelta = timedelta(minutes=10)
    held_share: float = 0.01
    vain_share: float = 0.2
    throttled_share: float = 0.2
    oldest_mail: float = 900.0


@dataclass(frozen=True, slots=True)
class Gauges:
    """What is watched while a campaign runs."""

    throttled_share: float = 0.0
    oldest_mail: float = 0.0


def plan(tenants: Sequence[str], own_test: Collection[str] = ()) -> tuple[tuple[str, ...], ...]:
    """Cut the tenants into waves, in their order, our own test tenant's first; every one is in exactly one."""
    rest = [tenant for tenant in tenants if tenant not in own_test]
    waves = [tuple(tenant for tenant in tenants if tenant in own_test)]
    if rest:
        waves.append((rest[0],))
    taken = 1
    for share in SHARES:
        upto = max(ceil(len(rest) * share), FEWEST_OF_ONE_PERCENT if share == SHARES[0] else 0) + 1
        waves.append(tuple(rest[taken:upto]))
        taken = max(taken, min(upto, len(rest)))
    waves.append(tuple(rest[taken:]))
    return tuple(wave for wave in waves if wave)


def open_waves(
    waves: Sequence[Sequence[str]], places: Mapping[str, Place], brakes: Brakes, now: datetime
) -> frozenset[str]:
    """Return the tenants that may be cut over now."""
    allowed: set[str] = set()
    for wave in waves:
        allowed |= set(wave)
        if not all(_baked(places[tenant], brakes, now) for tenant in wave if tenant in places):
            break
    if any(_works(places[tenant], brakes, now) for tenant in allowed if tenant in places):
        return frozenset(allowed)
    # Whoever was to be the first may be out of the way: then the next is the first, and not all of the next wave.
    here = [tenant for wave in waves for tenant in wave if tenant in allowed and tenant in places]
    return frozenset([tenant for tenant in here if not _out_of_the_way(places[tenant])][:1])


def _out_of_the_way(place: Place) -> bool:
    return place.state in OUT_OF_THE_WAY or place.held_by_operator


def _baked(place: Place, brakes: Brakes, now: datetime) -> bool:
    return _out_of_the_way(place) or _works(place, brakes, now)


def _works(place: Place, brakes: Brakes, now: datetime) -> bool:
    if place.state not in PAST_CUT_OVER or place.switched_at is None:
        return False
    return now - place.switched_at >= brakes.bake


def brake(waves: Sequence[Sequence[str]], places: Mapping[str, Place], gauges: Gauges, brakes: Brakes) -> str | None:
    """Say in words why the campaign must hold now, or ``None``."""
    held = sorted(t for t, place in places.items() if place.state is State.HELD and not place.held_by_operator)
    first = {tenant for wave in waves[:2] for tenant in wave}
    canaries = [tenant for tenant in held if tenant in first]
    if canaries:
        return f"a tenant of the first waves is held: {canaries[0]}: {places[canaries[0]].words}"
    if held and len(held) > brakes.held_share * len(places):
        return f"{len(held)} of {len(places)} tenants are held"
    vain = sum(place.attempts >= VAIN and place.state is not State.UNREACHABLE for place in places.values())
    if vain > max(1, brakes.vain_share * len(places)):
        return f"{vain} of {len(places)} tenants gave no answer {VAIN} times in a row"
    if gauges.throttled_share > brakes.throttled_share:
        return f"{gauges.throttled_share:.0%} of the calls are throttled"
    if gauges.oldest_mail > brakes.oldest_mail:
        return f"the oldest mail waits for {gauges.oldest_mail:.0f} s"
    return None


def pause(
    waves: Sequence[Sequence[str]], places: Mapping[str, Place], brakes: Brakes, now: datetime, upto: int | None
) -> str | None:
    """Say that the first ``upto`` waves have been cut over and have baked, as was asked; ``None`` before that.

    A compromise has removed the old credential there, too: a stolen key is not left to work while people think.
    """
    if not upto or upto >= len(waves):
        return None
    asked = {tenant for wave in waves[:upto] for tenant in wave}
    here = [places[tenant] for tenant in asked if tenant in places]
    if not all(_baked(place, brakes, now) for place in here):
        return None
    if any(
        place.kind is Kind.COMPROMISE and place.state not in REMOVED and not _out_of_the_way(place) for place in here
    ):
        return None
    return f"paused after wave {upto} of {len(waves)}, as was asked"
