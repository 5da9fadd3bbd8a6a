"""From files to rows: every export is read in a bounded worker, and what became of it is told.

An edge: it walks folders and opens files. Large sets are read by type first (:mod:`counterfoil.evidence.typed`);
that worker may read the exports that were named and write one folder. What it refuses goes, file by file, to a
worker that sees the bytes of one file and nothing else.
"""

import json
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from counterfoil.bounded.pool import Bounds, Died, Exceeded, Pool
from counterfoil.evidence.collected import SETTINGS, Collected
from counterfoil.evidence.readers.reading import FileReading
from counterfoil.evidence.typed.worker import bounds, limits

BOUNDS = Bounds(seconds=1_800, memory=1_500 << 20, output=1 << 40, questions=1 << 30)
"""What reading one file may cost: half an hour and 1.5 GB; pieces and rows pass through many questions."""

WORTHWHILE = 2 << 20
"""Octets of exports below which a second worker costs more than it saves."""

PULLED = "evidence"
"""Name of the folder below a data folder in which pulled logs lie, a folder a tenant."""

_TOGETHER = 512
_PIECE = 1 << 20
_GUID = re.compile(r"(?<![0-9a-f])[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?![0-9a-f])")


@dataclass(slots=True)
class Found:
    """A file to read: its path, and the name it goes by in the answer.

    ``owner`` is the tenant whose own logs it was pulled from: it speaks of that tenant and of no other.
    """

    path: Path
    name: str
    owner: str | None = None


def files_in(paths: Iterable[Path]) -> Iterator[Found]:
    """Yield every file below these paths in a fixed order; hidden files are passed over."""
    for path in paths:
        if path.is_dir():
            for inner in sorted(path.rglob("*")):
                if inner.is_file() and not any(part.startswith(".") for part in inner.relative_to(path).parts):
                    yield Found(inner, str(inner.relative_to(path)), _owner(path, inner.relative_to(path)))
        elif path.is_file():
            yield Found(path, path.name)


def _owner(folder: Path, inside: Path) -> str | None:
    """Say whose own logs a pulled file is from: ``evidence/<tenant id>/<log>/<file>`` below a data folder."""
    first = inside.parts[0].lower()
    return first if folder.name == PULLED and len(inside.parts) > 2 and _GUID.fullmatch(first) else None


def readers() -> Pool:
    """Start the bounded worker that reads exports; a process that reconciles often keeps one."""
    return Pool("counterfoil.evidence.readers.reading:read_export", 1, BOUNDS)


def collect(
    pool: Pool,
    paths: Iterable[Path],
    folder: Path,
    known: set[str],
    progress: Callable[[str], None] = lambda _name: None,
    *,
    worthwhile: int = WORTHWHILE,
) -> Collected:
    """Read every file into rows below ``folder``.

    ``known`` are the tenants of the stubs: a page that names no tenant belongs to the one in its path, or
    to the only one there is. A file that kills or exhausts its worker keeps the rows read until then.
    """
    given = [path.resolve() for path in paths]
    files = list(files_in(given))
    collected = Collected([], folder / "rows.jsonl")
    if sum(found.path.stat().st_size for found in files) >= worthwhile:
        _typed(files, given, folder, collected, progress)
    with collected.rows.open("wb") as sink:
        for found in files:
            if str(found.path) not in collected.places:
                progress(found.name)
                collected.readings += _one(pool, found, sink.write, _hint(found, known))
    return collected


def _typed(
    files: list[Found], given: list[Path], folder: Path, collected: Collected, progress: Callable[[str], None]
) -> None:
    place = Path(tempfile.mkdtemp(dir=folder))
    octets = sum(found.path.stat().st_size for found in files)
    with Pool("counterfoil.evidence.typed.reading:read_files", 1, bounds(given, place, octets)) as typed:
        waiting = [files[first : first + _TOGETHER] for first in range(0, len(files), _TOGETHER)]
        while waiting:
            batch = waiting.pop(0)
            progress(batch[0].name)
            job = {
                "files": [{"path": str(found.path), "name": found.name} for found in batch],
                "folder": str(place),
                "part": batch[0].path.name[:20] + str(len(collected.parts)),
                **limits(),
            }
            try:
                result = json.loads(typed.run_sync(json.dumps(job).encode()))
            except (Exceeded, Died):
                # One of them was too much: by halves until it is alone; alone, it is for the other readers.
                if len(batch) > 1:
                    middle = len(batch) // 2
                    waiting[:0] = [batch[:middle], batch[middle:]]
                continue
            owners = {str(found.path): found.owner for found in batch}
            for path, (reading, first) in result["read"].items():
                if owners[path] is not None and set(reading["tenants"]) - {owners[path], None}:
                    collected.refused.append(path)  # the other readers leave out what is somebody else's
                    continue
                collected.readings.append(FileReading(**reading))
                collected.places[path] = (reading["name"], first)
            collected.refused += result["refused"]
            collected.parts += [place / part for part in result["parts"]]


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
    strange = 0

    def answer(question: bytes) -> bytes:
        nonlocal strange
        if question[:1] == b"w":
            rows, others = (question[1:], 0) if found.owner is None else _owned(question[1:], found.owner)
            strange += others
            write(rows)
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
        if found.owner is not None:
            # Whoever wrote it can cost nobody else the coverage, by naming him or by writing what nobody knows.
            reading.tenants = [found.owner]
    if strange:
        readings[0].fault(f"{strange} rows name another tenant than the one whose logs these are: they do not count")
    return readings


def _owned(rows: bytes, owner: str) -> tuple[bytes, int]:
    """Leave out rows that name another tenant than the owner of the file; return the rest, and how many those were."""
    given = rows.splitlines(keepends=True)
    kept = [row for row in given if json.loads(row)["tenant"] in (None, owner)]
    return b"".join(kept), len(given) - len(kept)


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
