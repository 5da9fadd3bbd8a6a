"""The stub exchange form: one JSON object a line, absent keys null, unknown keys kept. Pure."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from counterfoil.ledger.stubs import FIELDS, flat
from counterfoil.model.errors import Refused
from counterfoil.model.instant import from_rfc3339
from counterfoil.model.mail import Json
from counterfoil.model.trust import Stub

KINDS = frozenset({"tenant", "credential", "job", "token", "call"})
"""The kinds that any program may keep."""

EXPORTED = KINDS | {"gap"}
"""What an export for reconciliation holds: with a gap goes the time that cannot be judged."""


def document(stub: Stub) -> dict[str, Json]:
    """Spell a stub with every key of its kind, null where it has none."""
    blank: dict[str, Json] = {"kind": stub.kind, "time": None, "tenant": stub.tenant}
    return blank | dict.fromkeys(FIELDS[stub.kind]) | flat(stub)


def told(stub: Stub) -> Stub:
    """Return a stub as a single tenant may have it: of a gap when and why, and nothing of who said so or of the log."""
    if stub.kind != "gap":
        return stub
    return Stub("gap", stub.time, None, {name: stub.body[name] for name in ("since", "until", "reason")})


def lines(stubs: Iterable[Stub]) -> Iterator[str]:
    """Spell stubs as JSON Lines."""
    for stub in stubs:
        yield json.dumps(document(stub), ensure_ascii=False, separators=(",", ":")) + "\n"


def read_lines(text: Iterable[str]) -> Iterator[Stub]:
    """Read JSON Lines that any program wrote; a ``tenant`` line may lack a time and is then of the epoch.

    Raises:
        Refused: If a line is no stub; the message gives its number.
    """
    for number, line in enumerate(text, 1):
        if line.strip():
            yield _read(line, number)


def _read(line: str, number: int) -> Stub:
    try:
        found: Any = json.loads(line)
        kind, time, tenant = found.pop("kind"), found.pop("time", None), found.pop("tenant", None)
        when = from_rfc3339(time or "1970-01-01T00:00:00Z")
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise Refused(f"line {number} is no stub: {error!r}", "one JSON object a line, each with a kind") from error
    if kind not in FIELDS:
        raise Refused(f"line {number}: {kind!r} is no kind of stub", f"the kinds are {', '.join(FIELDS)}")
    return Stub(kind, when, tenant, {key: value for key, value in found.items() if value is not None})
