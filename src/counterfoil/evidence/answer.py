"""The answer in the shape that people and scripts rely on, and the state of each tenant."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from counterfoil.evidence.coverage import SourceCoverage
from counterfoil.evidence.ids import dashed, uti
from counterfoil.evidence.matching import TOUCHING, UNEXPLAINED, UNSEEN, Judgement, Row
from counterfoil.evidence.persistence import ANYBODYS
from counterfoil.evidence.radius import Extent, Radius
from counterfoil.evidence.roles import could
from counterfoil.evidence.standing import Connection
from counterfoil.evidence.techniques import NAMES
from counterfoil.evidence.uses import SIGN_INS
from counterfoil.model.instant import rfc3339
from counterfoil.model.mail import Json
from counterfoil.model.number import counted

EVIDENCE_ROWS = 100
"""Rows printed for one discrepancy; ``count`` always says how many there are."""

CLEAN, TOUCHED, CANNOT_SAY = "clean", "touched", "cannot-say"


@dataclass(slots=True)
class TenantAnswer:
    """One tenant: its state, why, what was found, how far it went, and what could be judged at all."""

    tenant: str
    state: str
    reasons: list[str]
    discrepancies: list[dict[str, Json]]
    radius: Radius
    coverage: list[SourceCoverage]
    subjects: set[str] = field(default_factory=set)
    """Credentials and token ids of discrepancies that touch."""
    name: str | None = None
    roles: tuple[str, ...] | None = None
    """What the connection may do; ``None`` where that is not known."""
    connected: bool = True
    required: frozenset[str] = frozenset()
    """Logs without which it cannot be called clean."""


def tenant_answer(
    tenant: str,
    judgements: Iterable[Judgement],
    *,
    unseen: Iterable[Mapping[str, Any]],
    radius: Radius,
    coverage: list[SourceCoverage],
    required: Iterable[str],
    gaps: list[str],
    notes: Iterable[str],
    connection: Connection | None = None,
    listed: Sequence[Row] = (),
) -> TenantAnswer:
    """Put one tenant's answer together (touched, else cannot-say, else clean).

    ``listed`` is what a listing found to be left behind, which no log may show any more; inbox rules among it may be
    anybody's, so they cost nobody "clean".
    """
    found = list(judgements)
    discrepancies, subjects, reasons = _discrepancies(found)
    unexplained = any(judgement.kind == UNEXPLAINED for judgement in found)
    # A credential that somebody else put on our application is no use yet, and no peace either.
    strange = [entry for entry in listed if entry["kind"] not in ANYBODYS]
    planted = any(judgement.kind in TOUCHING and not judgement.touches for judgement in found) or bool(strange)
    state = TOUCHED if subjects else CANNOT_SAY if gaps or unexplained or planted else CLEAN
    if unexplained:
        reasons.append("unexplained: rows that neither our stubs nor a theft account for")
    if planted and not subjects:
        reasons.append("a use or credential that is not ours, without a successful use of it: somebody has to look")
    # Where nothing else is amiss, the rules in the mailboxes are people's own.
    radius.persistence.extend(dict(entry) for entry in (strange if state == CLEAN else listed))
    return TenantAnswer(
        tenant,
        state,
        [*reasons, *gaps, *notes],
        [*discrepancies, *(_unseen(entry) for entry in unseen)],
        radius,
        coverage,
        subjects,
        connection.name if connection else None,
        connection.roles if connection else None,
        connection is None or connection.connected,
        frozenset(required),
    )


def _discrepancies(found: list[Judgement]) -> tuple[list[dict[str, Json]], set[str], list[str]]:
    groups: dict[tuple[str, str], list[Judgement]] = defaultdict(list)
    for judgement in found:
        groups[(judgement.kind, judgement.subject)].append(judgement)
    entries: list[dict[str, Json]] = []
    subjects: set[str] = set()
    reasons: list[str] = []
    for (kind, subject), members in sorted(groups.items(), key=lambda group: (_first(group[1]), group[0])):
        rows = {member.row["record"]: member for member in members}
        ordered = sorted(rows.values(), key=lambda member: (str(member.row["time"] or ""), member.row["record"]))
        times = [member.row["time"] for member in ordered if member.row["time"] is not None]
        entries.append(
            {
                "kind": kind,
                "rule": _rule(members),
                "first": rfc3339(times[0]) if times else None,
                "last": rfc3339(times[-1]) if times else None,
                "count": len(rows),
                "addresses": [*sorted({str(m.row["address"]) for m in ordered if m.row["address"]})],
                "evidence": [_evidence(member) for member in ordered[:EVIDENCE_ROWS]],
            }
        )
        if kind in TOUCHING and any(member.touches for member in members):
            subjects.add(subject)
            reasons.append(f"{kind}: {counted(len(rows), 'row')} by {spelled(subject)} ({_rule(members)})")
    return entries, subjects, reasons


def spelled(subject: str) -> str:
    """Spell a token id the way the token and the logs do; credentials are spelled already."""
    is_token = len(subject) == 32 and all(c in "0123456789abcdef" for c in subject)
    return f"uti {uti(subject)}" if is_token else subject


def _first(members: list[Judgement]) -> str:
    return min((str(member.row["time"] or "") for member in members), default="")


def _rule(members: list[Judgement]) -> str:
    """Name the rule of the rows that touch, of sign-ins before others: the one that decided."""
    return min(members, key=lambda m: (not m.touches, m.row["source"] != "sign-ins", str(m.row["time"] or ""))).rule


def _evidence(member: Judgement) -> dict[str, Json]:
    row = member.row
    entry: dict[str, Json] = {
        "source": row["source"],
        "record": _record(row),
        "time": rfc3339(row["time"]) if row["time"] else None,
        "rule": member.rule,
        "subject": spelled(member.subject),
        "success": bool(row["success"]),
        "address": row["address"],
        "operation": f"{row['method']} {row['path']}" if row.get("method") else row["operation"],
        "effect": row["effect"],
        "mailbox": row["mailbox"],
        "uti": uti(row["uti"]) if row["uti"] else None,
        "file": row["file"],
        # Copies stand in several files or places: the file that is named need not be the one of the lowest number.
        "place": row["number"] if row["copies"] == 1 else None,
        "copies": row["copies"],
    }
    return {name: value for name, value in entry.items() if value is not None}


def _record(row: Row) -> str:
    """Give the id by which a row is found in its log again."""
    own = str(row["record"]).split(":", 2)[-1]
    return dashed(own) if row["source"] == SIGN_INS and len(own) == 32 else own


def _unseen(entry: Mapping[str, Any]) -> dict[str, Json]:
    return {
        "kind": UNSEEN,
        "rule": f"no-row-in-{entry['source']}",
        "first": rfc3339(entry["first"]),
        "last": rfc3339(entry["last"]),
        "count": entry["count"],
        "addresses": [],
        "evidence": [
            {"source": entry["source"], "subject": spelled(entry["uti"] or "no token id"), "stubs": entry["count"]}
        ],
    }


def document(answers: list[TenantAnswer], using: int) -> dict[str, Json]:
    """Return the JSON answer."""
    states = [answer.state for answer in answers]
    return {
        "summary": {
            "tenants": len(answers),
            "using": using,
            "touched": states.count(TOUCHED),
            "cannot_say": states.count(CANNOT_SAY),
            "clean": states.count(CLEAN),
        },
        "tenants": [tenant_document(answer) for answer in answers],
    }


def tenant_document(answer: TenantAnswer) -> dict[str, Json]:
    """Return one tenant's part: it names no other tenant."""
    radius = answer.radius
    return {
        "tenant": answer.tenant,
        "name": answer.name,
        "state": answer.state,
        "reasons": [*answer.reasons],
        "discrepancies": [*answer.discrepancies],
        "radius": {
            "read": _extent(radius.read),
            "changed": _extent(radius.changed),
            "persistence": [*map(_plain, radius.persistence)],
            "techniques": [
                {"id": technique, "name": NAMES[technique], "rows": [*list(dict.fromkeys(rows))[:EVIDENCE_ROWS]]}
                for technique, rows in sorted(radius.techniques.items())
            ],
        },
        "could": [{**entry} for entry in could(answer.roles)] if answer.connected else [],
        "coverage": [
            {
                "source": covered.source,
                "hours_proven": covered.proven,
                "hours_not": covered.unproven,
                "states": {**covered.states},
                "bound": covered.bound,
            }
            for covered in answer.coverage
        ],
    }


def _extent(extent: Extent) -> dict[str, Json]:
    return {
        "mailboxes": [*sorted(extent.mailboxes.values())],
        "messages": [*sorted(extent.messages)],
        "items": [*sorted(extent.items)],
        "widened": [
            {"mailbox": mailbox, "folder": folder, "reason": reason}
            for mailbox, folder, reason in sorted(extent.widened, key=lambda entry: tuple(str(part) for part in entry))
        ],
    }


def _plain(entry: Row) -> dict[str, Json]:
    return {name: rfc3339(value) if isinstance(value, datetime) else value for name, value in entry.items()}


def exit_code(answer: Mapping[str, Any]) -> int:
    """1 somebody touched; else 3 somebody cannot-say; else 0."""
    summary = answer["summary"]
    return 1 if summary["touched"] else 3 if summary["cannot_say"] else 0
