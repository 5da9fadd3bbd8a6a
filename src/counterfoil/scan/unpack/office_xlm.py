"""Excel-4 macro sheets in BIFF5 and BIFF8 workbooks, as text ([MS-XLS] sections 2.4.28, 2.4.127, 2.4.150).

One member a macro sheet: each formula as ``A1: =EXEC("calc.exe")``, and what else stands in cells as text.

``ODDITIES``: ``xlm:macro-sheet`` (its name and whether it is hidden), ``xlm:auto-open`` (a defined name that
runs a macro when the workbook opens or closes), ``xlm:undeclared`` (a macro sheet that is listed as another kind).
"""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from counterfoil.scan.limits import Budget
from counterfoil.scan.unpack.member import Member, Oddity, Refusal
from counterfoil.scan.unpack.office_biff import BIFF8, BOF, BOUND_SHEET, EOF, STREAMS, Record, records, version
from counterfoil.scan.unpack.office_formula import BIFF5, Dialect, cell, decode
from counterfoil.scan.unpack.office_formula import BIFF8 as BIFF8_DIALECT
from counterfoil.scan.unpack.office_ole import Compound

STEP = "xlm"
MACRO_SHEET = 0x0040
MOST_SHEETS = 500
FORMULA, LABEL, LABEL_SST, STRING, NAME, SST = 0x0006, 0x0204, 0x00FD, 0x0207, 0x0018, 0x00FC
BUILT_IN = {0: "Consolidate_Area", 1: "Auto_Open", 2: "Auto_Close", 3: "Extract", 4: "Database", 5: "Criteria"}
BUILT_IN |= {6: "Print_Area", 7: "Print_Titles", 8: "Recorder", 9: "Data_Form", 10: "Auto_Activate"}
BUILT_IN |= {11: "Auto_Deactivate", 12: "Sheet_Title", 13: "_FilterDatabase"}
AUTO = ("auto_open", "auto_close", "auto_activate", "auto_deactivate")
HIDDEN = {0: "visible", 1: "hidden", 2: "very hidden", 3: "very hidden"}


@dataclass(frozen=True, slots=True)
class _Sheet:
    name: str
    offset: int
    state: int
    macro: bool


def unpack(data: bytes, budget: Budget) -> Iterator[Member | Refusal | Oddity]:
    """Yield the macro sheets of a compound file's workbook streams.

    Raises:
        OSError: If the compound file's structure is broken.
    """
    del budget  # a formula's text is bounded, and the caller counts the members
    compound = Compound(data)
    for name in STREAMS:
        stream = compound.stream(name)
        if stream:
            yield from workbook(stream)


def unpack_bare(data: bytes, budget: Budget) -> Iterator[Member | Refusal | Oddity]:
    """Yield the macro sheets of a workbook stream that lies open."""
    del budget
    yield from workbook(data)


def workbook(stream: bytes) -> Iterator[Member | Refusal | Oddity]:
    """Yield the macro sheets of one workbook stream, listed or not."""
    wide = version(stream) == BIFF8
    dialect = BIFF8_DIALECT if wide else BIFF5
    names: dict[int, str] = {}
    sheets: dict[int, _Sheet] = {}
    for record in _globals(stream):
        if record.type == BOUND_SHEET and len(record.data) >= 8:
            sheet = _sheet(record.data, wide=wide)
            sheets[sheet.offset] = sheet
        elif record.type == NAME and len(record.data) >= 15:
            names[len(names) + 1] = _name(record.data, wide=wide)
    strings = _shared_strings(stream) if wide else []
    starts = list(islice(_macro_starts(stream, sheets), MOST_SHEETS + 1))
    if len(starts) > MOST_SHEETS:
        yield Refusal(f"more than {MOST_SHEETS} macro sheets")
    for start in starts[:MOST_SHEETS]:
        sheet = sheets.get(start, _Sheet("(unlisted)", start, 0, macro=False))
        yield Oddity("xlm:macro-sheet", f"{sheet.name}: {HIDDEN[sheet.state]}")
        if not sheet.macro:
            yield Oddity("xlm:undeclared", sheet.name)
        lines = _lines(stream, start, dialect, names, strings)
        yield Member(STEP, "\n".join(lines).encode(), (f"{sheet.name}.txt",), "text/plain")
    if starts:
        for name in names.values():
            if name.replace("\0", "").lower().startswith(AUTO):
                yield Oddity("xlm:auto-open", name)


def _globals(stream: bytes) -> Iterator[Record]:
    for record in records(stream):
        if record.type == EOF:
            return
        yield record


def _macro_starts(stream: bytes, sheets: Mapping[int, _Sheet]) -> Iterator[int]:
    """Yield where a substream begins that its list entry or its own BOF calls a macro sheet (section 2.4.21)."""
    for record in records(stream):
        if record.type == BOF and len(record.data) >= 4:
            start = record.offset - 4
            listed = sheets.get(start)
            if int.from_bytes(record.data[2:4], "little") == MACRO_SHEET or (listed and listed.macro):
                yield start


def _sheet(data: bytes, *, wide: bool) -> _Sheet:
    offset, state, kind = struct.unpack_from("<IBB", data)
    return _Sheet(_short_text(data[6:], wide=wide), offset, state & 3, macro=kind == 1)


def _short_text(data: bytes, *, wide: bool) -> str:
    """Read a text behind an octet of length: ShortXLUnicodeString (section 2.5.240), or octets in BIFF5."""
    length = data[0]
    if not wide:
        return data[1 : 1 + length].decode("latin-1")
    if data[1] & 1:
        return data[2 : 2 + 2 * length].decode("utf-16-le", "replace")
    return data[2 : 2 + length].decode("latin-1")


def _name(data: bytes, *, wide: bool) -> str:
    """Read the name of an Lbl record (section 2.4.150)."""
    (flags,) = struct.unpack_from("<H", data)
    length = data[3]
    text = _short_text(bytes([length]) + data[14:], wide=wide)
    if flags & 0x20 and text:
        return BUILT_IN.get(ord(text[0]), f"built-in {ord(text[0])}")
    return text


def _lines(stream: bytes, start: int, dialect: Dialect, names: Mapping[int, str], strings: list[str]) -> Iterator[str]:
    depth = 0
    for record in records(stream, start):
        data = record.data
        if record.type == BOF:
            depth += 1
        elif record.type == EOF:
            depth -= 1
            if depth <= 0:
                return
        elif record.type == FORMULA and len(data) >= 22:
            row, column = struct.unpack_from("<HH", data)
            (size,) = struct.unpack_from("<H", data, 20)
            yield f"{cell(row, column)}: ={decode(data[22 : 22 + size], dialect, names)}"
        elif record.type == LABEL and len(data) >= 9:
            row, column, _, length = struct.unpack_from("<HHHH", data)
            text = _short_text(bytes([length & 0xFF]) + data[8:], wide=dialect is BIFF8_DIALECT)
            yield f"{cell(row, column)}: {text}"
        elif record.type == LABEL_SST and len(data) >= 10:
            row, column, _, index = struct.unpack_from("<HHHI", data)
            if index < len(strings):
                yield f"{cell(row, column)}: {strings[index]}"
        elif record.type == STRING and len(data) >= 3:
            yield f"  value: {_short_text(data[:1] + data[2:], wide=dialect is BIFF8_DIALECT)}"


def _shared_strings(stream: bytes) -> list[str]:
    """Read the shared strings (section 2.4.265) up to the first that a Continue record cuts."""
    data = next((record.data for record in _globals(stream) if record.type == SST), b"")
    strings: list[str] = []
    at = 8
    while at + 3 <= len(data):
        length, flags = struct.unpack_from("<HB", data, at)
        at += 3
        runs = int.from_bytes(data[at : at + 2], "little") if flags & 8 else 0
        at += 2 if flags & 8 else 0
        extension = int.from_bytes(data[at : at + 4], "little") if flags & 4 else 0
        at += 4 if flags & 4 else 0
        size = length * 2 if flags & 1 else length
        if at + size > len(data):
            break
        strings.append(data[at : at + size].decode("utf-16-le" if flags & 1 else "latin-1", "replace"))
        at += size + 4 * runs + extension
    return strings
