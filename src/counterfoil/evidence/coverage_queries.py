"""What coverage asks of the matched rows: which rows our stubs say must be there, and which of them are."""

from typing import Final

from counterfoil.evidence.queries import apart

COVERAGE: Final = {
    # Rows of ours by id, and whether their time lies far from their stub's (:mod:`counterfoil.evidence.dating`).
    "dated": f"""
        SELECT u.id AS id, {apart("u.time", "t.time", "t.time")} AS apart
        FROM signins_matched m JOIN uses u ON u.record = m.record JOIN tokens t ON t.no = m.no
        UNION ALL SELECT id, apart FROM call_ranks WHERE place <= stubs
        UNION ALL SELECT u.id AS id, min(i.apart) AS apart FROM items_named i JOIN uses u ON u.record = i.record
                  WHERE u.source = 'mailbox-audit' GROUP BY u.id""",  # noqa: S608 - our own names
    # Stubs that share a key have their rows if there are as many as there have to be: which of them is lost
    # where there are fewer, nobody can say, and then none of them proves its hour.
    "keys_arrived": """
        SELECT wanted.tenant AS tenant, wanted.uti AS uti, wanted.crid AS crid
        FROM (
            SELECT c.tenant AS tenant, c.uti AS uti, c.crid AS crid, sum(CASE WHEN o.graph THEN 1 ELSE 0 END) AS musts
            FROM keys_shared d JOIN calls c ON c.tenant = d.tenant AND c.uti = d.uti AND c.crid = d.crid
            JOIN operations o ON o.operation = c.operation
            WHERE d.stubs > 1 GROUP BY c.tenant, c.uti, c.crid) AS wanted
        JOIN (
            SELECT u.tenant AS tenant, u.uti AS uti, u.client_request_id AS crid, count(*) AS shown
            FROM keys_shared d
            JOIN uses u ON u.tenant = d.tenant AND u.uti = d.uti AND u.client_request_id = d.crid
            WHERE d.stubs > 1 AND u.source = 'graph-activity' AND u.success
            GROUP BY u.tenant, u.uti, u.client_request_id) AS there
          ON there.tenant = wanted.tenant AND there.uti = wanted.uti AND there.crid = wanted.crid
        WHERE there.shown >= wanted.musts""",
    # A token that was issued must show as a sign-in.
    "token_musts": """
        SELECT t.tenant AS tenant, 'sign-ins' AS source, t.time AS time, t.uti AS uti, t.no AS no,
               CASE WHEN count(m.no) > 0 THEN 1 ELSE 0 END AS arrived
        FROM tokens t LEFT JOIN signins_matched m ON m.no = t.no
        WHERE t.outcome = 'issued' AND t.tenant IS NOT NULL
        GROUP BY t.tenant, t.time, t.uti, t.no""",
    # A call has its row if one has its key.
    "calls_arrived": """
        SELECT no FROM call_ranks WHERE stubs = 1 AND place = 1
        UNION ALL SELECT c.no AS no FROM calls c
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
    "mailbox_due": """
        SELECT a.tenant AS tenant, a.uti AS uti, a.message AS message, a.time AS time, a.no AS no,
               CASE WHEN a.effect = 'change' THEN 1 ELSE 0 END AS changes
        FROM message_accesses a JOIN calls c ON c.no = a.no JOIN operations o ON o.operation = c.operation
        WHERE a.tenant IS NOT NULL AND o.mailbox
          AND (a.before IS NULL OR a.time >= a.before + INTERVAL 1 HOUR)""",
    # The same message again under one token, hours later or in another mailbox, has a row of its own each time:
    # there have to be as many rows about that time as there are accesses.
    "mailbox_again": """
        SELECT tenant, uti, message, changes FROM mailbox_due
        GROUP BY tenant, uti, message, changes HAVING count(*) > 1""",
    "accesses_near": """
        SELECT a.no AS no, a.message AS message, count(*) AS accesses
        FROM mailbox_again g
        JOIN mailbox_due a ON a.tenant = g.tenant AND a.uti = g.uti AND a.message = g.message AND a.changes = g.changes
        JOIN mailbox_due b ON b.tenant = g.tenant AND b.uti = g.uti AND b.message = g.message AND b.changes = g.changes
        WHERE b.time >= a.time - INTERVAL 30 MINUTE AND b.time <= a.time + INTERVAL 30 MINUTE
        GROUP BY a.no, a.message""",
    "rows_near": """
        SELECT a.no AS no, a.message AS message, count(DISTINCT u.record) AS shown
        FROM mailbox_again g
        JOIN mailbox_due a ON a.tenant = g.tenant AND a.uti = g.uti AND a.message = g.message AND a.changes = g.changes
        JOIN item_names x ON x.name = g.message
        JOIN uses u ON u.record = x.record AND u.tenant = g.tenant AND u.uti = g.uti
        WHERE u.source = 'mailbox-audit' AND g.changes = CASE WHEN u.effect = 'change' THEN 1 ELSE 0 END
          AND u.time >= a.time - INTERVAL 30 MINUTE AND u.time <= a.time + INTERVAL 30 MINUTE
        GROUP BY a.no, a.message""",
    "mailbox_musts": """
        SELECT a.tenant AS tenant, 'mailbox-audit' AS source, a.time AS time, a.uti AS uti, a.no AS no,
               CASE WHEN k.message IS NULL OR coalesce(r.shown, 0) < coalesce(n.accesses, 0) THEN 0 ELSE 1 END
                   AS arrived
        FROM mailbox_due a
        LEFT JOIN message_keys k ON k.tenant = a.tenant AND k.uti = a.uti AND k.message = a.message
                                AND k.changes = a.changes
        LEFT JOIN accesses_near n ON n.no = a.no AND n.message = a.message
        LEFT JOIN rows_near r ON r.no = a.no AND r.message = a.message""",
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
