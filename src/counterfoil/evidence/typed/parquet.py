"""One Parquet file, from bytes to uses; made to run in a bounded worker that may read the files that were named.

DuckDB decodes it there, row by row as JSON, and the readers of :mod:`counterfoil.evidence.readers` go on: a file that
kills or exhausts the decoder takes the worker with it, and nobody else.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import duckdb

from counterfoil.evidence.readers.containers import BOMB_BYTES, BOMB_RATIO
from counterfoil.evidence.readers.reading import FileReading, read_text
from counterfoil.evidence.readers.records import Text
from counterfoil.evidence.typed.worker import database, globbed

_BATCH = 256


def read_parquet(argument: bytes, ask: Callable[[bytes], bytes]) -> bytes:
    """Read one file; answers its reading as JSON, as ``readers.reading.read_export`` does.

    Args:
        argument: JSON: ``path``, ``name`` and ``tenant`` (of that function), ``folder`` (scratch), and what
            ``worker.limits`` says.
        ask: Takes ``b"w" + rows``.
    """
    job = json.loads(argument)
    reading = FileReading(job["name"])
    pieces = _pieces(job, reading)
    read_text(Text(lambda: next(pieces, "")), reading, job["tenant"], ask)
    return json.dumps([asdict(reading)]).encode()


def _pieces(job: dict[str, Any], reading: FileReading) -> Iterator[str]:
    most = max(BOMB_BYTES, BOMB_RATIO * Path(job["path"]).stat().st_size)
    out = 0
    try:
        with database(Path(job["folder"]), job) as base:
            cursor = base.execute(
                "SELECT to_json(t) FROM read_parquet(?, hive_partitioning = false) AS t", [globbed(job["path"])]
            )
            while rows := cursor.fetchmany(_BATCH):
                piece = "".join(f"{row[0]}\n" for row in rows)
                out += len(piece)
                if out > most:
                    reading.fault(f"it opens to more than {out} bytes: a decompression bomb")
                    return
                yield piece
    except duckdb.Error as error:
        reading.fault(f"it cannot be read: {str(error).splitlines()[0][:300]}")
