"""Office files that are as small as they can be and hold what scanners look for. Nothing in them does harm."""

import io
import struct
import zipfile

from compound_file import compound_file
from msoffcrypto.format.ooxml import OOXMLFile

DATE = (2026, 1, 15, 9, 0, 0)

_TYPES = '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">{}</Types>'
_OVERRIDE = '<Override PartName="{}" ContentType="{}"/>'
_RELATIONS = '<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{}</Relationships>'
_RELATION = '<Relationship Id="r{}" Type="{}" Target="{}"/>'
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_SHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_ROW = '<row r="{0}"><c r="A{0}" t="inlineStr"><is><t>item</t></is></c><c r="B{0}"><v>100</v></c></row>'
_VND = "application/vnd.openxmlformats-officedocument"


def zipped(members: dict[str, str | bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return a zip with these members, the same bytes each time."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name, DATE), content, compression)
    return buffer.getvalue()


def workbook_with_macro_sheet() -> bytes:
    """Return an .xlsm whose Excel 4 macro sheet runs by itself when opened: it shows a message and stops."""
    return zipped(
        {
            "[Content_Types].xml": _TYPES.format(
                '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
                '<Default Extension="xml" ContentType="application/xml"/>'
                + _OVERRIDE.format("/xl/workbook.xml", "application/vnd.ms-excel.sheet.macroEnabled.main+xml")
                + _OVERRIDE.format("/xl/worksheets/sheet1.xml", f"{_VND}.spreadsheetml.worksheet+xml")
                + _OVERRIDE.format("/xl/macrosheets/sheet1.xml", "application/vnd.ms-excel.macrosheet+xml")
            ),
            "_rels/.rels": _RELATIONS.format(_RELATION.format(1, f"{_OFFICE}/officeDocument", "xl/workbook.xml")),
            "xl/workbook.xml": (
                f'<?xml version="1.0"?><workbook xmlns="{_SHEET}" xmlns:r="{_OFFICE}"><sheets>'
                '<sheet name="Invoice" sheetId="1" r:id="r1"/>'
                '<sheet name="Macro1" sheetId="2" state="veryHidden" r:id="r2"/></sheets><definedNames>'
                '<definedName name="_xlnm.Auto_Open">Macro1!$A$1</definedName></definedNames></workbook>'
            ),
            "xl/_rels/workbook.xml.rels": _RELATIONS.format(
                _RELATION.format(1, f"{_OFFICE}/worksheet", "worksheets/sheet1.xml")
                + _RELATION.format(
                    2, "http://schemas.microsoft.com/office/2006/relationships/xlMacrosheet", "macrosheets/sheet1.xml"
                )
            ),
            "xl/worksheets/sheet1.xml": (
                f'<?xml version="1.0"?><worksheet xmlns="{_SHEET}"><sheetData><row r="1"><c r="A1" t="inlineStr"><is>'
                "<t>Enable content to see the invoice.</t></is></c></row>"
                + "".join(_ROW.format(number) for number in range(2, 40))
                + "</sheetData></worksheet>"
            ),
            "xl/macrosheets/sheet1.xml": (
                '<?xml version="1.0"?><xm:macrosheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" '
                'xmlns:xm="http://schemas.microsoft.com/office/excel/2006/main"><sheetData>'
                '<row r="1"><c r="A1"><f>EXEC("cmd.exe /c echo an example")</f><v>0</v></c></row>'
                '<row r="2"><c r="A2"><f>HALT()</f><v>0</v></c></row></sheetData></xm:macrosheet>'
            ),
        },
        # msoffcrypto writes packages of less than 4,096 octets wrongly, so nothing is compressed.
        zipfile.ZIP_STORED,
    )


def encrypted(ooxml: bytes, password: str) -> bytes:
    """Return an Office file encrypted with a password (Agile, as Excel writes it); other bytes each time."""
    buffer = io.BytesIO()
    OOXMLFile(io.BytesIO(ooxml)).encrypt(password, buffer)
    return buffer.getvalue()


def document_with_macro(source: str) -> bytes:
    """Return a .docm with one VBA module."""
    return zipped(
        {
            "[Content_Types].xml": _TYPES.format(
                '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
                '<Default Extension="bin" ContentType="application/vnd.ms-office.vbaProject"/>'
                + _OVERRIDE.format("/word/document.xml", "application/vnd.ms-word.document.macroEnabled.main+xml")
            ),
            "_rels/.rels": _RELATIONS.format(_RELATION.format(1, f"{_OFFICE}/officeDocument", "word/document.xml")),
            "word/document.xml": (
                f'<?xml version="1.0"?><w:document xmlns:w="{_WORD}"><w:body><w:p><w:r>'
                "<w:t>Enable editing to read this letter.</w:t></w:r></w:p></w:body></w:document>"
            ),
            "word/_rels/document.xml.rels": _RELATIONS.format(
                _RELATION.format(
                    1, "http://schemas.microsoft.com/office/2006/relationships/vbaProject", "vbaProject.bin"
                )
            ),
            "word/vbaProject.bin": vba_project(source),
        }
    )


def vba_project(source: str) -> bytes:
    """Return a vbaProject.bin (MS-OVBA 2.2.1) with the module ``Module1`` and no compiled code."""
    module = f'Attribute VB_Name = "Module1"\r\n{source}'.encode("cp1252")
    text = b'ID="{00000000-0000-0000-0000-000000000000}"\r\nModule=Module1\r\nName="Project"\r\n'
    return compound_file(
        {
            "PROJECT": text,
            "VBA": {
                "_VBA_PROJECT": struct.pack("<HHBH", 0x61CC, 0xFFFF, 0, 0),
                "dir": literal(_dir_stream(b"Module1")),
                "Module1": literal(module),
            },
        }
    )


def literal(data: bytes) -> bytes:
    """Compress as MS-OVBA 2.4.1 allows: literal tokens only."""
    out = bytearray(b"\x01")
    for at in range(0, len(data), 3584):
        piece = data[at : at + 3584]
        tokens = b"".join(b"\0" + piece[n : n + 8] for n in range(0, len(piece), 8))
        out += struct.pack("<H", 0xB000 | (len(tokens) - 1)) + tokens
    return bytes(out)


def _dir_stream(module: bytes) -> bytes:
    """Return the dir stream (MS-OVBA 2.3.4.2) of a project with one module whose source begins at offset 0."""
    wide = module.decode().encode("utf-16-le")

    def record(number: int, data: bytes) -> bytes:
        return struct.pack("<HI", number, len(data)) + data

    information = (
        record(0x01, struct.pack("<I", 1))
        + record(0x02, struct.pack("<I", 0x409))
        + record(0x14, struct.pack("<I", 0x409))
        + record(0x03, struct.pack("<H", 1252))
        + record(0x04, b"Project")
        + record(0x05, b"") + record(0x40, b"")
        + record(0x06, b"") + record(0x3D, b"")
        + record(0x07, struct.pack("<I", 0))
        + record(0x08, struct.pack("<I", 0))
        + struct.pack("<HIIH", 0x09, 4, 1, 1)
        + record(0x0C, b"") + record(0x3C, b"")
    )  # fmt: skip
    modules = (
        record(0x0F, struct.pack("<H", 1))
        + record(0x13, struct.pack("<H", 0xFFFF))
        + record(0x19, module) + record(0x47, wide)
        + record(0x1A, module) + record(0x32, wide)
        + record(0x1C, b"") + record(0x48, b"")
        + record(0x31, struct.pack("<I", 0))
        + record(0x1E, struct.pack("<I", 0))
        + record(0x2C, struct.pack("<H", 0xFFFF))
        + record(0x21, b"") + record(0x2B, b"")
    )  # fmt: skip
    return information + modules + record(0x10, b"")
