"""Fold copies: a row exported twice, late, or by two exporters is one row."""

from typing import Final

from counterfoil.evidence.uses import COLUMNS

_APART: Final = "max(time) > min(time) + INTERVAL 15 MINUTE"
"""Times of one row that lie further apart contradict each other: an exporter took its time zone for UTC."""


def _folded(name: str) -> str:
    """What one exporter left out, another may have filled; a row whose copies contradict each other has no time."""
    if name == "time":
        return f"CASE WHEN {_APART} THEN NULL ELSE min(time) END AS time"
    if name == "doubt":
        return f"CASE WHEN {_APART} THEN 'times that contradict each other' ELSE max(doubt) END AS doubt"
    return f"{'min' if name in ('file', 'number') else 'max'}({name}) AS {name}"


_OTHERS: Final = [name for name in COLUMNS if name not in ("record", "source", "items")]
_FOLDED: Final = ", ".join(map(_folded, _OTHERS))
_SINGLE: Final = ", ".join(_OTHERS)

FOLD: Final = {
    # The many rows that have no copy are never sorted or grouped by all they hold.
    "repeated": "SELECT record FROM uses_loaded GROUP BY record HAVING count(*) > 1",
    "uses_folded": f"""
        SELECT record, source, {_FOLDED}, count(*) AS copies
        FROM uses_loaded WHERE record IN (SELECT record FROM repeated) GROUP BY record, source""",  # noqa: S608 - our own names
    "uses_raw": f"""
        SELECT record, source, {_SINGLE}, copies FROM uses_folded
        UNION ALL
        SELECT record, source, {_SINGLE}, 1 AS copies FROM uses_loaded
        WHERE record NOT IN (SELECT record FROM repeated)""",  # noqa: S608 - our own names
}
"""From ``uses_loaded`` to ``uses_raw``; in the subset of SQL of :mod:`counterfoil.evidence.queries`."""
