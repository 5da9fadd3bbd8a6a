"""The geometry of the report's timelines: where in a strip a band or a mark lies, in per cent of its width. Pure.

A strip has no pixels of its own, so that it is as sharp on a telephone as on paper.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from counterfoil.evidence.coverage import PROVEN
from counterfoil.model.instant import from_rfc3339

NARROWEST = 100 / 240
"""A stretch of proven hours that would be narrower is drawn into its neighbour; the others never."""

APART = 1.6
"""Marks nearer to each other are drawn as one with a number."""

LANES = ("signed in", "read", "changed", "left behind", "other")
BURSTS = 4
"""Close-ups that are drawn for one tenant."""

_MILD = frozenset({"attempted", "unexplained", "unseen"})


@dataclass(frozen=True, slots=True)
class Band:
    """A stretch of one state."""

    x: float
    width: float
    state: str


@dataclass(frozen=True, slots=True)
class Mark:
    """Events at about one place; ``sure`` says that one of them was somebody else's, ``size`` is a radius in pixels."""

    x: float
    count: int
    sure: bool
    size: float
    words: str


@dataclass(frozen=True, slots=True)
class Strip:
    """One line of a timeline."""

    label: str
    bands: tuple[Band, ...]
    marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True)
class Closeup:
    """Some minutes in which something happened, in lanes by what was done."""

    first: datetime
    last: datetime
    strips: tuple[Strip, ...]
    ticks: tuple[tuple[float, str], ...]


@dataclass(frozen=True, slots=True)
class Event:
    """One row of the evidence."""

    time: datetime
    source: str
    lane: str
    sure: bool
    words: str


def events_of(tenant: Mapping[str, Any]) -> list[Event]:
    """Take the rows of a tenant's discrepancies that have a time, in order."""
    left = {entry["record"] for entry in tenant["radius"]["persistence"]}
    left |= {str(record).split(":", 2)[-1] for record in left}
    found = [
        Event(
            from_rfc3339(row["time"]),
            row["source"],
            _lane(row, left),
            entry["kind"] not in _MILD,
            f"{entry['kind']}, {row.get('operation') or row['source']}, {row['time']}, {row.get('address') or ''}",
        )
        for entry in tenant["discrepancies"]
        for row in entry["evidence"]
        if row.get("time")
    ]
    return sorted(found, key=lambda event: (event.time, event.source, event.words))


def _lane(row: Mapping[str, Any], left: set[str]) -> str:
    if row["source"] == "sign-ins":
        return "signed in"
    if row.get("record") in left or row["source"] == "directory-audit":
        return "left behind"
    return {"read": "read", "change": "changed"}.get(row.get("effect", "none"), "other")


def overview(
    hours: Mapping[str, Mapping[datetime, str]], events: Iterable[Event], since: datetime, until: datetime
) -> list[Strip]:
    """Draw one strip a log: what of it was proven as bands, what was not ours as marks."""
    by_source: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        by_source[event.source].append(event)
    labels = [*hours, *(source for source in by_source if source not in hours)]
    return [
        Strip(label, tuple(_bands(hours.get(label, {}), since, until)), marks_of(by_source[label], since, until))
        for label in labels
    ]


def closeups(events: list[Event]) -> list[Closeup]:
    """Draw the minutes in which something happened, the first few of them."""
    bursts: list[list[Event]] = []
    for event in events:
        if bursts and event.time - bursts[-1][-1].time <= timedelta(hours=1):
            bursts[-1].append(event)
        else:
            bursts.append([event])
    return [_closeup(burst) for burst in bursts if len(burst) > 1][:BURSTS]


def _closeup(burst: list[Event]) -> Closeup:
    margin = max(timedelta(seconds=5), (burst[-1].time - burst[0].time) * 0.04)
    since, until = burst[0].time - margin, burst[-1].time + margin
    lanes = [lane for lane in LANES if any(event.lane == lane for event in burst)]
    strips = [Strip(lane, (), marks_of([e for e in burst if e.lane == lane], since, until)) for lane in lanes]
    return Closeup(burst[0].time, burst[-1].time, tuple(strips), ticks(since, until, 4, "%H:%M:%S"))


def marks_of(events: Iterable[Event], since: datetime, until: datetime) -> tuple[Mark, ...]:
    """Draw events as marks, those that would lie over each other as one."""
    groups: list[list[tuple[float, Event]]] = []
    for event in events:
        x = _place(event.time, since, until)
        if groups and x - groups[-1][0][0] < APART:
            groups[-1].append((x, event))
        else:
            groups.append([(x, event)])
    return tuple(
        Mark(
            round(sum(x for x, _ in group) / len(group), 2),
            len(group),
            any(event.sure for _, event in group),
            min(9.0, 4.5 + 0.8 * len(group).bit_length()),
            _told([event for _, event in group]),
        )
        for group in groups
    )


def _told(events: list[Event]) -> str:
    more = f" and {len(events) - 3} more" if len(events) > 3 else ""
    return "\n".join(event.words for event in events[:3]) + more


def ticks(since: datetime, until: datetime, count: int, form: str) -> tuple[tuple[float, str], ...]:
    """Divide a stretch into so many parts, each begin with its time."""
    step = (until - since) / count
    return tuple((round(100 * n / count, 2), f"{since + n * step:{form}}") for n in range(count + 1))


def _bands(hours: Mapping[datetime, str], since: datetime, until: datetime) -> list[Band]:
    """Join neighbouring hours of one state."""
    bands: list[Band] = []
    for hour, state in sorted(hours.items()):
        start, end = _place(hour, since, until), _place(hour + timedelta(hours=1), since, until)
        if bands and (bands[-1].state == state or (end - bands[-1].x < NARROWEST and state == PROVEN)):
            bands[-1] = Band(bands[-1].x, round(end - bands[-1].x, 3), bands[-1].state)
        else:
            bands.append(Band(start, round(end - start, 3), state))
    return bands


def _place(moment: datetime, since: datetime, until: datetime) -> float:
    share = (moment - since) / (until - since)
    return round(100 * min(1.0, max(0.0, share)), 3)
