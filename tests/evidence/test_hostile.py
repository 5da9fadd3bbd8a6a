"""Exports that are damaged or made to do harm: a clear fault for the file, and nothing else lost."""

import gzip
import io
import json
import os
import zipfile

import duckdb
import pytest
import zstandard

TENANT = "11111111-1111-1111-1111-111111111111"


def _bomb():
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode="wb") as sink:
        for _ in range(320):
            sink.write(b" " * (1 << 20))
    return out.getvalue()


def _broken_zip():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.json", b'{"a":1}\n' * 9_000)
    data = bytearray(out.getvalue())
    data[60:70] = b"\xff" * 10
    return bytes(data)


def _half(data):
    return data[: len(data) // 2]


LINE = json.dumps(
    {"category": "MicrosoftGraphActivityLogs", "properties": {"requestUri": "x", "requestMethod": "GET"}}
).encode()

HOSTILE = {
    "truncated array": (b'[{"category": "ServicePrincipalSignInLogs"', "truncated"),
    "truncated object": (b'{"records": [{"time": "2026-10-05T09:00:00Z"}, {"ti', "truncated"),
    "no json": (b"{]}\n", "is no JSON"),
    "deep arrays": (b'{"a":' + b"[" * 200_000, "nested too deeply"),
    "deep objects": (b'{"a":' * 200_000, "nested too deeply"),
    "truncated gzip": (_half(gzip.compress(bytes(range(256)) * 400 + LINE)), "truncated"),
    "no gzip": (b"\x1f\x8b\x08\x00" + b"\xff" * 50, "gzip"),
    "truncated zstd": (_half(zstandard.ZstdCompressor().compress(bytes(str(list(range(9_000))), "ascii"))), "zstd"),
    "broken zip": (_broken_zip(), "zip"),
    "zip bomb": (_bomb(), "bomb"),
    "picture": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0", "neither text"),
    "words about a log": (b"Dear all,\nthe rows of 2026-10-05 are attached\n", "neither JSON nor CSV"),
    "ragged csv": (b"AppId,RequestUri,RequestMethod\na,b\n", "has 2 fields"),
    "audit data cut off": (b'RecordId,CreationDate,AuditData\n1,2,"{""Id"": ""x', "no CSV"),
    "audit data no json": (b'RecordId,CreationDate,AuditData\n1,2,"{""Id"": ""x"\n3,4,5\n', "no "),
    "unknown records": (b'{"hello": "world"}\n', "no kind we know"),
    "huge number": (b'{"a": 1' + b"0" * 10_000 + b"}\n", "is no JSON"),
    "parquet": (b"PAR1 and no more", "cannot be read"),
    "a record whose kind is a list": (b'{"kind": [1]}\n', "no kind we know"),
    "envelopes in each other": (b'{"records":[' * 400 + b"{}" + b"]}" * 400, "nested too deeply"),
    "a table of another form": (b'{"tables": [{"columns": [1], "rows": [3]}, {"columns": null}]}', "does not fit"),
    "rows without a header": (b"2026-10-05T09:00:00Z,a,b,c\n", "does not name columns"),
    "one line of something before JSON": (b'data: {"a": 1, "b": 2, "c": 3}\n', "does not name columns"),
    "two octets of gzip": (b"\x1f\x8b", "truncated"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_bad_file_is_told_and_costs_coverage_only(case, name):
    """The fault names the file; the theft in the other files is found all the same; nobody is clean by it."""
    data, words = HOSTILE[name]
    case.heartbeat()
    case.files = {"bad.dat": data}
    answer = case.answer()

    assert any(
        words in fault for reading in answer.files if reading.name.startswith("bad.dat") for fault in reading.faults
    )
    assert answer.document["tenants"][0]["state"] == "cannot-say"

    case.signin(7, "09:30:00")
    assert case.tenant()["state"] == "touched"


def test_rows_before_and_after_a_bad_line_are_read(case):
    """One bad line costs itself and the proof, not its neighbours."""
    case.heartbeat().signin(7, "09:30:00")
    lines = [json.dumps(row).encode() for row in case.signins]
    case.files = {"signins.ndjson": lines[0] + b"\n{bad\n" + lines[1] + b"\n"}
    case.signins = []
    answer = case.answer()

    assert answer.document["tenants"][0]["state"] == "touched"
    assert [(reading.rows, reading.fault_count) for reading in answer.files if reading.name == "signins.ndjson"] == [
        (2, 1)
    ]


def test_a_line_of_a_hundred_megabytes_is_passed_over(case):
    """A line longer than any record is told and left out, and the next line is read."""
    case.heartbeat()
    line = json.dumps(case.signins[0]).encode()
    case.signins = []
    case.files = {"long.ndjson": b'{"a": "' + b"x" * (100 << 20) + b'"}\n' + line + b"\n"}
    answer = case.answer()
    reading = next(reading for reading in answer.files if reading.name == "long.ndjson")

    assert (reading.rows, reading.faults) == (1, ["value 1 is no JSON: one value of more than 64 MB"])


def test_a_field_of_the_wrong_shape_harms_nothing(case):
    """Lists where objects are expected, numbers where texts are: the row is told or read, never a crash."""
    case.heartbeat()
    odd = [
        {**case.mail[0], "Id": "odd-1", "Folders": "[[", "OperationProperties": 7, "AppAccessContext": []},
        {**case.mail[0], "Id": {"a": 1}, "Item": [1, "x", None], "CreationTime": 12},
        {"category": "ServicePrincipalSignInLogs", "properties": [1], "status": "[", "time": True},
        {"activityDisplayName": "x", "targetResources": "nope", "initiatedBy": 3, "id": "d1"},
    ]
    case.files = {"odd.json": json.dumps(odd).encode()}
    answer = case.answer()

    assert answer.document["tenants"][0]["state"] == "cannot-say"
    assert sum(reading.rows + reading.fault_count for reading in answer.files if reading.name == "odd.json") == 4


def test_stray_bytes_are_read_as_windows_1252(case):
    """An exporter that writes Latin-1 loses no row."""
    case.heartbeat()
    case.mail[0]["MailboxOwnerUPN"] = "jos\u00e9@contoso.example"
    case.files = {"latin.json": json.dumps(case.mail[0], ensure_ascii=False).encode("latin-1")}
    case.mail = []
    answer = case.answer()

    assert answer.document["tenants"][0]["coverage"][2]["hours_proven"] == 1


def test_contradictory_times_of_one_row_are_one_row(case):
    """Two exporters that disagree about a row's time do not make two uses of it."""
    case.heartbeat().signin(7, "09:30:00")
    case.signin(7, "09:45:00")

    assert [entry["count"] for entry in case.tenant()["discrepancies"]] == [1]


def test_copies_that_contradict_each_other_are_told_with_what_to_do(case):
    """The row has no time, its hour is not proven, and the reason names the log, though each file is whole."""
    case.heartbeat().signin(1, "19:01:01")
    tenant = case.tenant()

    assert tenant["state"] == "cannot-say"
    assert any(reason.startswith("sign-ins: copies of a row contradict each other") for reason in tenant["reasons"])


def test_what_stands_behind_a_strange_record_is_read(case):
    """Records of every wrong form in one file, and a theft behind them: each is told, and the theft is found."""
    case.heartbeat().signin(7, "09:30:00")
    strange = [
        {"kind": [1]},
        {"tables": [{"columns": [{"name": ["x"]}], "rows": [[1], 2, None]}]},
        {"value": [[], 5, None, {"records": "x"}]},
        {"category": "ServicePrincipalSignInLogs", "properties": {"id": "\ud800", "appId": "a\0b"}},
        {"error": {"code": ["x"]}},
    ]
    case.files["strange.json"] = b"\n".join(json.dumps(row).encode() for row in (*strange, case.signins.pop()))
    answer = case.answer()

    assert answer.document["tenants"][0]["state"] == "touched"
    assert {reading.name: reading.fault_count > 4 for reading in answer.files}["strange.json"]


def test_a_cell_with_a_zero_octet_costs_its_row_only(case):
    """A damaged cell is no reason to pass over the rows beside it."""
    case.heartbeat().signin(7, "09:30:00")
    good = case.signins.pop()["properties"]
    names = ("createdDateTime", "id", "appId", "uniqueTokenIdentifier", "servicePrincipalCredentialKeyId")
    lines = [",".join((*names, "AADTenantId", "ResultType", "ServicePrincipalId")), "a\0b,,,,,,,"]
    lines.append(",".join((*(good[name] for name in names), TENANT, "0", "x")))
    case.files["cells.csv"] = "\n".join(lines).encode()

    assert case.tenant()["state"] == "touched"


def test_what_is_no_file_is_told_and_costs_coverage(case):
    """A pipe, a link to nothing or to a folder may each have been an export; nothing waits for the pipe."""
    case.heartbeat()
    logs = case.write()
    os.mkfifo(logs / "pipe.json")
    (logs / "dangling.json").symlink_to(logs / "nowhere")
    (logs / "folder").symlink_to(case.folder)
    answer = case.answer()
    faults = {reading.name: reading.faults for reading in answer.files if reading.faults}

    assert set(faults) == {"pipe.json", "dangling.json", "folder"}
    assert answer.document["tenants"][0]["state"] == "cannot-say"


def _parquet(path, select):
    with duckdb.connect() as base:
        base.execute(f"COPY ({select}) TO '{path}' (FORMAT parquet)")
    return path.read_bytes()


def test_a_column_named_like_the_row_hides_no_row(case, tmp_path):
    """Parquet is turned into JSON row by row, whatever its columns are called."""
    row = case.heartbeat().signin(7, "09:30:00")
    case.signins.pop()
    (tmp_path / "row.json").write_text(json.dumps(row))
    case.files["t.parquet"] = _parquet(tmp_path / "t", f"SELECT *, '' AS t, '' AS row FROM '{tmp_path / 'row.json'}'")

    assert case.tenant()["state"] == "touched"


def test_parquet_that_opens_to_far_more_than_it_is_is_a_bomb(case, tmp_path):
    """A cell of a hundred kilobytes, four thousand times, in a file of a few: told by its name, within bounds."""
    case.heartbeat()
    case.files["bomb.parquet"] = _parquet(tmp_path / "b", "SELECT repeat('x', 100000) AS a FROM range(4000)")
    answer = case.answer()
    (fault,) = (reading.faults[-1] for reading in answer.files if reading.name == "bomb.parquet")

    assert "a decompression bomb" in fault or "Out of Memory" in fault
    assert answer.document["tenants"][0]["state"] == "cannot-say"


@pytest.mark.parametrize("name", ["a[1]*?.parquet", "new\nline.parquet", "quo'te.parquet", "latin\udcff.parquet"])
def test_a_file_of_any_name_is_read(case, tmp_path, name):
    """Names that a database takes for patterns, that hold quotes or new lines, or that are in no encoding."""
    row = case.heartbeat().signin(7, "09:30:00")
    case.signins.pop()
    (tmp_path / "row.json").write_text(json.dumps(row))
    case.files[name] = _parquet(tmp_path / "p", f"SELECT * FROM '{tmp_path / 'row.json'}'")
    answer = case.answer()

    assert answer.document["tenants"][0]["state"] == "touched"
    assert [reading.faults for reading in answer.files if reading.name == name] == [[]]
