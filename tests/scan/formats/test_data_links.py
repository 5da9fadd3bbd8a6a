"""Field codes and DDE links, read where each format keeps them."""

import struct

import pytest

from counterfoil.scan.formats import data_links


def run(text: str) -> str:
    """One run with a piece of field code."""
    return f"<w:r><w:instrText>{text}</w:instrText></w:r>"


def character(kind: str) -> str:
    """One field character."""
    return f'<w:r><w:fldChar w:fldCharType="{kind}"/></w:r>'


BEGIN, SEPARATE, END = map(character, ("begin", "separate", "end"))


@pytest.mark.parametrize(
    ("body", "codes"),
    [
        (BEGIN + run("DDE") + run("AUTO cmd") + SEPARATE + END, ["DDEAUTO cmd"]),
        (
            BEGIN + BEGIN + run("QUOTE 68 68 69") + SEPARATE + "<w:t>x</w:t>" + END + run(" cmd") + END,
            ["DDE", "DDE cmd"],
        ),
        ('<w:fldSimple w:instr="PAGE"/>', ["PAGE"]),
        (BEGIN + run("DDE cmd"), ["DDE cmd"]),
        (BEGIN + run("PAGE") + SEPARATE + run("DDE no code") + END, ["PAGE"]),
    ],
    ids=["cut into runs", "nested QUOTE", "simple field", "field without end", "result is no code"],
)
def test_fields_of_word_are_put_together(body, codes):
    """Runs, nested fields and QUOTE are undone; the result of a field is no code."""
    assert list(data_links.xml_fields(f'<w:document xmlns:w="w">{body}</w:document>'.encode())) == codes


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16-le"])
@pytest.mark.parametrize("shift", [0, 1])
def test_fields_of_binary_word_documents_are_found(encoding, shift):
    """The text may be octets or UTF-16, at an even or an odd place."""
    stream = bytes(40 + shift) + "text \x13 DDEAUTO cmd \x14 result\x15".encode(encoding)
    assert " DDEAUTO cmd " in list(data_links.word_fields(stream))


def test_links_of_workbooks_are_service_and_topic():
    """XML of 2007 and of 2003, BIFF8 and BIFF12 all give the same words."""
    link = b'<externalLink xmlns="e"><ddeLink ddeService="cmd" ddeTopic="/c calc"/></externalLink>'
    assert list(data_links.xml_links(link)) == ["cmd|/c calc"]
    assert list(data_links.xml_links(b"<Cell Formula=\"=cmd|'/c calc'!A1\"/>")) == ["=cmd|'/c calc'!A1"]
    supbook = struct.pack("<HHB", 0, 11, 0) + b"cmd\x03/c calc"
    assert data_links.workbook_link(supbook) == "cmd|/c calc"
    assert data_links.workbook_link(struct.pack("<HHB", 1, 10, 0) + b"\x01book2.xls") is None
    assert data_links.workbook_link(b"\1\0\1\4") is None
    words = b"".join(struct.pack("<I", len(word)) + word.encode("utf-16-le") for word in ("cmd", "/c calc"))
    assert list(data_links.biff12_links(b"\xe8\x02\x1e\x01\x00" + words)) == ["cmd|/c calc"]
    assert list(data_links.biff12_links(b"\xe8\x02\x1e\x01\x00\xff\xff\xff\xff")) == []
