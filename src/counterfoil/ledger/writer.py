"""The one writer: a thread that takes what has been asked for since the last commit and commits it as one.

A commit is one BEGIN IMMEDIATE ... COMMIT with one fsync (SQLite WAL, synchronous=FULL), so the more
callers wait, the cheaper each stub is. Another process may write in between: the size of the ledger is
read anew inside each transaction, the database's write lock keeps the writers apart, and ``Turn`` puts them in a row.
"""

import queue
import secrets
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

import sqlalchemy as sa

from counterfoil.database.turn import Turn
from counterfoil.ledger import rows
from counterfoil.ledger.admission import Admission
from counterfoil.ledger.stubs import USE_KINDS, canonical, check, entry_of, subject_of
from counterfoil.ledger.tree import Frontier, leaf_hash
from counterfoil.model.errors import Unavailable
from counterfoil.model.trust import Stub

Also = Callable[[sa.Connection], None]
_MOST_AT_ONCE = 4096


@dataclass(slots=True)
class Request:
    """Stubs that are committed together with the rows that depend on them, or not at all."""

    stubs: Sequence[Stub]
    also: Also | None
    future: Future[list[int]] = field(default_factory=Future)
    octets: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        # In the caller's thread: a stub that is not one of ours fails there and costs the writer nothing.
        for stub in self.stubs:
            check(stub)
        self.octets = [canonical(stub) for stub in self.stubs]


@dataclass(frozen=True, slots=True)
class Grown:
    """How far a commit brought the ledger: its size, its last entry, and whether a use of a credential is in it."""

    size: int
    entry: bytes
    uses: bool


class Writer:
    """Runs the thread; ``submit`` returns a future of the indexes, set once they are durable.

    Args:
        engine: The database.
        durable: Called after each commit, before any caller is told, from the writer's thread.
        grown: Called after that with the number of new entries.
    """

    def __init__(self, engine: sa.Engine, durable: Callable[[Grown], None], grown: Callable[[int], None]) -> None:
        self._engine, self._turn = engine, Turn(engine)
        self._durable, self._grown = durable, grown
        self._queue: queue.SimpleQueue[Request | None] = queue.SimpleQueue()
        self._frontier = Frontier()
        self._closing = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="ledger-writer", daemon=True)
        self._thread.start()

    def submit(self, request: Request) -> Future[list[int]]:
        """Queue a request.

        Raises:
            Unavailable: If the ledger has been closed.
        """
        if threading.current_thread() is self._thread:
            message = (
                "`also` must write to the connection that it is given; appending from inside it would wait for itself"
            )
            raise RuntimeError(message)
        with self._closing:
            if self._closed:
                raise Unavailable("the ledger is closed")
            self._queue.put(request)
        return request.future

    def close(self) -> None:
        """Commit what is queued, then end the thread."""
        with self._closing:
            if not self._closed:
                self._closed = True
                self._queue.put(None)
        self._thread.join()
        self._turn.close()

    def _run(self) -> None:
        while True:
            batch, last = self._take()
            live = [request for request in batch if request.future.set_running_or_notify_cancel()]
            if live:
                self._settle(live)
            if last:
                return

    def _take(self) -> tuple[list[Request], bool]:
        batch: list[Request] = []
        head = self._queue.get()
        while head is not None:
            batch.append(head)
            if len(batch) == _MOST_AT_ONCE or self._queue.empty():
                return batch, False
            head = self._queue.get()
        return batch, True

    def _settle(self, batch: list[Request]) -> None:
        try:
            results, new = self._commit(batch)
        except sa.exc.DatabaseError as error:
            failure = Unavailable(
                f"the ledger could not be written: {error.orig}",
                "free space on the disk that holds the data directory, and see that its files may be written",
            )
            failure.__cause__ = error
            for request in batch:
                request.future.set_exception(failure)
            return
        except Exception as error:  # noqa: BLE001 - it goes to every caller; the writer must live on
            for request in batch:
                request.future.set_exception(error)
            return
        for request, result in zip(batch, results, strict=True):
            if isinstance(result, BaseException):
                request.future.set_exception(result)
            else:
                request.future.set_result(result)
        if new:
            self._grown(new)

    def _commit(self, batch: list[Request]) -> tuple[list[list[int] | Exception], int]:
        with self._turn, self._engine.connect() as connection:
            rows.begin_writing(connection)
            frontier = self._current(connection)
            start = frontier.size
            fill = _Batch(connection, frontier)
            results = [fill.add(request) for request in batch]
            fill.write()
            # If we die before the next line, none of the batch exists and no caller was told otherwise.
            connection.commit()
            # If we die after it, all of the batch exists; callers that were not told will ask or find it.
        self._frontier = frontier
        if frontier.size > start:
            self._durable(fill.grown())
            # If we die after this, a copy of the database from before the batch is known for one.
        return results, frontier.size - start

    def _current(self, connection: sa.Connection) -> Frontier:
        size = rows.size(connection)
        return self._frontier.copy() if self._frontier.size == size else rows.frontier(connection, size)


def _first(error: sa.exc.OperationalError) -> sa.exc.OperationalError:
    """Return what went wrong first; that its savepoint is gone as well says nothing to an operator."""
    first, earlier = error, error.__context__
    while earlier is not None:
        if isinstance(earlier, sa.exc.OperationalError):
            first = earlier
        earlier = earlier.__context__
    return first


class _Batch:
    """Gathers the rows of one transaction."""

    def __init__(self, connection: sa.Connection, frontier: Frontier) -> None:
        self._connection = connection
        self._frontier = frontier
        self._admission = Admission(connection)
        self._entries: list[dict[str, object]] = []
        self._nodes: list[dict[str, object]] = []
        self._next = frontier.size

    def add(self, request: Request) -> list[int] | Exception:
        """Take one request in; an exception of its own undoes it alone."""
        if request.also is None and not any(self._admission.concerns(stub) for stub in request.stubs):
            return [self._keep(stub, octets) for stub, octets in zip(request.stubs, request.octets, strict=True)]
        mark = len(self._entries)
        try:
            with self._connection.begin_nested():
                indexes = [self._admit(s, o) for s, o in zip(request.stubs, request.octets, strict=True)]
                if request.also is not None:
                    request.also(self._connection)
        except sa.exc.OperationalError as error:
            # A full disk or a bad one: SQLite has then undone the whole transaction and not just this request,
            # so nobody in the batch may be told that it was written.
            raise _first(error) from None
        except Exception as error:  # noqa: BLE001 - it goes to the caller whose request failed
            del self._entries[mark:]
            self._next = self._frontier.size + len(self._entries)
            self._admission.forget(self._next)
            return error
        return indexes

    def _admit(self, stub: Stub, octets: bytes) -> int:
        known = self._admission.admit(stub, octets, self._next)
        return self._keep(stub, octets) if known is None else known

    def _keep(self, stub: Stub, octets: bytes) -> int:
        salt = secrets.token_bytes(32)
        index, self._next = self._next, self._next + 1
        self._entries.append(
            {
                "leaf_index": index,
                "kind": stub.kind,
                "time": rows.microseconds(stub.time),
                "tenant": stub.tenant,
                "subject": subject_of(stub),
                "salt": salt,
                "stub": octets,
                "entry": entry_of(salt, octets),
            }
        )
        return index

    def write(self) -> None:
        """Insert what was gathered, and grow the tree."""
        for row in self._entries:
            for level, number, node in self._frontier.append(leaf_hash(row["entry"])):  # type: ignore[arg-type]
                self._nodes += rows.node_rows(level, number, node)
        rows.insert(self._connection, rows.entries, self._entries)
        rows.insert(self._connection, rows.nodes, self._nodes)

    def grown(self) -> Grown:
        """Say how far it came; something was gathered."""
        uses = any(row["kind"] in USE_KINDS for row in self._entries)
        return Grown(self._frontier.size, self._entries[-1]["entry"], uses)  # type: ignore[arg-type]
