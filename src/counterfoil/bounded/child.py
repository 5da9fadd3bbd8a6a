"""The worker: load one function, shut the doors, then answer jobs until the parent hangs up.

It is started as a fresh interpreter, so that no secret and no descriptor of the parent comes with it;
what it is told comes over one socket, which it uses with read and write alone.
"""

import gc
import importlib
import os
import signal
import sys
from collections.abc import Callable

from counterfoil.bounded.frames import (
    ANSWER,
    FAILED,
    HEADER,
    JOB,
    MEMORY,
    QUESTION,
    READY,
    RESULT,
    Bounds,
    frame,
)
from counterfoil.bounded.isolation import shut_in

Work = Callable[[bytes, Callable[[bytes], bytes]], bytes]
"""What runs in the worker: the argument and a way to ask the parent; returns the result."""


def main(channel: int, target: str, bounds: Bounds, lifetime: float) -> None:
    """Serve jobs on a socket's descriptor until it is closed at the other end."""
    try:
        name, _, function = target.partition(":")
        module = importlib.import_module(name)
        work: Work = getattr(module, function)
        getattr(module, "warm", bool)()  # bool() does nothing
    except Exception as error:  # noqa: BLE001 - whatever it is, the parent has to hear it
        _send(channel, FAILED, _describe(error))
        return
    # What is loaded by now (by the module's ``warm`` too, if it has one) the collector never looks at again.
    gc.collect()
    gc.freeze()
    _send(channel, READY, shut_in(bounds, lifetime).to_json())
    while (argument := _receive(channel, JOB)) is not None:
        # If the parent is gone, nobody else ends a job that hangs.
        signal.setitimer(signal.ITIMER_REAL, bounds.seconds + 2)
        _serve(channel, work, argument)
        signal.setitimer(signal.ITIMER_REAL, 0)


def _serve(channel: int, work: Work, argument: bytes) -> None:
    def ask(question: bytes) -> bytes:
        _send(channel, QUESTION, question)
        answer = _receive(channel, ANSWER)
        if answer is None:
            sys.exit(0)
        return answer

    try:
        kind, body = RESULT, work(argument, ask)
    except MemoryError:
        kind, body = MEMORY, b""
    except Exception as error:  # noqa: BLE001 - law 3: what went wrong is said, and never taken for clean
        kind, body = FAILED, _describe(error)
    _send(channel, kind, body)


def _describe(error: Exception) -> bytes:
    """Say what was raised and where, without the values that were in hand."""
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    where = f" at {place.tb_frame.f_globals.get('__name__', '?')}:{place.tb_lineno}" if place else ""
    return f"{type(error).__name__}: {error}{where}"[:1000].encode("utf-8", "replace")


def _send(channel: int, kind: bytes, body: bytes) -> None:
    rest = memoryview(frame(kind, body))
    while rest:
        rest = rest[os.write(channel, rest) :]


def _receive(channel: int, kind: bytes) -> bytes | None:
    """Read one frame of the kind that is due; ``None`` when the parent has hung up."""
    header = _exactly(channel, HEADER.size)
    if header is None:
        return None
    found, size = HEADER.unpack(header)
    if found != kind:
        return None
    return _exactly(channel, size)


def _exactly(channel: int, size: int) -> bytes | None:
    pieces = []
    while size:
        piece = os.read(channel, min(size, 1 << 20))
        if not piece:
            return None
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)
