"""ZIP as its readers see it: through the central directory, and as a stream of local headers.

Both views are listed because programs differ in which they follow ("My ZIP isn't your ZIP", USENIX Security 2025).
Offsets are into the bytes given, whatever precedes the archive. Source: PKWARE APPNOTE 6.3.10.
"""

import bz2
import lzma
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import zstandard

LOCAL = b"PK\x03\x04"
CENTRAL = b"PK\x01\x02"
END = b"PK\x05\x06"
END64 = b"PK\x06\x06"
DESCRIPTOR = b"PK\x07\x08"

STORED, DEFLATED, DEFLATE64, BZIP2, LZMA, ZSTD, XZ, AES = 0, 8, 9, 12, 14, 93, 95, 99
METHODS = frozenset({STORED, DEFLATED, BZIP2, LZMA, ZSTD, XZ})
MAX_DIRECTORIES = 64

_LOCAL = struct.Struct("<4sHHHHHIIIHH")
_CENTRAL = struct.Struct("<4sHHHHHHIIIHHHHHII")
_END = struct.Struct("<4sHHHHIIH")
_HUGE = 0xFFFFFFFF
_CHUNK = 1 << 20


class Broken(ValueError):
    """The compressed bytes cannot be read; ``str()`` says why."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One file as one of the two views describes it; ``offset`` is where its local header is."""

    name: bytes
    flags: int
    method: int
    crc: int
    compressed: int
    size: int
    offset: int

    @property
    def encrypted(self) -> bool:
        """Whether the contents need a password."""
        return bool(self.flags & 0x1) or self.method == AES

    @property
    def described_later(self) -> bool:
        """Whether sizes and checksum stand behind the data (general purpose bit 3)."""
        return bool(self.flags & 0x8)


def directories(data: bytes) -> list[list[Entry]]:
    """Return the entries of every central directory, the last (which most programs follow) first."""
    found: list[list[Entry]] = []
    starts: set[int] = set()
    at = data.rfind(END)
    while at >= 0 and len(found) < MAX_DIRECTORIES:
        start, base = _directory_start(data, at)
        if start not in starts:
            starts.add(start)
            found.append(list(_directory(data, start, base)))
        at = data.rfind(END, 0, at)
    return found


def count_directories(data: bytes) -> int:
    """Count the end records: an honest archive has one."""
    return data.count(END)


def stream(data: bytes, room: int, start: int = 0, stop: int | None = None) -> list[Entry]:
    """Return the entries that a reader sees who goes from local header to local header.

    Args:
        data: The archive, perhaps with something before, between and behind.
        room: How many octets may be inflated to find the ends of entries that do not state their sizes.
        start: Where to begin.
        stop: Where to end, by default with the bytes.
    """
    entries: list[Entry] = []
    stop = len(data) if stop is None else stop
    at = data.find(LOCAL, start, stop)
    while at >= 0:
        entry = local(data, at)
        if entry is None:
            at = data.find(LOCAL, at + 4, stop)
            continue
        contents = data_start(data, entry)
        if entry.described_later and not entry.compressed:
            used, room = _deflated_length(data, contents, room) if entry.method == DEFLATED else (0, room)
            entry = _described(data, entry, contents, used)
        entries.append(entry)
        at = data.find(LOCAL, min(contents + entry.compressed, stop), stop)
    return entries


def local(data: bytes, at: int) -> Entry | None:
    """Read the local header at an offset, or return ``None`` where there is none."""
    if at < 0 or at + _LOCAL.size > len(data) or not data.startswith(LOCAL, at):
        return None
    _, _, flags, method, _, _, crc, compressed, size, name, extra = _LOCAL.unpack_from(data, at)
    end = at + _LOCAL.size + name
    if _HUGE in {compressed, size}:
        compressed, size, _ = _zip64(data[end : end + extra], compressed, size, 0)
    return Entry(data[at + _LOCAL.size : end], flags, method, crc, compressed, size, at)


def data_start(data: bytes, entry: Entry) -> int:
    """Return where the contents begin, by the local header."""
    if entry.offset + _LOCAL.size > len(data):
        return len(data)
    name, extra = struct.unpack_from("<HH", data, entry.offset + 26)
    return int(entry.offset + _LOCAL.size + name + extra)


def expand(packed: bytes, method: int, limit: int) -> tuple[bytes, bool]:
    """Decompress at most ``limit`` octets; the flag says whether the stream came to its end.

    Raises:
        Broken: If the bytes are not what the method says, or the method is unknown.
    """
    if method == STORED:
        return packed[:limit], len(packed) <= limit
    try:
        return _expand(packed, method, limit)
    except (zlib.error, OSError, lzma.LZMAError, zstandard.ZstdError, EOFError, ValueError) as error:
        raise Broken(f"method {method}: {error}") from error


def _expand(packed: bytes, method: int, limit: int) -> tuple[bytes, bool]:
    if method == DEFLATED:
        inflate = zlib.decompressobj(-15)
        return inflate.decompress(packed, limit), inflate.eof
    if method == BZIP2:
        bunzip = bz2.BZ2Decompressor()
        return bunzip.decompress(packed, limit), bunzip.eof
    if method == XZ:
        unxz = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=1 << 27)
        return unxz.decompress(packed, limit), unxz.eof
    if method == LZMA:
        return _expand_lzma(packed, limit)
    if method == ZSTD:
        with zstandard.ZstdDecompressor(max_window_size=1 << 27).stream_reader(packed) as reader:
            output = reader.read(limit)
            return output, not reader.read(1)
    raise Broken(f"method {method} is not one we read")


def _expand_lzma(packed: bytes, limit: int) -> tuple[bytes, bool]:
    # APPNOTE 5.8.8: two octets of version, two of length, then the properties, then a raw stream.
    if len(packed) < 9:
        raise Broken("LZMA header is cut short")
    properties, dictionary = packed[4], int.from_bytes(packed[5:9], "little")
    if dictionary > 1 << 27:
        raise Broken(f"LZMA asks for a dictionary of {dictionary} octets")
    rest, lc = divmod(properties, 9)
    pb, lp = divmod(rest, 5)
    filters = [{"id": lzma.FILTER_LZMA1, "dict_size": dictionary, "lc": lc, "lp": lp, "pb": pb}]
    unlzma = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=filters)
    output = unlzma.decompress(packed[9:], limit)
    return output, unlzma.eof or len(output) < limit


def _directory_start(data: bytes, end: int) -> tuple[int, int]:
    """Return where the directory starts that an end record speaks of, and what to add to its offsets."""
    if end + _END.size > len(data):
        return end, 0
    _, _, _, _, _, size, offset, _ = _END.unpack_from(data, end)
    tail = end
    if _HUGE in {size, offset}:
        record = data.rfind(END64, max(0, end - 4096), end)
        if record >= 0 and record + 56 <= len(data):
            size, offset = struct.unpack_from("<QQ", data, record + 40)
            tail = record
    behind = tail - size
    if behind >= 0 and (size == 0 or data.startswith(CENTRAL, behind)):
        return behind, behind - offset
    return min(offset, len(data)), 0


def _directory(data: bytes, at: int, base: int) -> Iterator[Entry]:
    while at + _CENTRAL.size <= len(data) and data.startswith(CENTRAL, at):
        fields = _CENTRAL.unpack_from(data, at)
        flags, method, crc, compressed, size = fields[3], fields[4], fields[7], fields[8], fields[9]
        name_length, extra_length, comment_length, offset = fields[10], fields[11], fields[12], fields[16]
        name_end = at + _CENTRAL.size + name_length
        if _HUGE in {compressed, size, offset}:
            extra = data[name_end : name_end + extra_length]
            compressed, size, offset = _zip64(extra, compressed, size, offset)
        name = data[at + _CENTRAL.size : name_end]
        yield Entry(name, flags, method, crc, compressed, size, max(0, offset + base))
        at = name_end + extra_length + comment_length


def _zip64(extra: bytes, compressed: int, size: int, offset: int) -> tuple[int, int, int]:
    """Replace the values that say 0xFFFFFFFF by those of the Zip64 extra field (APPNOTE 4.5.3)."""
    at = 0
    while at + 4 <= len(extra):
        tag, length = struct.unpack_from("<HH", extra, at)
        if tag == 1:
            numbers = iter(struct.unpack_from(f"<{min(length, len(extra) - at - 4) // 8}Q", extra, at + 4))
            size = next(numbers, size) if size == _HUGE else size
            compressed = next(numbers, compressed) if compressed == _HUGE else compressed
            offset = next(numbers, offset) if offset == _HUGE else offset
            break
        at += 4 + length
    return compressed, size, offset


def _deflated_length(data: bytes, start: int, room: int) -> tuple[int, int]:
    """Return how many octets a deflated stream takes up, and the room that is left after finding out."""
    inflate = zlib.decompressobj(-15)
    pending = data[start : start + _CHUNK]
    at = start + len(pending)
    try:
        while room > 0 and not inflate.eof:
            room -= len(inflate.decompress(pending, min(_CHUNK, room)))
            pending = inflate.unconsumed_tail
            if not pending and not inflate.eof:
                pending = data[at : at + _CHUNK]
                if not pending:
                    break
                at += len(pending)
    except zlib.error:
        return 0, room
    return at - start - len(inflate.unused_data) - len(pending) * (not inflate.eof), room


def _described(data: bytes, entry: Entry, start: int, used: int) -> Entry:
    """Complete an entry from the data descriptor behind its contents (APPNOTE 4.3.9)."""
    at = start + used
    if not used:
        at = data.find(DESCRIPTOR, start)
        used = max(at - start, 0)
    if data.startswith(DESCRIPTOR, at):
        at += 4
    if at < 0 or at + 12 > len(data):
        return Entry(entry.name, entry.flags, entry.method, entry.crc, used, entry.size, entry.offset)
    crc, _, size = struct.unpack_from("<III", data, at)
    return Entry(entry.name, entry.flags, entry.method, crc, used, size, entry.offset)
