"""Exports that do harm, large enough to be tried by type: each is told by its file, and nothing else is lost."""

import gzip
import json
import resource
from pathlib import Path

import pytest

from counterfoil.evidence.collect import WORTHWHILE, collect
from counterfoil.evidence.typed import reading, worker


def lines(rows):
    """JSON Lines."""
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


@pytest.fixture
def busy(case):
    """A proven hour with so many plain calls of ours that the set is read by type."""
    case.heartbeat()
    for number in range(2_700):
        case.call(1, f"busy-{number}")
        case.graph(1, f"busy-{number}", f"busy-{number}")
    for number, row in enumerate(case.calls):
        row["properties"]["requestId"] = f"00000000-0000-4000-8000-{number:012d}"
    case.files["busy.json"] = lines(case.calls)
    case.good, case.calls = case.calls, []
    assert len(case.files["busy.json"]) > WORTHWHILE
    return case


HOSTILE = {
    "a line of a hundred megabytes": (
        lambda row: lines([row]) + b'{"a": "' + b"x" * (100 << 20) + b'"}\n',
        "more than 64 MB",
    ),
    "cut off in a row": (lambda row: lines([row] * 10)[:-40], "truncated"),
    "cut off in gzip": (lambda row: gzip.compress(lines([{**row, "n": n} for n in range(3_000)]))[:-900], "truncated"),
    "deep nesting in a field that is read": (
        lambda row: lines([row, {**row, "properties": "@"}]).replace(
            b'"@"', b'{"a":' * 100_000 + b"1" + b"}" * 100_000
        ),
        "nested too deeply",
    ),
    "rows that are no objects": (lambda row: lines([row, 7, "x", [row]]), "no "),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_among_large_ones_is_told_and_nothing_else_is_lost(busy, name):
    """The fault names the file, every row of the others is there, and the theft among them is found."""
    make, words = HOSTILE[name]
    busy.signin(7, "09:30:00")
    busy.files["bad.json"] = make(busy.good[0])
    answer = busy.answer()
    read = {reading.name: reading for reading in answer.files}

    assert any(words in fault for fault in read["bad.json"].faults), read["bad.json"].faults
    assert read["busy.json"].rows == len(busy.good)
    assert not read["busy.json"].faults
    assert answer.document["tenants"][0]["state"] == "touched"
    assert any("graph-activity" in reason for reason in answer.document["tenants"][0]["reasons"])


def test_blank_lines_without_end_cost_neither_rows_nor_proof(busy):
    """A gzip that opens to three hundred megabytes of blank lines behind a row is read to its end."""
    busy.files["bad.json.gz"] = gzip.compress(lines(busy.good[:1]) + b"\n" * (300 << 20), 1)
    answer = busy.answer()

    assert [(file.rows, file.fault_count) for file in answer.files if file.name == "bad.json.gz"] == [(1, 0)]
    assert answer.document["tenants"][0]["state"] == "clean"


def test_more_rows_than_a_packed_file_can_hold_are_a_bomb(busy, monkeypatch, tmp_path):
    """Reading stops at the number of rows that its size and the ratio of a bomb allow, and the file is refused."""
    monkeypatch.setattr(reading, "BOMB_BYTES", 1_000)
    monkeypatch.setattr(reading, "BOMB_RATIO", 3)
    files = {"packed.json.gz": gzip.compress(lines(busy.good[:1] * 20_000)), "plain.json": lines(busy.good)}
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    job = {
        "files": [{"path": str(tmp_path / name), "name": name} for name in files],
        "folder": str(tmp_path),
        "part": "part",
        **worker.limits(),
    }
    found = json.loads(reading.read_files(json.dumps(job).encode(), bytes))

    assert "bomb" in found["refused"][str(tmp_path / "packed.json.gz")]
    assert found["read"][str(tmp_path / "plain.json")][0]["rows"] == len(busy.good)


@pytest.mark.parametrize("encoding", ["utf-16", "cp1252"])
def test_a_large_file_in_another_encoding_loses_no_row(busy, encoding):
    """What is not UTF-8 is left to the other readers, which know it; the rows are the same."""
    rows = [json.loads(json.dumps(row)) for row in busy.good]
    rows[-1]["properties"]["userAgent"] = "Jos\u00e9"
    text = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    busy.files["busy.json"] = text.encode(encoding)
    answer = busy.answer()

    assert [reading.rows for reading in answer.files if reading.name == "busy.json"] == [len(rows)]
    assert answer.document["tenants"][0]["state"] == "clean"


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_a_record_cut_off_at_the_end_is_never_passed_over(busy, pack, tmp_path):
    """Many files that end within a record are each refused, among whole ones too: DuckDB alone says nothing of some."""
    whole = lines(busy.good[:20])
    files = {
        f"{kind}-{n}": pack(whole[: -40 if kind == "cut" else None]) for n in range(12) for kind in ("cut", "whole")
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    job = {"files": [{"path": str(tmp_path / name), "name": name} for name in files], "folder": str(tmp_path)}
    found = json.loads(reading.read_files(json.dumps({**job, "part": "part", **worker.limits()}).encode(), bytes))

    assert {Path(path).name for path in found["refused"]} == {name for name in files if name.startswith("cut")}
    assert {Path(path).name for path in found["read"]} == {name for name in files if name.startswith("whole")}


def test_times_that_contradict_each_other_are_no_proof(busy):
    """The same rows again with other times, both read by type: each is one row, and its hour is not proven."""
    moved = json.loads(json.dumps(busy.good).replace("2026-10-05T09:", "2026-10-05T11:"))
    busy.files["moved.json"] = lines(moved)
    tenant = busy.tenant()

    assert tenant["state"] == "cannot-say"
    assert not tenant["discrepancies"]


@pytest.mark.parametrize("copies", [8, pytest.param(1_000, marks=pytest.mark.long)])
def test_rows_exported_again_and_again_count_once(busy, copies, tmp_path, reading_pool):
    """Copies of every row in further files, two and a half million in the long form: one count each, bounded memory."""
    row = busy.graph(1, "thief", "thief")
    row["properties"]["requestId"] = "00000000-0000-4000-8000-00000000ffff"
    busy.calls = []
    busy.files |= {f"again-{number}.json": lines([*busy.good, row]) for number in range(copies)}
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    tenant = busy.tenant()

    assert [(entry["kind"], entry["count"]) for entry in tenant["discrepancies"]] == [("replayed-token", 1)]
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < (2 << 20), "kilobytes"


def test_a_file_that_takes_too_long_does_not_hold_up_the_rest(busy, monkeypatch, tmp_path, reading_pool):
    """The worker is ended at its bound; all its files are read by the other readers, whole."""
    monkeypatch.setattr(worker, "SECONDS", 0.01)
    logs = busy.write()
    scratch = tmp_path / "scratch-short"
    scratch.mkdir()
    collected = collect(reading_pool, [logs], scratch, set())

    assert not collected.parts
    assert {reading.name: reading.rows for reading in collected.readings}["busy.json"] == len(busy.good)
