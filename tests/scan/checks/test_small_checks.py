"""The checks of one condition: carriers, the EICAR file, locks, long lines."""

import pytest
from tests.scan.making import message, part

from counterfoil.model.mail import Uninspectable
from counterfoil.scan.checks import carrier, eicar, encrypted, long_lines

EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (bytes(32769) + b"CD001" + bytes(3000), "disc image"),
        (b"vhdxfile" + bytes(100), "virtual disk"),
        (bytes.fromhex("e4525c7b8cd8a74daeb15378d02996d3") + bytes(100), "OneNote"),
    ],
)
def test_carriers_are_told(data, word):
    """Containers that strip the mark of the web are findings whatever is inside."""
    (found,) = carrier.check(message(part(data, "x.bin")))
    assert word in found.summary
    assert "T1553.005" in found.techniques


def test_ordinary_containers_are_no_carriers():
    """A ZIP is not one."""
    assert list(carrier.check(message(part(b"PK\x03\x04" + bytes(30), "a.zip")))) == []


@pytest.mark.parametrize("data", [EICAR, EICAR + b"\r\n"])
def test_the_eicar_file_is_critical(data):
    """Alone or with white space behind it."""
    (found,) = eicar.check(message(part(data, "eicar.com")))
    assert str(found.severity) == "critical"


@pytest.mark.parametrize(
    "data", [b"see " + EICAR, EICAR + b" is how it begins, and so on for more than 128 octets" * 2, b""]
)
def test_talk_about_the_eicar_file_is_not_it(data):
    """The definition says where the signature stands and how long the file is."""
    assert list(eicar.check(message(part(data, "a.txt")))) == []


def test_locks_are_told_apart_from_damage():
    """One finding a part, only for what is encrypted."""
    entries = (
        Uninspectable("1", "zip: 'a' is encrypted"),
        Uninspectable("1", "zip: 'b' is encrypted"),
        Uninspectable("2", "cut"),
    )
    (found,) = encrypted.check(message(uninspectable=entries))
    assert (found.part, found.evidence["count"]) == ("1", 2)


@pytest.mark.parametrize(
    ("raw", "lines", "longest"),
    [
        (b"a" * 999 + b"\r\nb\r\n", 1, 999),
        (b"x\r\n" + b"a" * 2000 + b"\n" + b"b" * 1500, 2, 2000),
    ],
)
def test_long_lines_are_counted(raw, lines, longest):
    """Over 998 octets without the line end; the longest is shown with its number."""
    (found,) = long_lines.check(message(raw=raw, headers={"From": "a@x.example"}))
    assert (found.evidence["lines"], found.evidence["longest"]) == (lines, longest)


def test_lines_of_998_octets_are_fine():
    """The limit itself is allowed."""
    assert list(long_lines.check(message(raw=b"a" * 998 + b"\r\n", headers={"From": "a@x.example"}))) == []
    assert list(long_lines.check(message(raw=b"a" * 2000))) == []
