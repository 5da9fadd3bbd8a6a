"""What is loaded, by table, and how it is made into relations without lists and structures.

Here alone, and where files are read, SQL is in DuckDB's own dialect; the queries that decide are in a plain subset.
"""

from typing import Final

from counterfoil.evidence.uses import COLUMNS

SLOT: Final = "CAST(hash({0}) >> 1 AS BIGINT)"
"""A number by which texts that are equal are found; what has the same number has to be compared."""

TABLES: Final = {
    "tokens": """no BIGINT, tenant VARCHAR, time TIMESTAMP, app VARCHAR, sha1 VARCHAR, sha256 VARCHAR, key_id VARCHAR,
        audience VARCHAR, jti VARCHAR, correlation_id VARCHAR, request_id VARCHAR, uti VARCHAR, job VARCHAR,
        outcome VARCHAR, error VARCHAR""",
    "calls_loaded": """no BIGINT, tenant VARCHAR, time TIMESTAMP, app VARCHAR, uti VARCHAR, crid VARCHAR,
        method VARCHAR, path VARCHAR, host VARCHAR, mailbox VARCHAR, messages VARCHAR[], effect VARCHAR, job VARCHAR,
        status BIGINT, operation VARCHAR""",
    "operations": "operation VARCHAR, endpoint VARCHAR, graph BOOLEAN, mailbox BOOLEAN",
    "credentials": """tenant VARCHAR, app VARCHAR, sha1 VARCHAR, sha256 VARCHAR, key_id VARCHAR, state VARCHAR""",
    "jobs": "id VARCHAR",
    "uses_read": ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items()),
    "places": "path VARCHAR, name VARCHAR, first BIGINT",
    "refused": "path VARCHAR",
}
"""The columns of what is loaded, by table."""

UNFOLDED: Final = {
    "calls": f"""
        SELECT no, tenant, time, app, uti, crid, method, path, mailbox, len(messages) AS lists, effect, job, status,
               operation, {SLOT.format("crid")} AS call_slot FROM calls_loaded""",  # noqa: S608 - our own names
    "call_names": "SELECT no, unnest(messages) AS message FROM calls_loaded",
    "items_loaded": """
        SELECT record, i.message AS message, i.item AS item, i.folder AS folder, i.crid AS crid
        FROM (SELECT record, unnest(items) AS i FROM uses_loaded WHERE source <> 'graph-activity') AS unfolded""",
}
"""What is loaded, without lists and structures: in DuckDB's own dialect."""

ADOPT: Final = """
    UPDATE uses_read SET tenant = a.tenant, record = replace(record, ':None:', ':' || a.tenant || ':'),
           doubt = nullif(trim(replace(doubt, 'unfilled tenant', ''), '; '), '')
    FROM (SELECT u.file, min(t.tenant) AS tenant FROM uses_read u JOIN tokens t ON t.uti = u.uti
          WHERE u.tenant IS NULL GROUP BY u.file HAVING count(DISTINCT t.tenant) = 1) AS a
    WHERE uses_read.tenant IS NULL AND uses_read.file = a.file"""
"""A page that names no tenant is the tenant's whose tokens, and nobody else's, stand in it."""
