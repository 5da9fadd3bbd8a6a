"""The queries that set our books against the tenants' logs: pure text, relations in, relations out.

A plain subset of SQL (NOT EXISTS, explicit GROUP BY, window functions; no ASOF, no QUALIFY, ids as hex
text), so that other engines can run the same. The numbers are those of docs/reconcile.md. What coverage
asks is in :mod:`counterfoil.evidence.coverage_queries`.

Inputs: ``uses_raw`` (rows of logs, copies folded), ``tokens``, ``calls``, ``credentials`` (stubs), ``joined``
(sign-ins that step 2 gave to a stub by correlation or request id), and ``doubled`` and ``crowded`` (the keys
tenant, uti, crid that several stubs or several rows share).
"""

from typing import Final

from counterfoil.evidence.uses import COLUMNS

TABLES: Final = {
    "tokens": """no BIGINT, tenant VARCHAR, time TIMESTAMP, app VARCHAR, sha1 VARCHAR, sha256 VARCHAR, key_id VARCHAR,
        audience VARCHAR, jti VARCHAR, correlation_id VARCHAR, request_id VARCHAR, uti VARCHAR, job VARCHAR,
        outcome VARCHAR, error VARCHAR""",
    "calls": """no BIGINT, tenant VARCHAR, time TIMESTAMP, app VARCHAR, uti VARCHAR, crid VARCHAR, method VARCHAR,
        path VARCHAR, host VARCHAR, mailbox VARCHAR, messages VARCHAR[], effect VARCHAR, job VARCHAR, status BIGINT,
        endpoint VARCHAR, must VARCHAR[]""",
    "credentials": """tenant VARCHAR, app VARCHAR, sha1 VARCHAR, sha256 VARCHAR, key_id VARCHAR, state VARCHAR""",
    "jobs": "id VARCHAR",
    "uses_read": ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items()),
    "places": "path VARCHAR, name VARCHAR, first BIGINT",
    "refused": "path VARCHAR",
}
"""The columns of what is loaded, by table."""


_NARROW: Final = ", ".join(
    f"u.{name}"
    for name in (
        *("record", "source", "tenant", "time", "uti", "success", "request_id", "correlation_id", "client_request_id"),
        *("operation_id", "method", "path", "effect", "mailbox", "mailbox_id", "sha1", "sha256", "key_id", "principal"),
    )
)

ADOPT: Final = """
    UPDATE uses_read SET tenant = a.tenant, record = replace(record, ':None:', ':' || a.tenant || ':'),
           doubt = nullif(trim(replace(doubt, 'unfilled tenant', ''), '; '), '')
    FROM (SELECT u.file, min(t.tenant) AS tenant FROM uses_read u JOIN tokens t ON t.uti = u.uti
          WHERE u.tenant IS NULL GROUP BY u.file HAVING count(DISTINCT t.tenant) = 1) AS a
    WHERE uses_read.tenant IS NULL AND uses_read.file = a.file"""
"""A page that names no tenant is the tenant's whose tokens, and nobody else's, stand in it."""

PREPARE: Final = {
    "items_raw": """
        SELECT record, row_number() OVER (PARTITION BY record ORDER BY message, item, folder, crid) AS n,
               message, item, folder, crid
        FROM (SELECT DISTINCT record, i.message AS message, i.item AS item, i.folder AS folder, i.crid AS crid
              FROM (SELECT record, unnest(items) AS i FROM uses_loaded) AS unfolded) AS items""",
    "call_messages": """
        SELECT DISTINCT tenant, uti, crid, effect, mailbox, time, no, lower(m) AS message
        FROM (SELECT tenant, uti, crid, effect, mailbox, time, no, unnest(messages) AS m FROM calls) AS named""",
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
    # A textual GUID may be in either byte order: the one that somebody else knows is meant.
    "uses_either": """
        SELECT u.* REPLACE (CASE WHEN k.uti IS NULL AND o.uti IS NOT NULL THEN u.uti_other ELSE u.uti END AS uti)
        FROM (SELECT r.* FROM uses_raw r
              WHERE r.uti_other IS NOT NULL OR NOT EXISTS (SELECT 1 FROM apps a WHERE a.app = r.app)) AS u
        LEFT JOIN apps a ON a.app = u.app
        LEFT JOIN known_utis k ON k.tenant = u.tenant AND k.uti = u.uti
        LEFT JOIN known_utis o ON o.tenant = u.tenant AND o.uti = u.uti_other
        LEFT JOIN stub_utis s ON s.tenant = u.tenant AND s.uti = u.uti
        LEFT JOIN stub_utis w ON w.tenant = u.tenant AND w.uti = u.uti_other
        WHERE u.source <> 'directory-audit'
          AND ((u.uti_other IS NOT NULL AND a.app IS NOT NULL)
               OR (a.app IS NULL AND (s.uti IS NOT NULL OR w.uti IS NOT NULL)))""",
    # Rows of other applications are left out here and never come back; of the rest, the columns of the steps.
    "uses": f"""
        SELECT {_NARROW} FROM uses_raw u
        WHERE u.source <> 'directory-audit' AND u.uti_other IS NULL AND u.app IN (SELECT app FROM apps)
        UNION ALL
        SELECT {_NARROW} FROM uses_either u""",  # noqa: S608 - our own names
    # Step 1.
    "signins_by_uti": """
        SELECT u.record, min(t.no) AS no
        FROM uses u JOIN tokens t ON t.tenant = u.tenant AND t.uti = u.uti
        WHERE u.source = 'sign-ins' AND u.success AND t.outcome <> 'refused'
        GROUP BY u.record""",
    # Step 2: the candidates; ``matching.choose`` gives each stub one row at most.
    "signin_ids": """
        SELECT record, tenant, time, success, request_id AS id, 0 AS distance FROM uses
        WHERE source = 'sign-ins' AND request_id IS NOT NULL
        UNION ALL SELECT record, tenant, time, success, lower(correlation_id), 1 FROM uses
        WHERE source = 'sign-ins' AND correlation_id IS NOT NULL
        UNION ALL SELECT record, tenant, time, success, lower(client_request_id), 1 FROM uses
        WHERE source = 'sign-ins' AND client_request_id IS NOT NULL""",
    "token_ids": """
        SELECT no, tenant, outcome, request_id AS id, 0 AS distance FROM tokens t
        WHERE request_id IS NOT NULL AND (outcome IN ('unknown', 'refused') OR uti IS NULL)
        UNION ALL SELECT no, tenant, outcome, correlation_id, 1 FROM tokens t
        WHERE correlation_id IS NOT NULL AND (outcome IN ('unknown', 'refused') OR uti IS NULL)""",
    "signin_candidates": """
        SELECT r.record, r.time, r.success, t.no, t.outcome, min(t.distance) AS distance
        FROM signin_ids r JOIN token_ids t ON t.tenant = r.tenant AND t.id = r.id AND t.distance = r.distance
        WHERE NOT EXISTS (SELECT 1 FROM signins_by_uti m WHERE m.record = r.record)
          AND NOT EXISTS (SELECT 1 FROM signins_by_uti m WHERE m.no = t.no)
        GROUP BY r.record, r.time, r.success, t.no, t.outcome""",
}
"""Fold copies, keep what concerns our applications, settle byte orders; steps 1 and 2."""

STEPS: Final = {
    # Step 3: the token ids that are ours.
    "signins_matched": """
        SELECT record, no, 'uti' AS rule FROM signins_by_uti
        UNION ALL SELECT record, no, rule FROM joined""",
    "own_utis": """
        SELECT tenant, uti FROM stub_utis
        UNION SELECT u.tenant, u.uti FROM uses u JOIN joined j ON j.record = u.record
              WHERE u.success AND u.uti IS NOT NULL""",
    # Step 4: as many rows as there are stubs under one (uti, client-request-id); those that say what the
    # stub says come first. A stub may keep its resource in a form that cannot be compared.
    "call_keys": """
        SELECT c.tenant, c.uti, c.crid, 1 AS stubs, c.no, c.method, c.path,
               CASE WHEN len(c.messages) > 0 THEN 1 ELSE 0 END AS lists,
               CASE WHEN c.effect = 'change' THEN 1 ELSE 0 END AS changes
        FROM calls c
        WHERE c.crid IS NOT NULL AND c.uti IS NOT NULL AND NOT EXISTS (
            SELECT 1 FROM doubled d WHERE d.tenant = c.tenant AND d.uti = c.uti AND d.crid = c.crid)
        UNION ALL
        SELECT c.tenant, c.uti, c.crid, count(*), min(c.no), min(c.method), min(c.path),
               max(CASE WHEN len(c.messages) > 0 THEN 1 ELSE 0 END),
               max(CASE WHEN c.effect = 'change' THEN 1 ELSE 0 END)
        FROM calls c
        WHERE EXISTS (SELECT 1 FROM doubled d WHERE d.tenant = c.tenant AND d.uti = c.uti AND d.crid = c.crid)
        GROUP BY c.tenant, c.uti, c.crid""",
    "call_rows": """
        SELECT u.record, u.tenant, u.uti, u.client_request_id, u.success, u.time, k.no, k.stubs,
               k.method = u.method AS same_method, lower(k.path) = lower(u.path) AS same_path,
               k.stubs > 1 OR (
                   (k.method IS NULL OR u.method IS NULL OR k.method = u.method)
                   AND (k.path IS NULL OR u.path IS NULL OR k.path NOT LIKE '/%/%' OR k.path LIKE '%{%'
                        OR lower(k.path) = lower(u.path))) AS agrees
        FROM uses u JOIN call_keys k ON k.tenant = u.tenant AND k.uti = u.uti AND k.crid = u.client_request_id
        WHERE u.source = 'graph-activity'""",
    # Only where several rows share one key have they to be put in order.
    "call_ranks": """
        SELECT r.record, r.no, r.stubs, r.agrees, 1 AS place FROM call_rows r
        WHERE NOT EXISTS (SELECT 1 FROM crowded d WHERE d.tenant = r.tenant AND d.uti = r.uti
                                                    AND d.crid = r.client_request_id)
        UNION ALL
        SELECT r.record, r.no, r.stubs, r.agrees,
               row_number() OVER (
                   PARTITION BY r.tenant, r.uti, r.client_request_id
                   ORDER BY CASE WHEN r.same_method THEN 0 ELSE 1 END, CASE WHEN r.same_path THEN 0 ELSE 1 END,
                            CASE WHEN r.success THEN 0 ELSE 1 END, r.time, r.record) AS place
        FROM call_rows r
        WHERE EXISTS (SELECT 1 FROM crowded d WHERE d.tenant = r.tenant AND d.uti = r.uti
                                                AND d.crid = r.client_request_id)""",
    "calls_matched": "SELECT record, no FROM call_ranks WHERE place <= stubs AND agrees",
    # Step 6: items of mailbox rows under a token of ours, by client-request-id, else by message id (a stub
    # may hold Exchange ids instead). What only read cannot explain a change.
    "item_names": """
        SELECT record, n, lower(message) AS name FROM items_raw WHERE message IS NOT NULL
        UNION SELECT record, n, lower(item) FROM items_raw WHERE item IS NOT NULL""",
    "items_named": """
        SELECT DISTINCT x.record, x.n, c.crid, c.effect, c.mailbox
        FROM item_names x
        JOIN uses u ON u.record = x.record AND u.source = 'mailbox-audit'
        JOIN call_messages c ON c.tenant = u.tenant AND c.uti = u.uti AND c.message = x.name""",
    "items_matched": """
        SELECT i.record, i.n
        FROM items_raw i
        JOIN uses u ON u.record = i.record AND u.source = 'mailbox-audit'
        JOIN call_keys k ON k.tenant = u.tenant AND k.uti = u.uti AND k.crid = coalesce(i.crid, u.client_request_id)
        LEFT JOIN items_named m ON m.record = i.record AND m.n = i.n AND m.crid = k.crid
        WHERE (u.effect <> 'change' OR k.changes = 1)
          AND (i.message IS NULL OR k.lists = 0 OR m.record IS NOT NULL)
        UNION
        SELECT i.record, i.n
        FROM items_raw i
        JOIN uses u ON u.record = i.record AND u.source = 'mailbox-audit'
        JOIN items_named m ON m.record = i.record AND m.n = i.n
        WHERE i.crid IS NULL AND u.client_request_id IS NULL AND (u.effect <> 'change' OR m.effect = 'change')
          AND (m.mailbox IS NULL OR m.mailbox = lower(u.mailbox) OR m.mailbox = u.mailbox_id)""",
    "items_left": """
        SELECT i.record, i.n FROM items_raw i
        WHERE NOT EXISTS (SELECT 1 FROM items_matched m WHERE m.record = i.record AND m.n = i.n)""",
    "mailbox_matched": """
        SELECT u.record FROM uses u
        WHERE u.source = 'mailbox-audit'
          AND EXISTS (SELECT 1 FROM items_matched i WHERE i.record = u.record)
          AND NOT EXISTS (SELECT 1 FROM items_left i WHERE i.record = u.record)
        UNION
        SELECT u.record FROM uses u
        JOIN call_keys k ON k.tenant = u.tenant AND k.uti = u.uti AND k.crid = u.client_request_id
        WHERE u.source = 'mailbox-audit' AND (u.effect <> 'change' OR k.changes = 1)
          AND NOT EXISTS (SELECT 1 FROM items_raw i WHERE i.record = u.record)""",
    "matched": """
        SELECT record FROM signins_matched
        UNION ALL SELECT record FROM calls_matched
        UNION ALL SELECT record FROM mailbox_matched""",
    "left_over": """
        SELECT u.record, u.uti FROM uses u WHERE NOT EXISTS (SELECT 1 FROM matched m WHERE m.record = u.record)""",
    # Whole rows again; those of the typed way get the name of their file and their place in it.
    "remainder": """
        SELECT u.* REPLACE (l.uti AS uti, coalesce(p.name, u.file) AS file,
                            u.number + 1 - coalesce(p.first, 1) AS number)
        FROM uses_raw u JOIN left_over l ON l.record = u.record LEFT JOIN places p ON p.path = u.file""",
}
"""Steps 3, 4 and 6; what is left over is judged row by row."""

VIEWS: Final = frozenset({"uses_either", "call_rows", "calls_matched", "matched"})
"""Results that are asked for once or twice and need not be kept."""
