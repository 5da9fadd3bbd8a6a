"""VBA: what runs by itself, what reaches out, what hides."""

import pytest
from tests.scan.making import message, part

from counterfoil.scan.checks.macros import check, code
from counterfoil.scan.features import Ambiguity


def module(source: str):
    """A message with one macro module."""
    return message(part(source.encode(), "Module1.bas", via=("ole", "vba")))


@pytest.mark.parametrize(
    ("source", "severity", "auto", "calls"),
    [
        ("Sub AutoOpen()\nEnd Sub", "high", ["AutoOpen"], []),
        ("Private Sub Workbook_Open()\nEnd Sub", "high", ["Workbook_Open"], []),
        ("Public Static Sub DOCUMENT_CLOSE()\nEnd Sub", "high", ["DOCUMENT_CLOSE"], []),
        ("Sub InkPicture1_Painted()\nEnd Sub", "high", ["InkPicture1_Painted"], []),
        ('Sub A()\nShell "x"\nEnd Sub', "high", [], ["shell"]),
        ("Sub A()\nSet a = Create _\nObject(1)\nEnd Sub", "medium", [], []),
        (
            'Sub A()\nSet a = CreateObject _\n  ("WScript.Shell")\nEnd Sub',
            "high",
            [],
            ["createobject", "shell", "wscript"],
        ),
        ('Private Declare PtrSafe Function URLDownloadToFileA Lib "urlmon" ()', "high", [], None),
        ("Sub A()\nOpen p For Binary As #1\nEnd Sub", "high", [], None),
        ("Sub A()\nx = 1\nEnd Sub", "medium", [], []),
    ],
    ids=[
        "Word",
        "Excel",
        "case and modifiers",
        "control event",
        "program start",
        "name cut by a continuation",
        "continued line",
        "declaration",
        "file written",
        "harmless",
    ],
)
def test_a_macro_has_its_weight(source, severity, auto, calls):
    """Auto-exec procedures and calls that reach out are told; a macro without either is still one."""
    (found,) = check(module(source))
    assert str(found.severity) == severity
    assert found.evidence["runs_by_itself"] == auto
    assert calls is None or found.evidence["calls"] == calls
    assert found.techniques == ("T1059.005", "T1204.002")


@pytest.mark.parametrize(
    "source",
    ["", 'Attribute VB_Name = "Sheet1"\nOption Explicit\n', "' Sub AutoOpen()\nREM Shell\n\n"],
    ids=["empty", "attributes only", "comments only"],
)
def test_a_module_without_code_is_no_macro(source):
    """Every workbook has empty modules once it has one macro."""
    assert list(check(module(source))) == []


def test_text_that_is_no_module_is_left_alone():
    """Only members that came out of a project are judged."""
    assert list(check(message(part(b"Sub AutoOpen()\nEnd Sub", "a.txt")))) == []


@pytest.mark.parametrize(
    ("name", "severity"),
    [
        ("vba:stomped", "high"),
        ("vba:no-source", "high"),
        ("vba:unlisted-module", "medium"),
        ("vba:purged", "low"),
    ],
)
def test_ways_of_hiding_are_findings(name, severity):
    """What the project's reader found odd is reported with the technique for stomping."""
    (found,) = check(message(ambiguities=(Ambiguity(name, "1", "Module1: x"),)))
    assert (str(found.severity), found.part, found.techniques[0]) == (severity, "1", "T1564.007")


def test_a_flood_of_blank_lines_is_no_work():
    """Blank lines cannot make the search for procedures quadratic: they are gone before it."""
    assert code("\n \n\t\n" * 1000 + "Sub A()") == "Sub A()"
