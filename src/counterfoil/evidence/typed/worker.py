"""The bounds of the worker that reads by type, and how its database is opened: memory, spill, and nothing else."""

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import duckdb

from counterfoil.bounded.pool import Bounds
from counterfoil.evidence.collected import SETTINGS
from counterfoil.evidence.typed.macros import MACROS

MEMORY: Final = 1 << 30
"""What the database in the worker may hold; what its address space may be is four times that."""

SECONDS: Final = 1_800
"""What one batch of files may take at most; small ones get less, so that a bomb does not hold up the rest."""

_SLOWEST: Final = 1 << 20
"""Octets in a second that a laden machine still reads, packed ones included."""

LONGEST: Final = 4 << 20
"""Octets of one record that are read by type; the other readers take longer ones."""

WRITTEN: Final = "(FORMAT parquet, COMPRESSION uncompressed, DICTIONARY_SIZE_LIMIT 3000)"
"""How rows are written between two steps: they are read again at once, and packing them costs more than it saves."""

_ENGINE_READS: Final = ("/proc/self/cgroup", "/proc/stat", "/sys/devices/system/cpu/online", "/sys/fs/cgroup")


def bounds(reads: Iterable[Path], writes: Path, octets: int) -> Bounds:
    """Bound a worker that reads these files, of so many octets together, and writes below one folder."""
    return Bounds(
        seconds=min(SECONDS, 120 + octets // _SLOWEST),
        memory=4 * MEMORY,
        output=1 << 40,
        reads=(*map(str, reads), *_ENGINE_READS),
        writes=str(writes),
        threads=True,
    )


def limits() -> dict[str, Any]:
    """Say what the database inside may use: part of the worker's argument."""
    return {"memory": MEMORY, "threads": os.cpu_count() or 1}


def database(folder: Path, given: dict[str, Any]) -> duckdb.DuckDBPyConnection:
    """Open the database of a worker; what it cannot hold goes below ``folder``."""
    base = duckdb.connect(":memory:", config={**SETTINGS, "threads": str(given["threads"])})
    base.execute("SET TimeZone = 'UTC'")
    base.execute(f"SET memory_limit = '{given['memory']}B'")
    base.execute(f"SET temp_directory = '{quoted(folder)}'")
    # Short lists of words are compared in place: a join for each column that may hold one costs more than all else.
    base.execute("SET disabled_optimizers = 'in_clause'")
    for macro in MACROS:
        base.execute(f"CREATE MACRO {macro}")
    return base


def quoted(text: object) -> str:
    """Spell text inside a SQL literal."""
    return str(text).replace("'", "''")


def globbed(path: object) -> str:
    """Spell the path of one file where DuckDB would take stars, question marks and brackets for a pattern."""
    return re.sub(r"[*?\[]", r"[\g<0>]", str(path))
