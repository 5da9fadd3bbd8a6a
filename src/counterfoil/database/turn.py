"""Whose turn it is to write: several processes share one SQLite file, and the busiest must not keep the others out.

SQLite's own waiting asks again after pauses that grow to 100 ms (``sqliteDefaultBusyCallback``), so whoever commits one
transaction after the other has the lock again long before somebody who waits looks. Here those who want to write queue
up first: who waits holds the first file's lock, who writes the second's; who has just written finds the first taken and
comes after. This is courtesy and not protection: it is SQLite that keeps writers apart, also where nobody queues.
"""

import fcntl
import os
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import sqlalchemy as sa

PATIENCE = 10.0
"""Seconds after which a writer goes on without its turn, as when another process was stopped in the middle of one."""

LOOK_AGAIN = 0.001


class Turn:
    """A writer's place in the queue, as a context: for one thread at a time; others have one of their own.

    Args:
        engine: The database; where it is no SQLite file nobody queues.
    """

    def __init__(self, engine: sa.Engine) -> None:
        path = engine.url.database if engine.dialect.name == "sqlite" else None
        self._files: list[int] = []
        if path not in (None, "", ":memory:"):
            with suppress(OSError):  # a folder that may not be written, or a full disk: without a queue then
                self._files += [_open(Path(f"{path}.waiting")), _open(Path(f"{path}.writing"))]

    def __enter__(self) -> Self:
        if len(self._files) == 2:
            waiting, writing = self._files
            end = time.monotonic() + PATIENCE
            if _locked(waiting, end):
                _locked(writing, end)
                fcntl.flock(waiting, fcntl.LOCK_UN)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if len(self._files) == 2:
            fcntl.flock(self._files[1], fcntl.LOCK_UN)

    def close(self) -> None:
        """Close the files."""
        while self._files:
            os.close(self._files.pop())


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _locked(file: int, end: float) -> bool:
    """Lock a file; say whether that came about in time. A process that dies gives its locks back."""
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > end:
                return False
            time.sleep(LOOK_AGAIN)
        else:
            return True
