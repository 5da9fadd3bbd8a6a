"""From files to rows: every export is read in a bounded worker, and what became of it is told.

An edge: it walks folders and opens files. The worker sees the bytes of one file and nothing else.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from counterfoil.bounded.pool import Bounds, Died, Exceeded, Pool
from counterfoil.evidence.engine import SETTINGS
from counterfoil.evidence.readers.reading import FileReading

BOUNDS = Bounds(seconds=1_800, memory=1_500 << 20, output=1 << 40, questions=1 << 30)
"""What reading one file may cost: half an hour and 1.5 GB; pieces and rows pass through many questions."""

_PIECE = 1 << 20
_GUID = re.compile(r"(?<![0-9a-f])[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?![0-9a-f])")


@dataclass(slots=True)
class Found:
    """A file to read: its path, and the name it goes by in the answer."""

    path: Path
    name: str


def files_in(paths: Iterable[Path]) -> Iterator[Found]:
    """Yield every file below these paths in a fixed order; hidden files are passed over."""
    for path in paths:
        if path.is_dir():
            for inner in sorted(path.rglob("*")):
                if inner.is_file() and not any(part.startswith(".") for part in inner.relative_to(path).parts):
                    yield Found(inner, str(inner.relative_to(path)))
        elif path.is_file():
            yield Found(path, path.name)


def readers() -> Pool:
    """Start the bounded worker that reads exports; a process that reconciles often keeps one."""
    return Pool("counterfoil.evidence.readers.reading:read_export", 1, BOUNDS)


def collect(
    pool: Pool, paths: Iterable[Path], out: Path, known: set[str], progress: Callable[[str], None] = lambda _name: None
) -> list[FileReading]:
    """Read every file and write its rows, one JSON object a line, to ``out``.

    ``known`` are the tenants of the stubs: a page that names no tenant belongs to the one in its path, or
    to the only one there is. A file that kills or exhausts its worker keeps the rows read until then.
    """
    readings: list[FileReading] = []
    with out.open("wb") as sink:
        for found in files_in(paths):
            progress(found.name)
            readings += _one(pool, found, sink.write, _hint(found, known))
    return readings


def _hint(found: Found, known: set[str]) -> str | None:
    named: list[str] = _GUID.findall(str(found.path).lower())
    fitting = [guid for guid in named if not known or guid in known]
    fitting += [tenant for tenant in known if tenant in [part.lower() for part in found.path.parts]]
    if fitting or named:
        # A path that names a tenant we do not know is no page of the one we do.
        return fitting[-1] if fitting else None
    return min(known) if len(known) == 1 else None


def _one(pool: Pool, found: Found, write: Callable[[bytes], Any], hint: str | None) -> list[FileReading]:
    pieces = _pieces(found.path)

    def answer(question: bytes) -> bytes:
        if question[:1] == b"w":
            write(question[1:])
            return b""
        return next(pieces, b"")

    try:
        argument = json.dumps({"name": found.name, "tenant": hint}).encode()
        readings = [FileReading(**entry) for entry in json.loads(pool.run_sync(argument, answer))]
    except (Exceeded, Died) as error:
        readings = [_failed(found.name, f"reading it met a bound: {error}")]
    except (OSError, duckdb.Error) as error:
        readings = [_failed(found.name, f"it cannot be read: {str(error).splitlines()[0][:300]}")]
    for reading in readings:
        if reading.fault_count and hint and not reading.tenants:
            reading.tenants = [hint]
    return readings


def _failed(name: str, words: str) -> FileReading:
    reading = FileReading(name)
    reading.fault(words)
    return reading


def _pieces(path: Path) -> Iterator[bytes]:
    """Yield a file piece by piece; Parquet as the JSON of its rows."""
    with path.open("rb") as stream:
        head = stream.read(4)
        if head == b"PAR1":
            yield from _parquet(path)
            return
        yield head + stream.read(_PIECE)
        while piece := stream.read(_PIECE):
            yield piece


def _parquet(path: Path) -> Iterator[bytes]:
    with duckdb.connect(":memory:", config=dict(SETTINGS)) as base:
        base.execute("SET TimeZone = 'UTC'")
        cursor = base.execute("SELECT to_json(t) FROM read_parquet(?, hive_partitioning=false) AS t", [str(path)])
        while rows := cursor.fetchmany(1_000):
            yield "".join(f"{row[0]}\n" for row in rows).encode()
