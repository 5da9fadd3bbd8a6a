"""Exports that are damaged or made to do harm: a clear fault for the file, and nothing else lost."""

import gzip
import io
import json
import zipfile

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
