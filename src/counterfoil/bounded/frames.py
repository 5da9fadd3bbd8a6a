"""What parent and worker say to each other: frames of one kind octet, a length and a body.

The parent trusts nothing that comes back: a length is judged before a byte of it is read, and no frame
is ever unpickled. The conversation is a generator, so that one text serves asyncio and plain sockets.
"""

import struct
from collections.abc import Generator
from dataclasses import dataclass
from typing import TypeVar

HEADER = struct.Struct(">cI")

JOB, ANSWER = b"J", b"A"
"""From the parent: an argument to work on, the answer to a question."""

READY, RESULT, QUESTION, FAILED, MEMORY = b"S", b"R", b"Q", b"E", b"M"
"""From the worker: it stands (with its isolation), it is done, it asks, the function raised, no memory."""

START_LIMIT = 64 * 1024


class Exceeded(Exception):
    """The job met a bound (time, memory, output, questions); the worker is gone and has been replaced."""


class Died(Exception):
    """The worker ended before there was a result; ``str()`` says what is known of it."""


class Raised(Died):
    """The function raised; the worker lives on."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one job may cost.

    Args:
        seconds: Wall clock for one job, the parent's answers included.
        memory: Octets of address space above what the idle worker has.
        output: Octets that may come back, questions included.
        questions: How often the job may ask its parent.
        reads: Files and folders that it may read besides the libraries, in whole.
        writes: The one folder in which it may make, write and remove files.
        threads: Whether it may have threads (a database engine's); never processes.
    """

    seconds: float = 20.0
    memory: int = 1024 * 1024 * 1024
    output: int = 512 * 1024 * 1024
    questions: int = 256
    reads: tuple[str, ...] = ()
    writes: str | None = None
    threads: bool = False


@dataclass(frozen=True, slots=True)
class Send:
    """Write these octets."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Receive:
    """Read exactly that many octets and send them in."""

    size: int


@dataclass(frozen=True, slots=True)
class Ask:
    """The worker asks; send in the answer."""

    question: bytes


T = TypeVar("T")
Conversation = Generator[Send | Receive | Ask, bytes, T]


def frame(kind: bytes, body: bytes) -> bytes:
    """Spell one frame; a body has at most 4 GiB."""
    return HEADER.pack(kind, len(body)) + body


def greet() -> Conversation[bytes]:
    """Wait until the worker stands; returns what it says of its isolation (JSON).

    Raises:
        Died: If it cannot start; the reason is the worker's own.
    """
    kind, size = HEADER.unpack((yield Receive(HEADER.size)))
    if size > START_LIMIT:
        raise Died("the worker's greeting is out of all measure")
    body = yield Receive(size)
    if kind != READY:
        raise Died(f"the worker could not start: {_words(body)}")
    return body


def converse(argument: bytes, bounds: Bounds) -> Conversation[bytes]:
    """Have one argument worked on; returns the result.

    Raises:
        Exceeded: If a bound other than time was met (time is the driver's).
        Raised: If the function raised.
        Died: If the worker speaks nonsense.
    """
    yield Send(frame(JOB, argument))
    spent = asked = 0
    while True:
        kind, size = HEADER.unpack((yield Receive(HEADER.size)))
        spent += size
        if spent > bounds.output:
            raise Exceeded(f"more than {bounds.output} octets of output")
        body = yield Receive(size)
        if kind == RESULT:
            return body
        if kind == MEMORY:
            raise Exceeded(f"more than {bounds.memory} octets of memory")
        if kind == FAILED:
            raise Raised(_words(body))
        if kind != QUESTION:
            raise Died("the worker spoke out of turn")
        asked += 1
        if asked > bounds.questions:
            raise Exceeded(f"more than {bounds.questions} questions")
        yield Send(frame(ANSWER, (yield Ask(body))))


def _words(body: bytes) -> str:
    return body[:2000].decode("utf-8", "replace")
