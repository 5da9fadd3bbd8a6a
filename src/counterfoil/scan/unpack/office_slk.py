"""SYLK files (``.slk``), which Excel opens with their Excel-4 macros and without Protected View's questions.

Records are lines of fields divided by ``;`` (Microsoft's SYLK description, 1986): ``C;X1;Y1;EEXEC("calc.exe")``
is a cell with an expression, ``NN;NAuto_open;...`` a name, ``O;E`` makes the sheet a macro sheet.
"""

from collections.abc import Iterator

from counterfoil.scan.limits import Budget
from counterfoil.scan.unpack.member import Member, Oddity, Refusal
from counterfoil.scan.unpack.office_formula import cell
from counterfoil.scan.unpack.office_xlm import AUTO, STEP

SEMICOLON = "\x00"


def unpack(data: bytes, budget: Budget) -> Iterator[Member | Refusal | Oddity]:
    """Yield the expressions of a SYLK file, and that it is a macro sheet where it says so."""
    del budget  # what comes out is no longer than what went in
    lines: list[str] = []
    macro, row, column = False, 1, 1
    for line in data.decode("latin-1").splitlines():
        kind, *fields = line.replace(";;", SEMICOLON).split(";")
        fields = [field.replace(SEMICOLON, ";") for field in fields if field]
        kind = kind.strip().upper()
        if kind == "O" and any(field.upper() == "E" for field in fields):
            macro = True
        elif kind == "NN":
            for field in fields:
                if field[0].upper() == "N" and field[1:].lower().startswith(AUTO):
                    yield Oddity("xlm:auto-open", field[1:])
        elif kind in {"C", "F"}:
            column, row = _number(fields, "X", column), _number(fields, "Y", row)
            expressions = [field[1:] for field in fields if kind == "C" and field[0].upper() == "E"]
            lines.extend(f"{cell(row - 1, column - 1)}: ={expression}" for expression in expressions)
    if macro:
        yield Oddity("xlm:macro-sheet", "SYLK: visible")
    if lines:
        yield Member(STEP, "\n".join(lines).encode(), ("macro.txt",), "text/plain")


def _number(fields: list[str], letter: str, current: int) -> int:
    for field in fields:
        if field[0].upper() == letter and field[1:].isdecimal() and len(field) < 9:
            return max(int(field[1:]), 1)
    return current
