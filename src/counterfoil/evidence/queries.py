"""The queries that set our books against the tenants' logs: pure text, relations in, relations out.

A plain subset of SQL, so that other engines run the same text (the tests run it on ClickHouse): EXISTS and NOT
EXISTS, explicit GROUP BY and columns, window functions, ids as hex text; no lists, no structures, no ASOF, no
QUALIFY, no functions of one product. What is nested in a row or a stub is unfolded where it is loaded
(:mod:`counterfoil.evidence.tables`). The numbers are those of docs/reconcile.md. Copies are folded in
:mod:`counterfoil.evidence.fold`; what coverage asks is in :mod:`counterfoil.evidence.coverage_queries`.

A loaded row has a number (``id``), and hashes of its ``record`` and of its client-request-id (``slot``,
``call_slot``): what is equal has equal ones, so the few rows that may share something are found by numbers, and
only those are compared by what they say. Large sets stay where they are read from, and are read again.

Inputs: ``uses_raw`` (rows of logs, copies folded), ``items_loaded`` (the items that mailbox rows name), ``tokens``,
``calls``, ``call_names`` (the messages that calls list), ``credentials`` (stubs), ``places`` (of files), and ``joined``
(sign-ins that step 2 gave to a stub by correlation or request id).
"""

from typing import Final

from counterfoil.evidence.tables import UNFOLDED
from counterfoil.evidence.uses import COLUMNS

_NARROW: Final = (
    *("id", "slot", "call_slot"),
    *("record", "source", "tenant", "time", "uti", "success", "request_id", "correlation_id", "client_request_id"),
    *("operation_id", "method", "path", "effect", "mailbox", "mailbox_id", "sha1", "sha256", "key_id", "principal"),
)
_PLACED: Final = {
    "uti": "n.uti",
    "file": "coalesce(p.name, u.file)",
    "number": "u.number + 1 - coalesce(p.first, 1)",
}


def _narrow(relation: str, **others: str) -> str:
    return ", ".join(f"{others.get(name, f'{relation}.{name}')} AS {name}" for name in _NARROW)


def placed(rows: str) -> str:
    """Write the query for whole rows of ``rows`` (with ``id``, ``slot`` and ``uti``), with the file and its place.

    Rows of the typed way know their file's path and their place in a larger one: what a person needs is put there.
    """
    columns = ", ".join(
        f"{_PLACED.get(name, f'u.{name}')} AS {name}" for name in ("id", *COLUMNS, "copies") if name != "items"
    )
    return (
        f"SELECT {columns} FROM uses_raw u JOIN {rows} n ON n.slot = u.slot AND n.id = u.id"  # noqa: S608 - our own names
        " LEFT JOIN places p ON p.path = u.file"
    )


PREPARE: Final = {
    "items_raw": """
        SELECT record, row_number() OVER (PARTITION BY record ORDER BY message, item, folder, crid) AS n,
               message, item, folder, crid
        FROM (SELECT DISTINCT record, message, item, folder, crid FROM items_loaded) AS items""",
    "call_messages": """
        SELECT DISTINCT c.tenant AS tenant, c.uti AS uti, c.crid AS crid, c.effect AS effect, c.mailbox AS mailbox,
               c.time AS time, c.no AS no, lower(m.message) AS message
        FROM call_names m JOIN calls c ON c.no = m.no""",
    "apps": """
        SELECT app FROM tokens WHERE app IS NOT NULL
        UNION SELECT app FROM calls WHERE app IS NOT NULL
        UNION SELECT app FROM credentials WHERE app IS NOT NULL""",
    "stub_utis": """
        SELECT tenant, uti FROM tokens WHERE uti IS NOT NULL
        UNION SELECT tenant, uti FROM calls WHERE uti IS NOT NULL""",
    "known_utis": """
        SELECT tenant, uti FROM stub_utis
        UNION SELECT tenant, uti FROM uses_raw
              WHERE source = 'sign-ins' AND uti IS NOT NULL AND app IN (SELECT app FROM apps)""",
    "uses_strange": """
        SELECT u.id AS id, u.slot AS slot FROM uses_raw u
        WHERE u.source <> 'directory-audit' AND u.uti_other IS NULL
          AND NOT EXISTS (SELECT 1 FROM apps a WHERE a.app = u.app)
          AND EXISTS (SELECT 1 FROM stub_utis s WHERE s.tenant = u.tenant AND s.uti = u.uti)""",
    # A textual GUID may be in either byte order: the one that somebody else knows is meant.
    "uses_either": f"""
        SELECT {_narrow("u", uti="CASE WHEN k.uti IS NULL AND o.uti IS NOT NULL THEN u.uti_other ELSE u.uti END")}
        FROM (SELECT r.* FROM uses_raw r WHERE r.uti_other IS NOT NULL) AS u
        LEFT JOIN apps a ON a.app = u.app
        LEFT JOIN known_utis k ON k.tenant = u.tenant AND k.uti = u.uti
        LEFT JOIN known_utis o ON o.tenant = u.tenant AND o.uti = u.uti_other
        LEFT JOIN stub_utis s ON s.tenant = u.tenant AND s.uti = u.uti
        LEFT JOIN stub_utis w ON w.tenant = u.tenant AND w.uti = u.uti_other
        WHERE u.source <> 'directory-audit'
          AND (a.app IS NOT NULL OR s.uti IS NOT NULL OR w.uti IS NOT NULL)
        UNION ALL
        SELECT {_narrow("u")} FROM uses_raw u JOIN uses_strange n ON n.slot = u.slot AND n.id = u.id""",  # noqa: S608 - our own names
    # Rows of other applications are left out here and never come back; of the rest, the columns of the steps.
    "uses": f"""
        SELECT {_narrow("u")} FROM uses_raw u
        WHERE u.source <> 'directory-audit' AND u.uti_other IS NULL AND u.app IN (SELECT app FROM apps)
        UNION ALL
        SELECT {_narrow("u")} FROM uses_either u""",  # noqa: S608 - our own names
    # Step 1.
    "signins_by_uti": """
        SELECT u.record AS record, min(t.no) AS no
        FROM uses u JOIN tokens t ON t.tenant = u.tenant AND t.uti = u.uti
        WHERE u.source = 'sign-ins' AND u.success AND t.outcome <> 'refused'
        GROUP BY u.record""",
    # Step 2: the candidates; ``matching.choose`` gives each stub one row at most.
    "signin_ids": """
        SELECT record, tenant, time, success, request_id AS id, 0 AS distance FROM uses
        WHERE source = 'sign-ins' AND request_id IS NOT NULL
        UNION ALL SELECT record, tenant, time, success, lower(correlation_id) AS id, 1 AS distance FROM uses
        WHERE source = 'sign-ins' AND correlation_id IS NOT NULL
        UNION ALL SELECT record, tenant, time, success, lower(client_request_id) AS id, 1 AS distance FROM uses
        WHERE source = 'sign-ins' AND client_request_id IS NOT NULL""",
    "token_ids": """
        SELECT no, tenant, outcome, request_id AS id, 0 AS distance FROM tokens t
        WHERE request_id IS NOT NULL AND (outcome IN ('unknown', 'refused') OR uti IS NULL)
        UNION ALL SELECT no, tenant, outcome, correlation_id AS id, 1 AS distance FROM tokens t
        WHERE correlation_id IS NOT NULL AND (outcome IN ('unknown', 'refused') OR uti IS NULL)""",
    "signin_candidates": """
        SELECT r.record AS record, r.time AS time, r.success AS success, t.no AS no, t.outcome AS outcome,
               min(t.distance) AS distance
        FROM signin_ids r JOIN token_ids t ON t.tenant = r.tenant AND t.id = r.id AND t.distance = r.distance
        WHERE NOT EXISTS (SELECT 1 FROM signins_by_uti m WHERE m.record = r.record)
          AND NOT EXISTS (SELECT 1 FROM signins_by_uti m WHERE m.no = t.no)
        GROUP BY r.record, r.time, r.success, t.no, t.outcome""",
}
"""Fold copies, keep what concerns our applications, settle byte orders; steps 1 and 2."""

APART: Final = 20
"""Minutes that a row of ours may lie from its stub: clocks differ by a few, time zones by thirty at least."""

_AGREES: Final = """
               CASE WHEN (k.method IS NULL OR u.method IS NULL OR k.method = u.method)
                     AND (k.path IS NULL OR u.path IS NULL OR k.path NOT LIKE '/%/%' OR k.path LIKE '%{%'
                          OR lower(k.path) = lower(u.path)) THEN 1 ELSE 0 END"""
"""A row says what its stub says; a stub may keep its resource in a form that cannot be compared."""


def apart(row: str, first: str, last: str) -> str:
    """Write the expression for a row that is dated far from all stubs that it joins (:mod:`.dating`): 1, else 0."""
    return (
        f"CASE WHEN {row} > {last} + INTERVAL {APART} MINUTE OR {row} < {first} - INTERVAL {APART} MINUTE"
        " THEN 1 ELSE 0 END"
    )


STEPS: Final = {
    # Step 3: the token ids that are ours.
    "signins_matched": """
        SELECT record, no, 'uti' AS rule FROM signins_by_uti
        UNION ALL SELECT record, no, rule FROM joined""",
    "own_utis": """
        SELECT tenant, uti FROM stub_utis
        UNION SELECT u.tenant AS tenant, u.uti AS uti FROM uses u JOIN joined j ON j.record = u.record
              WHERE u.success AND u.uti IS NOT NULL""",
    # Step 4: as many rows as there are stubs under one (uti, client-request-id); those that say what the
    # stub says come first. Only where several rows or stubs share one key have they to be counted and ordered.
    # A row that was folded has no slot of its own: it may share its key with any.
    "slots_shared": """
        SELECT call_slot AS slot FROM calls WHERE crid IS NOT NULL GROUP BY call_slot HAVING count(*) > 1
        UNION
        SELECT call_slot AS slot FROM uses_loaded
        WHERE source = 'graph-activity' AND client_request_id IS NOT NULL GROUP BY call_slot HAVING count(*) > 1""",
    "keys_shared": """
        SELECT tenant, uti, crid, max(stubs) AS stubs FROM (
            SELECT c.tenant AS tenant, c.uti AS uti, c.crid AS crid, count(*) AS stubs FROM calls c
            WHERE c.uti IS NOT NULL AND c.crid IS NOT NULL
              AND EXISTS (SELECT 1 FROM slots_shared s WHERE s.slot = c.call_slot)
            GROUP BY c.tenant, c.uti, c.crid HAVING count(*) > 1
            UNION ALL
            SELECT r.tenant AS tenant, r.uti AS uti, r.crid AS crid, 0 AS stubs FROM (
                SELECT u.tenant AS tenant, u.uti AS uti, u.client_request_id AS crid FROM uses u
                WHERE u.source = 'graph-activity' AND EXISTS (SELECT 1 FROM slots_shared s WHERE s.slot = u.call_slot)
                UNION ALL
                SELECT u.tenant AS tenant, u.uti AS uti, u.client_request_id AS crid FROM uses u
                WHERE u.source = 'graph-activity' AND u.call_slot IS NULL) AS r
            WHERE r.uti IS NOT NULL AND r.crid IS NOT NULL
            GROUP BY r.tenant, r.uti, r.crid HAVING count(*) > 1) AS several
        GROUP BY tenant, uti, crid""",
    "call_keys": """
        SELECT c.tenant AS tenant, c.uti AS uti, c.crid AS crid, 1 AS stubs, c.no AS no, c.method AS method,
               c.path AS path, CASE WHEN c.lists > 0 THEN 1 ELSE 0 END AS lists,
               CASE WHEN c.effect = 'change' THEN 1 ELSE 0 END AS changes, c.time AS first, c.time AS last
        FROM calls c
        WHERE c.crid IS NOT NULL AND c.uti IS NOT NULL AND NOT EXISTS (
            SELECT 1 FROM keys_shared d
            WHERE d.tenant = c.tenant AND d.uti = c.uti AND d.crid = c.crid AND d.stubs > 1)
        UNION ALL
        SELECT c.tenant AS tenant, c.uti AS uti, c.crid AS crid, count(*) AS stubs, min(c.no) AS no,
               min(c.method) AS method, min(c.path) AS path, max(CASE WHEN c.lists > 0 THEN 1 ELSE 0 END) AS lists,
               max(CASE WHEN c.effect = 'change' THEN 1 ELSE 0 END) AS changes,
               min(c.time) AS first, max(c.time) AS last
        FROM calls c
        WHERE EXISTS (SELECT 1 FROM keys_shared d
                      WHERE d.tenant = c.tenant AND d.uti = c.uti AND d.crid = c.crid AND d.stubs > 1)
        GROUP BY c.tenant, c.uti, c.crid""",
    "call_ranks": f"""
        SELECT u.id AS id, k.no AS no, 1 AS stubs, {_AGREES} AS agrees, 1 AS place,
               {apart("u.time", "k.time", "k.time")} AS apart
        FROM uses u JOIN calls k ON k.crid = u.client_request_id AND k.uti = u.uti AND k.tenant = u.tenant
        WHERE u.source = 'graph-activity' AND NOT EXISTS (
            SELECT 1 FROM keys_shared d WHERE d.tenant = u.tenant AND d.uti = u.uti AND d.crid = u.client_request_id)
        UNION ALL
        SELECT id, no, stubs, CASE WHEN stubs > 1 THEN 1 ELSE agrees END AS agrees,
               row_number() OVER (
                   PARTITION BY tenant, uti, crid ORDER BY same_method, same_path, success, time, record) AS place,
               apart
        FROM (
            SELECT u.id AS id, u.record AS record, k.no AS no, k.stubs AS stubs, {_AGREES} AS agrees,
                   k.tenant AS tenant, k.uti AS uti, k.crid AS crid, u.time AS time,
                   {apart("u.time", "k.first", "k.last")} AS apart,
                   CASE WHEN k.method = u.method THEN 0 ELSE 1 END AS same_method,
                   CASE WHEN lower(k.path) = lower(u.path) THEN 0 ELSE 1 END AS same_path,
                   CASE WHEN u.success THEN 0 ELSE 1 END AS success
            FROM keys_shared d
            JOIN call_keys k ON k.tenant = d.tenant AND k.uti = d.uti AND k.crid = d.crid
            JOIN uses u ON u.tenant = d.tenant AND u.uti = d.uti AND u.client_request_id = d.crid
            WHERE u.source = 'graph-activity') AS several""",  # noqa: S608 - our own names
    "calls_matched": "SELECT id, no FROM call_ranks WHERE place <= stubs AND agrees = 1",
    "batch_calls": "SELECT no, effect FROM calls WHERE lower(path) LIKE '%/$batch'",
    # Step 6: items of mailbox rows under a token of ours, by client-request-id, else by message id (a stub
    # may hold Exchange ids instead). What only read cannot explain a change. Addresses of mailboxes are
    # compared; an object id is not, since audit names another one.
    "item_names": """
        SELECT record, n, lower(message) AS name FROM items_raw WHERE message IS NOT NULL
        UNION SELECT record, n, lower(item) AS name FROM items_raw WHERE item IS NOT NULL""",
    "items_named": f"""
        SELECT x.record AS record, x.n AS n, c.crid AS crid, c.effect AS effect, c.mailbox AS mailbox,
               min({apart("u.time", "c.time", "c.time")}) AS apart
        FROM item_names x
        JOIN uses u ON u.record = x.record AND u.source = 'mailbox-audit'
        JOIN call_messages c ON c.tenant = u.tenant AND c.uti = u.uti AND c.message = x.name
        GROUP BY x.record, x.n, c.crid, c.effect, c.mailbox""",  # noqa: S608 - our own names
    "items_matched": """
        SELECT i.record AS record, i.n AS n
        FROM items_raw i
        JOIN uses u ON u.record = i.record AND u.source = 'mailbox-audit'
        JOIN call_keys k ON k.tenant = u.tenant AND k.uti = u.uti AND k.crid = coalesce(i.crid, u.client_request_id)
        LEFT JOIN items_named m ON m.record = i.record AND m.n = i.n AND m.crid = k.crid
        WHERE (u.effect <> 'change' OR k.changes = 1)
          AND (i.message IS NULL OR k.lists = 0 OR m.record IS NOT NULL)
        UNION
        SELECT i.record AS record, i.n AS n
        FROM items_raw i
        JOIN uses u ON u.record = i.record AND u.source = 'mailbox-audit'
        JOIN items_named m ON m.record = i.record AND m.n = i.n
        WHERE ((i.crid IS NULL AND u.client_request_id IS NULL) OR m.crid IS NULL)
          AND (u.effect <> 'change' OR m.effect = 'change')
          AND (m.mailbox IS NULL OR m.mailbox NOT LIKE '%@%' OR m.mailbox = lower(u.mailbox))""",
    "items_left": """
        SELECT i.record AS record, i.n AS n FROM items_raw i
        WHERE NOT EXISTS (SELECT 1 FROM items_matched m WHERE m.record = i.record AND m.n = i.n)""",
    "mailbox_matched": """
        SELECT u.record AS record FROM uses u
        WHERE u.source = 'mailbox-audit'
          AND EXISTS (SELECT 1 FROM items_matched i WHERE i.record = u.record)
          AND NOT EXISTS (SELECT 1 FROM items_left i WHERE i.record = u.record)
        UNION
        SELECT u.record AS record FROM uses u
        JOIN call_keys k ON k.tenant = u.tenant AND k.uti = u.uti AND k.crid = u.client_request_id
        WHERE u.source = 'mailbox-audit' AND (u.effect <> 'change' OR k.changes = 1)
          AND NOT EXISTS (SELECT 1 FROM items_raw i WHERE i.record = u.record)""",
    "others_matched": """
        SELECT record FROM signins_matched
        UNION ALL SELECT record FROM mailbox_matched""",
    "left_over": """
        SELECT u.id AS id, u.slot AS slot, u.uti AS uti FROM uses u
        WHERE u.source = 'graph-activity' AND NOT EXISTS (SELECT 1 FROM calls_matched m WHERE m.id = u.id)
        UNION ALL
        SELECT u.id AS id, u.slot AS slot, u.uti AS uti FROM uses u
        WHERE u.source <> 'graph-activity' AND NOT EXISTS (SELECT 1 FROM others_matched m WHERE m.record = u.record)""",
    # Whole rows again.
    "remainder": placed("left_over"),
    "uses_placed": placed("uses"),
}
"""Steps 3, 4 and 6; what is left over is judged row by row."""

VIEWS: Final = frozenset(
    {
        *UNFOLDED,
        "uses_raw",
        "call_keys",
        "calls_matched",
        "dated",
        "others_matched",
        "uses_placed",
        "token_musts",
        "calls_arrived",
        "graph_musts",
        "mailbox_musts",
    }
)
"""Results that are asked for once or twice and need not be kept."""

LARGE: Final = frozenset({"uses", "musts"})
"""Results that are kept only where they are small: large ones are cheaper to make again than to hold."""
