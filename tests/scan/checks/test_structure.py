"""Ambiguities as findings."""

import pytest
from tests.scan.making import message, part

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


KINDS = {
    "html": b"<html><body>hello</body></html>",
    "text": b"hello",
    "data": b"\x81\x02\x03\x9f" * 9,
    "pdf": b"%PDF-1.7\n1 0 obj\n",
    "program": b"MZ" + b"\0" * 58 + b"\x40\0\0\0PE\0\0\x4c\x01" + b"\0" * 90,
}


def readings(*kinds):
    """The parts that the readings of part 1 gave."""
    return [part(KINDS[kind], identity=f"1~{number}" if number else "1") for number, kind in enumerate(kinds)]


@pytest.mark.parametrize(
    ("kinds", "severity"),
    [
        (("html", "html", "text"), "low"),
        (("data", "text", "data"), "low"),
        (("pdf", "pdf"), "low"),
        (("text", "html"), "medium"),
        (("html", "pdf"), "medium"),
        (("data", "program"), "medium"),
        ((), "low"),
    ],
)
def test_readings_of_base64_that_agree_weigh_little(kinds, severity):
    """A footer behind base64 is nothing; a reading of another kind than the usual one is no accident."""
    doubt = Ambiguity("mime:base64-junk", "1", "56 octets that are no base64")
    (found,) = check(message(*readings(*kinds), ambiguities=(doubt,)))
    assert str(found.severity) == severity


def test_members_of_a_reading_are_not_readings():
    """What a reading unpacks to is weighed by its own findings; without the usual reading nothing agrees."""
    doubt = Ambiguity("mime:base64-junk", "1", "")
    inside = part(KINDS["program"], identity="1~1/2")
    assert next(check(message(*readings("html"), inside, ambiguities=(doubt,)))).severity == "low"
    assert next(check(message(part(KINDS["html"], identity="1~1"), ambiguities=(doubt,)))).severity == "medium"
