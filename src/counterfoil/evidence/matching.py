"""Judge what the books do not explain; the numbers are those of docs/reconcile.md.

An address is never a reason for "matched", here or anywhere: a thief may sit in the same cloud.

    1  sign-in to token stub by uti                        (queries.SIGN_INS_BY_UTI)
    2  sign-in to unknown or refused stub by id, one each  (choose)
    3  the token ids that are ours                         (queries.STEPS)
    4  call to call stub by (uti, client-request-id)       (queries.STEPS)
    5  sign-ins left over                                  (judge_sign_in)
    6  mailbox items by uti, client-request-id, message    (queries.STEPS, judge_mailbox)
    7  calls left over                                     (judge_call)
    8  use under a token that is not ours                  (judge_stranger)
    9  credentials and changes in the directory            (directory.judge_directory)
    10 stubs without a job                                 (jobs.judge_jobs)
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from counterfoil.evidence.registry import Registry, preferred
from counterfoil.evidence.uses import SIGN_INS

STOLEN, REPLAYED, FOREIGN, INSIDE = "stolen-certificate", "replayed-token", "foreign-credential", "inside-use"
ATTEMPTED, UNEXPLAINED, UNSEEN = "attempted", "unexplained", "unseen"
IN_BATCH = 20
"""Requests that Graph takes in one batch."""

TOUCHING = frozenset({STOLEN, REPLAYED, FOREIGN, INSIDE})
"""Kinds whose successful use touches a tenant."""

_OPEN = ("message-in-another-mailbox", "access-not-listed", "access-names-no-message", "ids-of-another-kind")
"""Why a mailbox row under a token of ours may be ours or not."""

Row = Mapping[str, Any]
TokenKey = tuple[str | None, str | None]


@dataclass(frozen=True, slots=True)
class Judgement:
    """One row that the books do not explain: what it is, by which rule, and whose.

    ``subject`` is a credential's name or a token id. ``touches`` is false where the row is shown
    without being a successful use. ``items`` are those items of a mailbox row that are not ours.
    """

    row: Row
    kind: str
    rule: str
    subject: str
    touches: bool = True
    items: tuple[Row, ...] = ()


@dataclass(slots=True)
class Batch:
    """A request of ours that carries others, which have no stub: how many are not yet seen, and may they change."""

    left: int
    changes: bool


@dataclass(slots=True)
class Lookup:
    """What judging needs to look up, restricted to what is left over."""

    registry: Registry
    own: set[TokenKey] = field(default_factory=set)
    from_calls: set[TokenKey] = field(default_factory=set)
    sharing: set[str] = field(default_factory=set)
    ranks: dict[str, Row] = field(default_factory=dict)
    batches: dict[tuple[str | None, str | None, str | None], "Batch"] = field(default_factory=dict)
    items: dict[str, list[Row]] = field(default_factory=dict)
    elsewhere: set[tuple[str, int]] = field(default_factory=set)
    listings: dict[TokenKey, list[Row]] = field(default_factory=dict)
    crids: set[tuple[str | None, str]] = field(default_factory=set)
    messages: set[tuple[str | None, str]] = field(default_factory=set)
    audiences: set[str] = field(default_factory=set)
    has_calls: bool = True
    lacking: set[str | None] = field(default_factory=set)
    attachments: set[TokenKey] = field(default_factory=set)
    opaque: set[TokenKey] = field(default_factory=set)
    strangers: dict[TokenKey, Judgement] = field(default_factory=dict)


def choose(candidates: Iterable[Row]) -> tuple[list[tuple[str, int, str]], set[str]]:
    """Step 2: give each unknown or refused stub at most one sign-in; answer pairs, and rows left without one.

    A refused request can only be a failed sign-in; a request id outweighs a correlation id.
    """
    ordered = sorted(
        candidates,
        key=lambda c: (
            c["distance"],
            c["outcome"] != "refused",
            c["time"] is None,
            c["time"] or "",
            c["record"],
            c["no"],
        ),
    )
    pairs: dict[str, tuple[str, int, str]] = {}
    taken: set[int] = set()
    for candidate in ordered:
        possible = not (candidate["success"] and candidate["outcome"] == "refused")
        possible = possible and not (not candidate["success"] and candidate["outcome"] == "issued")
        if possible and candidate["record"] not in pairs and candidate["no"] not in taken:
            rule = "request-id" if candidate["distance"] == 0 else "correlation-id"
            pairs[candidate["record"]] = (candidate["record"], candidate["no"], rule)
            taken.add(candidate["no"])
    return list(pairs.values()), {c["record"] for c in ordered} - set(pairs)


def judge(rows: Iterable[Row], lookup: Lookup) -> list[Judgement]:
    """Judge every row of the remainder; a row that turns out to be ours gives no judgement."""
    found: list[Judgement] = []
    others: list[Row] = []
    for row in rows:
        if row["source"] != SIGN_INS:
            others.append(row)
            continue
        judgement = judge_sign_in(row, lookup)
        found.append(judgement)
        if row["success"] and row["uti"]:
            lookup.strangers[(row["tenant"], row["uti"])] = judgement
    for row in others:
        known = judge_mailbox(row, lookup) if row["source"] == "mailbox-audit" else judge_call(row, lookup)
        if known is not None:
            found.append(known)
    return found


def judge_sign_in(row: Row, lookup: Lookup) -> Judgement:  # noqa: PLR0911 - one line a rule, in order
    """Step 5: a sign-in that no stub explains; the thumbprint or key id tells whose key it was."""
    name = lookup.registry.name_of(row)
    if row["record"] in lookup.sharing:
        return Judgement(row, UNEXPLAINED, "id-of-a-stub-that-is-taken", name or preferred(row), touches=False)
    if not row["success"]:
        return Judgement(row, ATTEMPTED, "failed-sign-in-without-stub", name or preferred(row), touches=False)
    if (row["tenant"], row["uti"]) in lookup.from_calls:
        return Judgement(row, UNEXPLAINED, "token-known-only-from-calls", row["uti"], touches=False)
    if name is not None:
        return Judgement(row, STOLEN, "sign-in-without-stub", name)
    if row["credential_type"] in ("secret", "federated"):
        return Judgement(row, FOREIGN, f"{row['credential_type']}-on-our-identity", preferred(row))
    if row["sha1"] or row["sha256"] or (row["key_id"] and not lookup.registry.may_hide(row["tenant"])):
        return Judgement(row, FOREIGN, "credential-not-in-registry", preferred(row))
    if row["key_id"]:
        return Judgement(row, UNEXPLAINED, "key-id-not-translated", preferred(row), touches=False)
    asked = not lookup.audiences or row["resource"] is None or row["resource"].lower() in lookup.audiences
    rule = "sign-in-without-credential" if asked else "resource-never-asked-for"
    return Judgement(row, UNEXPLAINED, rule, preferred(row), touches=False)


def judge_call(row: Row, lookup: Lookup) -> Judgement | None:
    """Step 7: a Graph call that no stub explains."""
    key = (row["tenant"], row["uti"])
    if row["uti"] is None:
        return Judgement(row, UNEXPLAINED, "call-without-token-id", "no token id", touches=False)
    if key not in lookup.own:
        return judge_stranger(row, lookup)
    if not lookup.has_calls or _in_batch(row, lookup):
        return None
    rank = lookup.ranks.get(row["record"])
    if rank is None:
        return _replayed(row, "call-without-stub", lookup)
    if rank["place"] > rank["stubs"]:
        return _replayed(row, "client-request-id-used-twice", lookup)
    return Judgement(row, UNEXPLAINED, "call-differs-from-its-stub", row["uti"], touches=False)


def _in_batch(row: Row, lookup: Lookup) -> bool:
    """Say whether a batch of ours carried this call: no more of them than a batch holds, and never another batch."""
    batch = lookup.batches.get((row["tenant"], row["uti"], row["operation_id"]))
    if batch is None or str(row["path"]).lower().endswith("/$batch"):
        return False
    if not batch.left or (row["effect"] == "change" and not batch.changes):
        return False
    batch.left -= 1
    return True


def judge_mailbox(row: Row, lookup: Lookup) -> Judgement | None:
    """Step 6: a mailbox row that is not, or not wholly, explained; the items that are not ours go with it."""
    items = lookup.items.get(row["record"], [])
    if row["uti"] is None:
        ours = items and all(_known_anywhere(item, row, lookup) for item in items)
        return (
            None
            if ours
            else Judgement(
                row, UNEXPLAINED, "access-without-token-id", "no token id", touches=False, items=tuple(items)
            )
        )
    if (row["tenant"], row["uti"]) not in lookup.own:
        return judge_stranger(row, lookup)
    if not lookup.has_calls or row["effect"] == "none":
        return None
    left = tuple(item for item in items if not item["matched"])
    rules = {_item_rule(item, row, lookup) for item in left} if items else {_item_rule({}, row, lookup)}
    rules.discard(None)
    for rule in ("call-without-stub", "message-not-in-stub", "access-without-stub"):
        if rule in rules:
            return _replayed(row, rule, lookup, left)
    for rule in _OPEN:
        if rule in rules:
            return Judgement(row, UNEXPLAINED, rule, row["uti"], touches=False, items=left)
    return None


def judge_stranger(row: Row, lookup: Lookup) -> Judgement:
    """Step 8: use under a token that is not ours; its sign-in tells the kind, if there is one."""
    items = tuple(lookup.items.get(row["record"], []))
    source = lookup.strangers.get((row["tenant"], row["uti"]))
    if source is not None:
        return Judgement(row, source.kind, source.rule, source.subject, source.touches and row["success"], items)
    if row["credential_type"] == "secret":
        return Judgement(row, FOREIGN, "secret-on-our-identity", row["uti"], row["success"], items)
    return Judgement(row, UNEXPLAINED, "activity-without-sign-in", row["uti"], touches=False, items=items)


def within_gaps(found: Iterable[Judgement], gaps: list[tuple[datetime, datetime]]) -> list[Judgement]:
    """Take back the accusation where our own ledger says that it lost stubs: the use may have been ours."""
    return [
        Judgement(j.row, UNEXPLAINED, "gap-in-our-stubs", j.subject, touches=False, items=j.items)
        if j.kind in TOUCHING and any(since <= (j.row["time"] or since) <= until for since, until in gaps)
        else j
        for j in found
    ]


def _replayed(row: Row, rule: str, lookup: Lookup, items: tuple[Row, ...] = ()) -> Judgement:
    if not row["success"]:
        return Judgement(row, ATTEMPTED, rule, row["uti"], touches=False, items=items)
    if row["tenant"] in lookup.lacking and rule != "client-request-id-used-twice":
        return Judgement(row, UNEXPLAINED, "stubs-without-ids", row["uti"], touches=False, items=items)
    return Judgement(row, REPLAYED, rule, row["uti"], items=items)


def _item_rule(item: Row, row: Row, lookup: Lookup) -> str | None:
    """Say why an item under a token of ours is not ours; ``None``: a listing of ours may have opened it.

    A listing names no messages beforehand, so it explains only what Graph's own log would show besides.
    """
    crid = item.get("crid") or row["client_request_id"]
    if crid is not None:
        return "message-not-in-stub" if (row["tenant"], crid) in lookup.crids else "call-without-stub"
    if item and (item.get("record"), item.get("n")) in lookup.elsewhere:
        return "message-in-another-mailbox"  # a mailbox has several addresses, and a message several mailboxes
    key = (row["tenant"], row["uti"])
    if not item and str(row["operation"]).lower() == "attachmentaccess":
        return None if row["rest"] and key in lookup.attachments else "access-names-no-message"
    wanted = {str(row["mailbox"] or "").lower(), row["mailbox_id"]}
    for listing in lookup.listings.get(key, []):
        covers = "@" not in (listing["mailbox"] or "") or listing["mailbox"] in wanted
        if covers and (row["effect"] != "change" or listing["effect"] == "change"):
            return None if row["rest"] and listing["endpoint"] == "graph" else "access-not-listed"
    if item and key in lookup.opaque and "@" in str(item.get("message")):
        return "ids-of-another-kind"
    return "message-not-in-stub" if item else "access-without-stub"


def _known_anywhere(item: Row, row: Row, lookup: Lookup) -> bool:
    if item.get("crid"):
        return (row["tenant"], item["crid"]) in lookup.crids
    return item.get("message") is not None and (row["tenant"], item["message"].lower()) in lookup.messages
