"""gzip and its kin, tar."""

import bz2
import gzip
import io
import lzma
import tarfile

import pytest
import zstandard

from counterfoil.scan.limits import Budget, Exhausted, Limits
from counterfoil.scan.unpack import gzips, tars
from counterfoil.scan.unpack.member import Member, Oddity, Refusal

COMPRESSED = {
    "gzip": (gzips.unpack, gzip.compress(b"hello")),
    "bzip2": (gzips.unpack_bzip2, bz2.compress(b"hello")),
    "xz": (gzips.unpack_xz, lzma.compress(b"hello")),
    "zstd": (gzips.unpack_zstd, zstandard.compress(b"hello")),
}


@pytest.mark.parametrize(("unpack", "data"), COMPRESSED.values(), ids=COMPRESSED)
def test_compressed_files_are_opened(unpack, data):
    """One stream, one member, nothing to remark."""
    assert [one.data for one in unpack(data, Budget())] == [b"hello"]


@pytest.mark.parametrize(("unpack", "data"), COMPRESSED.values(), ids=COMPRESSED)
def test_compressed_files_stop_at_the_limit(unpack, data):
    """Output is bounded whatever the format."""
    with pytest.raises(Exhausted, match="more than 3 octets"):
        list(unpack(data, Budget(Limits(output=3))))


@pytest.mark.parametrize(("unpack", "data"), list(COMPRESSED.values())[:3], ids=list(COMPRESSED)[:3])
def test_damaged_files_are_refused(unpack, data):
    """A stream that ends early or is broken is uninspectable, and what came out of it is kept."""
    assert any(isinstance(one, Refusal) for one in unpack(data[:-6], Budget()))


def test_several_streams_are_read_alone_and_together():
    """Some programs read the first stream only, some all of them."""
    found = list(gzips.unpack(gzip.compress(b"one") + gzip.compress(b"two") + b"tail", Budget()))
    assert {one.data for one in found if isinstance(one, Member)} == {b"onetwo", b"one", b"two", b"tail"}
    assert {one.name for one in found if isinstance(one, Oddity)} == {"gzip:several-streams", "gzip:trailing-data"}


def test_the_name_in_a_gzip_header_is_a_name():
    """FNAME tells what the file was called."""
    buffer = io.BytesIO()
    with gzip.GzipFile("a.exe", "wb", fileobj=buffer) as file:
        file.write(b"x")
    assert next(iter(gzips.unpack(buffer.getvalue(), Budget()))).names == ("a.exe",)


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_tar_in_every_form(form):
    """Long names, too, in the form's own way."""
    long_name = "d/" * 60 + "a.txt" if form != tarfile.USTAR_FORMAT else "d/" * 40 + "a.txt"
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as archive:
        for name in (long_name, "b.txt"):
            info = tarfile.TarInfo(name)
            info.size = 5
            archive.addfile(info, io.BytesIO(b"hello"))
    found = list(tars.unpack(buffer.getvalue(), Budget()))
    assert [(one.names, one.data) for one in found] == [((long_name,), b"hello"), (("b.txt",), b"hello")]


def test_what_a_tar_hides_is_named():
    """Links, names that leave the folder, and what follows the end."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        link = tarfile.TarInfo("l")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
        archive.addfile(tarfile.TarInfo("../x"))
    found = list(tars.unpack(buffer.getvalue() + b"PK\x03\x04more", Budget()))
    assert {one.name for one in found if isinstance(one, Oddity)} == {
        "tar:link",
        "tar:path-traversal",
        "tar:trailing-data",
    }
    assert any(isinstance(one, Member) and one.data.endswith(b"PK\x03\x04more") for one in found)


def test_a_damaged_tar_is_refused():
    """A header that cannot be read ends the reading, and that is said."""
    found = list(tars.unpack(b"a" * 600, Budget()))
    assert [one.reason for one in found] == ["tar: no readable header at octet 0"]
