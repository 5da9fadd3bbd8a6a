"""A scan from the outside: bytes to a bounded worker, its questions to a resolver, a Scan back in any case."""

import hashlib
from collections.abc import Awaitable, Callable, Sequence

from counterfoil import clock
from counterfoil.bounded.pool import Died, Exceeded, Pool
from counterfoil.model.dns import Answer, Question
from counterfoil.model.mail import Authentication, Envelope, Scan, Uninspectable
from counterfoil.scan import wire

WORK = "counterfoil.scan.worker:work"
"""What the pool's workers run."""

Resolve = Callable[[Sequence[Question]], Awaitable[tuple[Answer, ...]]]


class Scanner:
    """Looks into messages by a pool of workers.

    Args:
        pool: Workers that run ``WORK``.
        resolver: Makes, for each message, what answers its questions: the place to bound them.
    """

    def __init__(self, pool: Pool, resolver: Callable[[], Resolve]) -> None:
        self._pool = pool
        self._resolver = resolver

    async def scan(self, raw: bytes, envelope: Envelope | None) -> Scan:
        """Scan a message; what its worker did not survive is uninspectable, with the reason (law 3)."""
        # A file came at some time or other: what has expired since is no fault of it.
        now = None if envelope is None else clock.now()
        return await self._scan(raw, wire.from_request(raw, envelope, now=now))

    async def scan_file(self, raw: bytes, name: str) -> Scan:
        """Scan a bare file as if it were an attachment of that name."""
        return await self._scan(raw, wire.from_request(raw, None, file_name=name))

    async def _scan(self, raw: bytes, request: bytes) -> Scan:
        resolve = self._resolver()

        async def answer(question: bytes) -> bytes:
            return wire.from_answers(await resolve(wire.to_questions(question)))

        try:
            scan = wire.to_scan(await self._pool.run(request, answer))
        except Exceeded as error:
            return uninspectable(raw, f"the scan was stopped: {error}")
        except Died as error:
            return uninspectable(raw, f"the scan failed: {error}")
        except wire.Malformed as error:
            return uninspectable(raw, f"the scan's result made no sense: {error}")
        sha256 = hashlib.sha256(raw).hexdigest()
        if scan.sha256 != sha256 or scan.size != len(raw):
            return uninspectable(raw, "the scan's result is about other bytes")
        return scan


def uninspectable(raw: bytes, reason: str) -> Scan:
    """Make the Scan of a message that nothing is known of but that it could not be inspected."""
    return Scan(
        message_id="",
        subject="",
        sha256=hashlib.sha256(raw).hexdigest(),
        size=len(raw),
        findings=(),
        parts=(),
        links=(),
        authentication=Authentication(),
        uninspectable=(Uninspectable("", reason),),
    )
