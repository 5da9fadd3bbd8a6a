"""DNS as values: a scan yields questions and is sent answers, so that it needs no socket.

Whoever drives a scan owns the resolver: the gateway asks the network, a test answers from a table,
and ``counterfoil scan`` without ``--dns`` answers every question with ``NOT_ASKED``.
"""

from collections.abc import Generator
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar


class RecordType(StrEnum):
    """The record types that sender authentication asks for."""

    A = "A"
    AAAA = "AAAA"
    MX = "MX"
    PTR = "PTR"
    TXT = "TXT"


class Status(StrEnum):
    """How a look-up ended. ``NO_DATA`` and ``NX_DOMAIN`` are RFC 7208's void look-ups."""

    OK = "ok"
    NO_DATA = "no-data"
    NX_DOMAIN = "nx-domain"
    TEMPORARY = "temporary"
    NOT_ASKED = "not-asked"


@dataclass(frozen=True, slots=True)
class Question:
    """A name (lower case, no trailing dot) and a record type."""

    name: str
    type: RecordType


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back.

    A TXT record is its strings joined and decoded as Latin-1, an MX record is ``"10 host"``, and the
    others are the address or the name.
    """

    status: Status
    records: tuple[str, ...] = ()


T = TypeVar("T")
Asking = Generator[tuple[Question, ...], tuple[Answer, ...], T]
"""A computation that yields batches of questions and is sent the answers in the same order."""
