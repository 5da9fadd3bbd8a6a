"""One Parquet file, from bytes to uses; made to run in a bounded worker that may read the files that were named.

DuckDB decodes it there, row by row as JSON, and the readers of :mod:`counterfoil.evidence.readers` go on: a file that
kills or exhausts the decoder takes the worker with it, and nobody else.
"""

import json
import secrets
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import duckdb

from counterfoil.evidence.readers.containers import BOMB_BYTES, BOMB_RATIO
from counterfoil.evidence.readers.reading import FileReading, read_text
from counterfoil.evidence.readers.records import Text
from counterfoil.evidence.typed.worker import database

_BATCH = 256


def read_parquet(argument: bytes, ask: Callable[[bytes], bytes]) -> bytes:
    """Read one file; answers its reading as JSON, as ``readers.reading.read_export`` does.

    Args:
        argument: JSON: ``name`` and ``tenant`` (of that function), ``path`` (in which nothing is a pattern to DuckDB),
            ``folder`` (scratch), and what ``worker.limits`` says.
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
            # A column of the same name would be taken for the row, so nobody may know the name.
            row = f"row_{secrets.token_hex(16)}"
            cursor = base.execute(
                f"SELECT to_json({row}) FROM read_parquet(?, hive_partitioning = false) AS {row}",
                [job["path"]],
            )
            while rows := cursor.fetchmany(_BATCH):
                piece = "".join(f"{one[0]}\n" for one in rows)
                out += len(piece)
                if out > most:
                    reading.fault(f"it opens to more than {out} bytes: a decompression bomb")
                    return
                yield piece
    except duckdb.Error as error:
        words = str(error).splitlines()[0].replace(job["path"], job["name"])
        reading.fault(f"it cannot be read: {words[:300]}")
