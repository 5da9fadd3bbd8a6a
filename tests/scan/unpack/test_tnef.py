import struct

from counterfoil.scan.limits import Budget
from counterfoil.scan.unpack.mapi import EMBEDDED
from counterfoil.scan.unpack.member import Member, Oddity, Refusal
from counterfoil.scan.unpack.tnef import SIGNATURE, unpack


def attribute(level: int, tag: int, data: bytes) -> bytes:
    """One TNEF attribute (MS-OXTNEF 2.1.3.1), type and checksum left at 0, which readers do not mind."""
    return struct.pack("<BHHI", level, tag, 0, len(data)) + data + b"\0\0"


def binary(identity: int, data: bytes, kind: int = 0x0102) -> bytes:
    """One variable-length MAPI property."""
    return struct.pack("<HHII", kind, identity, 1, len(data)) + data + bytes(-len(data) % 4)


def properties(*items: bytes) -> bytes:
    """A list of MAPI properties."""
    return struct.pack("<I", len(items)) + b"".join(items)


HEAD = SIGNATURE + b"\x01\x00"
RENDER = attribute(2, 0x9002, bytes(14))


def opened(data: bytes):
    """Members, names of oddities, reasons of refusals."""
    found = list(unpack(data, Budget()))
    return (
        [one for one in found if isinstance(one, Member)],
        {one.name for one in found if isinstance(one, Oddity)},
        [one.reason for one in found if isinstance(one, Refusal)],
    )


def test_attachments_have_all_their_names():
    """The short title and the long name of the MAPI properties are both plausible."""
    long_name = binary(0x3707, "long name.exe\0".encode("utf-16-le"), 0x001F)
    data = (
        HEAD
        + RENDER
        + attribute(2, 0x8010, b"LONG~1.EXE\0")
        + attribute(2, 0x800F, b"MZ data")
        + attribute(2, 0x9005, properties(long_name))
    )
    members, oddities, refusals = opened(data)
    assert [(one.names, one.data) for one in members] == [(("LONG~1.EXE", "long name.exe"), b"MZ data")]
    assert (oddities, refusals) == (set(), [])


def test_data_before_its_description_is_not_lost():
    """Contents that come before the attachment is announced are an attachment all the same."""
    members, oddities, _ = opened(HEAD + attribute(2, 0x800F, b"MZ data") + attribute(2, 0x8010, b"a.exe\0"))
    assert [one.data for one in members] == [b"MZ data"]
    assert oddities == {"tnef:data-before-name"}


def test_bodies_and_embedded_messages_are_members():
    """The HTML body lies in a property, and a message in an attachment is another TNEF."""
    inner = HEAD + RENDER + attribute(2, 0x800F, b"inner")
    page = attribute(1, 0x9003, properties(binary(0x1013, b"<a href=https://a.example/>x</a>")))
    data = HEAD + page + RENDER + attribute(2, 0x9005, properties(binary(0x3701, EMBEDDED + inner, 0x000D)))
    members, _, _ = opened(data)
    assert (members[0].data, members[0].declared_type) == (b"<a href=https://a.example/>x</a>", "text/html")
    assert (members[1].step, members[1].data) == ("tnef:object", inner)


def test_garbage_at_the_end_is_a_part():
    """What no attribute explains is kept and named."""
    members, oddities, _ = opened(HEAD + RENDER + attribute(2, 0x800F, b"x") + b"\xffPK\x03\x04 something")
    assert members[-1].data.startswith(b"\xffPK")
    assert oddities == {"tnef:trailing-data"}


def test_cut_short_attributes_are_refused():
    """An attribute that ends too early is said, and what is there is kept."""
    data = HEAD + RENDER + attribute(2, 0x800F, b"x" * 100)
    members, _, refusals = opened(data[:-50])
    assert refusals == ["tnef: attribute 0x800f is cut short"]
    assert members[0].data == b"x" * 52
