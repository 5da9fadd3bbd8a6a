"""Large files of stubs by the typed way: calls and jobs go from JSON to Parquet without becoming Python objects.

An edge: it starts the bounded worker that reads them (:mod:`counterfoil.evidence.typed.stub_lines`), and reads what
that wrote. A file that is not wholly plain is refused, and :mod:`counterfoil.evidence.stubs` reads it.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import duckdb

from counterfoil.bounded.pool import Died, Exceeded, Pool
from counterfoil.evidence.collected import SETTINGS
from counterfoil.evidence.operations import endpoint_of, kind_of, operation_of
from counterfoil.evidence.stubs import Books, read_objects
from counterfoil.evidence.typed.stub_lines import calls_of, lines_of, others
from counterfoil.evidence.typed.worker import bounds, limits
from counterfoil.model.errors import Refused

WORTHWHILE: Final = 8 << 20
"""Octets below which Python reads the stubs as fast."""


class StoredCalls(Sequence[dict[str, Any]]):
    """The calls of a large file of stubs, kept in Parquet; they are gone through in order.

    Args:
        query: The rows of ``calls_loaded``.
        length: How many there are.
        tenants: Whose they are.
    """

    def __init__(self, query: str, length: int, tenants: set[str]) -> None:
        self.query, self.tenants = query, tenants
        self._length = length

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, place: int | slice) -> Any:
        raise TypeError("stored calls are gone through in order")

    def __iter__(self) -> Iterator[dict[str, Any]]:
        with duckdb.connect(":memory:", config=dict(SETTINGS)) as base:
            cursor = base.execute(self.query)
            names = [column[0] for column in cursor.description or ()]
            while rows := cursor.fetchmany(2_000):
                yield from (dict(zip(names, row, strict=True)) for row in rows)


@dataclass(slots=True)
class StoredJobs:
    """The ids of the jobs of a large file of stubs, kept in Parquet."""

    query: str


def read_large(path: Path, folder: Path) -> Books | None:
    """Read a large file of stubs; ``None`` where it is not wholly plain, or where one call has two lines.

    Args:
        path: Stubs in the exchange form.
        folder: Where the Parquet files go; they have to stay as long as the books.
    """
    given = path.resolve()
    with Pool(
        "counterfoil.evidence.typed.stub_lines:read_lines", 1, bounds([given], folder, given.stat().st_size)
    ) as worker:
        job = {"path": str(given), "folder": str(folder), **limits()}
        try:
            found = json.loads(worker.run_sync(json.dumps(job).encode()))
        except (Exceeded, Died):
            return None
    if found["refused"] is not None or not found["calls"]:
        # Something is not plain: the other reader finds the line, and says what is wrong with it.
        return None
    with duckdb.connect(":memory:", config=dict(SETTINGS)) as base:
        try:
            books = read_objects(others(base, lines_of(folder)))
        except Refused:
            return None
    return _filled(books, found, folder)


def _filled(books: Books, found: dict[str, Any], folder: Path) -> Books:
    books.calls = StoredCalls(
        calls_of(folder, asked=found["asked"]), found["calls"], set(filter(None, found["tenants"]))
    )
    if found["jobs"]:
        books.jobs = StoredJobs(f"SELECT DISTINCT id FROM {lines_of(folder)} WHERE kind = 'job'")
    for name, host, audience, method, pattern, status, effect, has_ids in found["kinds"]:
        endpoint = endpoint_of(host, audience)
        operation = operation_of(endpoint, method, pattern, status=status, effect=effect, has_ids=bool(has_ids))
        books.operations[name] = kind_of(endpoint, operation)
    for time in (found["first"], found["last"]):
        if time is not None:
            moment = datetime.fromisoformat(time).replace(tzinfo=UTC)
            books.first = min(books.first or moment, moment)
            books.last = max(books.last or moment, moment)
    return books
