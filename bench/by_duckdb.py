"""DuckDB alone, in a process of its own: every file of a folder read with explicit columns, written as Parquet.

``python -m bench.by_duckdb read FOLDER OUT`` is what reconciling is measured against; nothing is normalised,
matched or judged. Zip, which DuckDB does not open, is unpacked by Python.
``python -m bench.by_duckdb match CALLS USES`` is the join of two Parquet files by token id and client-request-id.
"""

import json
import sys
import zipfile
from pathlib import Path

import duckdb

GRAPH = {
    **dict.fromkeys(
        ("time", "resourceId", "operationName", "category", "resultSignature", "callerIpAddress"), "VARCHAR"
    ),
    **dict.fromkeys(("correlationId", "tenantId"), "VARCHAR"),
    "properties": "STRUCT(timeGenerated VARCHAR, requestId VARCHAR, operationId VARCHAR, clientRequestId VARCHAR, "
    "requestMethod VARCHAR, responseStatusCode BIGINT, tenantId VARCHAR, durationMs BIGINT, signInActivityId VARCHAR, "
    "roles VARCHAR, appId VARCHAR, identityProvider VARCHAR, clientAuthMethod VARCHAR, ipAddress VARCHAR, "
    "userAgent VARCHAR, requestUri VARCHAR, servicePrincipalId VARCHAR, tokenIssuedAt VARCHAR)",
}
STUBS = {
    **dict.fromkeys(("kind", "time", "tenant", "name", "app", "thumbprint_sha1", "thumbprint_sha256"), "VARCHAR"),
    **dict.fromkeys(("key_id", "state", "id", "reason", "audience", "jti", "correlation_id", "request_id"), "VARCHAR"),
    **dict.fromkeys(("uti", "job", "outcome", "error", "client_request_id", "method", "resource"), "VARCHAR"),
    **dict.fromkeys(("mailbox", "effect"), "VARCHAR"),
    "connected": "BOOLEAN",
    "roles": "VARCHAR[]",
    "message_ids": "VARCHAR[]",
    "status": "BIGINT",
}


def read(folder: Path, out: Path) -> None:
    """Read stubs and logs; those of one kind in lines by explicit columns, the mixed ones as they come."""
    with duckdb.connect(":memory:") as base:
        base.execute("SET memory_limit = '2GB'")
        base.execute("SET preserve_insertion_order = false")
        base.execute(f"SET temp_directory = '{out}'")
        _lines(base, str(folder / "stubs.jsonl"), STUBS, out / "stubs.parquet")
        logs = folder / "logs"
        if (logs / "graph").is_dir():
            _lines(base, str(logs / "graph/*/*.json"), GRAPH, out / "graph.parquet")
            _copy(base, f"read_json('{logs}/sign-ins.json')", out / "sign-ins.parquet")
            return
        for number, path in enumerate(sorted(path for path in logs.rglob("*") if path.is_file())):
            for piece in _opened(path, out):
                how = {".csv": "read_csv", ".parquet": "read_parquet"}.get(piece.suffix, "read_json_auto")
                more = ", maximum_object_size=134217728" if how == "read_json_auto" else ""
                _copy(base, f"{how}('{piece}'{more})", out / f"{number}.parquet")


def _lines(base: duckdb.DuckDBPyConnection, files: str, columns: dict[str, str], to: Path) -> None:
    typed = ", ".join(f"'{name}': '{kind}'" for name, kind in columns.items())
    source = f"read_json('{files}', format='newline_delimited', columns={{{typed}}}, hive_partitioning=false)"
    _copy(base, source, to)


def _copy(base: duckdb.DuckDBPyConnection, source: str, to: Path) -> None:
    base.execute(f"COPY (SELECT * FROM {source}) TO '{to}' (FORMAT parquet, COMPRESSION zstd)")


def _opened(path: Path, out: Path) -> list[Path]:
    if path.suffix != ".zip":
        return [path]
    place = out / path.parent.name
    with zipfile.ZipFile(path) as packed:
        packed.extractall(place)
    return sorted(piece for piece in place.rglob("*") if piece.is_file())


def match(calls: Path, uses: Path) -> None:
    """Say which rows have no stub and which stubs no row."""
    with duckdb.connect(":memory:") as base:
        base.execute("SET memory_limit = '4GB'")
        found = [
            base.execute(
                f"SELECT count(*) FROM read_parquet('{these}') a WHERE NOT EXISTS (SELECT 1 FROM "
                f"read_parquet('{those}') b WHERE b.tenant = a.tenant AND b.uti = a.uti AND b.crid = a.crid)"
            ).fetchone()
            for these, those in ((uses, calls), (calls, uses))
        ]
        print(json.dumps({"rows_without_stub": found[0][0], "stubs_without_row": found[1][0]}))


if __name__ == "__main__":
    {"read": read, "match": match}[sys.argv[1]](Path(sys.argv[2]), Path(sys.argv[3]))
