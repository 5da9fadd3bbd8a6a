"""Scope and blast radius, as taken from the answer of a reconciliation. Pure.

An answer is a file that may come from anywhere, so its shape is checked before anything is taken from it.
Each tenant's part is kept by itself, in the form in which that tenant may see it: nothing in it names a
file of ours, since files of a mixed export may be named after somebody else.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from counterfoil.model.errors import Refused
from counterfoil.model.mail import Json

HINT = "give what was printed by: counterfoil reconcile --json"
STATES = ("clean", "touched", "cannot-say")
PRIVATE = ("file", "place", "copies")
"""What an evidence row says of our own exports; the record's id in the tenant's own log stays."""

THEFTS = ("stolen-certificate", "replayed-token", "foreign-credential", "inside-use")
REVIEWED = ("attempted", "unexplained")


@dataclass(frozen=True, slots=True)
class Part:
    """One tenant's part: its state, its JSON text, and the SHA-256 of that text in UTF-8."""

    tenant: str
    state: str
    text: str
    sha256: str


def read_answer(text: str) -> dict[str, Part]:
    """Read an answer into the tenants' parts, by tenant id.

    Raises:
        Refused: If it is no answer.
    """
    try:
        found: Any = json.loads(text)
    except ValueError as error:
        raise Refused("the answer is no JSON", HINT) from error
    tenants = found.get("tenants") if isinstance(found, dict) else None
    if not isinstance(tenants, list):
        raise Refused("the answer lists no tenants", HINT)
    return {part.tenant: part for part in map(_part, tenants)}


def _part(entry: Any) -> Part:
    if not isinstance(entry, dict) or not isinstance(entry.get("tenant"), str):
        raise Refused("the answer has an entry that names no tenant", HINT)
    if entry.get("state") not in STATES:
        raise Refused(f"the answer says {entry.get('state')!r} of a tenant", f"it may be {', '.join(STATES)}")
    try:
        own = _own(entry)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise Refused(f"the answer of {entry['tenant']} lacks something: {error!r}", HINT) from error
    return part_of(own)


def part_of(own: Mapping[str, Any]) -> Part:
    """Spell a tenant's part, and fingerprint it."""
    text = json.dumps(own, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
    return Part(own["tenant"], own["state"], text, hashlib.sha256(text.encode("utf-8", "replace")).hexdigest())


def _own(entry: Mapping[str, Any]) -> dict[str, Json]:
    """Take what the tenant may see, and see that it has the shape that the papers rely on."""
    discrepancies: list[Json] = []
    for discrepancy in entry["discrepancies"]:
        rows: list[Json] = [
            {name: value for name, value in row.items() if name not in PRIVATE} for row in discrepancy["evidence"]
        ]
        names = ("kind", "rule", "first", "last", "count", "addresses")
        discrepancies.append({**{name: discrepancy[name] for name in names}, "evidence": rows})
    radius = entry["radius"]
    own: dict[str, Json] = {
        "tenant": entry["tenant"],
        "state": entry["state"],
        "reasons": [*map(str, entry["reasons"])],
    }
    own["discrepancies"] = discrepancies
    own["radius"] = {
        "read": _extent(radius["read"]),
        "changed": _extent(radius["changed"]),
        "persistence": [{str(k): v for k, v in left.items() if k not in PRIVATE} for left in radius["persistence"]],
        "techniques": [{**technique} for technique in radius["techniques"]],
    }
    own["coverage"] = [{**covered} for covered in entry["coverage"]]
    return own


def _extent(extent: Mapping[str, Any]) -> dict[str, Json]:
    found: dict[str, Json] = {name: [*map(str, extent[name])] for name in ("mailboxes", "messages", "items")}
    wide = ("mailbox", "folder", "reason")
    return found | {"widened": [{name: entry[name] for name in wide} for entry in extent["widened"]]}


def cites(text: str) -> list[str]:
    """Return the files of ours that an answer's evidence stands in, as it names them; the answer has been read."""
    rows = (
        row
        for tenant in json.loads(text)["tenants"]
        for discrepancy in tenant["discrepancies"]
        for row in discrepancy["evidence"]
    )
    return sorted({str(row["file"]) for row in rows if row.get("file")})


def summary(parts: Iterable[Part]) -> dict[str, Json]:
    """Count the states."""
    states = [part.state for part in parts]
    counts: dict[str, Json] = {"tenants": len(states)}
    return counts | {state.replace("-", "_"): states.count(state) for state in STATES}


def to_review(parts: Iterable[Part]) -> list[str]:
    """Return the tenants that nobody touched but that somebody has to look at: a failed use, or an unexplained one."""
    found = []
    for part in parts:
        kinds = {entry["kind"] for entry in json.loads(part.text)["discrepancies"]}
        if part.state != "touched" and kinds & set(REVIEWED):
            found.append(part.tenant)
    return found


def suspects(parts: Iterable[Part]) -> tuple[str, ...]:
    """Return the thumbprints that discrepancies name, of thefts and of failed uses."""
    marks = set()
    for part in parts:
        for entry in json.loads(part.text)["discrepancies"]:
            if entry["kind"] in (*THEFTS, *REVIEWED):
                marks |= {str(row.get("subject", "")).upper() for row in entry["evidence"]}
    return tuple(sorted(mark for mark in marks if is_thumbprint(mark)))


def tokens(parts: Iterable[Part]) -> frozenset[str]:
    """Return the ids of our own tokens that somebody else used, as the tenant's logs spell them."""
    return frozenset(
        str(row["uti"])
        for part in parts
        for entry in json.loads(part.text)["discrepancies"]
        if entry["kind"] in ("replayed-token", "inside-use")
        for row in entry["evidence"]
        if row.get("uti")
    )


def is_thumbprint(text: str) -> bool:
    """Say whether a text is a SHA-1 or SHA-256 thumbprint in upper-case hex."""
    return len(text) in (40, 64) and all(c in "0123456789ABCDEF" for c in text)


def techniques(parts: Iterable[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Gather ATT&CK techniques with the rows that support them, over the parts of several tenants or of one."""
    found: dict[str, list[str]] = {}
    for part in parts:
        for technique in part["radius"]["techniques"]:
            found.setdefault(technique["id"], []).extend(technique["rows"])
    return found
