import io
import tarfile
import zipfile
from base64 import b64encode

import pytest
from tests.scan.making import scanned, scanned_file

from counterfoil.scan.dismantling import Dismantling
from counterfoil.scan.limits import Limits
from counterfoil.scan.unpack import registry

EXE = b"MZ" + bytes(58) + (64).to_bytes(4, "little") + b"PE\0\0" + bytes(40)


def zipped(**files: bytes) -> bytes:
    """A ZIP of some files; ``__`` in a name stands for a dot."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name.replace("__", "."), data)
    return buffer.getvalue()


def attached(data: bytes, name: str = "x.bin", declared: str = "application/octet-stream") -> bytes:
    """A message that is one attachment."""
    head = f"Content-Type: {declared}\r\nContent-Transfer-Encoding: base64\r\n"
    head += f'Content-Disposition: attachment; filename="{name}"'
    return b"From: a@example.com\r\n" + head.encode() + b"\r\n\r\n" + b64encode(data)


def reasons(scan) -> str:
    """Why things could not be inspected."""
    return "; ".join(one.reason for one in scan.uninspectable)


def test_containers_within_containers_are_opened_and_via_tells_the_way():
    """An executable in a ZIP in a TAR in a message is a part, with the whole way to it."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        info = tarfile.TarInfo("inner.zip")
        inner = zipped(a__exe=EXE)
        info.size = len(inner)
        archive.addfile(info, io.BytesIO(inner))
    scan = scanned(attached(buffer.getvalue()))
    last = scan.parts[-1]
    assert last.detected_type == "application/vnd.microsoft.portable-executable"
    assert last.via == ("base64", "gzip", "tar", "zip")
    assert last.names == ("a.exe",)
    assert last.id == "1/1/1/1"


def test_attached_messages_are_read_like_the_outer_one():
    """A message in a message is taken apart, declared or told by its looks, encoded or not."""
    inner = b"Received: x\r\nFrom: a@example.com\r\nSubject: inner\r\n" + attached(EXE, "a.exe")
    for declared in ("message/rfc822", "application/octet-stream"):
        scan = scanned(attached(inner, "m.eml", declared))
        assert scan.parts[-1].data == EXE
        assert scan.parts[-1].via == ("base64", "rfc822", "base64")


def test_same_bytes_are_opened_again_when_declared_otherwise():
    """A harmless declaration of the same bytes does not keep the second one from being opened."""
    inner = b"X: y\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n" + b64encode(
        EXE
    )
    part = b"--b\r\nContent-Type: %s\r\n\r\n" + inner + b"\r\n"
    raw = (
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
        + part % b"text/plain"
        + part % b"message/rfc822"
        + b"--b--"
    )
    assert any(one.data == EXE for one in scanned(raw).parts)


def test_a_bare_file_is_an_attachment():
    """A file on its own is examined under its own name."""
    scan = scanned_file("a.zip", zipped(b__exe=EXE))
    assert [one.names for one in scan.parts] == [("a.zip",), ("b.exe",)]


@pytest.mark.parametrize(
    "magic", [b"7z\xbc\xaf\x27\x1c\x00\x04", b"Rar!\x1a\x07\x01\x00", b"MSCF\0\0\0\0", b"!<arch>\n"]
)
def test_containers_that_we_cannot_open_are_uninspectable(magic):
    """What has no reader is said to have none, and never passed over."""
    assert "no reader for" in reasons(scanned(attached(magic + bytes(64))))


def test_a_bomb_stops_at_the_limit():
    """Ten megabytes out of ten kilobytes end at the limit on output, counted and not believed."""
    apart = Dismantling(Limits(output=1_000_000))
    apart.message(attached(zipped(a=bytes(10_000_000))))
    assert [one.reason for one in apart.uninspectable] == ["more than 1000000 octets when unpacked"]
    assert sum(one.size for one in apart.parts) < 1_000_000


def test_nested_containers_stop_at_the_limit():
    """A ZIP in a ZIP in a ZIP … ends at the depth that is allowed, and says so."""
    data = b"x"
    for _ in range(20):
        data = zipped(a__zip=data)
    assert "nested deeper than 16" in reasons(scanned(attached(data)))


def test_many_parts_stop_at_the_limit():
    """20,000 tiny parts end at the limit on parts."""
    raw = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nx\r\n" * 20_000 + b"--b--"
    scan = scanned(raw)
    assert "more than 2000 parts" in reasons(scan)
    assert len(scan.parts) <= 2_000


def test_an_exception_in_an_unpacker_is_uninspectable(monkeypatch):
    """Law 3: whatever an unpacker raises becomes a reason."""

    def broken(data, budget):
        raise ZeroDivisionError("on purpose")
        yield

    monkeypatch.setitem(registry.UNPACKERS, registry.Kind.ZIP, (broken,))
    assert "ZeroDivisionError: on purpose" in reasons(scanned(attached(zipped(a=b"x"))))


def test_text_is_read_in_every_character_set():
    """UTF-16 without a mark and UTF-7 show a link to the client that guesses, so they show it to us."""
    page = "<a href='https://evil.example/'>x</a>"
    for data in (page.encode("utf-16-le"), b"+ADw-a href='https://evil.example/'+AD4-x"):
        scan = scanned(attached(data, "a.html", "text/html"))
        assert "https://evil.example/" in {link.url for link in scan.links}, data


def test_a_control_character_does_not_hide_a_page():
    """Declared or named as markup, bytes are read as markup even where they hold what text does not."""
    page = b"\x01\x02\x03<a href='https://evil.example/'>x</a>"
    for name, declared in (("a.bin", "text/html"), ("a.html", "application/octet-stream")):
        assert [link.url for link in scanned(attached(page, name, declared)).links] == ["https://evil.example/"]


def test_polyglots_are_named():
    """An image with an archive behind it is both, and the archive is opened."""
    image = b"\x89PNG\r\n\x1a\n" + bytes(300) + zipped(a__exe=EXE)
    apart = Dismantling()
    apart.message(attached(image, "a.png", "image/png"))
    assert "content:polyglot" in {one.name for one in apart.ambiguities}
    assert apart.parts[-1].data == EXE


def test_links_in_invitations_are_unfolded():
    """An invitation folds its lines, also in the middle of a URL."""
    event = b"BEGIN:VCALENDAR\r\nDESCRIPTION:join https://evil.exam\r\n ple/x\r\nEND:VCALENDAR\r\n"
    assert [link.url for link in scanned(attached(event, "a.ics", "text/calendar")).links] == ["https://evil.example/x"]
