"""Step 10: a stub without a job, or with a job that joins to nothing, is use from inside.

The rule is off where the books hold no job at all; the answer says so.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from counterfoil.evidence.ids import uti
from counterfoil.evidence.matching import INSIDE, Judgement, Row

_RULE: Final = "CASE WHEN s.job IS NULL THEN 'stub-without-job' ELSE 'job-joins-to-nothing' END AS rule"
WITHOUT_JOB: Final = (
    f"""SELECT s.*, 'token' AS kind, {_RULE} FROM tokens s
        WHERE NOT EXISTS (SELECT 1 FROM jobs j WHERE j.id = s.job) ORDER BY s.no""",  # noqa: S608 - our own names
    f"""SELECT s.*, 'call' AS kind, {_RULE} FROM calls_loaded s
        WHERE NOT EXISTS (SELECT 1 FROM jobs j WHERE j.id = s.job) ORDER BY s.no""",  # noqa: S608 - our own names
)
"""The token and call stubs that no job asked for; each says its ``kind`` and ``rule``."""


def judge_jobs(stubs: Iterable[Mapping[str, Any]], rows: Mapping[tuple[str, int], list[Row]]) -> list[Judgement]:
    """Judge stubs without a job by the rows that are matched to them, or by the stub where there is none.

    Args:
        stubs: What the queries of :data:`WITHOUT_JOB` gave.
        rows: The matched rows by (``token`` or ``call``, number of the stub).
    """
    found: list[Judgement] = []
    for stub in stubs:
        subject = stub["uti"] or stub.get("correlation_id") or stub.get("crid") or "no token id"
        matched = rows.get((stub["kind"], stub["no"]), [])
        happened = stub.get("outcome") == "issued" or 200 <= (stub.get("status") or 0) < 300
        found += [
            Judgement(row, INSIDE, stub["rule"], subject, touches=bool(row["success"]), items=row.get("items", ()))
            for row in matched
        ]
        if not matched:
            found.append(Judgement(_as_row(stub), INSIDE, stub["rule"], subject, touches=happened))
    return found


def _as_row(stub: Mapping[str, Any]) -> Row:
    """Let a stub stand as its own evidence, since no log shows it."""
    named = uti(stub["uti"]) if stub["uti"] else None
    return {
        "record": f"stub:{stub['kind']}:{stub['no']}",
        "source": "ledger",
        "tenant": stub["tenant"],
        "time": stub["time"],
        "uti": stub["uti"],
        "spelled": named,
        "success": True,
        "address": None,
        "operation": stub.get("method") or stub["kind"],
        "method": stub.get("method"),
        "path": stub.get("path"),
        "effect": stub.get("effect", "none"),
        "mailbox": stub.get("mailbox"),
        "mailbox_id": None,
        "access": None,
        "messages": stub.get("messages", []),
        "detail": None,
        "file": "the stubs",
        "number": stub["no"],
        "copies": 1,
    }
