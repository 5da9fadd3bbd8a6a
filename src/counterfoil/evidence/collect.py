"""From files to rows: every export is read in a bounded worker, and what became of it is told.

An edge: it walks folders and opens files. Large sets are read by type first (:mod:`counterfoil.evidence.typed`);
that worker may read the exports that were named and write one folder. What it refuses goes, file by file, to a
worker that sees the bytes of one file and nothing else; Parquet to one that may read the Parquet files.
"""

import json
import os
import re
import stat
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from counterfoil.bounded.pool import Bounds, Died, Exceeded, Pool
from counterfoil.evidence.collected import Collected
from counterfoil.evidence.readers.reading import FileReading
from counterfoil.evidence.typed.worker import bounds, limits
from counterfoil.model.number import counted

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
    ``fault`` says why it cannot be read at all.
    """

    path: Path
    name: str
    owner: str | None = None
    fault: str | None = None


def files_in(paths: Iterable[Path]) -> Iterator[Found]:
    """Yield every file below these paths in a fixed order; hidden files are passed over.

    What is there and cannot be walked or is no file is yielded with its ``fault``: it may have been an export.
    """
    for path in paths:
        if not path.is_dir():
            yield Found(path, path.name, fault=_fault(path))
            continue
        blocked: list[OSError] = []
        inside: list[Found] = []
        for folder, folders, names in os.walk(path, onerror=blocked.append):
            folders[:] = [name for name in folders if not name.startswith(".")]
            links = [name for name in folders if Path(folder, name).is_symlink()]
            for inner in (Path(folder, name) for name in (*names, *links) if not name.startswith(".")):
                within = inner.relative_to(path)
                inside.append(Found(inner, str(within), _owner(path, within), _fault(inner)))
        for error in blocked:
            where = Path(str(error.filename))
            name = str(where.relative_to(path)) if where.is_relative_to(path) else str(where)
            inside.append(Found(where, name, fault=f"this folder cannot be read: {error.strerror}"))
        yield from sorted(inside, key=lambda found: found.path.parts)


def _fault(path: Path) -> str | None:
    """Say why something in a folder is no file that can be read, or ``None``."""
    try:
        kind = path.stat().st_mode
    except OSError as error:
        return f"it cannot be read: {error.strerror}"
    if stat.S_ISDIR(kind):
        return "a link to a folder is not followed: name that folder too, if exports are in it"
    return None if stat.S_ISREG(kind) else "neither a file nor a folder: write what comes out of it into a file"


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
    given = [path.resolve() if path.is_dir() or path.is_file() else path.absolute() for path in paths]
    everything = list(files_in(given))
    failed = [_failed(found.name, found.fault) for found in everything if found.fault is not None]
    collected = Collected(failed, folder / "rows.jsonl")
    files = [found for found in everything if found.fault is None]
    if sum(found.path.stat().st_size for found in files) >= worthwhile:
        _typed(files, given, folder, collected, progress)
    waiting = [found for found in files if str(found.path) not in collected.places]
    parquet = {found.path for found in waiting if _is_parquet(found.path)}
    scratch = Path(tempfile.mkdtemp(dir=folder))
    with collected.rows.open("wb") as sink, _decoder(parquet, scratch) as decoder:
        for found in waiting:
            progress(found.name)
            job = {"name": found.name, "tenant": _hint(found, known)}
            if found.path in parquet and decoder is not None:
                link = scratch / f"{len(collected.readings)}.parquet"
                link.symlink_to(found.path)  # whatever its name is made of
                job |= {"path": str(link), "folder": str(scratch), **limits()}
                collected.readings += _one(decoder, job, found, sink.write)
            else:
                collected.readings += _one(pool, job, found, sink.write)
    return collected


@contextmanager
def _decoder(paths: set[Path], folder: Path) -> Iterator[Pool | None]:
    """Start the worker that decodes these Parquet files, if there are any."""
    if not paths:
        yield None
        return
    octets = sum(path.stat().st_size for path in paths)
    with Pool("counterfoil.evidence.typed.parquet:read_parquet", 1, bounds(paths, folder, octets)) as pool:
        yield pool


def _is_parquet(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            return stream.read(4) == b"PAR1"
    except OSError:
        return False  # whoever reads it tells why it cannot be


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
                "part": f"part{len(collected.parts)}",
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


def _one(pool: Pool, job: dict[str, Any], found: Found, write: Callable[[bytes], Any]) -> list[FileReading]:
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
        readings = [FileReading(**entry) for entry in json.loads(pool.run_sync(json.dumps(job).encode(), answer))]
    except (Exceeded, Died) as error:
        readings = [_failed(found.name, f"reading it met a bound: {error}")]
    except OSError as error:
        readings = [_failed(found.name, f"it cannot be read: {error.strerror}")]
    for reading in readings:
        if reading.fault_count and job["tenant"] and not reading.tenants:
            reading.tenants = [job["tenant"]]
        if found.owner is not None:
            # Whoever wrote it can cost nobody else the coverage, by naming him or by writing what nobody knows.
            reading.tenants = [found.owner]
    if strange:
        readings[0].fault(f"{counted(strange, 'row')} of another tenant than the one whose logs these are: not counted")
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
    with path.open("rb") as stream:
        while piece := stream.read(_PIECE):
            yield piece
