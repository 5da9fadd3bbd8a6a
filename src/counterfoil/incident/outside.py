"""A report from outside: somebody tells us that a certificate of ours is being used. Pure.

    {"thumbprints": ["5FB7..."], "addresses": ["203.0.113.9"], "first": "...", "last": "...",
     "reporter": "Microsoft", "words": "seen in sign-ins of three tenants"}

Only ``thumbprints`` is required. Nothing in it is taken for true: it opens an incident, and the logs decide.
"""

import ipaddress
import json
from collections.abc import Callable
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
        Refused: If it is none; the message names every field that is wrong, one a line.
    """
    try:
        found: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Refused("the report is no JSON", HINT) from error
    if not isinstance(found, dict):
        raise Refused("the report is no JSON object", HINT)
    problems: list[str] = []
    marks = _each(found, "thumbprints", "thumbprint", mark_of, problems)
    addresses = _each(found, "addresses", "address", _address, problems)
    first, last = (_time(found, name, problems) for name in ("first", "last"))
    reporter, words = (_text(found, name, problems) for name in ("reporter", "words"))
    if not marks and not problems:
        problems.append("the report names no thumbprint")
    if first and last and first > last:
        problems.append("first in the report is later than last")
    if problems:
        raise Refused("\n".join(problems), HINT)
    return Report(tuple(dict.fromkeys(marks)), tuple(addresses), first, last, reporter or "somebody outside", words)


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


def _each(found: dict[str, Any], name: str, one: str, read: Callable[[str], str], problems: list[str]) -> list[str]:
    """Read a list of texts; what is wrong with each goes to the problems."""
    value = found.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or len(value) > MOST:
        problems.append(f"{name} in the report is no list of at most {MOST} texts")
        return []
    good = []
    for place, item in enumerate(value, 1):
        try:
            good.append(read(item if isinstance(item, str) else repr(item)))
        except (Refused, ValueError):
            problems.append(f"{one} {place} in the report is none: {shown(item)}")
    return good


def shown(value: object) -> str:
    """Spell the beginning of something from outside in one line."""
    return repr(value)[:80]


def _text(found: dict[str, Any], name: str, problems: list[str]) -> str:
    value = found.get(name)
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > LONGEST:
        problems.append(f"{name} in the report is no text of at most {LONGEST} characters")
        return ""
    return value


def _address(text: str) -> str:
    return str(ipaddress.ip_address(text))


def _time(found: dict[str, Any], name: str, problems: list[str]) -> str | None:
    text = _text(found, name, problems)
    try:
        return rfc3339(from_rfc3339(text)) if text else None
    except (ValueError, OverflowError):
        problems.append(f"{name} in the report is no time: {shown(text)}")
        return None
