"""DDE in every place that can carry it."""

import struct

import pytest
from tests.scan.making import message, part

from counterfoil.scan.checks.dde import check

WORD_XML = (
    b'<?xml version="1.0"?><w:document xmlns:w="w"><w:fldChar w:fldCharType="begin"/><w:instrText> DDE</w:instrText>'
    b'<w:instrText>AUTO c:\\\\cmd.exe</w:instrText><w:fldChar w:fldCharType="end"/></w:document>'
)
SUP_BOOK = struct.pack("<HH", 0x01AE, 16) + struct.pack("<HHB", 0, 11, 0) + b"cmd\x03/c calc"


@pytest.mark.parametrize(
    ("data", "name", "code"),
    [
        (WORD_XML, "word/document.xml", "DDEAUTO c:\\\\cmd.exe"),
        (
            b'<?xml version="1.0"?><a><ddeLink ddeService="cmd" ddeTopic="/c calc"/></a>',
            "xl/externalLinks/externalLink1.xml",
            "cmd|/c calc",
        ),
        (b"a;b\r\n1;=cmd|'/c calc'!A0\r\n", "list.csv", "=cmd|'/c calc'!"),
        (b"x,-2+3+cmd|'/c calc'!D2\n", "list.csv", "-2+3+cmd|'/c calc'!"),
        (b"x,\"@SUM(1+9)*cmd|'/c calc'!A0\"\n", "list.csv", "\"@SUM(1+9)*cmd|'/c calc'!"),
        (bytes(64) + b"\x13DDEAUTO cmd\x15", "WordDocument", "DDEAUTO cmd"),
        (SUP_BOOK, "Workbook", "cmd|/c calc"),
        (rb"{\rtf1{\field{\*\fldinst DDE{AUTO} cmd }}}", "a.rtf", "DDEAUTO cmd"),
    ],
    ids=[
        "field of Word",
        "link of Excel",
        "CSV cell",
        "CSV cell with minus",
        "CSV cell in quotes",
        "binary Word",
        "binary Excel",
        "RTF",
    ],
)
def test_dde_is_found(data, name, code):
    """The command is in the evidence."""
    (found,) = check(message(part(data, name)))
    assert (found.evidence["code"], str(found.severity)) == (code, "high")
    assert "T1559.002" in found.techniques


def test_utf_16_does_not_hide_a_field():
    """Office reads parts in UTF-16 as well."""
    wide = WORD_XML.decode().encode("utf-16")
    (found,) = check(message(part(wide, "word/document.xml")))
    assert found.evidence["code"].startswith("DDEAUTO")


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"a;b\r\n1;2 | 3!\r\n", "list.csv"),
        (b"name,phone\nAnna,+49 30 1234\n", "list.csv"),
        (
            b'<?xml version="1.0"?><w:d xmlns:w="w"><w:fldSimple w:instr="PAGE"/><w:t>DDE is a protocol</w:t></w:d>',
            "word/document.xml",
        ),
        (b"DDEAUTO cmd", "a.txt"),
        (b'<?xml version="1.0"?><w instr', "word/document.xml"),
    ],
    ids=["a bar in a cell", "phone number", "the word in text", "text file", "broken XML"],
)
def test_what_is_no_dde_is_left_alone(data, name):
    """Words, bars and phone numbers are none."""
    assert list(check(message(part(data, name)))) == []
