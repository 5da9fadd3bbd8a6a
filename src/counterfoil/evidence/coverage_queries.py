"""What coverage asks of the matched rows: which rows our stubs say must be there, and which of them are."""

from typing import Final

COVERAGE: Final = {
    # A token that was issued must show as a sign-in.
    "token_musts": """
        SELECT t.tenant, 'sign-ins' AS source, t.time, t.uti, t.no, count(m.no) > 0 AS arrived
        FROM tokens t LEFT JOIN signins_matched m ON m.no = t.no
        WHERE t.outcome = 'issued' AND t.tenant IS NOT NULL
        GROUP BY t.tenant, t.time, t.uti, t.no""",
    "graph_musts": """
        SELECT c.tenant, 'graph-activity' AS source, c.time, c.uti, c.no,
               EXISTS (SELECT 1 FROM uses g WHERE g.source = 'graph-activity' AND g.tenant = c.tenant
                                             AND g.uti = c.uti AND g.client_request_id = c.crid) AS arrived
        FROM calls c
        WHERE c.tenant IS NOT NULL AND list_contains(c.must, 'graph-activity')""",
    # Exchange drops a repeat of the same access within an hour, so only the first of them must show.
    "message_accesses": """
        SELECT m.*, lag(m.time) OVER (
                   PARTITION BY m.tenant, m.mailbox, m.message, m.effect ORDER BY m.time, m.no) AS before
        FROM call_messages m""",
    "message_keys": """
        SELECT DISTINCT u.tenant, u.uti, x.name AS message,
               CASE WHEN u.effect = 'change' THEN 1 ELSE 0 END AS changes
        FROM item_names x JOIN uses u ON u.record = x.record
        WHERE u.source = 'mailbox-audit' AND u.uti IS NOT NULL""",
    "mailbox_musts": """
        SELECT a.tenant, 'mailbox-audit' AS source, a.time, a.uti, a.no, k.message IS NOT NULL AS arrived
        FROM message_accesses a JOIN calls c ON c.no = a.no
        LEFT JOIN message_keys k ON k.tenant = a.tenant AND k.uti = a.uti AND k.message = a.message
                                AND k.changes = CASE WHEN a.effect = 'change' THEN 1 ELSE 0 END
        WHERE a.tenant IS NOT NULL AND list_contains(c.must, 'mailbox-audit')
          AND (a.before IS NULL OR a.time - a.before >= INTERVAL 1 HOUR)""",
    "musts": """
        SELECT * FROM token_musts UNION ALL SELECT * FROM graph_musts UNION ALL SELECT * FROM mailbox_musts""",
}
"""Every row that must be there, and whether it is."""

MUSTS_BY_HOUR: Final = """
    SELECT tenant, source, date_trunc('hour', time) AS hour, count(*) AS musts,
           sum(CASE WHEN arrived THEN 1 ELSE 0 END) AS arrived,
           min(CASE WHEN NOT arrived THEN time END) AS first_unseen
    FROM musts GROUP BY tenant, source, date_trunc('hour', time)"""

UNSEEN: Final = """
    SELECT tenant, source, uti, count(*) AS count, min(time) AS first, max(time) AS last
    FROM musts WHERE NOT arrived AND time >= ? AND time < ?
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
