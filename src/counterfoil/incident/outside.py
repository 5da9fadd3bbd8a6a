"""A report from outside: somebody tells us that a certificate of ours is being used. Pure.

    {"thumbprints": ["5FB7..."], "addresses": ["203.0.113.9"], "first": "...", "last": "...",
     "reporter": "Microsoft", "words": "seen in sign-ins of three tenants"}

Only ``thumbprints`` is required. Nothing in it is taken for true: it opens an incident, and the logs decide.
"""

import ipaddress
import json
from dataclasses import dataclass
from typing import Any

from counterfoil.evidence.ids import thumbprint
from counterfoil.model.errors import Refused
from counterfoil.model.instant import from_rfc3339, rfc3339

MOST = 1000
LONGEST = 4000
HINT = "see docs/incident.md for the form"


@dataclass(frozen=True, slots=True)
class Report:
    """What somebody told us."""

    thumbprints: tuple[str, ...]
    addresses: tuple[str, ...]
    first: str | None
    last: str | None
    reporter: str
    words: str


def read_report(text: str) -> Report:
    """Read a report.

    Raises:
        Refused: If it is none; the message names the field.
    """
    try:
        found: Any = json.loads(text)
    except ValueError as error:
        raise Refused("the report is no JSON", HINT) from error
    if not isinstance(found, dict):
        raise Refused("the report is no JSON object", HINT)
    marks = tuple(dict.fromkeys(mark_of(value) for value in _texts(found, "thumbprints")))
    if not marks:
        raise Refused("the report names no thumbprint", HINT)
    return Report(
        marks,
        tuple(_address(value) for value in _texts(found, "addresses")),
        _time(found, "first"),
        _time(found, "last"),
        _text(found, "reporter") or "somebody outside",
        _text(found, "words"),
    )


def mark_of(text: str) -> str:
    """Read a thumbprint in any spelling: SHA-1 or SHA-256, upper-case hex.

    Raises:
        Refused: If it is none.
    """
    read = thumbprint(text)
    if read is None:
        raise Refused(
            f"this is no thumbprint: {text[:80]}", "SHA-1 or SHA-256; counterfoil id VALUE shows every spelling"
        )
    return read.hex


def _texts(found: dict[str, Any], name: str) -> list[str]:
    value = found.get(name) or []
    if not isinstance(value, list) or len(value) > MOST or not all(isinstance(item, str) for item in value):
        raise Refused(f"{name} in the report is no list of at most {MOST} texts", HINT)
    return value


def _text(found: dict[str, Any], name: str) -> str:
    value = found.get(name) or ""
    if not isinstance(value, str) or len(value) > LONGEST:
        raise Refused(f"{name} in the report is no text of at most {LONGEST} characters", HINT)
    return value


def _address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError as error:
        raise Refused(f"{text[:80]!r} in the report is no address", HINT) from error


def _time(found: dict[str, Any], name: str) -> str | None:
    text = _text(found, name)
    try:
        return rfc3339(from_rfc3339(text)) if text else None
    except ValueError as error:
        raise Refused(f"{name} in the report is no time: {text[:80]!r}", HINT) from error
