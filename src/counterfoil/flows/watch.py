"""After a rotation the old thumbprint is watched: what the logs show of it since its removal, and how far they prove.

A use that succeeds says that the thief is in after all; one that fails, that somebody still has the key. Neither
is there says only as much as the hours that are proven. Pure.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from counterfoil.evidence.answer import TenantAnswer
from counterfoil.evidence.coverage import PROVEN
from counterfoil.evidence.matching import ATTEMPTED, TOUCHING
from counterfoil.evidence.uses import SIGN_INS
from counterfoil.model.instant import from_rfc3339, hour_of

UNNAMED = "NO CREDENTIAL NAMED"


@dataclass(frozen=True, slots=True)
class Sighting:
    """One row of a log: its id there, when, what kind of finding, by which credential or token, and from where."""

    record: str
    time: datetime
    kind: str
    subject: str
    address: str | None


@dataclass(frozen=True, slots=True)
class Watched:
    """What was seen since a removal.

    ``until`` is up to where every hour of the sign-in log is proven, ``None`` where not even the first is;
    ``unproven`` counts the hours of the window that are not. ``uses`` succeeded, ``tries`` were refused.
    """

    since: datetime
    until: datetime | None
    unproven: int
    uses: tuple[Sighting, ...]
    tries: tuple[Sighting, ...]


def watched(answer: TenantAnswer, marks: frozenset[str], since: datetime) -> Watched:
    """Say what one tenant's answer shows since a removal.

    Args:
        answer: Of a reconciliation over a window that begins with the hour of the removal, or before.
        marks: Thumbprints (SHA-1 and SHA-256, upper-case hex) and key ids of what was removed.
        since: When it was removed.

    Every successful use that is not ours counts, by whatever credential: who waited for the end comes back with
    another. Of refused ones only those with what was removed, or without a name (not every log names the certificate
    of a refused sign-in): anybody can be refused with a certificate of his own.
    """
    uses: list[Sighting] = []
    tries: list[Sighting] = []
    for entry in answer.discrepancies:
        for row in _rows(entry):
            seen = _sighting(entry, row)
            if seen is None or seen.time < since:
                continue
            if entry["kind"] in TOUCHING and row.get("success"):
                uses.append(seen)
            elif entry["kind"] == ATTEMPTED and _bare(seen.subject) in marks | {UNNAMED}:
                tries.append(seen)
    until, unproven = _proven(answer, since)
    return Watched(since, until, unproven, tuple(uses), tuple(tries))


def _rows(entry: Any) -> Iterable[dict[str, Any]]:
    return entry["evidence"] if isinstance(entry["evidence"], list) else ()


def _sighting(entry: Any, row: dict[str, Any]) -> Sighting | None:
    if not row.get("time"):
        return None
    subject, address = str(row.get("subject", "")), row.get("address")
    return Sighting(str(row.get("record", "")), from_rfc3339(row["time"]), str(entry["kind"]), subject, address)


def _bare(subject: str) -> str:
    return subject.removeprefix("key id ").upper()


def _proven(answer: TenantAnswer, since: datetime) -> tuple[datetime | None, int]:
    """Return the end of the first unbroken run of proven hours, and how many hours are not proven."""
    hours: dict[datetime, str] = {}
    for covered in answer.coverage:
        if covered.source == SIGN_INS:
            hours |= covered.hours
    first = hour_of(since)
    window = sorted(hour for hour in hours if hour >= first)
    until: datetime | None = None
    for hour in window:
        if hours[hour] != PROVEN:
            break
        until = hour + timedelta(hours=1)
    return until, sum(hours[hour] != PROVEN for hour in window)
