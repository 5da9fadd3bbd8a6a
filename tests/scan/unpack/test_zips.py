import io
import struct
import zipfile
import zlib

import pytest

from counterfoil.scan.limits import Budget, Exhausted, Limits
from counterfoil.scan.unpack.member import Member, Oddity, Refusal
from counterfoil.scan.unpack.zips import ODDITIES, unpack


def zipped(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """An honest archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def opened(data: bytes) -> tuple[dict[str, bytes], set[str], list[str]]:
    """Members by name, names of oddities, reasons of refusals."""
    found = list(unpack(data, Budget()))
    members = {one.names[0]: one.data for one in found if isinstance(one, Member)}
    oddities = {one.name for one in found if isinstance(one, Oddity)}
    assert oddities <= set(ODDITIES)
    return members, oddities, [one.reason for one in found if isinstance(one, Refusal)]


METHODS = [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]


@pytest.mark.parametrize("method", METHODS)
def test_honest_archives_have_no_oddities(method):
    """What the standard library writes is read back whole, by every method, with nothing to remark."""
    files = {"a.txt": b"one" * 100, "b/c.bin": bytes(range(256))}
    assert opened(zipped(files, method)) == (files, set(), [])


def test_streamed_archives_have_no_oddities():
    """Sizes behind the data (bit 3) are honest too: that is how archives are written to a pipe."""

    class Pipe(io.RawIOBase):
        def __init__(self):
            self.data = b""

        def writable(self):
            return True

        def write(self, data):
            self.data += bytes(data)
            return len(data)

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", b"hello" * 50)
        archive.writestr("b", b"world" * 50)
    assert opened(pipe.data) == ({"a": b"hello" * 50, "b": b"world" * 50}, set(), [])


def patched(data: bytes, at: int, value: bytes) -> bytes:
    """Some bytes with a few of them replaced."""
    return data[:at] + value + data[at + len(value) :]


ARCHIVE = zipped({"a.txt": b"hello" * 20})
CENTRAL = ARCHIVE.index(b"PK\x01\x02")


def entry(name: bytes, data: bytes) -> bytes:
    """A member with a local header alone."""
    head = struct.pack(
        "<4sHHHHHIIIHH", b"PK\x03\x04", 20, 0, 0, 0, 0, zlib.crc32(data), len(data), len(data), len(name), 0
    )
    return head + name + data


def test_concatenated_archives_show_both():
    """Programs choose one of two directories; we take both."""
    members, oddities, _ = opened(ARCHIVE + zipped({"b.exe": b"MZ"}))
    assert set(members) == {"a.txt", "b.exe"}
    assert "zip:two-directories" in oddities


def test_members_without_a_directory_entry_are_found():
    """A local header in front that the directory does not mention is a member for those who stream."""
    members, oddities, _ = opened(entry(b"b.exe", b"MZ") + ARCHIVE)
    assert set(members) == {"a.txt", "b.exe"}
    assert "zip:not-in-directory" in oddities


def test_an_archive_without_its_end_is_read_as_a_stream():
    """Cutting the directory off hides nothing."""
    assert opened(ARCHIVE[:CENTRAL])[0] == {"a.txt": b"hello" * 20}


def test_names_that_differ_are_both_reported():
    """The directory says .txt, the local header says .exe."""
    members, oddities, _ = opened(patched(ARCHIVE, 30, b"a.exe"))
    assert set(members) == {"a.txt", "a.exe"}
    assert "zip:views-differ" in oddities


def test_deflated_members_that_claim_to_be_stored_are_inflated():
    """CVE-2026-0866: the method lies, so the other one is tried."""
    zombie = patched(patched(ARCHIVE, 8, b"\0\0"), CENTRAL + 10, b"\0\0")
    found = list(unpack(zombie, Budget()))
    assert Member("zip:inflate", b"hello" * 20, ("a.txt",)) in found
    assert "zip:stored-deflate" in opened(zombie)[1]


def test_forged_sizes_are_counted_not_believed():
    """A packed size of one octet does not cut the member short, and a stated size does not allocate anything."""
    forged = patched(ARCHIVE, CENTRAL + 20, struct.pack("<II", 1, 0x7FFFFFFF))
    members, oddities, _ = opened(forged)
    assert members["a.txt"] == b"hello" * 20
    assert {"zip:forged-size", "zip:views-differ"} <= oddities


def test_overlapping_members_are_named():
    """Fifield's bomb has members that share their bytes."""
    two = zipped({"a": b"x" * 50, "b": b"y" * 50}, zipfile.ZIP_STORED)
    second = two.rindex(b"PK\x01\x02")
    assert (
        "zip:overlap"
        in opened(patched(two, second + 42, struct.pack("<I", 5)))[1]
        | opened(patched(two, two.index(b"PK\x01\x02") + 20, struct.pack("<II", 90, 90)))[1]
    )


def test_encrypted_members_are_refused_by_name():
    """Without a password nothing inside was seen, and that is said."""
    encrypted = patched(patched(ARCHIVE, 6, b"\x01\0"), CENTRAL + 8, b"\x01\0")
    assert opened(encrypted)[2] == ["zip: 'a.txt' is encrypted"]


def test_unknown_methods_are_refused():
    """A method without a reader is uninspectable."""
    assert "no reader for method 97" in opened(patched(patched(ARCHIVE, 8, b"\x61\0"), CENTRAL + 10, b"\x61\0"))[2][0]


def test_damaged_members_are_refused_and_kept_packed():
    """What cannot be inflated is said, and its packed bytes are a part."""
    start = 30 + len("a.txt")
    found = list(unpack(patched(ARCHIVE, start, b"\xff\xff\xff"), Budget()))
    assert any(isinstance(one, Refusal) and "cannot be unpacked" in one.reason for one in found)
    assert any(isinstance(one, Member) and one.step == "zip:packed" for one in found)


def test_names_that_leave_the_folder_or_hold_nul_are_named():
    """Path traversal and NUL are oddities, and every plausible name is kept."""
    assert "zip:path-traversal" in opened(zipped({"../../a": b"x"}))[1]
    data = zipped({"aXexe.txt": b"x"}).replace(b"aXexe.txt", b"a\0exe.txt")
    found = [one for one in unpack(data, Budget()) if isinstance(one, Member)]
    assert found[0].names == ("a\ufffdexe.txt", "a")


def test_a_bomb_raises_at_the_limit():
    """The output is counted while it is made."""
    with pytest.raises(Exhausted, match="more than 1000 octets"):
        list(unpack(zipped({"a": bytes(1_000_000)}), Budget(Limits(output=1_000))))
