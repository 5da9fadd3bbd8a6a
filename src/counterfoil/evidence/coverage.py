"""What can be judged: a state for every tenant, source and hour, from our own stubs (law 5).

An hour is proven when every row that our stubs say must be there has arrived; without such a stub it is
``no-data``. What this proves is bounded: with n rows seen and none lost, the share of lost rows is below
3/n with 95 % confidence, and no log can prove more.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from counterfoil.evidence.operations import LATENCY_HOURS, RETENTION_DAYS
from counterfoil.evidence.uses import GRAPH, MAILBOX, SIGN_INS
from counterfoil.model.instant import hour_of

PROVEN, NO_DATA, LATE, MISSING = "proven", "no-data", "late", "missing"
THROTTLED, UNLICENSED, RETENTION = "throttled", "unlicensed", "beyond-retention"
NOT_EXPORTED, UNKNOWN_SCHEMA = "not-exported", "unknown-schema"

JUDGED = (SIGN_INS, GRAPH, MAILBOX)
PAUSE = timedelta(hours=24)
"""Exchange stops recording reads of a mailbox for that long once it throttles."""

WHAT_TO_DO = {
    NO_DATA: "schedule heartbeat calls, one token and one read in every hour",
    LATE: "run again once the rows have had time to arrive; if these logs were taken later, say when with --as-of",
    MISSING: "export this log again; if the rows stay away, Microsoft lost them or they were removed",
    THROTTLED: "take every message in the throttled mailbox as read for 24 hours",
    UNLICENSED: "the tenant needs Microsoft Entra ID P1 or P2 for this log",
    RETENTION: "ask the customer for an archive of this log",
    NOT_EXPORTED: "export this log whole, row by row: it is not among the files, or a file of it is damaged or sums up",
    UNKNOWN_SCHEMA: "look at the list of files: some rows or fields are in no form we know, or contradict each other",
}
"""What a customer can do about each state that is not proven."""

Hour = tuple[str, str, datetime]


@dataclass(frozen=True, slots=True)
class Hole:
    """Something that a damaged or unknown file may have held; ``None`` means any tenant or any source."""

    tenants: frozenset[str] | None
    sources: frozenset[str] | None
    state: str


@dataclass(slots=True)
class Ground:
    """What the hours are judged from; see :mod:`counterfoil.evidence.queries` for the rows."""

    musts: Mapping[Hour, Mapping[str, Any]]
    doubts: set[Hour]
    rows: Mapping[tuple[str, str], int]
    throttled: Mapping[str, list[datetime]] = field(default_factory=dict)
    paused: Mapping[str, list[str]] = field(default_factory=dict)
    holes: list[Hole] = field(default_factory=list)
    unlicensed: set[str] = field(default_factory=set)
    gaps: list[tuple[datetime, datetime]] = field(default_factory=list)
    notes: Mapping[str, list[str]] = field(default_factory=dict)
    """By tenant: what there is to say besides."""
    listed: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    """By tenant: what a listing found to be left behind."""

    @property
    def shown(self) -> dict[str, set[str]]:
        """By tenant: the logs in which uses of ours must show, and which are so required whatever roles are named."""
        found: dict[str, set[str]] = {}
        for tenant, source, _ in self.musts:
            found.setdefault(tenant, set()).add(source)
        return found


@dataclass(slots=True)
class SourceCoverage:
    """The hours of one source: how many in which state, and how many rows of ours were seen in proven hours."""

    source: str
    states: Counter[str] = field(default_factory=Counter)
    seen: int = 0
    hours: dict[datetime, str] = field(default_factory=dict)

    @property
    def proven(self) -> int:
        """The number of proven hours."""
        return self.states[PROVEN]

    @property
    def unproven(self) -> int:
        """The number of hours that are not proven."""
        return sum(self.states.values()) - self.proven

    def missed(self, entry: Mapping[str, Any]) -> bool:
        """Say whether rows that stubs promised lie in an hour that has had its time and lacks them."""
        first = hour_of(entry["first"])
        last = entry["last"]
        return any(state == MISSING and first <= hour <= last for hour, state in self.hours.items())

    @property
    def bound(self) -> float | None:
        """Return 3/n, the share of rows that may be lost unnoticed; ``None`` where nothing was seen."""
        return min(1.0, 3 / self.seen) if self.seen else None


def hours_between(since: datetime, until: datetime) -> Iterator[datetime]:
    """Yield the start of every hour that the window [since, until) reaches into."""
    hour = hour_of(since)
    while hour < until:
        yield hour
        hour += timedelta(hours=1)


def cover(
    tenant: str, sources: Iterable[str], window: tuple[datetime, datetime], *, as_of: datetime, ground: Ground
) -> list[SourceCoverage]:
    """Give every hour of the window a state, for each of these sources."""
    answer: list[SourceCoverage] = []
    for source in sources:
        covered = SourceCoverage(source)
        holes = [
            hole.state
            for hole in ground.holes
            if (hole.tenants is None or tenant in hole.tenants) and (hole.sources is None or source in hole.sources)
        ]
        for hour in hours_between(*window):
            musts = ground.musts.get((tenant, source, hour))
            state = holes[0] if holes else _state(tenant, source, hour, as_of=as_of, ground=ground)
            covered.states[state] += 1
            covered.hours[hour] = state
            if state == PROVEN and musts is not None:
                covered.seen += musts["arrived"]
        answer.append(covered)
    return answer


def _state(  # noqa: PLR0911 - one line a state, in the order in which they are decided
    tenant: str, source: str, hour: datetime, *, as_of: datetime, ground: Ground
) -> str:
    musts = ground.musts.get((tenant, source, hour))
    if any(since < hour + timedelta(hours=1) and hour <= until for since, until in ground.gaps):
        return MISSING  # what is missing is ours: stubs that our ledger lost
    if (tenant, source, hour) in ground.doubts:
        return UNKNOWN_SCHEMA
    if source == MAILBOX and any(_pauses(start, hour) for start in ground.throttled.get(tenant, [])):
        return THROTTLED
    if musts is not None and musts["arrived"] == musts["musts"]:
        return PROVEN
    if source == SIGN_INS and tenant in ground.unlicensed:
        return UNLICENSED
    if not any(count for (_, held), count in ground.rows.items() if held == source):
        return NOT_EXPORTED
    if musts is None:
        return NO_DATA
    days = RETENTION_DAYS[source]
    if days is not None and hour < as_of - timedelta(days=days):
        return RETENTION
    # One row that had its time and is not there is enough; only if all are still under way it is late.
    return MISSING if musts["first_unseen"] + timedelta(hours=LATENCY_HOURS[source]) <= as_of else LATE


def _pauses(start: datetime, hour: datetime) -> bool:
    return hour < start + PAUSE and start < hour + timedelta(hours=1)


_ABSENT = "there is no row of it among the files: export it, or have it pulled: counterfoil connection pull"
"""Where a log that should hold rows of ours holds none of this tenant at all, waiting does not help."""


def gaps(coverage: Iterable[SourceCoverage], required: Iterable[str], given: Iterable[str]) -> list[str]:
    """Say in words which required hours are not proven, why, and what can be done.

    ``given`` are the logs of which the files hold rows of this tenant.
    """
    there = set(given)
    wanted = set(required)
    words: list[str] = []
    for covered in coverage:
        if covered.source not in wanted or not covered.unproven:
            continue
        whole = sum(covered.states.values())
        for state, count in sorted(covered.states.items()):
            if state != PROVEN:
                what = _ABSENT if state in (LATE, MISSING) and covered.source not in there else WHAT_TO_DO[state]
                words.append(f"{covered.source}: {count} of {whole} hours {state}: {what}")
    return words
