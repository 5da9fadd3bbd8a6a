"""Ambiguities as findings."""

import pytest
from tests.scan.making import message

from counterfoil.scan.checks.structure import check
from counterfoil.scan.features import Ambiguity


@pytest.mark.parametrize(
    ("name", "part", "detail", "severity"),
    [
        ("mime:duplicate-content-type", "1", "a, b", "medium"),
        ("mime:unclosed-multipart", "1", "", "low"),
        ("mime:charset", "1", "utf-8, utf-7", "medium"),
        ("mime:charset", "1/2", "utf-8, utf-16", "low"),
        ("content:polyglot", "1", "image/jpeg, application/zip", "medium"),
        ("content:polyglot", "1/1", "application/x-ms-excel-biff, application/zip", "low"),
        ("zip:views-differ", "1", "x", "medium"),
        ("a:name-of-tomorrow", "1", "x", "medium"),
    ],
)
def test_an_ambiguity_has_its_weight(name, part, detail, severity):
    """What honest mail shows is low; everything else, names not known yet included, is medium."""
    (found,) = check(message(ambiguities=(Ambiguity(name, part, detail),)))
    assert (str(found.severity), found.evidence["ambiguity"]) == (severity, name)


def test_many_places_are_one_finding():
    """The same ambiguity in a hundred parts is one finding that counts them."""
    (found,) = check(message(ambiguities=tuple(Ambiguity("zip:overlap", str(number), "") for number in range(100))))
    assert (found.evidence["count"], len(found.evidence["places"])) == (100, 20)


def test_what_other_checks_report_is_left_to_them():
    """Locks and macros have checks of their own."""
    names = ("ole:default-password", "vba:stomped", "xlm:auto-open")
    assert list(check(message(ambiguities=tuple(Ambiguity(name, "1", "") for name in names)))) == []
