"""How exports are packed: JSON of every kind, CSV, Parquet; plain, gzip, Zstandard and zip."""

import csv
import gzip
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import duckdb
import zstandard

from counterfoil.cases.rows import Record

Writer = Callable[[Path, list[Record]], Path]
"""Writes rows into a file with this stem, and returns its path (the last, if they are several)."""


def lines(stem: Path, rows: list[Record]) -> Path:
    """One object a line."""
    return _octets(stem.with_suffix(".json"), _ndjson(rows))


def lines_gz(stem: Path, rows: list[Record]) -> Path:
    """One object a line, gzip."""
    return _octets(stem.with_suffix(".json.gz"), gzip.compress(_ndjson(rows), mtime=0))


def lines_zst(stem: Path, rows: list[Record]) -> Path:
    """One object a line, Zstandard."""
    return _octets(stem.with_suffix(".json.zst"), zstandard.compress(_ndjson(rows)))


def lines_zip(stem: Path, rows: list[Record]) -> Path:
    """One object a line, in a zip with the blob's own name."""
    path = stem.with_suffix(".zip")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        # The date is that of the format's first day: the same case has the same bytes.
        archive.writestr(zipfile.ZipInfo("PT1H.json"), _ndjson(rows), zipfile.ZIP_DEFLATED)
    return path


def array(stem: Path, rows: list[Record]) -> Path:
    """One array."""
    return _octets(stem.with_suffix(".json"), json.dumps(rows).encode())


def one_object(stem: Path, rows: list[Record]) -> Path:
    """One file for each row, a single object."""
    for number, row in enumerate(rows):
        path = _octets(stem.with_name(f"{stem.name}-{number:04d}.json"), json.dumps(row, indent=2).encode())
    return path if rows else stem


def envelope(stem: Path, rows: list[Record]) -> Path:
    """One object with ``records``, as an event hub delivers them."""
    return _octets(stem.with_suffix(".json"), json.dumps({"records": rows}).encode())


def pages(stem: Path, rows: list[Record]) -> Path:
    """Pages of the Graph API, of a thousand rows at most."""
    path = stem
    for number, first in enumerate(range(0, len(rows), 1000)):
        page: Record = {"@odata.context": "https://graph.microsoft.com/beta/$metadata#auditLogs"}
        page["value"] = rows[first : first + 1000]
        path = _octets(stem.with_name(f"{stem.name}-page{number}.json"), json.dumps(page).encode())
    return path


def table(stem: Path, rows: list[Record]) -> Path:
    """The answer of a query on a Log Analytics workspace."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    answer = {
        "tables": [
            {
                "name": "PrimaryResult",
                "columns": [{"name": name, "type": "string"} for name in columns],
                "rows": [[row.get(name) for name in columns] for row in rows],
            }
        ]
    }
    return _octets(stem.with_suffix(".json"), json.dumps(answer).encode())


def csv_file(stem: Path, rows: list[Record]) -> Path:
    """CSV with a byte order mark, as portals write it."""
    text = io.StringIO()
    columns = list(dict.fromkeys(name for row in rows for name in row))
    sheet = csv.DictWriter(text, columns, lineterminator="\r\n")
    sheet.writeheader()
    sheet.writerows(rows)
    return _octets(stem.with_suffix(".csv"), ("\ufeff" + text.getvalue()).encode())


def parquet(stem: Path, rows: list[Record]) -> Path:
    """Parquet, with the types that DuckDB sees in the rows."""
    plain, path = stem.with_suffix(".tmp.json"), stem.with_suffix(".parquet")
    plain.write_bytes(_ndjson(rows))
    with duckdb.connect() as connection:
        connection.read_json(str(plain), format="newline_delimited").write_parquet(str(path))
    plain.unlink()
    return path


def _ndjson(rows: list[Record]) -> bytes:
    return "".join(json.dumps(row) + "\r\n" for row in rows).encode("utf-8")


def _octets(path: Path, octets: bytes) -> Path:
    path.write_bytes(octets)
    return path
