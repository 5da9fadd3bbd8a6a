"""What coverage asks of the matched rows: which rows our stubs say must be there, and which of them are."""

from typing import Final

COVERAGE: Final = {
    "keys_arrived": """
        SELECT DISTINCT c.tenant AS tenant, c.uti AS uti, c.crid AS crid
        FROM call_ranks r JOIN calls c ON c.no = r.no WHERE r.stubs > 1""",
    # A token that was issued must show as a sign-in.
    "token_musts": """
        SELECT t.tenant AS tenant, 'sign-ins' AS source, t.time AS time, t.uti AS uti, t.no AS no,
               CASE WHEN count(m.no) > 0 THEN 1 ELSE 0 END AS arrived
        FROM tokens t LEFT JOIN signins_matched m ON m.no = t.no
        WHERE t.outcome = 'issued' AND t.tenant IS NOT NULL
        GROUP BY t.tenant, t.time, t.uti, t.no""",
    # A call has its row if one has its key; of stubs that share a key, the first has it for all.
    "calls_arrived": """
        SELECT no FROM call_ranks
        UNION SELECT c.no AS no FROM calls c
              JOIN keys_arrived k ON k.tenant = c.tenant AND k.uti = c.uti AND k.crid = c.crid""",
    "graph_musts": """
        SELECT c.tenant AS tenant, 'graph-activity' AS source, c.time AS time, c.uti AS uti, c.no AS no,
               CASE WHEN a.no IS NULL THEN 0 ELSE 1 END AS arrived
        FROM calls c JOIN operations o ON o.operation = c.operation
        LEFT JOIN calls_arrived a ON a.no = c.no
        WHERE c.tenant IS NOT NULL AND o.graph""",
    # Exchange drops a repeat of the same access within an hour, so only the first of them must show.
    "message_accesses": """
        SELECT tenant, uti, effect, mailbox, time, no, message, lag(time) OVER (
                   PARTITION BY tenant, mailbox, message, effect ORDER BY time, no) AS before
        FROM call_messages""",
    "message_keys": """
        SELECT DISTINCT u.tenant AS tenant, u.uti AS uti, x.name AS message,
               CASE WHEN u.effect = 'change' THEN 1 ELSE 0 END AS changes
        FROM item_names x JOIN uses u ON u.record = x.record
        WHERE u.source = 'mailbox-audit' AND u.uti IS NOT NULL""",
    "mailbox_musts": """
        SELECT a.tenant AS tenant, 'mailbox-audit' AS source, a.time AS time, a.uti AS uti, a.no AS no,
               CASE WHEN k.message IS NULL THEN 0 ELSE 1 END AS arrived
        FROM message_accesses a JOIN calls c ON c.no = a.no JOIN operations o ON o.operation = c.operation
        LEFT JOIN message_keys k ON k.tenant = a.tenant AND k.uti = a.uti AND k.message = a.message
                                AND k.changes = CASE WHEN a.effect = 'change' THEN 1 ELSE 0 END
        WHERE a.tenant IS NOT NULL AND o.mailbox
          AND (a.before IS NULL OR a.time >= a.before + INTERVAL 1 HOUR)""",
    "musts": """
        SELECT * FROM token_musts UNION ALL SELECT * FROM graph_musts UNION ALL SELECT * FROM mailbox_musts""",
}
"""Every row that must be there, and whether it is."""

MUSTS_BY_HOUR: Final = """
    SELECT tenant, source, hour, count(*) AS musts, sum(here) AS arrived,
           min(CASE WHEN here = 0 THEN time END) AS first_unseen
    FROM (SELECT tenant, source, date_trunc('hour', time) AS hour, time, arrived AS here FROM musts) AS dated
    GROUP BY tenant, source, hour"""

UNSEEN: Final = """
    SELECT tenant, source, uti, count(*) AS count, min(time) AS first, max(time) AS last
    FROM musts WHERE arrived = 0 AND time >= ? AND time < ?
    GROUP BY tenant, source, uti ORDER BY tenant, source, first"""

ROWS_BY_SOURCE: Final = "SELECT tenant, source, count(*) AS rows FROM uses_raw GROUP BY tenant, source"

DOUBTS_BY_HOUR: Final = """
    SELECT tenant, source, date_trunc('hour', time) AS hour, min(doubt) AS doubt
    FROM uses_raw
    WHERE doubt IS NOT NULL
      AND (app IN (SELECT app FROM apps) OR (app IS NULL AND source IN ('sign-ins', 'graph-activity')))
    GROUP BY tenant, source, date_trunc('hour', time)"""

THROTTLED: Final = """
    SELECT tenant, mailbox, min(time) AS time
    FROM uses_raw WHERE source = 'mailbox-audit' AND throttled
    GROUP BY tenant, mailbox, date_trunc('hour', time)"""
