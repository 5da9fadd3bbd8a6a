"""Files that are no logs and lie beside them: what costs coverage, and what is only shown."""

import json

import pytest

from counterfoil.evidence.readers.reading import FileReading, read_export


def read(data: bytes) -> FileReading:
    """Read one file in this process."""
    pieces = iter([data])
    (reading,) = json.loads(
        read_export(json.dumps({"name": "stray", "tenant": None}).encode(), lambda question: next(pieces, b""))
    )
    return FileReading(**reading)


@pytest.mark.parametrize(
    "data",
    [b"", b"\n\n", b"Exports of the Contoso tenant.\nAsk Anna before you delete them.\n", b"see the ticket"],
    ids=["empty", "blank", "note", "one line"],
)
def test_a_note_or_an_empty_file_is_shown_and_costs_nothing(data):
    """It can hold no row of a log, so that nothing was lost with it; it is still listed."""
    reading = read(data)

    assert reading.kinds == {"no-log": 1}
    assert not reading.costs


@pytest.mark.parametrize(
    "data",
    [
        b"2026-10-05T09:00:00Z sign-in from 198.51.100.7\n",
        b"appId 22608a25-1d9b-44b5-b0f2-cb94f06b2d00\n",
        b"uti JYpgIpsdtUSw8suU8GstAA\n",
        b"user1@contoso.example read a message\n",
        b"}]\n",
        b"\x00\x01\x02binary\x00",
        b"words " * 20_000,
    ],
    ids=["time", "guid", "token id", "mailbox", "end of an array", "binary", "long"],
)
def test_what_may_have_been_a_log_costs_coverage(data):
    """Ids, times, addresses, brackets, binary or sheer length: somebody's rows may have been in it."""
    reading = read(data)

    assert reading.costs
    assert any("neither JSON nor CSV" in words for words in reading.faults)


@pytest.mark.parametrize("before", [b"#TYPE Deserialized.Microsoft.Exchange.UnifiedAuditLogEvent\r\n", b"sep=,\r\n"])
def test_a_line_that_exporters_put_before_the_header_is_passed_over(before):
    """PowerShell 5 names the type, and Excel the separator; the rows behind them are read."""
    audit = '{""Id"":""m-1"",""Operation"":""Send"",""OrganizationId"":""t"",""RecordType"":2}'
    reading = read(before + f'"RecordType","CreationDate","AuditData"\r\n"2","10/5/2026","{audit}"\r\n'.encode())

    assert (reading.kinds, reading.fault_count) == ({"mailbox-audit": 1}, 0)


def test_a_sheet_of_nothing_but_audit_data_is_read():
    """Somebody cut the other columns away."""
    reading = read(
        b'AuditData\r\n"{""Id"":""m-1"",""Operation"":""Send"",""OrganizationId"":""t"",""RecordType"":2}"\r\n'
    )

    assert (reading.kinds, reading.fault_count) == ({"mailbox-audit": 1}, 0)
