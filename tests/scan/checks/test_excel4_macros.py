"""Excel-4 macros: sheets, what starts them, what they reach for."""

import pytest
from tests.scan.making import message, part

from counterfoil.scan.checks.excel4_macros import check
from counterfoil.scan.features import Ambiguity


def workbook(text: str, *oddities: tuple[str, str]):
    """A message with one workbook and the text of its macro sheet."""
    sheet = part(text.encode(), "Macro1.txt", via=("zip", "xlm"), identity="1/5")
    return message(sheet, ambiguities=tuple(Ambiguity(f"xlm:{name}", "1", detail) for name, detail in oddities))


@pytest.mark.parametrize(
    ("text", "oddities", "severity", "calls"),
    [
        ("A1: =HALT()", [("macro-sheet", "M: visible")], "medium", []),
        ("A1: =HALT()", [("macro-sheet", "M: hidden")], "high", []),
        ("A1: =HALT()", [("macro-sheet", "M: visible"), ("undeclared", "M")], "high", []),
        ("A1: =HALT()", [("macro-sheet", "M: visible"), ("auto-open", "Auto_Open")], "high", []),
        ('A1: =EXEC("x")\nA2: =CALL("urlmon")', [("macro-sheet", "M: visible")], "high", ["CALL", "EXEC", "URLMON"]),
    ],
    ids=["nothing odd", "hidden", "listed as another kind", "starts by itself", "reaches out"],
)
def test_macro_sheets_have_their_weight(text, oddities, severity, calls):
    """A macro sheet alone is medium; hidden, started or reaching out it is high."""
    (found,) = check(workbook(text, *oddities))
    assert (str(found.severity), found.evidence["calls"], found.part) == (severity, calls, "1")
    assert ("T1564" in found.techniques) is (
        oddities[0][1].endswith("hidden") or (len(oddities) > 1 and oddities[1][0] == "undeclared")
    )


def test_the_stream_of_a_workbook_is_not_reported_again():
    """The workbook stream is a part as well, with the same sheets."""
    places = (Ambiguity("xlm:macro-sheet", "1", "M: visible"), Ambiguity("xlm:macro-sheet", "1/1", "M: visible"))
    assert len(list(check(message(ambiguities=places)))) == 1


def test_formulas_without_a_macro_sheet_are_nothing():
    """Values of a spreadsheet are no macros."""
    assert list(check(workbook("A1: =SUM(B1)"))) == []
