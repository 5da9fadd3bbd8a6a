"""Files to Parquet by the typed way; made to run in a bounded worker that may read the exports and write one folder.

A file that is not wholly plain is refused with the reason; nothing of it counts, and the other readers take it.
"""

import json
from collections import defaultdict
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import duckdb

from counterfoil.evidence.readers.containers import BOMB_BYTES, BOMB_RATIO
from counterfoil.evidence.readers.reading import FileReading
from counterfoil.evidence.typed.packing import Packing, Unfit, packing_of
from counterfoil.evidence.typed.relation import opened, relation
from counterfoil.evidence.typed.sources import query
from counterfoil.evidence.typed.stored import written
from counterfoil.evidence.typed.worker import WRITTEN, database, quoted

_TOGETHER = 64
"""Files of one shape and packing that are read in one query."""

_SMALLEST = 200
"""Octets that a row in any shape has at least: its tenant, its time and two ids are longer."""

_COUNTS = """
    SELECT file, min(file_row_number) AS first, count(*) AS rows, count_if(refused) AS refused,
           list_sort(list(DISTINCT tenant)) AS tenants, count_if({doubt} IS NOT NULL) AS doubtful,
           max({doubt}) AS doubt,
           count_if(given = 22) AS uti, count_if(given = 24) AS padded,
           count_if(given = 48) AS text, count_if(given = 36) AS guid
    FROM read_parquet(?, file_row_number = true) GROUP BY file"""


def read_files(argument: bytes, _ask: Callable[[bytes], bytes]) -> bytes:
    """Read files and write their rows below a folder.

    Args:
        argument: JSON: ``files`` (paths and names), ``folder`` and ``part`` (the name the output starts with),
            and what ``worker.limits`` says.

    Returns:
        JSON: ``read`` (by path: the reading, and the place of the file's first row), ``refused`` (by path: why),
        ``parts`` (names of the files written).
    """
    job = json.loads(argument)
    names: dict[str, str] = {entry["path"]: entry["name"] for entry in job["files"]}
    groups: dict[Packing, list[str]] = defaultdict(list)
    refused: dict[str, str] = {}
    for path in names:
        try:
            groups[packing_of(Path(path))].append(path)
        except Unfit as error:
            refused[path] = str(error)
    reader = _Reader(Path(job["folder"]), job["part"], job)
    for packing, paths in groups.items():
        together = [path for path in paths if _ends_a_line(packing, path)]
        for first in range(0, len(together), _TOGETHER):
            reader.read(packing, together[first : first + _TOGETHER])
        for path in paths:
            if path not in together:
                reader.read(packing, [path])
    for path, (reading, _) in reader.readings.items():
        reading.name = names[path]
    return json.dumps(
        {
            "read": {path: [asdict(reading), first] for path, (reading, first) in reader.readings.items()},
            "refused": {**refused, **reader.refused},
            "parts": reader.parts,
        }
    ).encode()


def _ends_a_line(packing: Packing, path: str) -> bool:
    """Say whether a file may be read together with others.

    Of several files DuckDB 2.0 passes over a last record that is cut off, without a word; of one file it never does.
    """
    if packing.form not in ("lines", "csv") or packing.compression != "none":
        return False
    with Path(path).open("rb") as stream:
        stream.seek(-1, 2)
        return stream.read(1) == b"\n"


class _Reader:
    """One database, and what became of each file."""

    def __init__(self, folder: Path, part: str, given: dict[str, Any]) -> None:
        self._folder, self._part = folder, part
        self._base = database(folder, given)
        self.parts: list[str] = []
        self.readings: dict[str, tuple[FileReading, int]] = {}
        self.refused: dict[str, str] = {}

    def read(self, packing: Packing, paths: list[str]) -> None:
        """Read files of one packing together; where that fails, each by itself."""
        target = self._folder / f"{self._part}-{len(self.parts)}.{packing.shape.source}.parquet"
        self.parts.append(target.name)
        try:
            self._copy(packing, paths, target)
            self._count(target, paths, packing.shape.source)
        except duckdb.Error as error:
            self.parts.pop()
            target.unlink(missing_ok=True)
            if len(paths) == 1:
                self.refused[paths[0]] = str(error).splitlines()[0][:200]
                return
            for path in paths:
                self.read(packing, [path])

    def _copy(self, packing: Packing, paths: list[str], target: Path) -> None:
        between = target.with_suffix(".json")
        if packing.shape.opened:
            self._base.execute(f"COPY ({opened(packing, paths)}) TO '{quoted(between)}' (FORMAT json)")
        text = query(packing.shape, relation(packing, paths, between), "filename", written(packing.shape.source))
        most = _most_rows(packing, paths)
        # A limit is asked for only where a file may hold more than it is long: it costs the second thread.
        limit = f" LIMIT {most}" if most is not None else ""
        copied = self._base.execute(f"COPY ({text}{limit}) TO '{quoted(target)}' {WRITTEN}").fetchone()
        between.unlink(missing_ok=True)
        if copied is not None and copied[0] == most:
            raise duckdb.Error("more rows than its size lets one think: a decompression bomb, perhaps")

    def _count(self, target: Path, paths: list[str], source: str) -> None:
        doubt = "doubt" if "doubt" in written(source) else "NULL"
        cursor = self._base.execute(_COUNTS.format(doubt=doubt), [str(target)])
        names = [column[0] for column in cursor.description or ()]
        found = {row["file"]: row for row in (dict(zip(names, row, strict=True)) for row in cursor.fetchall())}
        for path in paths:
            row = found.get(path)
            if row is None or row["refused"]:
                self.refused[path] = f"{row['refused']} rows in no plain spelling" if row else "no row in it"
                continue
            self.readings[path] = (_reading(row, source), row["first"])


def _most_rows(packing: Packing, paths: list[str]) -> int | None:
    """Say from how many rows on packed files are too good to be true; a plain file cannot hold more than it is long."""
    if packing.compression == "none":
        return None
    sizes = [Path(path).stat().st_size for path in paths]
    return sum(max(BOMB_BYTES, BOMB_RATIO * size) for size in sizes) // _SMALLEST + 2


def _reading(row: dict[str, Any], source: str) -> FileReading:
    spelled = {"uti": row["uti"], "uti-padded": row["padded"], "text": row["text"], "guid": row["guid"]}
    return FileReading(
        name=row["file"],
        rows=row["rows"],
        kinds={source: row["rows"]},
        spellings={name: count for name, count in spelled.items() if count},
        doubts={row["doubt"]: row["doubtful"]} if row["doubtful"] else {},
        tenants=row["tenants"],
    )
