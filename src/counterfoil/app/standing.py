"""How each connection stands with each of its duties: what was last tried, how it went, how far it got.

One JSON file a connection below ``DATA/standing``, replaced as a whole. Trust: whoever can change it can
have logs pulled again, or not; the evidence itself lies elsewhere and proves coverage by its own rows.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from counterfoil.ledger import durable
from counterfoil.model.errors import CounterfoilError, Unavailable
from counterfoil.model.instant import from_rfc3339, rfc3339
from counterfoil.model.mail import Json
from counterfoil.model.trust import Connection
from counterfoil.tenant.door import CallRefused
from counterfoil.tenant.token import TokenRefused

GOOD, UNLICENSED, REFUSED, THROTTLED = "good", "unlicensed", "refused", "throttled"
UNAVAILABLE, NO_TOKEN, AUDIT_OFF, WAITING = "unavailable", "no-token", "audit-off", "waiting"
NOT_POSSIBLE, FAILED, OVERDUE, FOUND = "not-possible", "failed", "overdue", "found"

_AUDIT_OFF = frozenset({"AF20011", "AF20022", "AF20023"})
_MEMORY = 500


@dataclass(frozen=True, slots=True)
class Standing:
    """One duty of one connection: ``until`` is how far its logs were pulled, ``words`` what to know or do."""

    state: str
    words: str
    at: datetime
    until: datetime | None = None

    @property
    def good(self) -> bool:
        """Say whether nobody has to do anything."""
        return self.state in {GOOD, WAITING}


@dataclass(frozen=True, slots=True)
class Book:
    """All duties of a connection by name, and the messages that heartbeats have read."""

    duties: dict[str, Standing]
    read: tuple[str, ...] = ()


class Standings:
    """The folder of these files."""

    def __init__(self, data: Path) -> None:
        self._folder = data / "standing"

    def of(self, connection: Connection) -> Book:
        """Return how a connection stands; a file that is not there or is damaged says nothing."""
        return self._read(self._path(connection))

    def _read(self, path: Path) -> Book:
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
            duties = {name: _standing(entry) for name, entry in document["duties"].items()}
            return Book(duties, tuple(document["read"]))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            # Everything is pulled once more then; records count once, so nothing is wrong afterwards.
            return Book({})

    def all_of(self, duty: str) -> Iterator[tuple[str, Standing]]:
        """Yield how every connection stands with one duty, each with its tenant's id."""
        for path in sorted(self._folder.glob("*.json")):
            standing = self._read(path).duties.get(duty)
            if standing is not None:
                yield path.name.partition(".")[0], standing

    def note(self, connection: Connection, duty: str, standing: Standing, read: tuple[str, ...] | None = None) -> None:
        """Write down how a duty went; a failure keeps how far it had got before."""
        with durable.lock(self._folder / f".{connection.tenant_id}.lock"):
            self._note(connection, duty, standing, read)

    def _note(self, connection: Connection, duty: str, standing: Standing, read: tuple[str, ...] | None) -> None:
        book = self.of(connection)
        before = book.duties.get(duty)
        if standing.until is None and before is not None:
            standing = replace(standing, until=before.until)
        duties: dict[str, Json] = {name: _document(entry) for name, entry in {**book.duties, duty: standing}.items()}
        kept: list[Json] = list((book.read if read is None else read)[-_MEMORY:])
        octets = json.dumps({"duties": duties, "read": kept}, indent=1).encode()
        durable.write(self._path(connection), octets, mode=0o600)

    def _path(self, connection: Connection) -> Path:
        return self._folder / f"{connection.tenant_id}.{connection.app}.json"


def failure(error: CounterfoilError, at: datetime) -> Standing:
    """Say what an error means for a duty."""
    words = error.message if error.hint is None else f"{error.message}; {error.hint}"
    return Standing(_state(error), words, at)


def _state(error: CounterfoilError) -> str:
    if isinstance(error, CallRefused):
        if "NonPremiumTenant" in error.code:
            return UNLICENSED
        return AUDIT_OFF if error.code in _AUDIT_OFF else REFUSED
    if isinstance(error, TokenRefused):
        return NO_TOKEN
    if isinstance(error, Unavailable):
        return THROTTLED if "busy" in error.message else UNAVAILABLE
    return NOT_POSSIBLE


def _document(standing: Standing) -> dict[str, Json]:
    return {
        "state": standing.state,
        "words": standing.words,
        "at": rfc3339(standing.at),
        "until": None if standing.until is None else rfc3339(standing.until),
    }


def _standing(entry: dict[str, Any]) -> Standing:
    until = entry["until"]
    return Standing(
        str(entry["state"]),
        str(entry["words"]),
        from_rfc3339(entry["at"]),
        None if until is None else from_rfc3339(until),
    )
