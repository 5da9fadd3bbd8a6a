"""Write a case to disk: stubs.jsonl, truth.json, and logs/ in the shapes that customers have."""

import csv
import gzip
import io
import json
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import duckdb
import zstandard

from counterfoil.cases import truth
from counterfoil.cases.cast import Setting, Tenant
from counterfoil.cases.chance import Chance
from counterfoil.cases.rows import Record
from counterfoil.cases.shapes import directory, graph, mailbox, sign_ins
from counterfoil.cases.story import Told, tell
from counterfoil.model.errors import Misconfigured

Writer = Callable[[Path, list[Record]], None]


def write_case(
    place: Path,
    tenants: list[Tenant],
    stage: Setting,
    *,
    others: Sequence[Record] = (),
    advance: Callable[[], None] = lambda: None,
) -> Record:
    """Tell the story of every tenant and write it; return the truth.

    ``others`` are stubs of tenants that have no connection; ``advance`` is called after each tenant.

    Raises:
        Misconfigured: If the folder exists and is not empty.
    """
    if place.exists() and any(place.iterdir()):
        raise Misconfigured(f"{place} is not empty", "name a new folder: a case never overwrites another")
    (place / "logs").mkdir(parents=True)
    known = [truth.of_bystander(stub) for stub in others]
    with (place / "stubs.jsonl").open("w", encoding="utf-8") as stubs:
        stubs.writelines(json.dumps(stub) + "\n" for stub in others)
        for one in tenants:
            told = tell(one, stage)
            stubs.writelines(json.dumps(stub) + "\n" for stub in told.books.stubs)
            _write_logs(place / "logs" / one.name, told, Chance(stage.seed, "shapes", one.name))
            known.append(truth.of_tenant(told))
            advance()
    document = truth.document(stage, known)
    (place / "truth.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return document


def _write_logs(place: Path, told: Told, chance: Chance) -> None:
    """Write one tenant's logs, each in a shape of its own."""
    place.mkdir()
    one, books = told.tenant, told.books
    old = "spelling" in one.faults
    shape, writer = SIGN_INS[chance.between(0, len(SIGN_INS) - 1)]
    _write(place / "signins", [shape(one, row, old=old) for row in books.sign_ins], writer, one, chance)
    call_shape, writer = GRAPH[chance.between(0, len(GRAPH) - 1)]
    _write(place / "graph", [call_shape(one, row) for row in books.graph], writer, one, chance)
    event_shape, writer = MAILBOX[chance.between(0, len(MAILBOX) - 1)]
    events = mailbox.folded(books.mailbox)
    _write(place / "mailbox", [event_shape(one, row, old=old) for row in events], writer, one, chance)
    audit_shape, writer = DIRECTORY[chance.between(0, len(DIRECTORY) - 1)]
    _write(place / "directory", [audit_shape(one, row) for row in books.directory], writer, one, chance)


def _write(stem: Path, rows: list[Record], writer: Writer, one: Tenant, chance: Chance) -> None:
    if not rows:
        return
    if "disorder" in one.faults:
        rows = chance.shuffled(rows)
    if "duplicates" in one.faults:
        # A second export overlaps the first, and the first holds some rows twice, as real ones do.
        writer(stem.with_name(f"{stem.name}-again"), rows[: len(rows) // 2 + 1])
        rows = [*rows, *rows[::7]]
    writer(stem, rows)


def _lines(stem: Path, rows: list[Record]) -> None:
    stem.with_suffix(".json").write_bytes(_ndjson(rows))


def _lines_gz(stem: Path, rows: list[Record]) -> None:
    stem.with_suffix(".json.gz").write_bytes(gzip.compress(_ndjson(rows), mtime=0))


def _lines_zst(stem: Path, rows: list[Record]) -> None:
    stem.with_suffix(".json.zst").write_bytes(zstandard.compress(_ndjson(rows)))


def _lines_zip(stem: Path, rows: list[Record]) -> None:
    with zipfile.ZipFile(stem.with_suffix(".zip"), "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("PT1H.json", _ndjson(rows))


def _array(stem: Path, rows: list[Record]) -> None:
    stem.with_suffix(".json").write_text(json.dumps(rows), encoding="utf-8")


def _envelope(stem: Path, rows: list[Record]) -> None:
    stem.with_suffix(".json").write_text(json.dumps({"records": rows}), encoding="utf-8")


def _pages(stem: Path, rows: list[Record]) -> None:
    for number, first in enumerate(range(0, len(rows), 1000)):
        page: Record = {"@odata.context": "https://graph.microsoft.com/beta/$metadata#auditLogs"}
        page["value"] = rows[first : first + 1000]
        stem.with_name(f"{stem.name}-page{number}.json").write_text(json.dumps(page), encoding="utf-8")


def _csv(stem: Path, rows: list[Record]) -> None:
    text = io.StringIO()
    columns = list(dict.fromkeys(name for row in rows for name in row))
    table = csv.DictWriter(text, columns, lineterminator="\r\n")
    table.writeheader()
    table.writerows(rows)
    stem.with_suffix(".csv").write_text("\ufeff" + text.getvalue(), encoding="utf-8", newline="")


def _parquet(stem: Path, rows: list[Record]) -> None:
    lines = stem.with_suffix(".tmp.json")
    lines.write_bytes(_ndjson(rows))
    with duckdb.connect() as connection:
        connection.read_json(str(lines), format="newline_delimited").write_parquet(str(stem.with_suffix(".parquet")))
    lines.unlink()


def _ndjson(rows: list[Record]) -> bytes:
    return "".join(json.dumps(row) + "\r\n" for row in rows).encode("utf-8")


SIGN_INS = (
    (sign_ins.event_hub, _lines),
    (sign_ins.event_hub, _lines_gz),
    (sign_ins.event_hub, _array),
    (sign_ins.event_hub, _envelope),
    (sign_ins.graph_api, _pages),
    (sign_ins.log_analytics, _csv),
    (sign_ins.log_analytics, _array),
    (sign_ins.log_analytics, _parquet),
)
GRAPH = (
    (graph.storage, _lines),
    (graph.storage, _lines_zst),
    (graph.storage, _lines_zip),
    (graph.storage, _envelope),
    (graph.log_analytics, _csv),
    (graph.log_analytics, _lines_gz),
    (graph.log_analytics, _parquet),
    (graph.defender, _csv),
)
MAILBOX = (
    (mailbox.audit_record, _array),
    (mailbox.audit_record, _lines_gz),
    (mailbox.purview, _csv),
    (mailbox.office_activity, _csv),
    (mailbox.office_activity, _lines),
)
DIRECTORY = ((directory.graph_api, _pages), (directory.event_hub, _lines))
