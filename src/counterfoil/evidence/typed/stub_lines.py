"""A large file of stubs to Parquet in one pass; made to run in a bounded worker.

Calls become rows that need no more work; of other lines the texts are kept as they are. A file that is not wholly
plain is refused with the reason, and :mod:`counterfoil.evidence.stubs` reads it. An edge: it opens files.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import duckdb

from counterfoil.evidence.stubs import read_objects
from counterfoil.evidence.typed.worker import LONGEST, WRITTEN, database, quoted

_TEXTS: Final = (
    "kind id time tenant name connected app thumbprint_sha1 thumbprint_sha256 key_id state reason audience jti since"
    " correlation_id request_id uti job outcome error client_request_id method resource mailbox effect status until"
)
_COLUMNS: Final = {**dict.fromkeys(_TEXTS.split(), "VARCHAR"), "roles": "VARCHAR[]", "message_ids": "VARCHAR[]"}
_FLAGS: Final = {"true": True, "false": False}
# The table of operations knows words about mail; words that carry digits, signs or an at are names, and all alike.
_PATTERN: Final = (
    "CASE WHEN regexp_matches(path, '(?i)mail|message|item|exchange|subscription|send|reply|forward|delete|batch')"
    " THEN regexp_replace(path, '/[^/(]*[0-9@=_-][^/(]*', '/x', 'g') ELSE '/x' END"
)
_STEPS: Final = (
    "SELECT *, time_of(time) AS moment, octets_of(said(uti)) AS octets, written_of(said(uti)) AS written,"
    " said(resource) AS uri, direct_of(said(resource)) AS direct FROM ({0})",
    "SELECT *, coalesce(little(octets), bare(guid_of(written)), bare(guid_of(said(uti)))) AS token_id,"
    " CASE WHEN direct IS NULL THEN asked_of(uri) END AS asked FROM ({0})",
    "SELECT *, CASE WHEN direct IS NULL THEN decoded(below_host(asked)) END AS plain_path FROM ({0})",
    "SELECT *, CASE WHEN direct IS NULL THEN ended(plain_path) END AS bare_path FROM ({0})",
    "SELECT *, CASE WHEN direct IS NOT NULL THEN direct WHEN uri IS NOT NULL"
    " THEN coalesce(nullif(unversioned(bare_path), ''), '/') END AS path,"
    " CASE WHEN direct IS NOT NULL THEN 'graph.microsoft.com'"
    " WHEN left(asked, 4) = 'http' THEN lower(split_part(split_part(asked, '/', 3), ':', 1)) END AS host"
    " FROM ({0})",
    f"SELECT *, {_PATTERN} AS pattern FROM ({{0}})",
)
_PLAIN: Final = (
    "moment IS NOT NULL",
    "said(tenant) IS NOT NULL",
    "coalesce(lower(said(effect)) IN ('read', 'change', 'none'), true)",
    "(said(uti) IS NULL OR token_id IS NOT NULL)",
    "(uri IS NULL OR direct IS NOT NULL OR uri_plain(uri))",
    "(said(status) IS NULL OR regexp_full_match(said(status), '[0-9]{1,9}'))",
    "(client_request_id IS NULL OR regexp_full_match(client_request_id, '[!-z|}~][!-~]*'))",
    "(method IS NULL OR regexp_full_match(method, '[A-Za-z]+'))",
    "NOT loose(tenant) AND NOT loose(app) AND NOT loose(mailbox) AND NOT loose(job) AND NOT loose(effect)",
)
_CALL: Final = {
    "tenant": "lower(said(tenant))",
    "time": "moment",
    "app": "lower(said(app))",
    "uti": "token_id",
    "crid": "lower(said(client_request_id))",
    "method": "upper(said(method))",
    "path": "path",
    "host": "host",
    "mailbox": "lower(said(mailbox))",
    "messages": "coalesce(list_transform(message_ids, lambda m: CASE WHEN contains(m, '@') AND NOT contains(m, '<')"
    " THEN '<' || trim(m) || '>' ELSE coalesce(m, 'None') END), [])",
    "effect": "coalesce(lower(said(effect)), 'none')",
    "job": "said(job)",
    "status": "CAST(said(status) AS BIGINT)",
    "pattern": "pattern",
    "operation": "concat_ws('|', coalesce(host, ''), upper(said(method)), pattern, left(said(status), 1),"
    " length(said(status)), lower(said(effect)), len(message_ids) > 0)",
}
_OTHER: Final = (
    *("kind", "id", "name", "connected", "thumbprint_sha1", "thumbprint_sha256", "key_id", "state", "reason"),
    *("audience", "jti", "since", "correlation_id", "request_id", "outcome", "error", "until", "roles"),
)
_AS_WRITTEN: Final = ("time", "tenant", "app", "uti", "job")
_STRANGE: Final = {
    "lines that are in no plain spelling": "SELECT count(*) FROM staged WHERE strange",
    "calls in two lines": """
        SELECT count(*) FROM staged a JOIN staged b ON b.tenant IS NOT DISTINCT FROM a.tenant
               AND b.uti IS NOT DISTINCT FROM a.uti AND b.crid = a.crid AND b.file_row_number <> a.file_row_number
        WHERE a.kind = 'call' AND b.kind = 'call' AND a.status IS NULL""",
}


def read_lines(argument: bytes, _ask: Callable[[bytes], bytes]) -> bytes:
    """Read one file of stubs, and write ``lines.parquet`` and ``audiences.parquet`` below a folder.

    Args:
        argument: JSON: ``path``, ``folder``, and what ``worker.limits`` says.

    Returns:
        JSON: ``refused`` (why, or null), ``calls`` and ``jobs`` (how many), ``tenants`` (of calls), ``first`` and
        ``last`` (times of calls in RFC 3339, or null), ``kinds`` (of calls: operation, host, audience,
        method, pattern, status, effect, whether messages are listed), ``asked`` (whether tokens tell the host).
    """
    job = json.loads(argument)
    folder = Path(job["folder"])
    with database(folder, job) as base:
        try:
            _stage(base, Path(job["path"]), folder)
            for words, query in _STRANGE.items():
                if _one(base, query) != (0,):
                    return json.dumps({"refused": words}).encode()
            asked = _one(base, "SELECT count(*) FROM staged WHERE kind = 'call' AND host IS NULL") != (0,)
            if asked:
                _audiences(base, folder)
            return json.dumps({"refused": None, "asked": asked, **_counted(base, folder, asked=asked)}).encode()
        except duckdb.Error as error:
            return json.dumps({"refused": str(error).splitlines()[0][:200]}).encode()


def _stage(base: duckdb.DuckDBPyConnection, path: Path, folder: Path) -> None:
    typed = ", ".join(f"'{name}': '{kind}'" for name, kind in _COLUMNS.items())
    query = (
        f"SELECT * FROM read_json('{quoted(path)}', format = 'newline_delimited', columns = {{{typed}}},"
        f" maximum_object_size = {LONGEST})"
    )
    for step in _STEPS:
        query = step.format(query)
    call = ", ".join(f"CASE WHEN kind = 'call' THEN {value} END AS {name}" for name, value in _CALL.items())
    other = ", ".join(f"CASE WHEN kind <> 'call' THEN {name} END AS said_{name}" for name in _AS_WRITTEN)
    base.execute(
        f"COPY (SELECT {', '.join(_OTHER)}, {other}, {call},"
        f" CASE WHEN kind = 'call' THEN NOT coalesce({' AND '.join(_PLAIN)}, false)"
        " WHEN kind = 'job' THEN id IS NULL OR (time IS NOT NULL AND moment IS NULL)"
        " ELSE kind IS NULL END AS strange"
        f" FROM ({query})) TO '{quoted(folder / 'lines.parquet')}' {WRITTEN}"
    )
    base.execute(f"CREATE VIEW staged AS SELECT * FROM {lines_of(folder)}")


def lines_of(folder: Path) -> str:
    """Spell the relation of the lines that were written."""
    return f"read_parquet('{quoted(folder / 'lines.parquet')}', file_row_number = true)"


def calls_of(folder: Path, *, asked: bool) -> str:
    """Write the query for the calls among the lines: the columns of ``calls_loaded``.

    Args:
        folder: Where the lines are.
        asked: Whether the audience of a call's token tells where a bare path went.
    """
    columns = ", ".join(f"c.{name} AS {name}" for name in _CALL if name not in ("pattern", "operation"))
    audience = "CASE WHEN c.host IS NULL THEN a.audience END" if asked else "CAST(NULL AS VARCHAR)"
    joined = ""
    if asked:
        told = quoted(folder / "audiences.parquet")
        joined = f" LEFT JOIN read_parquet('{told}') a ON c.host IS NULL AND a.tenant = c.tenant AND a.uti = c.uti"
    operation = f"concat_ws('|', c.operation, {audience})" if asked else "c.operation"
    return (
        f"SELECT c.file_row_number AS no, {columns}, c.pattern AS pattern, {audience} AS audience,"
        f" {operation} AS operation FROM {lines_of(folder)} c{joined} WHERE c.kind = 'call'"
    )


def others(base: duckdb.DuckDBPyConnection, relation: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the lines that are neither calls nor jobs as they were written, with their numbers."""
    columns = ", ".join([*_OTHER, *(f"said_{name} AS {name}" for name in _AS_WRITTEN), "file_row_number"])
    cursor = base.cursor().execute(
        f"SELECT {columns} FROM {relation} WHERE kind NOT IN ('call', 'job') ORDER BY file_row_number"
    )
    names = [column[0] for column in cursor.description or ()]
    while rows := cursor.fetchmany(2_000):
        for row in rows:
            stub = dict(zip(names, row, strict=True))
            stub["connected"] = _FLAGS.get(stub["connected"] or "")
            yield stub.pop("file_row_number") + 1, stub


def _audiences(base: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Write down what each token was asked for; that tells where the bare path of a call went."""
    base.execute("CREATE TABLE audiences (tenant VARCHAR, uti VARCHAR, audience VARCHAR)")
    tokens = read_objects(others(base, "staged")).tokens
    asked = {(row["tenant"], row["uti"]): row["audience"] for row in tokens if row["uti"]}
    base.executemany(
        "INSERT INTO audiences VALUES (?, ?, ?)", [["", "", ""], *([*key, word] for key, word in asked.items())]
    )
    base.execute(f"COPY audiences TO '{quoted(folder / 'audiences.parquet')}' (FORMAT parquet)")


def _counted(base: duckdb.DuckDBPyConnection, folder: Path, *, asked: bool) -> dict[str, Any]:
    calls, jobs, tenants, first, last = _one(
        base,
        """SELECT count_if(kind = 'call'), count_if(kind = 'job'), list_sort(list(DISTINCT tenant)),
           CAST(min(time) AS VARCHAR), CAST(max(time) AS VARCHAR) FROM staged""",
    )
    kinds = base.execute(
        f"""SELECT operation, host, audience, method, pattern, min(status), effect, len(messages) > 0 AS has_ids
            FROM ({calls_of(folder, asked=asked)}) GROUP BY ALL"""
    ).fetchall()
    if len({kind[0] for kind in kinds}) != len(kinds):
        raise duckdb.Error("two kinds of call share a name")
    return {"calls": calls, "jobs": jobs, "tenants": tenants or [], "first": first, "last": last, "kinds": kinds}


def _one(base: duckdb.DuckDBPyConnection, query: str) -> tuple[Any, ...]:
    row: tuple[Any, ...] | None = base.execute(query).fetchone()
    assert row is not None
    return row
