"""What is written: every shape and packing, and the faults that happen as files are made."""

import gzip
import json
from datetime import UTC, datetime

import duckdb
import pytest

from counterfoil.cases import packing, story
from counterfoil.cases.write import DIRECTORY, GRAPH, MAILBOX, SIGN_INS, write_case

START = datetime(2026, 10, 5, tzinfo=UTC)
ROWS = [{"a": 1, "b": 'x,"y"'}, {"a": 2, "c": "=1+1"}]


def written(folder, names, tenants=3):
    """The files of a small case, by name below logs/."""
    known = story.known_names(names)
    stage = story.setting(START, 4 / 24, tenants, tenants * 16, 2, known)
    write_case(folder / "case", story.cast(tenants, 2, known), stage)
    logs = folder / "case" / "logs"
    return {str(path.relative_to(logs)): path for path in sorted(logs.rglob("*")) if path.is_file()}


@pytest.mark.parametrize(
    "writer",
    [packing.lines, packing.lines_gz, packing.array, packing.envelope, packing.pages, packing.one_object],
)
def test_json_of_every_packing_holds_the_rows(tmp_path, writer):
    """Read back with the standard library alone."""
    writer(tmp_path / "log", ROWS)
    found = []
    for path in sorted(tmp_path.iterdir()):
        octets = path.read_bytes()
        text = (gzip.decompress(octets) if path.suffix == ".gz" else octets).decode()
        values = (
            [json.loads(text)]
            if writer is not packing.lines and path.suffix != ".gz"
            else [json.loads(line) for line in text.splitlines()]
        )
        for value in values:
            inner = value.get("records", value.get("value", [value])) if isinstance(value, dict) else value
            found += inner
    assert found == ROWS


def test_parquet_and_the_table_of_a_query_hold_the_rows(tmp_path):
    """Columns that a row lacks are null."""
    path = packing.parquet(tmp_path / "log", ROWS)
    with duckdb.connect() as base:
        assert base.execute("SELECT a, b, c FROM read_parquet(?) ORDER BY a", [str(path)]).fetchall() == [
            (1, 'x,"y"', None), (2, None, "=1+1"),
        ]  # fmt: skip
    answer = json.loads(packing.table(tmp_path / "answer", ROWS).read_text())
    assert answer["tables"][0]["rows"] == [[1, 'x,"y"', None], [2, None, "=1+1"]]


def test_a_broken_off_export_ends_in_the_middle_of_a_row(tmp_path):
    """The rows before it are whole."""
    files = written(tmp_path, "truncated")
    broken = [path.read_text() for name, path in files.items() if name.endswith("signins.json")]
    lines = broken[0].splitlines()
    json.loads(lines[0])
    with pytest.raises(json.JSONDecodeError):
        json.loads(lines[-1])


def test_a_summarised_export_has_no_single_sign_in(tmp_path):
    """One row for each address, resource and result, with how many it stands for."""
    files = written(tmp_path, "summarised")
    (summary,) = [json.loads(path.read_text()) for name, path in files.items() if "signins-" in name][:1]
    assert sum(row["signInCount"] for row in summary["value"]) > len(summary["value"])
    assert not any("uniqueTokenIdentifier" in row for row in summary["value"])


def test_two_exporters_write_every_log_in_two_shapes(tmp_path):
    """The same rows stand in both, under other names."""
    files = written(tmp_path, "two-exporters", tenants=1)
    assert {name.split("/")[1].split(".")[0].split("-page")[0].rstrip("-0123456789") for name in files} >= {
        "signins", "signins-too", "mailbox", "mailbox-too",
    }  # fmt: skip


@pytest.mark.parametrize("shapes", [SIGN_INS, GRAPH, MAILBOX, DIRECTORY])
def test_neighbours_in_the_lists_are_different_shapes(shapes):
    """That is how two exporters never write the same."""
    for number, (shape, _) in enumerate(shapes):
        assert shape is not shapes[(number + 1) % len(shapes)][0]
