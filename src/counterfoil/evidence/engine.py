"""DuckDB at work: rows in, queries run, rows out. Nothing is downloaded and nothing outside is read.

An edge: it touches the file system, through the folder it is given.
"""

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import duckdb

from counterfoil.evidence.coverage_queries import COVERAGE
from counterfoil.evidence.queries import ADOPT, PREPARE, STEPS, TABLES
from counterfoil.evidence.stubs import Books
from counterfoil.evidence.uses import COLUMNS

SETTINGS = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "preserve_insertion_order": "false",
}


class Engine:
    """One database in memory, spilling into ``folder``; close it, or use it as a context."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._base = duckdb.connect(":memory:", config={**SETTINGS, "temp_directory": str(folder / "spill")})
        self._base.execute("SET TimeZone = 'UTC'")
        for name, columns in TABLES.items():
            self._base.execute(f"CREATE TABLE {name} ({columns})")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._base.close()

    def load_uses(self, path: Path) -> None:
        """Read rows that the readers wrote, with explicit types."""
        columns = ", ".join(f"'{name}': '{kind}'" for name, kind in COLUMNS.items())
        self._base.execute(
            f"INSERT INTO uses_loaded SELECT {', '.join(COLUMNS)} FROM read_json(?, format='newline_delimited', "  # noqa: S608 - our own names
            f"columns={{{columns}}}, maximum_object_size=134217728)",
            [str(path)],
        )

    def keep(self, shelf: Path) -> None:
        """Lay the loaded rows on the shelf, and load what lay there before: copies are folded later.

        Rows are written once more only where their content is new, so that the same export twice adds nothing.
        """
        shelf.mkdir(parents=True, exist_ok=True)
        digest = self._base.execute("SELECT printf('%x', coalesce(bit_xor(hash(u)), 0)) FROM uses_loaded u").fetchone()
        name = f"rows-{digest[0] if digest else 0}-{{i}}"
        earlier = [str(path) for path in sorted(shelf.rglob("*.parquet"))]
        self._base.execute(
            f"COPY (SELECT {', '.join(COLUMNS)}, coalesce(tenant, 'unknown') AS by_tenant, source AS by_source, "  # noqa: S608 - our own names
            f"strftime(time, '%Y-%m-%d') AS by_day FROM uses_loaded) TO '{_quoted(shelf)}' "
            f"(FORMAT parquet, COMPRESSION zstd, PARTITION_BY (by_tenant, by_source, by_day), "
            f"FILENAME_PATTERN '{name}', OVERWRITE_OR_IGNORE)"
        )
        if earlier:
            self._base.execute(
                f"INSERT INTO uses_loaded SELECT {', '.join(COLUMNS)} FROM read_parquet(?, hive_partitioning=false)",  # noqa: S608 - our own names
                [earlier],
            )

    def load_books(self, books: Books) -> None:
        """Put our stubs beside the rows."""
        for table, rows in (("tokens", books.tokens), ("calls", books.calls), ("credentials", books.credentials)):
            self.load_table(table, rows)

    def load_table(self, table: str, rows: Iterable[dict[str, Any]]) -> None:
        """Fill one of the tables of :data:`TABLES`; rows are JSON values by column name."""
        path = self._folder / f"{table}.jsonl"
        with path.open("w", encoding="utf-8") as out:
            for row in rows:
                out.write(json.dumps(row) + "\n")
        columns = [column.strip().split(" ", 1) for column in TABLES[table].split(",")]
        typed = ", ".join(f"'{name}': '{kind}'" for name, kind in columns)
        names = ", ".join(name for name, _ in columns)
        self._base.execute(
            f"INSERT INTO {table} SELECT {names} "  # noqa: S608 - our own names
            f"FROM read_json(?, format='newline_delimited', columns={{{typed}}})",
            [str(path)],
        )
        path.unlink()

    def prepare(self) -> list[dict[str, Any]]:
        """Fold copies, run step 1, and return the candidates of step 2."""
        self._base.execute(ADOPT)
        for name, query in PREPARE.items():
            self._base.execute(f"CREATE TABLE {name} AS {query}")
        return list(self.rows("SELECT * FROM signin_candidates"))

    def match(self, joined: Iterable[tuple[str, int, str]]) -> None:
        """Run the other steps and the coverage, given what step 2 chose."""
        self._base.execute("CREATE TABLE joined (record VARCHAR, no BIGINT, rule VARCHAR)")
        chosen = [list(row) for row in joined]
        if chosen:
            self._base.executemany("INSERT INTO joined VALUES (?, ?, ?)", chosen)
        for name, query in {**STEPS, **COVERAGE}.items():
            self._base.execute(f"CREATE TABLE {name} AS {query}")

    def rows(self, query: str, values: Iterable[object] = ()) -> Iterator[dict[str, Any]]:
        """Run a query and yield rows by column name; times are aware and in UTC."""
        cursor = self._base.cursor()
        cursor.execute(query, list(values))
        names = [column[0] for column in cursor.description or ()]
        while batch := cursor.fetchmany(2_000):
            for row in batch:
                yield {name: _aware(value) for name, value in zip(names, row, strict=True)}


def _aware(value: Any) -> Any:
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) and value.tzinfo is None else value


def _quoted(text: object) -> str:
    return str(text).replace("'", "''")
