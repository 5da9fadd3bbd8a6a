"""Tell a case: cast the tenants, live the time, let the thieves in, let the faults happen, keep the truth."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from counterfoil.cases.cast import Setting, Tenant, tenant
from counterfoil.cases.chance import Chance
from counterfoil.cases.faults import FAULTS, RESTORED, lose_stubs, spoil
from counterfoil.cases.ours import live
from counterfoil.cases.rows import Books, Record
from counterfoil.cases.spell import instant
from counterfoil.cases.theft import Theft
from counterfoil.cases.thief import NEEDS_GRAPH, THIEVES, raid
from counterfoil.model.errors import Misconfigured

SHARE_WITH_FAULT = 0.4
SHARE_WITH_THIEF = 0.25
SHARE_OF_SHARED_KEYS = 0.1


@dataclass(frozen=True, slots=True)
class Told:
    """One tenant's part of the story when it is over."""

    tenant: Tenant
    books: Books
    theft: Theft | None
    undetectable: bool
    faults: tuple[str, ...]


def known_names(text: str) -> tuple[str, ...]:
    """Read ``all``, ``none`` or names of faults and thieves, separated by commas.

    Raises:
        Misconfigured: If a name is unknown; the hint lists those there are.
    """
    every = (*FAULTS, *THIEVES)
    if text in ("all", "none"):
        return every if text == "all" else ()
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    unknown = [name for name in names if name not in every]
    if unknown:
        raise Misconfigured(f"unknown fault: {', '.join(unknown)}", f"there are: all, none, {', '.join(every)}")
    return names


def thieves() -> dict[str, str]:
    """Return what every thief does, in a line, by name."""
    return {name: str(behaviour.__doc__).partition("\n")[0] for name, behaviour in THIEVES.items()}


def setting(  # noqa: PLR0917 - the arguments are those of the command
    start: datetime, days: float, tenants: int, calls: int, seed: int, names: tuple[str, ...] = ()
) -> Setting:
    """Spread ``calls`` calls over the tenants and hours (at least the heartbeat's own, one an hour).

    Our ledger loses an hour if that is named, and with all faults in one case of eight.
    """
    hours = max(1, round(days * 24))
    lost = None
    mixed = len(names) == len((*FAULTS, *THIEVES))
    if RESTORED in names and (not mixed or Chance(seed, RESTORED).happens(0.125)):
        since = start + timedelta(hours=hours // 2)
        lost = (since, since + timedelta(hours=1))
    return Setting(start, hours, max(0, calls // (tenants * hours) - 1), seed, lost)


def cast(tenants: int, seed: int, names: tuple[str, ...]) -> list[Tenant]:
    """Cast the tenants so that every named fault and thief appears; with fewer tenants than names, chance picks."""
    chance = Chance(seed, "cast")
    faults = _spread([name for name in names if name in FAULTS and name != RESTORED], tenants, SHARE_WITH_FAULT, chance)
    thieves = _spread([name for name in names if name in THIEVES], tenants, SHARE_WITH_THIEF, chance)
    result = []
    for number in range(tenants):
        fault, thief = faults.get(number), thieves.get(number)
        if fault == "lost-theft" and thief is None:
            thief = "stolen-key"
        style = "graph" if thief in NEEDS_GRAPH or chance.happens(0.7) else "ews"
        shared = chance.happens(SHARE_OF_SHARED_KEYS)
        result.append(tenant(seed, number, style=style, shared=shared, faults=(fault,) if fault else (), thief=thief))
    return result


def _spread(names: list[str], tenants: int, share: float, chance: Chance) -> dict[int, str]:
    """Give each name a tenant of its own first, then names by chance to that share of the others."""
    if not names:
        return {}
    names = [names[place] for place in chance.sample(list(range(len(names))), len(names))]
    order = chance.sample(list(range(tenants)), tenants)
    given = dict(zip(order, names, strict=False))
    given |= {number: chance.pick(names) for number in order[len(names) :] if chance.happens(share)}
    return given


def planted(tenants: int, seed: int) -> list[Tenant]:
    """The scenario of 2021 with two twists: one certificate on a tenth of the tenants.

    One tenant in ten has the connection over EWS with the one shared certificate. Three of those are
    touched (mail read, nothing changed); a fourth, over Graph, has a token replayed; a fifth has no
    licence for the logs. The other nine tenths have no connection: see ``bystanders``.
    """
    using = max(6, tenants // 10)
    thieves = {1: "stolen-key", 2: "stolen-key", 3: "stolen-key", 4: "replay"}
    return [
        tenant(
            seed,
            number,
            style="graph" if number == 4 else "ews",
            shared=True,
            faults=("unlicensed",) if number == 5 else (),
            thief=thieves.get(number),
        )
        for number in range(using)
    ]


def bystanders(tenants: int, seed: int) -> list[Record]:
    """Return the stubs of the tenants in the planted scenario that have no connection."""
    first = len(planted(tenants, seed))
    ids = (str(Chance(seed, "bystander", number).guid()) for number in range(first, tenants))
    return [
        {"kind": "tenant", "tenant": guid, "name": f"customer-{number:04d}", "connected": False, "roles": []}
        for number, guid in enumerate(ids, first)
    ]


def tell(one: Tenant, stage: Setting) -> Told:
    """Play one tenant's part from start to end."""
    books = live(one, stage)
    theft = raid(one, stage, books)
    undetectable = spoil(one, stage, books, theft)
    lose_stubs(stage, books)
    faults = (*one.faults, RESTORED) if stage.lost else one.faults
    return Told(one, books, theft, undetectable, faults)


def gap(stage: Setting) -> list[Record]:
    """Return the stub by which our ledger says that it lost others, if it did."""
    if stage.lost is None:
        return []
    since, last = map(instant, stage.lost)
    return [{"kind": "gap", "since": since, "until": last, "reason": "restored from a copy"}]


def until(stage: Setting) -> datetime:
    """Return the end of the time, which is not part of it."""
    return stage.start + timedelta(hours=stage.hours)
