"""Call stubs of programs that do not know their token's id, or send no client-request-id: what is known has to do.

A stub with a client-request-id has the token under which the logs show it; one with message ids has that of the
nearest mailbox row that names one of them; always a token that we were issued. What no row completes, and a stub
without a client-request-id, explains no call; and so nothing is called a replay in that tenant, and nothing clean.
These statements are run only where there are such stubs.
"""

from typing import Final

ANY: Final = "SELECT count(*) AS calls FROM calls_loaded WHERE uti IS NULL"

COMPLETE: Final = (
    """CREATE TABLE token_utis AS
        SELECT tenant, uti FROM tokens WHERE uti IS NOT NULL
        UNION SELECT u.tenant, u.uti FROM uses u JOIN joined j ON j.record = u.record
              WHERE u.success AND u.uti IS NOT NULL""",
    """CREATE TABLE told_by_id AS
        SELECT c.no AS no, min(u.uti) AS uti
        FROM calls_loaded c
        JOIN uses u ON u.tenant = c.tenant AND u.client_request_id = c.crid
        JOIN token_utis t ON t.tenant = u.tenant AND t.uti = u.uti
        WHERE c.uti IS NULL AND u.source <> 'sign-ins'
        GROUP BY c.no HAVING count(DISTINCT u.uti) = 1""",
    """CREATE TABLE told_by_message AS
        SELECT no, uti FROM (
            SELECT c.no AS no, u.uti AS uti,
                   row_number() OVER (PARTITION BY c.no ORDER BY abs(epoch(u.time) - epoch(c.time)), u.uti) AS nth
            FROM calls_loaded c JOIN call_names m ON m.no = c.no
            JOIN items_raw i ON lower(i.message) = lower(m.message)
            JOIN uses u ON u.record = i.record AND u.tenant = c.tenant
            JOIN token_utis t ON t.tenant = u.tenant AND t.uti = u.uti
            WHERE c.uti IS NULL AND u.source = 'mailbox-audit' AND c.no NOT IN (SELECT no FROM told_by_id)) AS near
        WHERE nth = 1""",
    "ALTER VIEW calls RENAME TO calls_told",
    """CREATE VIEW calls AS
        SELECT c.* REPLACE (coalesce(c.uti, d.uti, m.uti) AS uti)
        FROM calls_told c LEFT JOIN told_by_id d ON d.no = c.no LEFT JOIN told_by_message m ON m.no = c.no""",
)
"""In this order, after step 2 and before step 3."""

TENANTS: Final = """
    SELECT DISTINCT c.tenant AS tenant FROM calls c JOIN operations o ON o.operation = c.operation
    WHERE (c.uti IS NULL OR c.crid IS NULL) AND c.tenant IS NOT NULL AND o.endpoint IN ('graph', 'exchange')"""
"""Where a stub lacks what a call is known by."""
