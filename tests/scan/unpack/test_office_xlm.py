"""Excel-4 macros as text, in every kind of workbook."""

import io
import struct
import zipfile

import pytest
from tests.scan.compound_writer import compound
from tests.scan.office_writers import auto_open, call, text, workbook

from counterfoil.scan.limits import Budget
from counterfoil.scan.unpack import office_slk, office_xlm, office_xlm_package
from counterfoil.scan.unpack.member import Member, Oddity, Refusal
from counterfoil.scan.unpack.office_formula import BIFF5, BIFF8, BIFF12, cell, decode

MACRO_TYPE = "http://schemas.microsoft.com/office/2006/relationships/xlMacrosheet"
SHEET_TYPE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet"


def char(number: int) -> bytes:
    """``CHAR(number)``: PtgInt, then PtgFunc."""
    return struct.pack("<BHBH", 0x1E, number, 0x41, 111)


def texts(found) -> list[str]:
    """The texts among what was found."""
    return [one.data.decode() for one in found if isinstance(one, Member)]


@pytest.mark.parametrize(
    ("tokens", "shown"),
    [
        (text("calc.exe") + call(110, 1), 'EXEC("calc.exe")'),
        (char(99) + char(109) + b"\x08" + text("d") + b"\x08" + call(110, 1), 'EXEC("cmd")'),
        (text('say "x"'), '"say ""x"""'),
        (text("a") + b"\x24\x04\x00\x02\xc0" + b"\x08", '"a"&C5'),
        (
            b"\x44\x00\x00\x00\x00" + b"\x1e\x02\x00" + b"\x0b" + call(54, 0) + call(55, 0) + call(1, 3),
            "IF(A1=2,HALT(),RETURN())",
        ),
        (call(0x8000 | 0x60, 0), "FORMULA()"),
        (b"\x23\x02\0\0\0" + text("x") + call(255, 2), 'Second("x")'),
        (b"\x3b\x01\0\0\0\x09\0\x00\xc0\x01\xc0", "[1]!A1:B10"),
        (b"\x1f" + struct.pack("<d", 1.5) + b"\x1d\x01" + b"\x05\x13", "-1.5*TRUE"),
        (b"\x19\x10\0\0" + b"\x16" + b"\x1c\x2a", "SUM()  #N/A"),
        (b"\x19\x04\x02\0" + bytes(6) + b"\x1e\x07\0", "7"),
        (b"\x17\x05\x01" + "Grüße".encode("utf-16-le"), '"Grüße"'),
        (b"\x17\x50\x00short", " …"),
        (b"\x1a", " …"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_a_formula_is_shown_as_excel_would_write_it(tokens, shown):
    """Parsed expressions of BIFF8 become text; what cannot be decoded ends in an ellipsis."""
    assert decode(tokens, BIFF8, {1: "First", 2: "Second"}) == shown


@pytest.mark.parametrize(
    ("dialect", "tokens", "shown"),
    [
        (BIFF5, b"\x17\x03abc" + b"\x24\x02\xc0\x01" + b"\x08", '"abc"&B3'),
        (BIFF5, b"\x23\x01\x00" + bytes(12), "First"),
        (BIFF12, b"\x17\x03\x00" + "abc".encode("utf-16-le") + b"\x24\x02\0\0\0\x01\xc0" + b"\x08", '"abc"&B3'),
    ],
    ids=["Excel 5", "Excel 5 name", "xlsb"],
)
def test_each_dialect_has_its_own_widths(dialect, tokens, shown):
    """Excel 5 and .xlsb write the same tokens with other operands."""
    assert decode(tokens, dialect, {1: "First"}) == shown


def test_cells_have_names_beyond_z():
    """Columns are counted in letters without a zero."""
    assert [cell(0, 0), cell(1, 25), cell(2, 26), cell(65535, 255)] == ["A1", "Z2", "AA3", "IV65536"]


@pytest.mark.parametrize(("state", "shown"), [(0, "visible"), (1, "hidden"), (2, "very hidden")])
def test_a_macro_sheet_of_a_workbook_is_read(state, shown):
    """The sheet's name, whether it is hidden, what starts it and its formulas are all told."""
    stream = workbook({(0, 0): text("x") + call(110, 1), (1, 0): call(54, 0)}, state=state, auto=auto_open())
    found = list(office_xlm.unpack(compound({"Workbook": stream}), Budget()))
    assert Oddity("xlm:macro-sheet", f"Macro1: {shown}") in found
    assert Oddity("xlm:auto-open", "Auto_Open") in found
    assert texts(found) == ['A1: =EXEC("x")\nA2: =HALT()']
    assert list(office_xlm.unpack_bare(stream, Budget())) == found


def test_a_macro_sheet_that_is_listed_as_a_worksheet_is_read():
    """The substream says what it is, whatever the list of sheets says."""
    stream = workbook({(0, 0): call(54, 0)}).replace(b"\x85\x00\x0e\x00", b"\x85\x00\x0e\x00", 1)
    at = stream.index(b"\x85\x00") + 4 + 5
    lying = stream[:at] + b"\0" + stream[at + 1 :]
    found = list(office_xlm.workbook(lying))
    assert Oddity("xlm:undeclared", "Macro1") in found
    assert texts(found) == ["A1: =HALT()"]


def test_an_ordinary_workbook_has_no_macros():
    """A worksheet's formulas are no macros."""
    assert list(office_xlm.workbook(workbook({(0, 0): call(4, 0)}, kind=0))) == []


def test_a_flood_of_macro_sheets_is_bounded():
    """Thousands of macro sheets are refused beyond a number, not read for ever."""
    sheet = struct.pack("<HHHH", 0x0809, 4, 0x0600, 0x0040)
    found = list(office_xlm.workbook(sheet * 2000))
    assert Refusal("more than 500 macro sheets") in found


def package(parts: dict[str, str | bytes]) -> bytes:
    """A ZIP of the parts."""
    output = io.BytesIO()
    with zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return output.getvalue()


def rels(target: str, kind: str, identity: str = "rId1") -> str:
    """A relationships part with one relationship."""
    return f'<Relationships><Relationship Id="{identity}" Type="{kind}" Target="{target}"/></Relationships>'


WORKBOOK_XML = (
    '<workbook xmlns:r="r"><sheets><sheet name="Evil" state="veryHidden" r:id="rId1"/></sheets>'
    '<definedNames><definedName name="_xlnm.Auto_Open">Evil!$A$1</definedName></definedNames></workbook>'
)
SHEET_XML = (
    '<xm:macrosheet xmlns:xm="m"><sheetData><row><c r="B7"><f>EXEC("calc.exe")</f><v>0</v></c></row></sheetData>'
    "</xm:macrosheet>"
)


@pytest.mark.parametrize("place", ["macrosheets/sheet1.xml", "worksheets/sheet9.xml", "/xl/other.xml"])
def test_a_macro_sheet_of_a_package_is_read_wherever_it_is(place):
    """The relationship's type decides, not the folder; name and state come from the workbook."""
    target = place.lstrip("/") if place.startswith("/") else f"xl/{place}"
    data = package(
        {
            "xl/workbook.xml": WORKBOOK_XML,
            "xl/_rels/workbook.xml.rels": rels(place, MACRO_TYPE),
            target: SHEET_XML,
        }
    )
    found = list(office_xlm_package.unpack(data, Budget()))
    assert found == [
        Oddity("xlm:macro-sheet", "Evil: very hidden"),
        Member("xlm", b'B7: =EXEC("calc.exe")\n  value: 0', ("Evil.txt",), "text/plain"),
        Oddity("xlm:auto-open", "_xlnm.Auto_Open"),
    ]


def test_a_macro_sheet_that_nothing_leads_to_is_read_by_its_folder():
    """A sheet in the macro sheets' folder without a relationship is read, and that is odd."""
    found = list(office_xlm_package.unpack(package({"xl/macrosheets/x.xml": SHEET_XML}), Budget()))
    assert [one.name for one in found if isinstance(one, Oddity)] == ["xlm:macro-sheet", "xlm:undeclared"]
    assert texts(found)


def test_an_ordinary_package_has_no_macros():
    """A workbook without macro sheets yields nothing."""
    data = package(
        {"xl/_rels/workbook.xml.rels": rels("worksheets/sheet1.xml", SHEET_TYPE), "xl/worksheets/sheet1.xml": "<a/>"}
    )
    assert list(office_xlm_package.unpack(data, Budget())) == []


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"<macrosheet><broken", "macro sheet xl/macrosheets/x.xml: "),
        (b"<!DOCTYPE a><a/>", "declares a document type"),
        (b"\x81\x01\xff\xff\xff\x7f", "runs over the end"),
        (b"\x81", "within a record's header"),
    ],
    ids=["cut XML", "document type", "record too long", "record cut"],
)
def test_a_macro_sheet_that_cannot_be_read_is_refused(content, reason):
    """A macro sheet that is there and unreadable is uninspectable."""
    found = list(office_xlm_package.unpack(package({"xl/macrosheets/x.xml": content}), Budget()))
    assert any(isinstance(one, Refusal) and reason in one.reason for one in found)


@pytest.mark.parametrize(
    ("lines", "shown", "odd"),
    [
        (
            'ID;P\nO;E\nNN;NAuto_open;ER1C1\nC;X1;Y1;K0;EEXEC("calc")\nE\n',
            'A1: =EXEC("calc")',
            {"xlm:auto-open", "xlm:macro-sheet"},
        ),
        ("ID;P\nC;X2;Y3;K5\nC;Y4;EHALT()\nE\n", "B4: =HALT()", set()),
        ('ID;P\nO;L;E\nC;X1;Y1;ECALL("a;;b")\n', 'A1: =CALL("a;b")', {"xlm:macro-sheet"}),
        ("ID;P\nC;X1;Y1;K5\nE\n", None, set()),
    ],
    ids=["auto-open", "the column is kept", "doubled semicolon", "values only"],
)
def test_a_sylk_file_is_read(lines, shown, odd):
    """Expressions of SYLK files come out with their cells, and a macro sheet is told from values."""
    found = list(office_slk.unpack(lines.encode(), Budget()))
    assert texts(found) == ([shown] if shown else [])
    assert {one.name for one in found if isinstance(one, Oddity)} == odd


def test_every_excel_4_sample_is_read(corpora):
    """All seven of oletools' Excel-4 samples show their macro, .xlsm, .xltm and .xlsb as well."""
    read = set()
    for path in sorted((corpora / "office/oletools/tests/test-data/excel4-macros").iterdir()):
        data = path.read_bytes()
        unpack = office_xlm.unpack
        if data.startswith(b"PK"):
            unpack = office_xlm_package.unpack
        elif data.startswith(b"ID;P"):
            unpack = office_slk.unpack
        found = list(unpack(data, Budget()))
        assert any('=ALERT("This is a sample Excel 4 macro")' in one for one in texts(found)), path.name
        assert any(isinstance(one, Oddity) and one.name == "xlm:auto-open" for one in found), path.name
        read.add(path.suffix)
    assert len(read) == 6
