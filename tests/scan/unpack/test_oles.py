import struct

import pytest
from tests.scan.compound_writer import compound
from tests.scan.making import scanned_file

from counterfoil.scan.limits import Budget
from counterfoil.scan.unpack.member import Refusal
from counterfoil.scan.unpack.oles import command, native, unpack


def packaged(label: bytes, source: bytes, temporary: bytes, contents: bytes) -> bytes:
    """An Ole10Native stream as the Packager writes it."""
    body = b"\x02\x00" + label + b"\0" + source + b"\0" + struct.pack("<HHI", 0, 3, len(temporary) + 1)
    body += temporary + b"\0" + struct.pack("<I", len(contents)) + contents
    return struct.pack("<I", len(body)) + body


def test_packages_have_the_names_of_all_three_places():
    """Label, source path and temporary path may lie apart; each is a plausible name."""
    member = native(packaged(b"invoice.pdf", b"C:\\x\\a.exe", b"C:\\Temp\\b.scr", b"MZ data"))
    assert member is not None
    assert (member.names, member.data) == (("invoice.pdf", "a.exe", "b.scr"), b"MZ data")


def test_a_command_in_place_of_a_file_is_told():
    """The Packager marks a command line with 1 where it marks a file with 3; a file is not taken for a command."""
    run = b"C:\\Windows\\System32\\calc.exe"
    body = b"\x02\x00Invoice\0" + run + b"\0" + struct.pack("<HHH", 0, 1, 1) + run + b"\0"
    stream = struct.pack("<I", len(body)) + body
    assert (command(stream), native(stream)) == (run.decode(), None)
    assert command(packaged(b"a", b"b", b"c", b"MZ data")) == ""
    scan = scanned_file("offer.doc", compound({"ObjectPool/_1/\x01Ole10Native": stream}))
    assert ("packager-command", run.decode()) in {(one.check, one.evidence.get("command")) for one in scan.findings}


@pytest.mark.parametrize("cut", [0, 5, 8, 20])
def test_cut_short_packages_are_no_command(cut):
    """Reading past the end finds nothing to run."""
    assert command(packaged(b"a", b"b", b"c", b"MZ data")[:cut]) == ""


@pytest.mark.parametrize("cut", [0, 5, 8, 20])
def test_cut_short_packages_are_no_package(cut):
    """What cannot be read as one is left to be a stream like any other."""
    assert native(packaged(b"a", b"b", b"c", b"MZ data")[:cut]) is None


def test_damaged_compound_files_are_refused():
    """The magic alone is no compound file, and that is said."""
    found = list(unpack(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(2_000), Budget()))
    assert all(isinstance(one, Refusal) and one.reason.startswith("ole: ") for one in found)
    assert found


@pytest.mark.corpus
def test_embedded_files_of_real_documents_are_found(corpora):
    """A document with a packaged file yields the file under its name."""
    folder = corpora / "office" / "oletools" / "tests" / "test-data" / "oleobj"
    embedded = {
        part.names
        for path in sorted(folder.glob("embedded-simple-2007.*"))
        for part in scanned_file(path.name, path.read_bytes()).parts
        if "ole:package" in part.via
    }
    assert any(name.endswith("simple-text-file.txt") for names in embedded for name in names)


def test_outlook_messages_yield_links_and_named_attachments():
    """The body of a .msg is UTF-16 in a stream, the attachment and its name are streams of one storage."""
    data = compound(
        {
            "__properties_version1.0": bytes(32),
            "__substg1.0_1000001F": "see https://evil.example/x".encode("utf-16-le"),
            "__attach_version1.0_#00000000/__substg1.0_3707001F": "a.exe".encode("utf-16-le"),
            "__attach_version1.0_#00000000/__substg1.0_37010102": b"MZ data",
        }
    )
    scan = scanned_file("m.msg", data)
    assert scan.parts[0].detected_type == "application/vnd.ms-outlook"
    assert "https://evil.example/x" in {link.url for link in scan.links}
    attachment = next(part for part in scan.parts if part.via[-1:] == ("ole:attachment",))
    assert (attachment.names[0], attachment.data) == ("a.exe", b"MZ data")
