"""Objects in RTF, through the disguises that Word reads past."""

import struct

import pytest
from tests.scan.compound_writer import compound
from tests.scan.making import scanned_file

from counterfoil.scan.limits import Budget
from counterfoil.scan.unpack.member import Member
from counterfoil.scan.unpack.rtf_objects import unpack

INNER = compound({"Contents": b"inside"})


def ole1(native: bytes, name: str = "Word.Document.8") -> bytes:
    """An OLE 1 object that embeds ``native``."""
    words = b"".join(struct.pack("<I", len(word)) + word for word in (name.encode() + b"\0", b"", b""))
    return struct.pack("<II", 0x501, 2) + words + struct.pack("<I", len(native)) + native


def package(name: str, content: bytes) -> bytes:
    """What the Packager writes: label, paths, contents."""
    text = name.encode() + b"\0"
    return (
        b"\x02\x00"
        + text
        + b"C:\\"
        + text
        + b"\0\0\3\0"
        + struct.pack("<I", len(text))
        + text
        + struct.pack("<I", len(content))
        + content
    )


HEX = ole1(INNER).hex().encode()


@pytest.mark.parametrize(
    "data",
    [
        HEX,
        HEX.upper(),
        b"\r\n".join(HEX[at : at + 64] for at in range(0, len(HEX), 64)),
        HEX[:7] + b"{\\*\\junk abcdef}" + HEX[7:],
        HEX[:7] + b"{\\proptype\\staticval\r\nabc}" + HEX[7:],
        HEX[:8] + b"\\bin0 \\'41\\u65 zz" + HEX[8:],
        b"{" + HEX[:30] + b"}{" + HEX[30:] + b"}",
    ],
    ids=["plain", "capitals", "lines", "ignored group", "unknown destination", "control words", "groups"],
)
def test_an_object_comes_out_through_its_disguise(data):
    """Line ends, groups, control words and capitals do not hide an object: one of the readings holds it."""
    found = list(unpack(b"{\\rtf1{\\object{\\*\\objdata 11\r\n" + data + b"}}}", Budget()))
    assert Member("rtf:object", INNER) in found


def test_binary_data_is_taken_as_it_is():
    """``bin`` says how many raw octets follow, braces among them."""
    native = ole1(b"{}" * 50)
    found = list(unpack(b"{\\object{\\*\\objdata\\bin%d " % len(native) + native + b"}}", Budget()))
    assert found == [Member("rtf:object", b"{}" * 50)]


def test_what_is_no_ole_1_object_comes_out_as_its_bytes():
    """Damage hides nothing: a compound file is found behind it, and other bytes are a part."""
    found = list(unpack(b"{\\objdata 0102" + INNER.hex().encode() + b"}{\\objdata 414243}{\\objdata }", Budget()))
    assert found == [Member("rtf:object", INNER), Member("rtf:object", b"ABC")]


def test_a_packaged_program_is_found():
    """The whole way: RTF, package, program; the program's own name is told."""
    program = b"MZ" + bytes(58) + b"\x40\0\0\0" + b"PE\0\0" + bytes(40)
    data = b"{\\rtf1{\\object{\\*\\objdata " + ole1(package("run.exe", program), "Package").hex().encode() + b"}}}"
    scan = scanned_file("offer.rtf", data)
    assert any(part.data == program and "run.exe" in part.names for part in scan.parts)
    assert {"executable", "file-name"} <= {finding.check for finding in scan.findings}
