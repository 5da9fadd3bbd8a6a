"""From rows and file readings to what coverage is judged from."""

from collections import defaultdict
from datetime import datetime

from counterfoil.evidence import coverage_queries as queries
from counterfoil.evidence.coverage import NOT_EXPORTED, UNKNOWN_SCHEMA, Ground, Hole
from counterfoil.evidence.dating import Dating
from counterfoil.evidence.fold import CONTRADICTING
from counterfoil.evidence.lookups import Rows
from counterfoil.evidence.readers.kinds import READERS, SUMMARY, UNKNOWN
from counterfoil.evidence.readers.reading import FileReading
from counterfoil.evidence.uses import SIGN_INS

_HELD = {SUMMARY: SIGN_INS}
"""What a kind that gives no use would have held."""
_CONTRADICTED = (
    "copies of a row contradict each other about its time, so one of the exports is in another time zone, or damaged: "
    "export it again in UTC; until then such rows have no time"
)
_NO_LICENCE = ("nonpremium", "premium", "licen")


def ground_of(engine: Rows, files: list[FileReading], gaps: list[tuple[datetime, datetime]], dating: Dating) -> Ground:
    """Ask the engine for the rows that must be there and were, and add what the files lost."""
    throttled: dict[str, list[datetime]] = defaultdict(list)
    paused: dict[str, list[str]] = defaultdict(list)
    for row in engine.rows(queries.THROTTLED):
        if row["time"] is not None:
            throttled[row["tenant"]].append(row["time"])
        if row["mailbox"]:
            paused[row["tenant"]].append(row["mailbox"])
    ground = Ground(
        musts={(row["tenant"], row["source"], row["hour"]): row for row in engine.rows(queries.MUSTS_BY_HOUR)},
        doubts=set(dating.hours),
        rows={(row["tenant"], row["source"]): row["rows"] for row in engine.rows(queries.ROWS_BY_SOURCE)},
        throttled=throttled,
        paused=paused,
        holes=[*holes_of(files), *dating.holes],
        unlicensed=unlicensed_in(files),
        gaps=gaps,
        notes=dating.notes,
    )
    for row in engine.rows(queries.DOUBTS_BY_HOUR):
        if row["tenant"] is not None and CONTRADICTING in row["doubt"]:
            words = f"{row['source']}: {_CONTRADICTED}"
            if words not in dating.notes[row["tenant"]]:
                dating.notes[row["tenant"]].append(words)
        if row["hour"] is None or row["tenant"] is None:
            tenants = frozenset({row["tenant"]}) if row["tenant"] else None
            ground.holes.append(Hole(tenants, frozenset({row["source"]}), UNKNOWN_SCHEMA))
        else:
            ground.doubts.add((row["tenant"], row["source"], row["hour"]))
    return ground


def holes_of(files: list[FileReading]) -> list[Hole]:
    """Say for every file with a fault whose rows it may have held.

    A file that names tenants or sources in its readable part costs those; one of which nothing is known
    may have held anybody's rows.
    """
    holes: list[Hole] = []
    for reading in files:
        if not reading.costs or set(unlicensed_in([reading])):
            continue
        sources = frozenset(_HELD.get(kind, kind) for kind in reading.kinds if kind in READERS or kind in _HELD)
        state = UNKNOWN_SCHEMA if UNKNOWN in reading.kinds else NOT_EXPORTED
        anything = not sources or UNKNOWN in reading.kinds
        holes.append(Hole(frozenset(reading.tenants) or None, None if anything else sources, state))
    return holes


def unlicensed_in(files: list[FileReading]) -> set[str]:
    """Return the tenants whose export is an error page about a missing licence."""
    return {
        tenant
        for reading in files
        for tenant in reading.tenants
        if any(word in code.lower() for code in reading.codes for word in _NO_LICENCE)
    }
