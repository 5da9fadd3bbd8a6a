"""Are the rows dated as our stubs are? An export in another time zone is told by rows of ours, which join by id.

Its rows may lie in another hour than they say, and so beside the window, or in it: their times count for nothing
(they count in every window), and nothing of their log is proven. Neither is anything corrected: which hours of a
file were written in which zone is a guess. Where only a few rows disagree, it costs the hours that they and their
stubs lie in.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from counterfoil.evidence.coverage import UNKNOWN_SCHEMA, Hole, Hour
from counterfoil.evidence.lookups import Rows
from counterfoil.evidence.matching import Row
from counterfoil.evidence.queries import APART
from counterfoil.evidence.readers.reading import FileReading
from counterfoil.model.instant import hour_of

MANY: Final = 10
"""Of so many rows of ours in a file one has to lie apart for the file to be in another time zone."""

STEP: Final = timedelta(minutes=15)
"""Time zones differ by multiples of that."""

_ANY: Final = "SELECT count(*) AS rows FROM dated WHERE apart = 1"

_BY_FILE: Final = """
    SELECT u.tenant AS tenant, u.source AS source, coalesce(p.name, u.file) AS file, count(*) AS rows,
           sum(d.apart) AS apart
    FROM dated d JOIN uses_raw u ON u.id = d.id LEFT JOIN places p ON p.path = u.file
    WHERE u.time IS NOT NULL
    GROUP BY u.tenant, u.source, coalesce(p.name, u.file)"""

_PAIRS: Final = """
    SELECT u.record AS record, u.tenant AS tenant, u.source AS source, coalesce(p.name, u.file) AS file,
           u.time AS row, s.time AS stub
    FROM (
        SELECT n.id AS id, t.time AS time
        FROM signins_matched m JOIN uses n ON n.record = m.record JOIN tokens t ON t.no = m.no
        UNION ALL SELECT r.id AS id, c.time AS time FROM call_ranks r JOIN calls c ON c.no = r.no
                  WHERE r.apart = 1
        UNION ALL SELECT n.id AS id, c.time AS time
                  FROM (SELECT DISTINCT record, crid FROM items_named) AS i
                  JOIN uses n ON n.record = i.record
                  JOIN call_messages c ON c.tenant = n.tenant AND c.uti = n.uti AND c.crid = i.crid) AS s
    JOIN dated d ON d.id = s.id
    JOIN uses_raw u ON u.id = s.id LEFT JOIN places p ON p.path = u.file
    WHERE d.apart = 1 AND u.time IS NOT NULL"""


@dataclass(slots=True)
class Dating:
    """What came out: which files are in another time zone, what that costs, and how to say it."""

    shifted: set[tuple[str, str]] = field(default_factory=set)
    """Tenant and log, where a file is."""
    right: set[tuple[str, str, str]] = field(default_factory=set)
    """Tenant, log and file, where rows of ours are dated as they should be."""
    holes: list[Hole] = field(default_factory=list)
    hours: set[Hour] = field(default_factory=set)
    notes: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    counts: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    def undated(self, rows: Iterable[Row]) -> Iterator[Row]:
        """Take the time from rows whose time cannot be believed."""
        for row in rows:
            place = (row["tenant"], row["source"])
            believed = place not in self.shifted or (*place, row["file"]) in self.right
            yield row if believed else {**row, "time": None}

    def tell(self, files: Iterable[FileReading]) -> None:
        """Say with each file how many rows of ours in it lie apart."""
        for reading in files:
            for words, count in self.counts.get(reading.name, {}).items():
                reading.doubts[words] = reading.doubts.get(words, 0) + count


def dating_of(engine: Rows) -> Dating:
    """Ask the engine, after matching; where every row lies near its stub that is one question."""
    if not next(iter(engine.rows(_ANY)))["rows"]:
        return Dating()
    return judge_dating(engine.rows(_BY_FILE), engine.rows(_PAIRS))


def judge_dating(files: Iterable[Row], pairs: Iterable[Row]) -> Dating:
    """Tell files in another time zone from single rows that lie apart.

    Args:
        files: ``tenant``, ``source``, ``file``, how many ``rows`` of ours it has, and how many lie ``apart``.
        pairs: The times of each row that lies apart (``row``) and of each stub that it joins (``stub``).
    """
    nearest: dict[str, Row] = {}
    for pair in pairs:
        known = nearest.get(pair["record"])
        if known is None or abs(_apart(pair)) < abs(_apart(known)):
            nearest[pair["record"]] = pair
    found: dict[tuple[str, str, str], list[Row]] = defaultdict(list)
    for pair in nearest.values():
        found[(pair["tenant"], pair["source"], pair["file"])].append(pair)
    dating = Dating()
    for entry in files:
        tenant, source, file = key = (entry["tenant"], entry["source"], entry["file"])
        if not entry["apart"]:
            dating.right.add(key)
            continue
        words = _words(source, found[key])
        dating.counts[file][words] += entry["apart"]
        if words not in dating.notes[tenant]:
            dating.notes[tenant].append(words)
        if entry["apart"] * MANY >= entry["rows"]:
            dating.shifted.add((tenant, source))
            dating.holes.append(Hole(frozenset({tenant}), frozenset({source}), UNKNOWN_SCHEMA))
        else:
            dating.right.add(key)
            dating.hours |= {(tenant, source, hour) for pair in found[key] for hour in _hours(pair)}
    return dating


def _words(source: str, pairs: list[Row]) -> str:
    steps = Counter(round(_apart(pair) / STEP) for pair in pairs)
    step = max(steps, key=lambda step: (steps[step], -abs(step))) if steps else 0
    minutes = abs(int(step * STEP.total_seconds()) // 60)
    far = f"{minutes // 60} h {minutes % 60:02d} min {'later' if step > 0 else 'earlier'} than"
    where = far if step else f"more than {APART} minutes from"
    return (
        f"{source}: rows of ours are dated {where} our own stubs of the same ids, so an export is in another time "
        "zone (or our clock was wrong): export it again in UTC; until then the times of its rows count for nothing"
    )


def _apart(pair: Row) -> timedelta:
    apart: timedelta = pair["row"] - pair["stub"]
    return apart


def _hours(pair: Row) -> Iterator[datetime]:
    for moment in (pair["row"], pair["stub"]):
        yield hour_of(moment)
