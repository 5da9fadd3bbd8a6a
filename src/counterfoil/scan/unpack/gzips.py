"""Compressed single files: gzip with all its streams, bzip2, xz and Zstandard."""

import bz2
import lzma
import zlib
from collections.abc import Iterator
from typing import Final, Protocol

import zstandard

from counterfoil.scan.limits import Budget, Exhausted
from counterfoil.scan.unpack.member import Member, Oddity, Refusal

ODDITIES: Final = {
    "gzip:several-streams": "several streams follow one another: some programs read the first only",
    "gzip:trailing-data": "bytes that are no stream stand behind the last one",
}
_MEMORY = 1 << 27
_MAX_STREAMS = 1_000


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


def unpack(data: bytes, budget: Budget) -> Iterator[Member | Refusal | Oddity]:
    """Yield each gzip stream, and all of them joined, which is what RFC 1952 section 2.2 says."""
    name = _gzip_name(data)
    yield from _streams("gzip", data, budget, name, b"\x1f\x8b")


def unpack_bzip2(data: bytes, budget: Budget) -> Iterator[Member | Refusal | Oddity]:
    """Yield the contents of a bzip2 file."""
    yield from _streams("bzip2", data, budget, "", b"BZh")


def unpack_xz(data: bytes, budget: Budget) -> Iterator[Member | Refusal | Oddity]:
    """Yield the contents of an xz file."""
    yield from _streams("xz", data, budget, "", b"\xfd7zXZ\x00")


def unpack_zstd(data: bytes, budget: Budget) -> Iterator[Member | Refusal | Oddity]:
    """Yield the contents of a Zstandard file."""
    room = budget.room()
    try:
        reader = zstandard.ZstdDecompressor(max_window_size=_MEMORY).stream_reader(data, read_across_frames=True)
        with reader:
            output = reader.read(room + 1)
    except zstandard.ZstdError as error:
        yield Refusal(f"zstd: {error}")
        return
    if len(output) > room:
        raise Exhausted(f"more than {budget.limits.output} octets when unpacked")
    yield Member("zstd", output)


def _start(step: str) -> _Decompressor:
    if step == "gzip":
        return zlib.decompressobj(31)
    if step == "bzip2":
        return bz2.BZ2Decompressor()
    return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_MEMORY)


def _streams(step: str, data: bytes, budget: Budget, name: str, magic: bytes) -> Iterator[Member | Refusal | Oddity]:
    outputs: list[bytes] = []
    room = budget.room()
    rest = data
    names = (name,) if name else ()
    while rest.startswith(magic) and len(outputs) < _MAX_STREAMS:
        decompressor = _start(step)
        try:
            outputs.append(decompressor.decompress(rest, room + 1))
        except (zlib.error, OSError, lzma.LZMAError, EOFError, ValueError) as error:
            yield Refusal(f"{step}: stream {len(outputs) + 1} cannot be unpacked: {error}")
            break
        room -= len(outputs[-1])
        if room < 0:
            raise Exhausted(f"more than {budget.limits.output} octets when unpacked")
        if not decompressor.eof:
            yield Refusal(f"{step}: stream {len(outputs)} is cut short")
            rest = b""
            break
        rest = decompressor.unused_data
    if rest.startswith(magic) and len(outputs) >= _MAX_STREAMS:
        yield Refusal(f"{step}: more than {_MAX_STREAMS} streams")
    elif rest.strip(b"\0") and outputs:
        yield Oddity("gzip:trailing-data", f"{len(rest)} octets")
        yield Member(f"{step}:trailing", rest)
    if len(outputs) > 1:
        yield Oddity("gzip:several-streams", f"{len(outputs)} streams")
        yield Member(f"{step}:joined", b"".join(outputs), names)
        for output in outputs:
            if output:
                yield Member(step, output, names)
    elif outputs:
        yield Member(step, outputs[0], names)


def _gzip_name(data: bytes) -> str:
    """Return the FNAME field (RFC 1952 section 2.3.1), which is ISO 8859-1."""
    if len(data) < 10 or not data[3] & 0x08:
        return ""
    at = 10
    if data[3] & 0x04:
        at += 2 + int.from_bytes(data[10:12], "little")
    end = data.find(b"\0", at, at + 4096)
    return data[at:end].decode("latin-1") if end > at else ""
