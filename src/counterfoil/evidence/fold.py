"""Fold copies: a row exported twice, late, or by two exporters is one row."""

from typing import Final

from counterfoil.evidence.uses import COLUMNS

CONTRADICTING: Final = "times that contradict each other"
"""The doubt about a row whose copies are dated far apart."""

_APART: Final = "max(time) > min(time) + INTERVAL 15 MINUTE"
"""Times of one row that lie further apart contradict each other: an exporter took its time zone for UTC."""


def _folded(name: str) -> str:
    """What one exporter left out, another may have filled; a row whose copies contradict each other has no time."""
    if name == "time":
        return f"CASE WHEN {_APART} THEN NULL ELSE min(time) END AS time"
    if name == "doubt":
        return f"CASE WHEN {_APART} THEN '{CONTRADICTING}' ELSE max(doubt) END AS doubt"
    if name == "call_slot":
        return "nullif(max(call_slot), max(call_slot)) AS call_slot"  # none: copies may have told several
    return f"{'min' if name in ('id', 'file', 'number') else 'max'}({name}) AS {name}"


_OTHERS: Final = ["id", "slot", "call_slot", *(n for n in COLUMNS if n not in ("record", "source", "items"))]
_FOLDED: Final = ", ".join(map(_folded, _OTHERS))
_SINGLE: Final = ", ".join(_OTHERS)

FOLD: Final = {
    # The many rows that have no copy are never sorted or grouped by all they hold.
    # Rows of two records in one slot are folded each by itself, and so remain as they are.
    "repeated": "SELECT slot FROM uses_loaded GROUP BY slot HAVING count(*) > 1",
    "uses_folded": f"""
        SELECT record, source, {_FOLDED}, count(*) AS copies
        FROM uses_loaded l WHERE EXISTS (SELECT 1 FROM repeated d WHERE d.slot = l.slot) GROUP BY record, source""",  # noqa: S608 - our own names
    "uses_raw": f"""
        SELECT record, source, {_SINGLE}, copies FROM uses_folded
        UNION ALL
        SELECT record, source, {_SINGLE}, 1 AS copies FROM uses_loaded l
        WHERE NOT EXISTS (SELECT 1 FROM repeated d WHERE d.slot = l.slot)""",  # noqa: S608 - our own names
}
"""From ``uses_loaded`` to ``uses_raw``; in the subset of SQL of :mod:`counterfoil.evidence.queries`."""
