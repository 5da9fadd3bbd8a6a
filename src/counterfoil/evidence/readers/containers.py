"""Bytes to text: gzip, Zstandard and zip opened in pieces, and the encodings that exporters write.

Every opening is bounded: depth, bytes out, and the ratio of bytes out to bytes in.
"""

import codecs
import io
import zipfile
import zlib
from collections.abc import Callable, Iterator
from typing import IO, cast

import zstandard

from counterfoil.evidence.readers.records import Text

Pull = Callable[[], bytes]
"""Gives the next piece of a stream, ``b""`` at its end."""

DEEPEST = 3
LARGEST_ZIP = 512 << 20
BOMB_BYTES = 256 << 20
BOMB_RATIO = 300
_PIECE = 1 << 20
_SAMPLE = 4096
_TEXT = 100
"""Of so many octets of a text one may be zero at its start; a damaged cell is no reason to pass over the others."""
_END = b"\n\n-- the end, said by the reader --\n"
_MAGIC = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd", b"PK\x03\x04": "zip", b"PK\x05\x06": "zip"}


class Unreadable(Exception):
    """A container that cannot be opened (or not to its end), and why."""


def texts(name: str, pull: Pull, depth: int = 0) -> Iterator[tuple[str, Text | Unreadable]]:
    """Yield every text inside a file with its name (``outer.zip/inner.json``), or why there is none."""
    try:
        head = pull()
    except Unreadable as error:
        yield name, error
        return
    kind = next((kind for magic, kind in _MAGIC.items() if head.startswith(magic)), "text")
    rest = _with_head(head, pull)
    if kind == "text":
        try:
            yield name, Text(_decoder(head, rest))
        except Unreadable as error:
            yield name, error
    elif depth >= DEEPEST:
        yield name, Unreadable(f"containers nested more than {DEEPEST} deep")
    elif kind == "zip":
        yield from _members(name, rest, depth)
    else:
        yield from texts(name, _guarded(_gunzip(rest) if kind == "gzip" else _unzstd(rest)), depth + 1)


def _with_head(head: bytes, pull: Pull) -> Pull:
    waiting = [head]
    return lambda: waiting.pop() if waiting else pull()


def _guarded(pieces: Iterator[tuple[int, bytes]]) -> Pull:
    """Stop a stream whose output grows out of all proportion; pieces are (bytes in so far, bytes out)."""
    out = 0

    def pull() -> bytes:
        nonlocal out
        for taken, piece in pieces:
            out += len(piece)
            if out > BOMB_BYTES and out > BOMB_RATIO * taken:
                raise Unreadable(f"{taken} bytes open to more than {out}: a decompression bomb")
            if piece:
                return piece
        return b""

    return pull


def _gunzip(pull: Pull) -> Iterator[tuple[int, bytes]]:
    machine, taken = zlib.decompressobj(31), 0
    data = pull()
    while data:
        taken += len(data)
        try:
            while data:
                yield taken, machine.decompress(data, _PIECE)
                data = machine.unconsumed_tail
                if machine.eof:
                    data, machine = machine.unused_data.lstrip(b"\0"), zlib.decompressobj(31)
        except zlib.error as error:
            raise Unreadable(f"gzip: {error}") from None
        data = pull()
        if not data and machine.unused_data == b"" and not machine.eof and _begun(machine):
            raise Unreadable("gzip: the file is truncated")


def _begun(machine: "zlib._Decompress") -> bool:
    """Say whether a member was begun: a fresh machine still takes a whole empty member."""
    probe = machine.copy()
    try:
        probe.decompress(zlib.compress(b"", wbits=31))
    except zlib.error:
        return True
    return not probe.eof


def _unzstd(pull: Pull) -> Iterator[tuple[int, bytes]]:
    # A frame of our own behind the last one: it comes out whole only where that one was whole.
    raw = _Raw(pull, zstandard.ZstdCompressor().compress(_END))
    held = b""
    reader = zstandard.ZstdDecompressor(max_window_size=1 << 27).stream_reader(
        cast("IO[bytes]", raw), read_across_frames=True
    )
    while True:
        try:
            piece = reader.read(_PIECE)
        except zstandard.ZstdError as error:
            raise Unreadable(f"zstd: {error}") from None
        held += piece
        if not piece:
            break
        yield raw.taken, held[: -len(_END)]
        held = held[-len(_END) :]
    if held != _END:
        yield raw.taken, held
        raise Unreadable("zstd: the file is truncated")


class _Raw(io.RawIOBase):
    """A stream of pieces as a file that can be read."""

    def __init__(self, pull: Pull, last: bytes) -> None:
        super().__init__()
        self._pull, self._left, self._last, self.taken = pull, b"", last, 0

    def readable(self) -> bool:
        return True

    def readinto(self, into: bytearray | memoryview) -> int:  # type: ignore[override]  # Buffer has a name from 3.12 on
        room = memoryview(into)
        self._left = self._left or self._pull()
        if not self._left:
            self._left, self._last = self._last, b""
        piece, self._left = self._left[: len(room)], self._left[len(room) :]
        room[: len(piece)] = piece
        self.taken += len(piece)
        return len(piece)


def _members(name: str, pull: Pull, depth: int) -> Iterator[tuple[str, Text | Unreadable]]:
    whole = bytearray()
    while piece := pull():
        whole += piece
        if len(whole) > LARGEST_ZIP:
            yield name, Unreadable(f"a zip of more than {LARGEST_ZIP >> 20} MB: unpack it first")
            return
    try:
        archive = zipfile.ZipFile(io.BytesIO(whole))
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError) as error:
        yield name, Unreadable(f"zip: {error}")
        return
    for member in archive.infolist():
        base = member.filename.rsplit("/", 1)[-1]
        if member.is_dir() or base.startswith(".") or member.filename.startswith("__MACOSX/"):
            continue
        inner = f"{name}/{member.filename}"
        try:
            with archive.open(member) as stream:
                yield from texts(inner, _guarded(_pieces(stream, member.compress_size)), depth + 1)
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, zlib.error, EOFError) as error:
            yield inner, Unreadable(f"zip: {error}")


def _pieces(stream: IO[bytes], size: int) -> Iterator[tuple[int, bytes]]:
    while piece := stream.read(_PIECE):
        yield max(size, 1), piece


def _decoder(head: bytes, pull: Pull) -> Callable[[], str]:
    """Decode a stream by its byte order mark, else by its first bytes; stray bytes are read as Windows-1252."""
    encoding = "utf-8-sig"
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16"
    elif head[1:2] == b"\0" and head[:1] != b"\0":
        encoding = "utf-16-le"
    elif head[:1] == b"\0" and head[1:2] not in (b"\0", b""):
        encoding = "utf-16-be"
    elif head.count(b"\0", 0, _SAMPLE) * _TEXT > min(len(head), _SAMPLE):
        raise Unreadable("neither text nor a container that we know")
    decoder = codecs.getincrementaldecoder(encoding)("counterfoil-1252")

    def more() -> str:
        while piece := pull():
            if text := decoder.decode(piece):
                return text
        return decoder.decode(b"", True)  # noqa: FBT003 - "final" is positional in the standard library

    return more


def _as_1252(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    stray = error.object[error.start : error.end]
    return stray.decode("cp1252", "replace"), error.end


codecs.register_error("counterfoil-1252", _as_1252)
