"""Excel's parsed formulas as text, as far as a small decoder can ([MS-XLS] section 2.5.198, [MS-XLSB] 2.2.2).

Constant parts are folded on the way, ``CHAR(99)&"alc"`` to ``"calc"``, because that is how Excel-4 macros hide
what they do. Nothing is evaluated beyond that.
"""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from counterfoil.scan.unpack.office_formula_names import COMMANDS, FIXED, FUNCTIONS

OPERATORS = {0x03: "+", 0x04: "-", 0x05: "*", 0x06: "/", 0x07: "^", 0x08: "&", 0x09: "<", 0x0A: "<=", 0x0B: "="}
OPERATORS |= {0x0C: ">=", 0x0D: ">", 0x0E: "<>", 0x0F: " ", 0x10: ",", 0x11: ":"}
UNARY = {0x12: "+{}", 0x13: "-{}", 0x14: "{}%", 0x15: "({})"}
ERRORS = {0x00: "#NULL!", 0x07: "#DIV/0!", 0x0F: "#VALUE!", 0x17: "#REF!", 0x1D: "#NAME?", 0x24: "#NUM!", 0x2A: "#N/A"}
USER_DEFINED = 255
MAX_TEXT = 8_192
"""Characters of one formula, which is Excel's own limit."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How wide the operands are: the sizes in octets of the tokens whose size differs."""

    row: str
    column: str
    long_text: bool
    unicode: bool
    name: int
    name_x: int
    sheet: int
    memory: int = 6


BIFF5 = Dialect("<H", "<B", long_text=False, unicode=False, name=14, name_x=24, sheet=14)
BIFF8 = Dialect("<H", "<H", long_text=False, unicode=True, name=4, name_x=6, sheet=2)
BIFF12 = Dialect("<I", "<H", long_text=True, unicode=True, name=4, name_x=6, sheet=2)


class CutShort(ValueError):
    """The tokens end in the middle of one."""


@dataclass(slots=True)
class _Decoder:
    data: bytes
    dialect: Dialect
    names: Mapping[int, str]
    at: int = 0
    stack: list[str] = field(default_factory=list)

    def take(self, size: int) -> bytes:
        piece = self.data[self.at : self.at + size]
        if len(piece) < size:
            raise CutShort(f"at octet {self.at}")
        self.at += size
        return piece

    def number(self, layout: str) -> int:
        value: int = struct.unpack(layout, self.take(struct.calcsize(layout)))[0]
        return value

    def pop(self, count: int) -> list[str]:
        taken = self.stack[max(len(self.stack) - count, 0) :]
        del self.stack[max(len(self.stack) - count, 0) :]
        return taken

    def token(self) -> None:
        token = self.number("<B")
        if token in OPERATORS:
            self.stack.append(_joined(OPERATORS[token], self.pop(2)))
        elif token in UNARY:
            self.stack.append(UNARY[token].format(*(self.pop(1) or ["?"])))
        elif token >= 0x20:
            self.operand(token & 0x1F | 0x20)
        else:
            self.constant(token)

    def constant(self, token: int) -> None:
        if token == 0x17:
            self.stack.append(_quoted(self.text()))
        elif token == 0x1E:
            self.stack.append(str(self.number("<H")))
        elif token == 0x1F:
            self.stack.append(f"{struct.unpack('<d', self.take(8))[0]:.15g}")
        elif token == 0x1D:
            self.stack.append("TRUE" if self.number("<B") else "FALSE")
        elif token == 0x1C:
            self.stack.append(ERRORS.get(self.number("<B"), "#ERROR!"))
        elif token == 0x16:
            self.stack.append("")
        elif token == 0x19:
            self.attribute()
        elif token in {0x01, 0x02}:
            self.take(struct.calcsize(self.dialect.row) + (0 if self.dialect is BIFF12 else 2))
        else:
            raise CutShort(f"unknown token {token:#x}")

    def text(self) -> str:
        length = self.number("<H" if self.dialect.long_text else "<B")
        wide = self.dialect.long_text or (self.dialect.unicode and self.number("<B") & 1)
        return self.take(2 * length).decode("utf-16-le", "replace") if wide else self.take(length).decode("latin-1")

    def attribute(self) -> None:
        flags, value = self.number("<B"), self.number("<H")
        if flags & 0x04:
            self.take(2 * (value + 1))
        elif flags & 0x10:
            self.stack.append(_called("SUM", self.pop(1)))

    def operand(self, token: int) -> None:
        if token == 0x21:
            self.function(self.number("<H"), None)
        elif token == 0x22:
            count, number = self.number("<B") & 0x7F, self.number("<H")
            self.function(number, count)
        elif token == 0x23:
            number = int.from_bytes(self.take(self.dialect.name)[:2], "little")
            self.stack.append(self.names.get(number, f"name{number}"))
        elif token == 0x39:
            self.take(self.dialect.name_x)
            self.stack.append("external_name")
        elif token in {0x24, 0x2C, 0x25, 0x2D, 0x3A, 0x3B}:
            self.reference(token)
        elif token in {0x2A, 0x2B, 0x3C, 0x3D}:
            self.reference({0x2A: 0x24, 0x2B: 0x25, 0x3C: 0x3A, 0x3D: 0x3B}[token])
            self.stack[-1] = "#REF!"
        elif token == 0x20:
            self.take(14 if self.dialect is BIFF12 else 7)
            self.stack.append("{array}")
        elif token in {0x26, 0x27, 0x28}:
            self.take(self.dialect.memory)
        elif token == 0x29:
            self.take(2)
        else:
            raise CutShort(f"unknown token {token:#x}")

    def reference(self, token: int) -> None:
        sheet = ""
        if token in {0x3A, 0x3B}:
            sheet = f"[{int.from_bytes(self.take(self.dialect.sheet)[:2], 'little')}]!"
        count = 2 if token in {0x25, 0x2D, 0x3B} else 1
        rows = [self.number(self.dialect.row) for _ in range(count)]
        columns = [self.number(self.dialect.column) for _ in range(count)]
        if self.dialect is BIFF5:
            rows = [row & 0x3FFF for row in rows]
        self.stack.append(
            sheet + ":".join(cell(row, column & 0x3FFF) for row, column in zip(rows, columns, strict=True))
        )

    def function(self, number: int, count: int | None) -> None:
        table = COMMANDS if count is not None and number & 0x8000 else FUNCTIONS
        name = table.get(number & 0x7FFF, f"function{number}")
        arguments = self.pop(FIXED.get(name, 1) if count is None else count)
        if table is FUNCTIONS and number == USER_DEFINED and arguments:
            name, arguments = arguments[0], arguments[1:]
        self.stack.append(_called(name, arguments))


def cell(row: int, column: int) -> str:
    """Return the name of a cell, both numbers from 0."""
    letters = ""
    column += 1
    while column:
        column, letter = divmod(column - 1, 26)
        letters = chr(65 + letter) + letters
    return f"{letters}{row + 1}"


def decode(tokens: bytes, dialect: Dialect, names: Mapping[int, str]) -> str:
    """Return a formula as text; what could not be decoded ends it with ``…``.

    Args:
        tokens: The ``rgce`` of the formula.
        dialect: ``BIFF5``, ``BIFF8`` or ``BIFF12``.
        names: The defined names by their number, from 1.
    """
    decoder = _Decoder(tokens, dialect, names)
    tail = ""
    try:
        while decoder.at < len(tokens):
            decoder.token()
            if sum(map(len, decoder.stack[-2:])) > MAX_TEXT:
                tail = " …"
                break
    except CutShort:
        tail = " …"
    return " ".join(decoder.stack)[:MAX_TEXT] + tail


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _literal(text: str) -> bool:
    """Tell whether an operand is one string literal (any quote within it is doubled)."""
    return len(text) >= 2 and text[0] == text[-1] == '"' and '"' not in text[1:-1].replace('""', "")


def _joined(operator: str, operands: Sequence[str]) -> str:
    if operator == "&" and len(operands) == 2 and all(map(_literal, operands)):
        return operands[0][:-1] + operands[1][1:]
    return operator.join(operands) if len(operands) == 2 else operator + "".join(operands)


def _called(name: str, arguments: Sequence[str]) -> str:
    if name == "CHAR" and len(arguments) == 1 and arguments[0].isdecimal() and int(arguments[0]) < 256:
        return _quoted(bytes([int(arguments[0])]).decode("cp1252", "replace"))
    return f"{name}({','.join(arguments)})"
