"""Which findings of an answer are about an incident's subject, and which are about another credential. Pure.

An answer covers every credential of a tenant, an incident only its subject. What somebody did with another
credential may not be told as done with this one: it is counted, and told apart.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from counterfoil.incident.scope import THEFTS, Part, part_of
from counterfoil.model.number import counted

BY_TOKEN = ("replayed-token", "inside-use")
FOREIGN = "foreign-credential"


@dataclass(frozen=True, slots=True)
class Meant:
    """What counts for the subject of an incident.

    Attributes:
        marks: SHA-1 and SHA-256 thumbprints of the subject's credentials, upper-case hex.
        tokens: Ids of the tokens that they won for us, as the logs spell them.
        foreign: Credentials that are not ours count too: the incident was opened because of an answer.
        whole: Tenant ids whose connection is the subject as a whole: everything there counts.
    """

    marks: frozenset[str]
    tokens: frozenset[str] = frozenset()
    foreign: bool = False
    whole: frozenset[str] = frozenset()


def attributed(part: Part, meant: Meant) -> Part:
    """Return a tenant's part with the findings about the subject alone; ``apart`` in it counts the others."""
    if part.tenant in meant.whole:
        return part
    document: dict[str, Any] = json.loads(part.text)
    kept = [entry for entry in document["discrepancies"] if _counts(entry, meant)]
    apart = len(document["discrepancies"]) - len(kept)
    if not apart:
        return part
    thefts = [entry for entry in kept if entry["kind"] in THEFTS and any(r.get("success") for r in entry["evidence"])]
    state = part.state if part.state != "touched" or thefts else _untouched(document, kept)
    marks = [str(row.get("subject")) for entry in kept for row in entry["evidence"]]
    reasons = [reason for reason in document["reasons"] if _stays(reason, marks)]
    found = counted(apart, "finding is", "findings are")
    document |= {
        "state": state,
        "discrepancies": kept,
        "reasons": [*reasons, f"{found} about another credential than the incident's"],
        "apart": apart,
    }
    if state != "touched":
        nothing: dict[str, Any] = {"mailboxes": [], "messages": [], "items": [], "widened": []}
        document["radius"] = {"read": nothing, "changed": nothing, "persistence": [], "techniques": []}
    return part_of(document)


def _counts(entry: Mapping[str, Any], meant: Meant) -> bool:
    """Say whether a finding counts; what no theft and no failed use is, such as a gap, is about everybody."""
    if entry["kind"] not in (*THEFTS, "attempted") or (entry["kind"] == FOREIGN and meant.foreign):
        return True
    by_mark = any(str(row.get("subject", "")).upper() in meant.marks for row in entry["evidence"])
    return by_mark or (
        entry["kind"] in BY_TOKEN and any(row.get("uti") and row["uti"] in meant.tokens for row in entry["evidence"])
    )


def _untouched(document: Mapping[str, Any], kept: Iterable[Mapping[str, Any]]) -> str:
    """Judge a tenant whom only another credential touched: clean needs every hour of every log."""
    gaps = any(
        hours and state != "proven" for covered in document["coverage"] for state, hours in covered["states"].items()
    )
    unexplained = any(entry["kind"] in ("unexplained", *THEFTS) for entry in kept)
    return "cannot-say" if gaps or unexplained or not document["coverage"] else "clean"


def _stays(reason: str, marks: Iterable[str]) -> bool:
    return not reason.startswith(tuple(f"{kind}:" for kind in THEFTS)) or any(mark in reason for mark in marks)


def summary_words(before: Iterable[Part], after: Iterable[Part]) -> str | None:
    """Say that nothing in an answer concerns the subject, where that is so."""
    touched = any(part.state == "touched" for part in before)
    if touched and not any(part.state == "touched" for part in after):
        return (
            "no use in this answer is by what the incident is about: whom it calls touched, another credential touched"
        )
    return None


def narrowed(parts: Mapping[str, Part], meant: Meant | None) -> dict[str, Part]:
    """Narrow every tenant's part to the subject; ``None`` where the incident has none yet."""
    if meant is None:
        return dict(parts)
    return {tenant: attributed(part, meant) for tenant, part in parts.items()}
