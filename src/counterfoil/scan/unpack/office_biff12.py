"""BIFF12, the records of ``.xlsb`` parts ([MS-XLSB] section 2.1.4): sheets, names and formulas."""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from counterfoil.scan.unpack.office_formula import BIFF12, cell, decode

ROW, TEXT_CELL, BUNDLE_SHEET, NAME = 0, 6, 156, 39
FORMULA_TEXT, FORMULA_NUMBER, FORMULA_BOOL, FORMULA_ERROR = 8, 9, 10, 11
VALUE_SIZES = {FORMULA_NUMBER: 8, FORMULA_BOOL: 1, FORMULA_ERROR: 1}
STATES = {0: "visible", 1: "hidden", 2: "very hidden"}
CELL = 8
"""Octets of a Cell structure: column, style and flags (section 2.5.10)."""


class CutShort(ValueError):
    """The part ends in the middle of a record."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """What the workbook says of a sheet (BrtBundleSh, section 2.4.304)."""

    name: str
    state: str
    relationship: str


def records(part: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield type and data of every record.

    Raises:
        CutShort: If the part ends within one.
    """
    at = 0
    while at < len(part):
        kind, at = _variable(part, at, 2)
        size, at = _variable(part, at, 4)
        if at + size > len(part):
            raise CutShort(f"the record at octet {at} runs over the end")
        yield kind, part[at : at + size]
        at += size


def _variable(part: bytes, at: int, most: int) -> tuple[int, int]:
    """Read a number of seven bits an octet, the lowest first, and where it ends."""
    value = 0
    for index in range(most):
        if at >= len(part):
            raise CutShort("the part ends within a record's header")
        octet = part[at]
        at += 1
        value |= (octet & 0x7F) << 7 * index
        if not octet & 0x80:
            break
    return value, at


def _text(data: bytes, at: int) -> tuple[str, int]:
    """Read an XLWideString (section 2.5.169), whose nullable form writes 0xFFFFFFFF for none."""
    try:
        (length,) = struct.unpack_from("<I", data, at)
    except struct.error as error:
        raise CutShort("a text without its length") from error
    if length == 0xFFFFFFFF:
        return "", at + 4
    return data[at + 4 : at + 4 + 2 * length].decode("utf-16-le", "replace"), at + 4 + 2 * length


def sheets(part: bytes) -> Iterator[Sheet]:
    """Yield the sheets that a workbook part lists."""
    for kind, data in records(part):
        if kind == BUNDLE_SHEET and len(data) >= 8:
            state = int.from_bytes(data[:4], "little")
            relationship, at = _text(data, 8)
            yield Sheet(_text(data, at)[0], STATES.get(state, "very hidden"), relationship)


def names(part: bytes) -> Iterator[str]:
    """Yield the defined names of a workbook part (BrtName, section 2.4.711)."""
    for kind, data in records(part):
        if kind == NAME and len(data) >= 13:
            yield _text(data, 9)[0]


def formulas(part: bytes, defined: Sequence[str]) -> Iterator[str]:
    """Yield the formulas and texts of a sheet part, as ``A1: =HALT()``."""
    numbered = dict(enumerate(defined, start=1))
    row = 0
    for kind, data in records(part):
        if kind == ROW and len(data) >= 4:
            row = int.from_bytes(data[:4], "little")
        elif kind == TEXT_CELL and len(data) >= CELL + 4:
            yield f"{_place(row, data)}: {_text(data, CELL)[0]}"
        elif kind in VALUE_SIZES or kind == FORMULA_TEXT:
            value, at = _text(data, CELL) if kind == FORMULA_TEXT else ("", CELL + VALUE_SIZES[kind])
            size = int.from_bytes(data[at + 2 : at + 6], "little")
            yield f"{_place(row, data)}: ={decode(data[at + 6 : at + 6 + size], BIFF12, numbered)}"
            if value:
                yield f"  value: {value}"


def _place(row: int, data: bytes) -> str:
    return cell(row, int.from_bytes(data[:4], "little"))
