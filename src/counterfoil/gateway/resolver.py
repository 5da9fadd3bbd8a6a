"""The one way to the DNS: an interface, and four that keep it.

``Network`` asks, ``Table`` answers from a dictionary (tests, rehearsals), ``NotAsked`` never asks (a scan
without ``--dns``), and ``Rationed`` bounds what one message may cost any of them.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Protocol

import dns.asyncresolver
import dns.exception
import dns.rdata
import dns.resolver
from dns.rdtypes.ANY.TXT import TXT

from counterfoil.model.dns import Answer, Question, RecordType, Status
from counterfoil.model.errors import Misconfigured

NO_SUCH_NAME = Answer(Status.NX_DOMAIN)
TEMPORARY = Answer(Status.TEMPORARY)


class Resolver(Protocol):
    """Answers questions, in the order they were put; it never raises for what the DNS does."""

    async def answer(self, questions: Sequence[Question]) -> tuple[Answer, ...]:
        """Return one answer a question."""


class NotAsked:
    """Answers that nobody was asked."""

    async def answer(self, questions: Sequence[Question]) -> tuple[Answer, ...]:
        """Return ``NOT_ASKED`` for each."""
        return tuple(Answer(Status.NOT_ASKED) for _ in questions)


class Table:
    """Answers from a dictionary; a name that has records of other types only has no data.

    Args:
        records: Records by name (lower case, no trailing dot) and type.
    """

    def __init__(self, records: Mapping[tuple[str, RecordType], tuple[str, ...]]) -> None:
        self._records = records
        self._names = {name for name, _ in records}

    async def answer(self, questions: Sequence[Question]) -> tuple[Answer, ...]:
        """Look each question up."""
        return tuple(self._look_up(question) for question in questions)

    def _look_up(self, question: Question) -> Answer:
        records = self._records.get((question.name, question.type))
        if records:
            return Answer(Status.OK, records)
        return Answer(Status.NO_DATA if question.name in self._names else Status.NX_DOMAIN)


class Network:
    """Asks name servers, and remembers what they said for as long as they allow.

    Args:
        nameservers: Addresses to ask; empty for those of ``/etc/resolv.conf``. Best a validating resolver on
            loopback: whoever can forge its answers can forge who sent a message.
        port: Their port.
        timeout: Seconds for one server to answer.
        lifetime: Seconds for one question, other servers and retries included.
        remembered: How many answers the cache holds.

    Raises:
        Misconfigured: If no name server is given and the system has none.
    """

    def __init__(
        self,
        nameservers: Sequence[str] = (),
        *,
        port: int = 53,
        timeout: float = 2.0,
        lifetime: float = 5.0,
        remembered: int = 20_000,
    ) -> None:
        try:
            self._resolver = dns.asyncresolver.Resolver(configure=not nameservers)
        except dns.resolver.NoResolverConfiguration:
            raise Misconfigured("/etc/resolv.conf names no name server", "name one there") from None
        if nameservers:
            self._resolver.nameservers = list(nameservers)
        self._resolver.port = port
        self._resolver.timeout = timeout
        self._resolver.lifetime = lifetime
        self._resolver.cache = dns.resolver.LRUCache(remembered)

    async def answer(self, questions: Sequence[Question]) -> tuple[Answer, ...]:
        """Ask all of them at once."""
        return tuple(await asyncio.gather(*(self._ask(question) for question in questions)))

    async def _ask(self, question: Question) -> Answer:
        try:
            answer = await self._resolver.resolve(f"{question.name}.", question.type.value, search=False)
        except dns.resolver.NXDOMAIN:
            return NO_SUCH_NAME
        except dns.resolver.NoAnswer:
            return Answer(Status.NO_DATA)
        except (dns.resolver.NoNameservers, dns.exception.Timeout, OSError):
            return TEMPORARY
        except (dns.exception.DNSException, ValueError):
            # A label or a name that is too long, or letters that IDNA does not know: no such name can exist.
            return NO_SUCH_NAME
        # Servers shuffle them; the same records must always lead to the same result.
        return Answer(Status.OK, tuple(sorted(_spell(record) for record in answer)))


class Rationed:
    """Bounds what one message may ask: so many questions, and so many seconds over all of them.

    What is beyond is answered ``TEMPORARY``, which is what it is: asked again, it may succeed. Sender
    authentication then says ``temperror``, and never that a check passed.
    """

    def __init__(self, resolver: Resolver, *, questions: int = 150, seconds: float = 10.0) -> None:
        self._resolver = resolver
        self._left = questions
        self._seconds = seconds

    async def answer(self, questions: Sequence[Question]) -> tuple[Answer, ...]:
        """Pass on what is within the ration."""
        allowed = questions[: max(0, self._left)]
        self._left -= len(questions)
        began = time.monotonic()
        try:
            async with asyncio.timeout(max(0.0, self._seconds)):
                answers = await self._resolver.answer(allowed)
        except TimeoutError:
            answers = tuple(TEMPORARY for _ in allowed)
        self._seconds -= time.monotonic() - began
        return (*answers, *(TEMPORARY for _ in questions[len(allowed) :]))


def _spell(record: dns.rdata.Rdata) -> str:
    if isinstance(record, TXT):
        return b"".join(record.strings).decode("latin-1")
    return str(record.to_text()).rstrip(".").lower()
