"""A pool of bounded workers: warm, used again, replaced when they die, are killed, or have served long.

Use it from asyncio (``await pool.run``) or from threads (``pool.run_sync``), not both at once.
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from counterfoil.bounded.frames import Bounds, Died, Exceeded, Raised
from counterfoil.bounded.isolation import Isolation
from counterfoil.bounded.worker import Worker

__all__ = ["Bounds", "Died", "Exceeded", "Isolation", "Pool", "Raised"]

JOBS = 10_000
"""Jobs after which a worker is replaced: what a parser leaks or an attacker left behind goes with it."""

LIFETIME = 50
"""A worker is also replaced after it was busy that many times the seconds of one job; the kernel ends it
a little later in any case, so that one that lost its parent cannot burn the processor for ever.
"""


async def no_answer(_question: bytes) -> bytes:
    """Answer every question of a worker with nothing."""
    return b""


def no_answer_sync(_question: bytes) -> bytes:
    """Answer every question of a worker with nothing."""
    return b""


class Pool:
    """Workers that run one function each on arguments from outside.

    Args:
        target: ``"package.module:function"``; the function is ``(argument: bytes, ask) -> bytes``, where
            ``ask(question: bytes) -> bytes`` is answered by the parent. If its module has a function ``warm``, it is
            called once before the doors are shut, to load what the first job would otherwise wait for.
        size: How many work at once.
        bounds: What one job may cost.
        jobs: Jobs after which a worker is replaced.
    """

    def __init__(self, target: str, size: int, bounds: Bounds | None = None, *, jobs: int = JOBS) -> None:
        self._target = target
        self._bounds = bounds or Bounds()
        self._jobs = jobs
        self._turn = asyncio.Semaphore(size)
        self._turn_sync = threading.Semaphore(size)
        self._dying: list[Worker] = []
        self._working: set[Worker] = set()
        self._closed = False
        # All of them start now, side by side; each is waited for when its first job comes.
        self._idle = [self._start() for _ in range(size)]
        self._known: Isolation | None = None

    async def run(self, argument: bytes, answer: Callable[[bytes], Awaitable[bytes]] = no_answer) -> bytes:
        """Have one argument worked on, and wait for a free worker where there is none.

        Raises:
            Exceeded: If it met a bound.
            Raised: If its function raised (a kind of ``Died``).
            Died: If the worker died.
        """
        async with self._turn:
            with self._lent() as worker:
                return await worker.run(argument, answer)

    def run_sync(self, argument: bytes, answer: Callable[[bytes], bytes] = no_answer_sync) -> bytes:
        """Do the same, blocking the calling thread; see ``run``."""
        with self._turn_sync, self._lent() as worker:
            return worker.run_sync(argument, answer)

    @contextmanager
    def _lent(self) -> Iterator[Worker]:
        worker = self._take()
        try:
            yield worker
        except Raised:
            self._give_back(worker)
            raise
        except BaseException:
            # Whatever happened, what it was in the middle of must not meet the next message.
            self._replace(worker)
            raise
        self._give_back(worker)

    async def ready(self) -> Isolation:
        """Wait until every idle worker stands; returns the isolation that is really in force.

        Raises:
            Died: If a worker cannot start; the reason is its own.
        """
        for worker in tuple(self._idle):
            self._known = await worker.greet()
        return self._isolation_known()

    def ready_sync(self) -> Isolation:
        """Do the same, blocking the calling thread; see ``ready``."""
        for worker in tuple(self._idle):
            self._known = worker.greet_sync()
        return self._isolation_known()

    def isolation(self) -> Isolation | None:
        """Return what the workers found out about their isolation; ``None`` before one of them stood."""
        return self._known

    def pids(self) -> tuple[int, ...]:
        """Return the process ids of the living workers."""
        return tuple(worker.pid for worker in (*self._idle, *self._working))

    def close(self) -> None:
        """Kill every worker and wait until each has gone."""
        self._closed = True
        for worker in (*self._idle, *self._working):
            worker.kill()
            self._dying.append(worker)
        self._idle.clear()
        self._working.clear()
        for worker in self._dying:
            worker.gone(None)
        self._dying.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _start(self) -> Worker:
        return Worker(self._target, self._bounds, self._bounds.seconds * (LIFETIME + 2))

    def _isolation_known(self) -> Isolation:
        if self._known is None:
            raise Died("no worker is idle, so that none could be asked")
        return self._known

    def _take(self) -> Worker:
        if self._closed:
            raise Died("the pool is closed")
        worker = self._idle.pop()
        self._working.add(worker)
        return worker

    def _give_back(self, worker: Worker) -> None:
        self._known = worker.isolation
        if worker.jobs >= self._jobs or worker.busy > self._bounds.seconds * LIFETIME:
            self._replace(worker)
            return
        self._working.discard(worker)
        if not self._closed:
            self._idle.append(worker)

    def _replace(self, worker: Worker) -> None:
        self._working.discard(worker)
        if self._closed:
            return
        worker.kill()
        self._dying = [dead for dead in (*self._dying, worker) if not dead.gone()]
        # At the far end: those that are warm go first.
        self._idle.insert(0, self._start())
