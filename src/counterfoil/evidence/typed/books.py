"""Large files of stubs by the typed way: calls and jobs go from JSON to Parquet without becoming Python objects.

The stubs are our own, so that no bounded worker is needed; a file that is not wholly plain is refused, and
:mod:`counterfoil.evidence.stubs` reads it. An edge: it opens files.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import Any, Final

import duckdb

from counterfoil.evidence.collected import SETTINGS
from counterfoil.evidence.operations import endpoint_of, musts
from counterfoil.evidence.queries import TABLES
from counterfoil.evidence.stubs import Books, read_objects
from counterfoil.evidence.typed.macros import MACROS

WORTHWHILE: Final = 8 << 20
"""Octets below which Python reads the stubs as fast."""

_TEXTS: Final = (
    "kind id time tenant name connected app thumbprint_sha1 thumbprint_sha256 key_id state reason audience jti since"
    " correlation_id request_id uti job outcome error client_request_id method resource mailbox effect status until"
)
_COLUMNS: Final = {**dict.fromkeys(_TEXTS.split(), "VARCHAR"), "roles": "VARCHAR[]", "message_ids": "VARCHAR[]"}
_FLAGS: Final = {"true": True, "false": False}
_STEPS: Final = (
    "SELECT *, time_of(time) AS moment, octets_of(said(uti)) AS octets, written_of(said(uti)) AS written,"
    " asked_of(said(resource)) AS asked FROM lines",
    "SELECT *, coalesce(little(octets), bare(guid_of(written)), bare(guid_of(said(uti)))) AS token_id,"
    " below_host(asked) AS below FROM ({0})",
    "SELECT *, decoded(below) AS plain_path FROM ({0})",
    "SELECT *, ended(plain_path) AS bare_path FROM ({0})",
    "SELECT *, CASE WHEN said(resource) IS NOT NULL THEN coalesce(nullif(unversioned(bare_path), ''), '/') END AS path,"
    " CASE WHEN left(asked, 4) = 'http' THEN lower(split_part(split_part(asked, '/', 3), ':', 1)) END AS host"
    " FROM ({0})",
)
# Words that carry digits, signs or an at are names, and no word that the table of operations knows.
_PATTERN: Final = "regexp_replace(path, '/[^/(]*[0-9@=_-][^/(]*', '/x', 'g')"
_PLAIN: Final = (
    "moment IS NOT NULL",
    "(said(uti) IS NULL OR token_id IS NOT NULL)",
    "(said(resource) IS NULL OR uri_plain(said(resource)))",
    "(said(status) IS NULL OR regexp_full_match(said(status), '[0-9]{1,9}'))",
    "(client_request_id IS NULL OR regexp_full_match(client_request_id, '[!-z|}~][!-~]*'))",
    "(method IS NULL OR regexp_full_match(method, '[A-Za-z]+'))",
    "NOT loose(tenant) AND NOT loose(app) AND NOT loose(mailbox) AND NOT loose(job) AND NOT loose(effect)",
)
_CALLS: Final = {
    "no": "file_row_number",
    "tenant": "lower(said(tenant))",
    "time": "moment",
    "app": "lower(said(app))",
    "uti": "token_id",
    "crid": "lower(said(client_request_id))",
    "method": "upper(said(method))",
    "path": "path",
    "host": "host",
    "mailbox": "lower(said(mailbox))",
    "messages": "coalesce(list_transform(message_ids, lambda m: coalesce(m, 'None')), [])",
    "effect": "coalesce(lower(said(effect)), 'none')",
    "job": "said(job)",
    "status": "CAST(said(status) AS BIGINT)",
}


class StoredCalls(Sequence[dict[str, Any]]):
    """The calls of a large file of stubs: rows of the table ``calls``, kept in Parquet; they are gone through in order.

    Args:
        path: The Parquet file.
        length: How many there are.
        tenants: Whose they are.
    """

    def __init__(self, path: Path, length: int, tenants: set[str]) -> None:
        self.path, self.tenants = path, tenants
        self._length = length

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, place: int | slice) -> Any:
        raise TypeError("stored calls are gone through in order")

    def __iter__(self) -> Iterator[dict[str, Any]]:
        with duckdb.connect(":memory:", config=dict(SETTINGS)) as base:
            cursor = base.execute("SELECT * FROM read_parquet(?)", [str(self.path)])
            names = [column[0] for column in cursor.description or ()]
            while rows := cursor.fetchmany(2_000):
                yield from (dict(zip(names, row, strict=True)) for row in rows)


@dataclass(slots=True)
class StoredJobs:
    """The ids of the jobs of a large file of stubs, kept in Parquet."""

    path: Path


def read_large(path: Path, folder: Path) -> Books | None:
    """Read a large file of stubs; ``None`` where it is not wholly plain, or where one call has two lines.

    Args:
        path: Stubs in the exchange form.
        folder: Where the Parquet files go; they have to stay as long as the books.

    Raises:
        Refused: As :func:`counterfoil.evidence.stubs.read_stubs`, for the lines that are not calls.
    """
    with duckdb.connect(str(folder / "stubs.duckdb"), config=dict(SETTINGS)) as base:
        base.execute("SET TimeZone = 'UTC'")
        for macro in MACROS:
            base.execute(f"CREATE MACRO {macro}")
        try:
            return _read(base, path, folder)
        except duckdb.Error:
            # Something is not plain: the other reader finds the line, and says what is wrong with it.
            return None


def _read(base: duckdb.DuckDBPyConnection, path: Path, folder: Path) -> Books | None:
    typed = ", ".join(f"'{name}': '{kind}'" for name, kind in _COLUMNS.items())
    staged = folder / "staged.parquet"
    base.execute(
        f"COPY (SELECT * FROM read_json(?, format = 'newline_delimited', columns = {{{typed}}},"
        f" maximum_object_size = {64 << 20})) TO '{_quoted(staged)}' (FORMAT parquet)",
        [str(path)],
    )
    base.execute(f"CREATE VIEW staged AS SELECT * FROM read_parquet('{_quoted(staged)}', file_row_number = true)")
    base.execute("CREATE VIEW lines AS SELECT * FROM staged WHERE kind = 'call'")
    books = read_objects(_others(base))
    query = ""
    for step in _STEPS:
        query = step.format(query)
    columns = ", ".join(f"{value} AS {name}" for name, value in _CALLS.items())
    base.execute(
        f"CREATE TABLE read_calls AS SELECT {columns}, {_PATTERN} AS pattern, len(message_ids) > 0 AS has_ids,"
        f" coalesce({' AND '.join(_PLAIN)}, false) AS plain FROM ({query})"
    )
    if any(base.execute(query).fetchone() != (0,) for query in _STRANGE):
        return None
    calls, jobs = folder / "calls.parquet", folder / "jobs.parquet"
    _operations(base, books)
    base.execute(
        f"COPY (SELECT {', '.join(_names('calls'))} FROM keyed JOIN operations USING (operation))"
        f" TO '{_quoted(calls)}' (FORMAT parquet)"
    )
    base.execute(f"COPY (SELECT DISTINCT id FROM staged WHERE kind = 'job') TO '{_quoted(jobs)}' (FORMAT parquet)")
    return _filled(base, books, calls, jobs)


_STRANGE: Final = (
    "SELECT count(*) FROM staged WHERE kind IS NULL OR (kind = 'job' AND id IS NULL)",
    "SELECT count(*) FROM staged WHERE kind = 'job' AND time IS NOT NULL AND time_of(time) IS NULL",
    "SELECT count(*) FROM read_calls WHERE NOT plain",
    # Lines of one call, begun and finished, are laid over each other; that is left to the other reader.
    """SELECT count(*) FROM (SELECT 1 FROM read_calls WHERE crid IS NOT NULL GROUP BY hash(tenant, uti, crid)
       HAVING count(*) > 1 AND count(status) < count(*))""",
)


def _others(base: duckdb.DuckDBPyConnection) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the lines that are neither calls nor jobs, with their numbers."""
    cursor = base.cursor().execute("SELECT * FROM staged WHERE kind NOT IN ('call', 'job') ORDER BY file_row_number")
    names = [column[0] for column in cursor.description or ()]
    while rows := cursor.fetchmany(2_000):
        for row in rows:
            stub = dict(zip(names, row, strict=True))
            stub["connected"] = _FLAGS.get(stub["connected"] or "")
            yield stub.pop("file_row_number") + 1, stub


def _operations(base: duckdb.DuckDBPyConnection, books: Books) -> None:
    """Say of each kind of call, not of each call, which logs must show it."""
    base.execute("CREATE TABLE audiences (tenant VARCHAR, uti VARCHAR, audience VARCHAR)")
    asked = {(row["tenant"], row["uti"]): row["audience"] for row in books.tokens if row["uti"]}
    base.executemany(
        "INSERT INTO audiences VALUES (?, ?, ?)", [["", "", ""], *([*key, word] for key, word in asked.items())]
    )
    base.execute(
        """CREATE VIEW keyed AS SELECT c.*, audience,
           hash(host, audience, method, pattern, status // 100, effect, has_ids) AS operation
           FROM (SELECT r.*, CASE WHEN r.host IS NULL THEN a.audience END AS audience
                 FROM read_calls r LEFT JOIN audiences a ON a.tenant = r.tenant AND a.uti = r.uti) AS c"""
    )
    kinds = base.execute(
        """SELECT DISTINCT operation, host, audience, method, pattern, status // 100, effect, coalesce(has_ids, false)
           FROM keyed"""
    ).fetchall()
    if len({kind[0] for kind in kinds}) != len(kinds):
        raise duckdb.Error("two kinds of call share a hash")
    base.execute("CREATE TABLE operations (operation UBIGINT, endpoint VARCHAR, must VARCHAR[])")
    rows: list[list[Any]] = [[0, "none", []]]
    for operation, host, audience, method, pattern, hundreds, effect, has_ids in kinds:
        endpoint = endpoint_of(host, audience)
        status = None if hundreds is None else hundreds * 100
        must = musts(endpoint, method, pattern, status=status, effect=effect, has_ids=has_ids)
        rows.append([operation, endpoint, must])
    base.executemany("INSERT INTO operations VALUES (?, ?, ?)", rows)


def _filled(base: duckdb.DuckDBPyConnection, books: Books, calls: Path, jobs: Path) -> Books:
    count, tenants = _one(base, "SELECT count(*), list(DISTINCT tenant) FROM read_calls")
    books.calls = StoredCalls(calls, count, {tenant for tenant in tenants or [] if tenant})
    (count,) = _one(base, "SELECT count(*) FROM staged WHERE kind = 'job'")
    if count:
        books.jobs = StoredJobs(jobs)
    times = _one(base, "SELECT min(time), max(time) FROM read_calls")
    for time in times:
        if time is not None:
            moment = time.replace(tzinfo=UTC)
            books.first = min(books.first or moment, moment)
            books.last = max(books.last or moment, moment)
    return books


def _one(base: duckdb.DuckDBPyConnection, query: str) -> tuple[Any, ...]:
    row: tuple[Any, ...] | None = base.execute(query).fetchone()
    assert row is not None
    return row


def _names(table: str) -> list[str]:
    return [column.strip().split(" ", 1)[0] for column in TABLES[table].split(",")]


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
