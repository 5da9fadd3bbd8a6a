"""The typed way gives the rows that the other readers give, or refuses the file."""

import copy
import csv
import gzip
import io
import json
import random
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import zstandard

from counterfoil.cases.shapes import graph, mailbox, sign_ins
from counterfoil.cases.story import cast, setting, tell
from counterfoil.cli.simulate import START
from counterfoil.evidence.collect import collect, readers
from counterfoil.evidence.engine import Engine

SHAPES = {
    "hub-sign-in": lambda t, b: [sign_ins.event_hub(t, row, late=False) for row in b.sign_ins],
    "api-sign-in": lambda t, b: [sign_ins.graph_api(t, row, late=False) for row in b.sign_ins],
    "table-sign-in": lambda t, b: [sign_ins.log_analytics(t, row, late=False) for row in b.sign_ins],
    "hub-call": lambda t, b: [graph.storage(t, row, late=False) for row in b.graph],
    "table-call": lambda t, b: [graph.log_analytics(t, row, late=False) for row in b.graph],
    "defender-call": lambda t, b: [graph.defender(t, row, late=False) for row in b.graph],
    "audit": lambda t, b: [mailbox.audit_record(t, row, late=False) for row in mailbox.folded(b.mailbox)],
    "purview": lambda t, b: [mailbox.purview(t, row, late=False) for row in mailbox.folded(b.mailbox)],
    "office": lambda t, b: [mailbox.office_activity(t, row, late=False) for row in mailbox.folded(b.mailbox)],
}
FLAT = {"table-sign-in", "table-call", "defender-call", "purview", "office"}


def lines(rows):
    """JSON Lines as Windows ends them."""
    return "".join(json.dumps(row) + "\r\n" for row in rows).encode()


def table(rows):
    """CSV with a byte-order mark."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(dict.fromkeys(name for row in rows for name in row)), lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return ("\ufeff" + text.getvalue()).encode()


PACKINGS = {
    "lines": lines,
    "gzip": lambda rows: gzip.compress(lines(rows)),
    "zstd": lambda rows: zstandard.compress(lines(rows)),
    "array": lambda rows: json.dumps(rows, indent=1).encode(),
    "records": lambda rows: json.dumps({"records": rows}).encode(),
    "value": lambda rows: json.dumps({"@odata.context": "https://graph.microsoft.com/beta", "value": rows}).encode(),
    "csv": table,
}
OFTEN = ("", "spelling")
SELDOM = ("spelling-none", "spelling-guid-order", "spelling-items")
CASES = [
    (shape, packing, vintage)
    for shape in SHAPES
    for packing in PACKINGS
    for vintage in (*OFTEN, *(SELDOM if packing == "lines" else ()))
    if packing != "csv" or shape in FLAT
]


@pytest.fixture(scope="module")
def told():
    """A tenant over Graph with a thief in it, and one over Exchange Web Services."""
    stage = setting(START, 0.25, 2, 60, 7)
    found = [tell(one, stage) for one in cast(24, 7, ("stolen-key", "own-key", "replay", "rule"))]
    graph_style = next(one for one in found if one.theft is not None and one.tenant.style == "graph")
    return {"graph": graph_style, "ews": next(one for one in found if one.tenant.style == "ews")}


@dataclass
class Read:
    """What one way made of one file."""

    rows: list
    reading: object
    typed: bool


def read_all(pool, exports: Path, folder: Path, worthwhile: int) -> dict[str, Read]:
    """Read every file below a folder; return what became of each by name."""
    folder.mkdir()
    collected = collect(pool, [exports], folder, set(), worthwhile=worthwhile)
    typed = {name for name, _ in collected.places.values()}
    found = {reading.name: Read([], reading, reading.name in typed) for reading in collected.readings}
    with Engine(folder) as engine:
        engine.load_uses(collected)
        query = (
            "SELECT u.* EXCLUDE (id), p.name AS named, p.first FROM uses_loaded u LEFT JOIN places p ON p.path = u.file"
        )
        for row in engine.rows(query):
            name, first = row.pop("named"), row.pop("first")
            if name is not None:
                row |= {"file": name, "number": row["number"] + 1 - first}
            row["detail"] = _without_order(row["detail"])
            found[row["file"]].rows.append(row)
    for read in found.values():
        read.rows.sort(key=lambda row: (row["number"], row["record"]))
    return found


def _without_order(detail):
    parsed = json.loads(detail or "{}")
    return {**parsed, "folders": sorted(set(parsed["folders"]))} if "folders" in parsed else parsed


@pytest.fixture(scope="module")
def pool():
    """The worker of the other readers."""
    with readers() as pool:
        yield pool


@pytest.fixture(scope="module")
def both(told, pool, tmp_path_factory):
    """Every shape in every packing and both vintages, read both ways at once."""
    place = tmp_path_factory.mktemp("agreement")
    (place / "exports").mkdir()
    for shape, packing, vintage in CASES:
        one = told["graph" if shape.endswith("call") or vintage else "ews"]
        rows = SHAPES[shape](replace(one.tenant, faults=(vintage,)), one.books)
        (place / "exports" / f"{shape}-{packing}-{vintage}").write_bytes(PACKINGS[packing](rows))
    typed = read_all(pool, place / "exports", place / "typed", 0)
    plain = read_all(pool, place / "exports", place / "plain", 1 << 60)
    return {name: (typed[name], plain[name]) for name in plain}


@pytest.mark.parametrize(("shape", "packing", "vintage"), CASES)
def test_both_ways_give_the_same_rows(both, shape, packing, vintage):
    """In every shape and packing the typed way takes the file, and each column of each row is the same."""
    typed, plain = both[f"{shape}-{packing}-{vintage}"]

    assert typed.typed, "the typed way refused the file"
    assert not plain.typed
    assert plain.rows
    assert plain.rows == typed.rows
    assert plain.reading == typed.reading


DAMAGES = (
    *(None, "", "none", " padded ", "J\u00fcrgen", "0", 7, 1.5, True, [], {}, ["x"], {"a": 1}, "[", "{", "a\u00a0"),
    *("00000000-0000-0000-0000-000000000000", "22608a25-1d9b-44b5-b0f2-cb94f06b2d00", "JYpgIpsdtUSw8suU8GstAA"),
    *("{22608A25-1D9B-44B5-B0F2-CB94F06B2D00}", "2026-02-30T00:00:00Z", "10/5/2026, 9:00:00.123 AM", "//x/y"),
    *("https://graph.microsoft.com/v1.0/users/a%C3%A4/messages/x%2Fy", "198.51.100.7:443"),
)


def places(value, path=()):
    """Yield the path of every value inside a record."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from places(inner, (*path, key))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from places(inner, (*path, number))
    yield path


def damaged(record, path, value):
    """Return a copy of a record with another value in one place; a path of nothing drops the last key."""
    record = copy.deepcopy(record)
    inner = record
    for key in path[:-1]:
        inner = inner[key]
    if value is DROP:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    return record


DROP = object()


@pytest.mark.parametrize("seed", [1, pytest.param(range(2, 12), marks=pytest.mark.long)])
def test_what_the_typed_way_takes_of_damaged_rows_it_reads_alike(told, pool, tmp_path_factory, seed):
    """One value of one row is damaged in many files: each is refused, or gives the rows of the other readers."""
    chance = random.Random(str(seed))
    place = tmp_path_factory.mktemp("damaged")
    (place / "exports").mkdir()
    done = {}
    for shape, make in SHAPES.items():
        one = told["graph" if shape.endswith("call") else "ews"]
        rows = make(one.tenant, one.books)[:4]
        for number in range(12 if seed == 1 else 100):
            victim = chance.randrange(1, len(rows))
            path = chance.choice([path for path in places(rows[victim]) if path])
            value = chance.choice((*DAMAGES, DROP))
            bad = [*rows[:victim], damaged(rows[victim], path, value), *rows[victim + 1 :]]
            name = f"{shape}-{number}"
            done[name] = (path, value)
            (place / "exports" / name).write_bytes(PACKINGS["lines"](bad))
    typed = read_all(pool, place / "exports", place / "typed", 0)
    plain = read_all(pool, place / "exports", place / "plain", 1 << 60)

    wrong = {
        name: done[name]
        for name, read in plain.items()
        if (read.rows, read.reading) != (typed[name].rows, typed[name].reading)
    }
    assert not wrong
    assert any(read.typed for read in typed.values())
    assert not all(read.typed for read in typed.values())
