"""DuckDB at work: rows in, queries run, rows out. Nothing is downloaded and nothing outside is read.

An edge: it touches the file system, through the folder it is given.
"""

import contextlib
import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import duckdb

from counterfoil.evidence import lacking
from counterfoil.evidence.collected import SETTINGS, Collected
from counterfoil.evidence.coverage_queries import COVERAGE
from counterfoil.evidence.fold import FOLD
from counterfoil.evidence.queries import LARGE, PREPARE, STEPS, VIEWS
from counterfoil.evidence.stubs import Books
from counterfoil.evidence.tables import ADOPT, SLOT, TABLES, UNFOLDED
from counterfoil.evidence.typed.books import StoredCalls, StoredJobs
from counterfoil.evidence.typed.stored import whole
from counterfoil.evidence.uses import COLUMNS, SOURCES

LEAST_MEMORY = 1 << 30
"""Octets that the database holds in memory at least; it takes a quarter of what there is, and spills the rest."""

_GROUP = Path("/sys/fs/cgroup/memory.max")

SMALL = 200_000
"""Rows that are held in memory; more of them stay in their files and are read again where they are needed."""

_NAMES = ", ".join(COLUMNS)
_SLOT = SLOT.format("record")


class Engine:
    """One database in memory; ``folder`` takes what is more than that. Close it, or use it as a context."""

    def __init__(self, folder: Path) -> None:
        self._large = False
        self._folder = Path(tempfile.mkdtemp(dir=folder))
        self._base = duckdb.connect(
            ":memory:",
            config={**SETTINGS, "preserve_insertion_order": "false", "temp_directory": str(self._folder / "spill")},
        )
        self._base.execute(f"SET memory_limit = '{_memory()}B'")
        self._base.execute("SET TimeZone = 'UTC'")
        for name, columns in TABLES.items():
            self._base.execute(f"CREATE TABLE {name} ({columns})")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._base.close()

    def load_uses(self, collected: Collected, shelf: Path | None = None) -> None:
        """Take what the readers wrote, and what lay on the shelf; rows of both ways stand side by side from now on."""
        columns = ", ".join(f"'{name}': '{kind}'" for name, kind in COLUMNS.items())
        self._base.execute(
            f"INSERT INTO uses_read SELECT {_NAMES} FROM read_json(?, format='newline_delimited', "  # noqa: S608 - our own names
            f"columns={{{columns}}}, maximum_object_size=134217728)",
            [str(collected.rows)],
        )
        self._base.executemany(
            "INSERT INTO places VALUES (?, ?, ?)", [["", "", 0], *([p, *v] for p, v in collected.places.items())]
        )
        self._base.executemany("INSERT INTO refused VALUES (?)", [[""], *([path] for path in collected.refused)])
        loaded = f"SELECT {_NAMES}, {_SLOT} AS slot, -1 - rowid AS id FROM uses_read"  # noqa: S608 - our own names
        for place, source in enumerate(sorted({_source_of(part) for part in collected.parts})):
            loaded += f" UNION ALL {_of_parts(place, source, collected)}"
        earlier = self._earlier(shelf) if shelf is not None else ""
        if shelf is not None:
            self._keep(shelf, f"SELECT {_NAMES} FROM ({loaded}) AS l")  # noqa: S608 - our own names
        if earlier:
            # Of rows without a tenant those that were read count, since they may yet be given one.
            self._base.execute(f"INSERT INTO uses_read SELECT {_NAMES} FROM {earlier} WHERE tenant IS NULL")  # noqa: S608 - our own names
            loaded += (
                f" UNION ALL SELECT {_NAMES}, {_SLOT} AS slot, {_id(len(SOURCES))} AS id FROM {earlier}"  # noqa: S608 - our own names
                " WHERE tenant IS NOT NULL"
            )
        slot = SLOT.format("client_request_id")
        self._base.execute(f"CREATE VIEW uses_loaded AS SELECT l.*, {slot} AS call_slot FROM ({loaded}) AS l")  # noqa: S608 - our own names

    def _earlier(self, shelf: Path) -> str:
        """Return the relation of what lies on the shelf already; empty where nothing does."""
        files = sorted(shelf.rglob("*.parquet"))
        return f"read_parquet({_listed(files)}, hive_partitioning = false)" if files else ""

    def _keep(self, shelf: Path, loaded: str) -> None:
        """Lay the rows on the shelf: copies are folded later.

        Rows are written once more only where their content is new, so that the same export twice adds nothing.
        """
        shelf.mkdir(parents=True, exist_ok=True)
        named = (
            f"SELECT u.* REPLACE (coalesce(p.name, u.file) AS file, u.number + 1 - coalesce(p.first, 1) AS number)"  # noqa: S608 - our own names
            f" FROM ({loaded}) AS u LEFT JOIN places p ON p.path = u.file"
        )
        digest = self._base.execute(f"SELECT printf('%x', coalesce(bit_xor(hash(u)), 0)) FROM ({named}) u").fetchone()  # noqa: S608 - our own names
        name = f"rows-{digest[0] if digest else 0}-{{i}}"
        self._base.execute(
            f"COPY (SELECT {_NAMES}, coalesce(tenant, 'unknown') AS by_tenant, source AS by_source, "  # noqa: S608 - our own names
            f"strftime(time, '%Y-%m-%d') AS by_day FROM ({named})) TO '{_quoted(shelf)}' "
            f"(FORMAT parquet, COMPRESSION zstd, PARTITION_BY (by_tenant, by_source, by_day), "
            f"FILENAME_PATTERN '{name}', OVERWRITE_OR_IGNORE)"
        )

    def load_books(self, books: Books) -> None:
        """Put our stubs beside the rows."""
        for table, rows in (("tokens", books.tokens), ("credentials", books.credentials)):
            self.load_table(table, rows)
        if isinstance(books.calls, StoredCalls):
            self._stored("calls_loaded", books.calls.query)
        else:
            self.load_table("calls_loaded", books.calls)
        self.load_table(
            "operations",
            (
                dict(zip(("operation", "endpoint", "graph", "mailbox"), (key, *known), strict=True))
                for key, known in books.operations.items()
            ),
        )
        if isinstance(books.jobs, StoredJobs):
            self._stored("jobs", books.jobs.query)
        else:
            self.load_table("jobs", ({"id": job} for job in books.jobs or ()))

    def _stored(self, table: str, query: str) -> None:
        columns = ", ".join(column.split(" ", 1)[0] for column in map(str.strip, TABLES[table].split(",")))
        self._base.execute(f"DROP TABLE {table}")
        self._base.execute(f"CREATE VIEW {table} AS SELECT {columns} FROM ({query})")  # noqa: S608 - our own names

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
        self._large = next(self.rows("SELECT count(*) AS rows FROM uses_loaded"))["rows"] > SMALL
        if not self._large:
            self._base.execute("ALTER VIEW uses_loaded RENAME TO uses_found")
            self._base.execute("CREATE TABLE uses_loaded AS SELECT * FROM uses_found")
        self._make(FOLD)
        self._make(UNFOLDED)
        self._make(PREPARE)
        return list(self.rows("SELECT * FROM signin_candidates"))

    def match(self, joined: Iterable[tuple[str, int, str]]) -> None:
        """Run the other steps and the coverage, given what step 2 chose."""
        self._base.execute("CREATE TABLE joined (record VARCHAR, no BIGINT, rule VARCHAR)")
        chosen = [list(row) for row in joined]
        if chosen:
            self._base.executemany("INSERT INTO joined VALUES (?, ?, ?)", chosen)
        if next(self.rows(lacking.ANY))["calls"]:
            for statement in lacking.COMPLETE:
                self._base.execute(statement)
            self._base.execute("DROP TABLE call_messages")
            self._make({"call_messages": PREPARE["call_messages"]})
        self._make({**STEPS, **COVERAGE})

    def _make(self, queries: Mapping[str, str]) -> None:
        views = VIEWS | LARGE if self._large else VIEWS
        for name, query in queries.items():
            self._base.execute(f"CREATE {'VIEW' if name in views else 'TABLE'} {name} AS {query}")

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


def _memory() -> int:
    """Say how many octets the database may hold: a quarter of the machine's, or of what its control group may have."""
    there = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    with contextlib.suppress(OSError):
        limit = _GROUP.read_text().strip()
        there = min(there, int(limit)) if limit.isdigit() else there
    return max(LEAST_MEMORY, there // 4)


def _source_of(part: Path) -> str:
    return part.suffixes[-2][1:]


def _id(place: int) -> str:
    """Number the rows of the files of one relation: no two rows of all relations have one number."""
    return f"CAST({place << 56} + CAST(file_index AS BIGINT) * {1 << 36} + file_row_number AS BIGINT)"


def _of_parts(place: int, source: str, collected: Collected) -> str:
    """Write the query for the rows of one source that were read by type."""
    columns = ", ".join(f"{value} AS {name}" for name, value in whole(source).items())
    parts = _listed(part for part in collected.parts if _source_of(part) == source)
    refused = " WHERE file NOT IN (SELECT path FROM refused)" if collected.refused else ""
    return f"SELECT {columns}, slot, {_id(place)} AS id FROM read_parquet({parts}){refused}"  # noqa: S608 - our own names


def _listed(paths: Iterable[Path]) -> str:
    return "[" + ", ".join(f"'{_quoted(path)}'" for path in paths) + "]"


def _quoted(text: object) -> str:
    return str(text).replace("'", "''")
