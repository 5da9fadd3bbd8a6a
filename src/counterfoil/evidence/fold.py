"""Fold copies: a row exported twice, late, or by two exporters is one row.

Only here is something asked that other engines spell differently: a hash finds the few rows that may have
copies, so that the many that have none are never sorted or grouped.
"""

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

FOLD: Final = (
    """CREATE TABLE repeated AS SELECT h FROM (SELECT hash(record) AS h FROM uses_loaded) AS hashed
       GROUP BY h HAVING count(*) > 1""",
    f"""CREATE TABLE uses_folded AS SELECT record, source, count(*) AS copies, {_FOLDED}
        FROM uses_loaded WHERE hash(record) IN (SELECT h FROM repeated) GROUP BY record, source""",  # noqa: S608 - our own names
    f"""CREATE VIEW uses_raw AS SELECT * FROM uses_folded
        UNION ALL SELECT record, source, 1 AS copies, {_SINGLE} FROM uses_loaded
        WHERE hash(record) NOT IN (SELECT h FROM repeated)""",  # noqa: S608 - our own names
)
"""Statements to run in this order, from ``uses_loaded`` to ``uses_raw``."""

PLACED: Final = """
    CREATE VIEW uses_placed AS
    SELECT u.* REPLACE (n.uti AS uti, coalesce(p.name, u.file) AS file, u.number + 1 - coalesce(p.first, 1) AS number)
    FROM uses_raw u JOIN uses n ON n.record = u.record LEFT JOIN places p ON p.path = u.file"""
"""Whole rows, for those few that are looked at.

Rows of the typed way know their file's path and their place in a larger one: what a person needs is put there.
"""


def _shared(table: str, relation: str, crid: str) -> str:
    """Find the keys that several rows share; a hash leaves out the many that none shares."""
    rows = f"SELECT tenant, uti, {crid} AS crid FROM {relation} AND uti IS NOT NULL AND {crid} IS NOT NULL"  # noqa: S608 - our own names
    return f"""CREATE TABLE {table} AS SELECT tenant, uti, crid FROM ({rows}) AS r
        WHERE hash(tenant, uti, crid) IN (SELECT h FROM (SELECT hash(tenant, uti, crid) AS h FROM ({rows}) AS r) AS s
                                          GROUP BY h HAVING count(*) > 1)
        GROUP BY tenant, uti, crid HAVING count(*) > 1"""  # noqa: S608 - our own names


SHARED: Final = (
    _shared("doubled", "calls WHERE true", "crid"),
    _shared("crowded", "uses WHERE source = 'graph-activity'", "client_request_id"),
)
"""Statements that give the keys of step 4 which more than one stub, or more than one row, has."""
