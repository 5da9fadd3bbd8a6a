"""What judging has to look up, fetched for the rows that are left over and no others."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, Final, Protocol

from counterfoil.evidence.lacking import TENANTS
from counterfoil.evidence.matching import IN_BATCH, Batch, Lookup, Row
from counterfoil.evidence.paths import asked
from counterfoil.evidence.radius import Directory
from counterfoil.evidence.registry import Registry
from counterfoil.evidence.stubs import Books


class Rows(Protocol):
    """Something that answers queries with rows by column name."""

    def rows(self, query: str, values: Any = ()) -> Any:
        """Run a query."""


REMAINDER: Final = "SELECT * FROM remainder ORDER BY time, record"
_LEARNED: Final = """
    SELECT DISTINCT u.tenant, u.sha1 AS row_sha1, u.sha256 AS row_sha256, u.key_id AS row_key,
           t.sha1, t.sha256, t.key_id
    FROM signins_matched m JOIN uses u ON u.record = m.record JOIN tokens t ON t.no = m.no
    WHERE m.rule = 'uti' AND (t.sha1 IS NOT NULL OR t.sha256 IS NOT NULL OR t.key_id IS NOT NULL)"""
_OWN: Final = """
    SELECT o.tenant, o.uti FROM own_utis o
    WHERE EXISTS (SELECT 1 FROM remainder r WHERE r.tenant = o.tenant AND r.uti = o.uti)"""
_FROM_CALLS: Final = """
    SELECT DISTINCT c.tenant, c.uti FROM calls c
    WHERE c.uti IS NOT NULL AND NOT EXISTS (SELECT 1 FROM tokens t WHERE t.tenant = c.tenant AND t.uti = c.uti)"""
_RANKS: Final = """
    SELECT r.record, k.place, k.stubs, k.agrees FROM call_ranks k JOIN remainder r ON r.id = k.id"""
_BATCHES: Final = """
    SELECT u.tenant, u.uti, u.operation_id, count(*) AS batches,
           max(CASE WHEN c.effect = 'change' THEN 1 ELSE 0 END) AS changes
    FROM batch_calls c JOIN calls_matched m ON m.no = c.no JOIN uses u ON u.id = m.id
    WHERE u.operation_id IS NOT NULL
    GROUP BY u.tenant, u.uti, u.operation_id"""
_ITEMS: Final = """
    SELECT i.record, i.n, i.message, i.item, i.folder, i.crid, m.n IS NOT NULL AS matched
    FROM items_raw i LEFT JOIN items_matched m ON m.record = i.record AND m.n = i.n
    WHERE EXISTS (SELECT 1 FROM remainder r WHERE r.record = i.record) OR i.record LIKE 'directory-audit:%'
    ORDER BY i.record, i.n"""
_ELSEWHERE: Final = """
    SELECT DISTINCT m.record AS record, m.n AS n
    FROM items_named m JOIN remainder r ON r.record = m.record JOIN items_raw i ON i.record = m.record AND i.n = m.n
    WHERE i.crid IS NULL AND r.client_request_id IS NULL AND (r.effect <> 'change' OR m.effect = 'change')"""
_LISTINGS: Final = """
    SELECT c.tenant, c.uti, c.mailbox, c.path, c.effect, o.endpoint
    FROM calls c JOIN operations o ON o.operation = c.operation
    WHERE c.lists = 0 AND (c.status IS NULL OR c.status < 400)
      AND EXISTS (SELECT 1 FROM remainder r
                  WHERE r.source = 'mailbox-audit' AND r.tenant = c.tenant AND r.uti = c.uti)"""
_ATTACHMENTS: Final = """
    SELECT DISTINCT c.tenant, c.uti FROM calls c JOIN operations o ON o.operation = c.operation
    WHERE o.endpoint = 'graph' AND lower(c.path) LIKE '%/attachments%' AND (c.status IS NULL OR c.status < 400)
      AND EXISTS (SELECT 1 FROM remainder r WHERE r.tenant = c.tenant AND r.uti = c.uti)"""
_OPAQUE: Final = """
    SELECT DISTINCT m.tenant, m.uti FROM call_messages m
    WHERE m.message NOT LIKE '%@%' AND EXISTS (SELECT 1 FROM remainder r WHERE r.tenant = m.tenant AND r.uti = m.uti)"""
_CRIDS: Final = """
    SELECT DISTINCT c.tenant, c.crid FROM (
        SELECT r.tenant AS tenant, i.crid AS crid FROM items_raw i JOIN remainder r ON r.record = i.record
        UNION SELECT tenant, client_request_id AS crid FROM remainder) AS w
    JOIN calls c ON c.tenant = w.tenant AND c.crid = w.crid"""
_MESSAGES: Final = """
    SELECT DISTINCT m.tenant, m.message FROM call_messages m
    WHERE EXISTS (SELECT 1 FROM items_raw i JOIN remainder r ON r.record = i.record
                  WHERE r.uti IS NULL AND r.tenant = m.tenant AND lower(i.message) = m.message)"""


def gather(engine: Rows, books: Books, sharing: set[str]) -> Lookup:
    """Fetch what :mod:`counterfoil.evidence.matching` asks for."""
    registry = Registry([*books.credentials, *books.tokens])
    for row in engine.rows(_LEARNED):
        # The log and the stub speak of one credential: their names for it belong together.
        both = {"sha1": row["sha1"] or row["row_sha1"], "sha256": row["sha256"] or row["row_sha256"]}
        registry.learn({**both, "key_id": row["row_key"] or row["key_id"]}, row["tenant"])
    items: dict[str, list[Row]] = defaultdict(list)
    for row in engine.rows(_ITEMS):
        items[row["record"]].append(row)
    listings: dict[tuple[str | None, str | None], list[Row]] = defaultdict(list)
    for row in engine.rows(_LISTINGS):
        named = row["mailbox"] or asked(row["path"]).mailbox
        listings[(row["tenant"], row["uti"])].append({**row, "mailbox": named.lower() if named else None})
    return Lookup(
        registry=registry,
        own=_pairs(engine, _OWN),
        from_calls=_pairs(engine, _FROM_CALLS),
        sharing=sharing,
        ranks={row["record"]: row for row in engine.rows(_RANKS)},
        batches={
            (row["tenant"], row["uti"], row["operation_id"]): Batch(IN_BATCH * row["batches"], bool(row["changes"]))
            for row in engine.rows(_BATCHES)
        },
        items=items,
        elsewhere={(row["record"], row["n"]) for row in engine.rows(_ELSEWHERE)},
        listings=listings,
        crids=_pairs(engine, _CRIDS),
        messages=_pairs(engine, _MESSAGES),
        audiences=_audiences(books),
        has_calls=bool(books.calls),
        attachments=_pairs(engine, _ATTACHMENTS),
        opaque=_pairs(engine, _OPAQUE),
        lacking={row["tenant"] for row in engine.rows(TENANTS)},
    )


def _pairs(engine: Rows, query: str) -> set[tuple[Any, Any]]:
    return {(first, second) for first, second in (row.values() for row in engine.rows(query))}


_GUID: Final = 32
_APPLICATIONS: Final = {
    "graph.microsoft.com": "00000003-0000-0000-c000-000000000000",
    "outlook.office365.com": "00000002-0000-0ff1-ce00-000000000000",
    "outlook.office.com": "00000002-0000-0ff1-ce00-000000000000",
    "manage.office.com": "c5393580-f805-4401-95e8-94b7a6ef2fc2",
}


_RESOURCES: Final = """
    SELECT record, resource FROM uses_raw
    WHERE source = 'sign-ins' AND resource IS NOT NULL AND record IN (SELECT record FROM signin_candidates)"""


def contradicting(engine: Rows, books: Books, candidates: Iterable[Row]) -> set[tuple[str, int]]:
    """Return the candidates of step 2 whose sign-in is for another resource than the stub asked for.

    Anybody can send a correlation id of ours. Only the services that we know by both their names are compared.
    """
    shown = {row["record"]: str(row["resource"]).lower() for row in engine.rows(_RESOURCES)}
    known = {application.replace("-", "") for application in _APPLICATIONS.values()}
    found: set[tuple[str, int]] = set()
    for candidate in candidates:
        resource = shown.get(candidate["record"])
        asked_for = _names_of(books.tokens[candidate["no"]]["audience"])
        if resource is not None and len(resource) == _GUID and known & asked_for and resource not in asked_for:
            found.add((candidate["record"], candidate["no"]))
    return found


def _audiences(books: Books) -> set[str]:
    """Return the resources we ask tokens for, as the application ids that sign-ins name (hex)."""
    found: set[str] = set()
    for audience in {token["audience"] for token in books.tokens}:
        found |= _names_of(audience)
    return found


def _names_of(asked_for: str | None) -> set[str]:
    audience = str(asked_for or "").lower().removesuffix("/.default").rstrip("/")
    bare = audience.removeprefix("https://")
    return {bare, audience, _APPLICATIONS.get(bare, bare).replace("-", "")} if bare else set()


_PRINCIPALS: Final = """
    SELECT DISTINCT tenant, principal FROM uses
    WHERE principal IS NOT NULL AND source IN ('sign-ins', 'graph-activity')"""
_MAILBOX_NAMES: Final = """
    SELECT DISTINCT tenant, mailbox_id, mailbox FROM uses_raw
    WHERE source = 'mailbox-audit' AND mailbox_id IS NOT NULL AND mailbox LIKE '%@%'
      AND list_contains(?, tenant)"""
_ITEM_NAMES: Final = """
    SELECT DISTINCT u.tenant, i.item, i.message FROM items_raw i JOIN uses_raw u ON u.record = i.record
    WHERE u.source = 'mailbox-audit' AND i.item IS NOT NULL AND i.message IS NOT NULL
      AND list_contains(?, u.tenant)"""
_OUR_ITEMS: Final = """
    SELECT DISTINCT c.tenant, c.path, m.message FROM calls c JOIN call_names m ON m.no = c.no
    WHERE c.lists = 1 AND m.message LIKE '<%' AND c.path LIKE '%/messages/%'
      AND list_contains(?, c.tenant)"""


def principals_of(engine: Rows) -> set[tuple[str, str]]:
    """Return (tenant, object id) of the service principals that our applications are in each tenant."""
    return {(row["tenant"], row["principal"]) for row in engine.rows(_PRINCIPALS)}


def names_of(engine: Rows, tenants: list[str]) -> dict[str, Directory]:
    """Collect what rows and stubs of these tenants teach about the names of mailboxes and items."""
    names: dict[str, Directory] = defaultdict(lambda: Directory({}, {}))
    if not tenants:
        return names
    for row in engine.rows(_MAILBOX_NAMES, (tenants,)):
        names[row["tenant"]].mailboxes[row["mailbox_id"]] = row["mailbox"]
    for row in engine.rows(_OUR_ITEMS, (tenants,)):
        item = asked(row["path"]).item
        if item is not None:
            names[row["tenant"]].messages[item] = row["message"]
    for row in engine.rows(_ITEM_NAMES, (tenants,)):
        names[row["tenant"]].messages[row["item"]] = row["message"]
    return names


_IN_MAILBOX: Final = """
    SELECT DISTINCT c.no, x.record, i.message, i.item, i.folder
    FROM item_names x JOIN uses n ON n.record = x.record AND n.source = 'mailbox-audit'
    JOIN items_raw i ON i.record = x.record AND i.n = x.n
    JOIN call_messages c ON c.tenant = n.tenant AND c.uti = n.uti AND c.message = x.name AND c.effect = n.effect
    WHERE list_contains(?, c.no) ORDER BY c.no, x.record, i.message, i.item"""


def matched_rows(engine: Rows, stubs: list[dict[str, Any]]) -> dict[tuple[str, int], list[Row]]:
    """Fetch the rows that are matched to these stubs, by (``token`` or ``call``, number)."""
    found: dict[tuple[str, int], list[Row]] = defaultdict(list)
    for kind, table, key in (("token", "signins_matched", "record"), ("call", "calls_matched", "id")):
        numbers = [stub["no"] for stub in stubs if stub["kind"] == kind]
        if numbers:
            query = f"SELECT u.*, m.no FROM {table} m JOIN uses_placed u USING ({key}) WHERE list_contains(?, m.no)"  # noqa: S608 - our own table names
            for row in engine.rows(query, (numbers,)):
                found[(kind, row.pop("no"))].append(row)
            if kind == "call":
                _add_mailbox_rows(engine, numbers, found)
    return found


def _add_mailbox_rows(engine: Rows, numbers: list[int], found: dict[tuple[str, int], list[Row]]) -> None:
    """Add the rows of mailbox audit that show what these calls did; ``items`` are those that the call named."""
    items: dict[tuple[int, str], list[Row]] = defaultdict(list)
    for item in engine.rows(_IN_MAILBOX, (numbers,)):
        items[(item.pop("no"), item.pop("record"))].append(item)
    records = sorted({record for _, record in items})
    rows = engine.rows("SELECT * FROM uses_placed WHERE list_contains(?, record)", (records,)) if records else []
    whole = {row["record"]: row for row in rows}
    for (number, record), named in items.items():
        found[("call", number)].append({**whole[record], "items": tuple(named)})
