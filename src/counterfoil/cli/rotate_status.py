"""How a campaign is shown: three facts that are never one (law 6), and what the watch saw afterwards.

A terminal gets one line for the facts of a tenant and below it what is to be known besides; what reads a pipe gets
each tenant whole on one line.
"""

from collections import Counter
from collections.abc import Iterator, Mapping

from counterfoil.app.accepting import mark_of
from counterfoil.app.campaigning import Registers, still_by_hand
from counterfoil.cli.output import answer_json, answer_lines, answer_table, answer_text, columns, visible
from counterfoil.credential.campaign import Pace, Place, token_may_live_until
from counterfoil.credential.campaigns import Campaign, Campaigns
from counterfoil.credential.rotation import FINAL, State
from counterfoil.model.instant import rfc3339
from counterfoil.model.mail import Json
from counterfoil.model.number import counted

COLUMNS = (
    "tenant",
    "state",
    "next",
    "removed",
    "attacker_out",
    "proven_dead",
    "watched_until",
    "words",
    "left",
    "accepted",
)
HEADS = ("tenant", "state", "key removed", "attacker out", "proven dead")
NAME, STATE, TIME = 20, 12, 13
REHEARSED = "rehearsed: published, accepted, taken away again"
"""The words of a place that a rehearsal turned back because it had come as far as it should."""


def say_status(books: Registers, chosen: str | None, pace: Pace, *, as_json: bool) -> int:
    """Print where every tenant of one campaign, or of all, stands."""
    campaigns = Campaigns(books.ledger)
    found = [campaigns.campaign(chosen)] if chosen is not None else campaigns.all()
    names = {c.stem: c.tenant for c in books.connections.all()}
    documents: list[Json] = []
    for campaign in found:
        places = campaigns.places(campaign.id)
        tenants: list[dict[str, Json]] = [as_document(names.get(k, k), place, pace) for k, place in places.items()]
        by_hand = still_by_hand(books, campaign)
        head: dict[str, Json] = {"campaign": campaign.id, "kind": campaign.kind.value, "held": campaign.held}
        head |= {"rehearsal": campaign.rehearsal, "by_hand": [*by_hand]}
        documents.append(head | {"tenants": [*tenants]})
        if not as_json:
            _print(campaign, places, [{**one, "state": _stands(campaign, one)} for one in tenants])
            answer_lines((f"by hand, no control application: {name}", "red") for name in by_hand)
    if as_json:
        answer_json(documents)
    elif not found:
        answer_text("no campaign yet: counterfoil rotate plan NAME")
    return 0


def as_document(name: str, place: Place, pace: Pace) -> dict[str, Json]:
    """Spell a place as JSON; a fact that is not one yet is null."""
    until = token_may_live_until(place, pace)
    return {
        "tenant": name,
        "state": place.state.value,
        "next": place.here.step.value,
        "removed": rfc3339(place.removed_at) if place.removed_at else None,
        "proven_dead": rfc3339(place.dead_at) if place.dead_at else None,
        "attacker_out": rfc3339(place.out_at) if place.out_at else None,
        "old_tokens_until": rfc3339(until) if until else None,
        "next_at": rfc3339(place.next_at) if place.next_at and place.state not in FINAL else None,
        "words": place.words,
        "looked_at": rfc3339(place.looked_at) if place.looked_at else None,
        "watched_until": rfc3339(place.proven_until) if place.proven_until else None,
        "hours_not_proven": place.unproven,
        "used_since": place.used_since,
        "tried_since": place.tried_since,
        "left": [{"mark": mark_of(words), "what": words} for words in place.still_left],
        "accepted": [{"what": a.words, "by": a.by, "at": rfc3339(a.at), "why": a.why} for a in place.accepted],
    }


def _stands(campaign: Campaign, one: Mapping[str, Json]) -> str:
    """Say where a tenant stands: a rehearsal that went well ends rolled back, and was no failure."""
    good = campaign.rehearsal and one["state"] == State.ROLLED_BACK.value and one["words"] == REHEARSED
    return "rehearsed" if good else str(one["state"])


def _print(campaign: Campaign, places: Mapping[str, Place], tenants: list[dict[str, Json]]) -> None:
    counts = Counter(str(one["state"]) for one in tenants)
    stands = ", ".join(f"{count} {state}" for state, count in counts.most_common())
    kind = "rehearsal" if campaign.rehearsal else campaign.kind.value
    held = f"held: {campaign.held}" if campaign.held else "not held"
    answer_text(visible(f"{campaign.id}: {kind}, {held}; {stands or 'no tenants'}"))
    width = columns()
    if width is None:
        answer_table(COLUMNS, [_row(*pair) for pair in zip(places.values(), tenants, strict=True)], "no tenants")
        return
    answer_lines([(_line(HEADS), "bold")])
    for place, one in zip(places.values(), tenants, strict=True):
        facts = tuple(str(one[name] or "") for name in ("removed", "attacker_out", "proven_dead"))
        answer_lines([(_line((str(one["tenant"]), str(one["state"]), *map(_short, facts))), _style(place))])
        answer_lines((f"  {line}", "") for line in _below(place, one))


def _row(place: Place, one: Mapping[str, Json]) -> tuple[str, ...]:
    """Lay a tenant out on one line."""
    lists = {"left": "; ".join(_left(place)), "accepted": "; ".join(_accepted(place))}
    return tuple(str({**one, **lists}[name] or "") for name in COLUMNS)


def _line(cells: tuple[str, ...]) -> str:
    """Lay the cells out so that 80 columns hold them; a longer name pushes its own line to the right."""
    name, state, *times = cells
    return "  ".join([f"{name:<{NAME}}", f"{state:<{STATE}}", *(f"{time:<{TIME}}" for time in times)]).rstrip()


def _short(moment: str) -> str:
    """``2026-10-05T09:31:02.123456Z`` as ``10-05 09:31Z``; a fact that is not one yet as a dash."""
    return f"{moment[5:10]} {moment[11:16]}Z" if moment else "-"


def _style(place: Place) -> str:
    if place.used_since or place.state in (State.HELD, State.UNREACHABLE):
        return "red"
    return "green" if place.state is State.DONE else ""


def _below(place: Place, one: Mapping[str, Json]) -> Iterator[str]:
    if place.state not in FINAL:
        when = f", not before {one['next_at']}" if one["next_at"] else ""
        yield f"next: {one['next']}{when}"
        if place.removed_at is not None and place.out_at is None and not place.still_left:
            yield f"a token of the old key may still live until {one['old_tokens_until']}"
        if place.words and not (place.still_left and place.state is State.RETIRED):  # these are named below
            yield place.words
    yield from (f"left, {line}" for line in _left(place))
    yield from _accepted(place)
    if place.state is State.ROLLED_BACK and place.words:
        yield place.words
    if place.removed_at is not None and place.state in (State.DONE, State.PROVEN_DEAD, State.RETIRED):
        yield from _watch(place, one)


def _left(place: Place) -> Iterator[str]:
    """Name what keeps "attacker out" back, each with the mark by which it can be accepted."""
    yield from (f"{mark_of(words)}: {words}" for words in place.still_left)


def _accepted(place: Place) -> Iterator[str]:
    yield from (f"accepted by {one.by}: {one.words}, because {one.why}" for one in place.accepted)


def _watch(place: Place, one: Mapping[str, Json]) -> Iterator[str]:
    if place.looked_at is None:
        yield f"watched since {one['removed']}: nobody has looked yet (counterfoil rotate watch {place.campaign})"
        return
    proves = f"proven up to {one['watched_until']}" if place.proven_until else "not one hour proven"
    left = counted(place.unproven, "hour")
    yield f"watched since {one['removed']}, {proves}; {left} not proven; looked {one['looked_at']}"
    see = f"since: counterfoil incident show {place.campaign}"
    if place.used_since:
        yield f"USED {counted(place.used_since, 'time')} {see}-used-again"
    if place.tried_since:
        yield f"refused {counted(place.tried_since, 'time')} {see}-tried-again"
