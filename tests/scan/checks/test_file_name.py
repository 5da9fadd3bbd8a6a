"""Names that lie, each by its defect."""

import pytest
from tests.scan.making import message, part

from counterfoil.scan.checks.file_name import check

PE = b"MZ" + bytes(58) + b"\x40\0\0\0" + b"PE\0\0" + bytes(40)


@pytest.mark.parametrize(
    ("name", "data", "severity", "technique"),
    [
        ("invoice\u202efdp.exe", b"x", "high", "T1036.002"),
        ("report\u2066.txt", b"x", "high", "T1036.002"),
        ("invoice.pdf.exe", b"x", "high", "T1036.007"),
        ("photo.jpg.scr. ", b"x", "high", "T1036.006"),
        ("notes.txt.", b"x", "low", "T1036.006"),
        ("invoice.pdf" + " " * 60 + ".exe", b"x", "high", "T1036.006"),
        ("invoice\u2800\u2800\u2800\u2800\u2800\u2800.exe", b"x", "high", "T1036.006"),
        ("setup.exe", b"x", "high", "T1204.002"),
        ("disk.iso", b"x", "high", "T1204.002"),
        ("addin.xll", b"x", "high", "T1204.002"),
        ("invoice.pdf", PE, "high", "T1036.008"),
        ("scan.pdf", b"<html><body>hello</body></html>", "medium", "T1036.008"),
        ("x" * 5000 + ".pdf.exe", b"x", "high", "T1036.007"),
    ],
    ids=[
        "right-to-left override",
        "isolate",
        "double extension",
        "dots and blanks behind a program",
        "dot behind a text",
        "gap",
        "braille blanks",
        "program",
        "disc image",
        "add-in",
        "program called a document",
        "page called a document",
        "very long name",
    ],
)
def test_a_lie_is_found(name, data, severity, technique):
    """Each defect has its weight and its technique."""
    found = list(check(message(part(data, name))))
    assert technique in {one for finding in found for one in finding.techniques}
    assert severity in {str(finding.severity) for finding in found}


@pytest.mark.parametrize(
    "name",
    [
        "invoice.pdf",
        "Angebot 3.5 Stück.docx",
        "archive.tar.gz",
        "report.final.docx",
        "1.2.3",
        "",
        "README",
        "a.b.csv",
        "...",
    ],
)
def test_an_honest_name_is_left_alone(name):
    """Dots and versions in names are no lie."""
    assert list(check(message(part(b"hello", name)))) == []


def test_names_of_streams_are_no_file_names():
    """What a compound file calls its streams is not what a person sees."""
    assert list(check(message(part(b"x", "Macros/Dir.exe", via=("ole",))))) == []


def test_the_worst_name_counts_and_a_lie_is_told_once():
    """All plausible names are looked at; the same lie of two names is one finding."""
    both = part(b"x", "a.pdf")
    both = type(both)(both.id, ("a.pdf", "b.exe", "c.exe"), "", both.detected_type, both.sha256, (), both.data)
    assert len(list(check(message(both)))) == 1
