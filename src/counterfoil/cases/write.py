"""Write a case to disk: stubs.jsonl, truth.json, and logs/ in the shapes that customers have."""

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from counterfoil.cases import packing, truth
from counterfoil.cases.cast import Setting, Tenant
from counterfoil.cases.chance import Chance
from counterfoil.cases.damage import Damage
from counterfoil.cases.packing import Writer
from counterfoil.cases.rows import Record
from counterfoil.cases.shapes import directory, graph, mailbox, sign_ins
from counterfoil.cases.story import Told, gap, tell
from counterfoil.model.errors import Misconfigured

Shape = Callable[..., Record]


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
        stubs.writelines(json.dumps(stub) + "\n" for stub in (*gap(stage), *others))
        for one in tenants:
            told = tell(one, stage)
            stubs.writelines(json.dumps(stub) + "\n" for stub in told.books.stubs)
            _write_logs(place / "logs" / one.name, told, stage)
            known.append(truth.of_tenant(told))
            advance()
    document = truth.document(stage, known)
    (place / "truth.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return document


def _write_logs(place: Path, told: Told, stage: Setting) -> None:
    """Write one tenant's logs, each in a shape of its own."""
    place.mkdir()
    one, books = told.tenant, told.books
    chance = Chance(stage.seed, "shapes", one.name)
    damage = Damage(one, chance)
    logs: tuple[tuple[str, list[Any], tuple[tuple[Shape, Writer], ...]], ...] = (
        ("signins", books.sign_ins, SIGN_INS),
        ("graph", books.graph, GRAPH),
        ("mailbox", mailbox.folded(books.mailbox), MAILBOX),
        ("directory", books.directory, DIRECTORY),
    )
    for name, rows, shapes in logs:
        if name == "signins" and "summarised" in one.faults:
            damage.write_summary(place, rows)
            continue
        first = chance.between(0, len(shapes) - 1)
        chosen = [first, (first + 1) % len(shapes)] if "two-exporters" in one.faults else [first]
        for number, which in enumerate(chosen):
            shape, writer = shapes[which]
            spelled = [shape(one, row, late=_is_late(row.time, stage)) for row in rows]
            damage.write(place / (f"{name}-too" if number else name), spelled, writer)
        if name == "signins" and "contradictory-times" in one.faults:
            shape, writer = shapes[first]
            damage.write_again(place / f"{name}-again", one, rows, shape, writer)


def _is_late(moment: datetime, stage: Setting) -> bool:
    return moment >= stage.middle


SIGN_INS: tuple[tuple[Shape, Writer], ...] = (
    (sign_ins.event_hub, packing.lines),
    (sign_ins.graph_api, packing.pages),
    (sign_ins.event_hub, packing.lines_gz),
    (sign_ins.log_analytics, packing.csv_file),
    (sign_ins.event_hub, packing.array),
    (sign_ins.log_analytics, packing.array),
    (sign_ins.event_hub, packing.envelope),
    (sign_ins.log_analytics, packing.parquet),
    (sign_ins.event_hub, packing.one_object),
    (sign_ins.log_analytics, packing.table),
)
GRAPH: tuple[tuple[Shape, Writer], ...] = (
    (graph.storage, packing.lines),
    (graph.log_analytics, packing.csv_file),
    (graph.storage, packing.lines_zst),
    (graph.defender, packing.csv_file),
    (graph.storage, packing.lines_zip),
    (graph.log_analytics, packing.lines_gz),
    (graph.storage, packing.envelope),
    (graph.log_analytics, packing.parquet),
    (graph.defender, packing.lines),
)
MAILBOX: tuple[tuple[Shape, Writer], ...] = (
    (mailbox.audit_record, packing.array),
    (mailbox.purview, packing.csv_file),
    (mailbox.audit_record, packing.lines_gz),
    (mailbox.office_activity, packing.csv_file),
    (mailbox.audit_record, packing.lines_zip),
    (mailbox.office_activity, packing.lines),
)
DIRECTORY: tuple[tuple[Shape, Writer], ...] = (
    (directory.graph_api, packing.pages),
    (directory.unified, packing.array),
    (directory.event_hub, packing.lines),
    (directory.log_analytics, packing.csv_file),
)
"""Every shape and packing of each log; neighbours in these lists are different shapes."""
