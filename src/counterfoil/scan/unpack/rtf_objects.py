r"""Objects in RTF files: the hex behind ``\objdata``, read as forgivingly as Word does, and what OLE 1 wraps in it.

[MS-OLEDS] section 2.2.4 (ObjectHeader) and 2.2.5 (EmbeddedObject); RTF specification 1.9.1, "Objects".
"""

import re
import struct
from collections.abc import Iterator

from counterfoil.scan.limits import Budget
from counterfoil.scan.unpack import oles
from counterfoil.scan.unpack.member import Member, Oddity, Refusal

STEP = "rtf:object"
OBJECT_DATA = re.compile(rb"\\objdata(?![a-z])[-\d]*", re.IGNORECASE)
TOKEN = re.compile(
    rb"\\bin(\d{1,9}) ?|([{}])|\\'[0-9a-fA-F]{2}|\\[a-zA-Z]{1,32}-?\d{0,10} ?|\\.|([0-9a-fA-F]+)|[^\\{}0-9a-fA-F]+",
    re.DOTALL,
)
MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
EMBEDDED = 2
LONGEST_NAME = 1024


def unpack(data: bytes, budget: Budget) -> Iterator[Member | Refusal | Oddity]:
    r"""Yield the object behind each ``\objdata``; one that is no OLE 1 object comes out as its bytes.

    Groups within the data may be text to one reader and ignored by another: both readings are given where
    they differ.
    """
    del budget  # what comes out is no longer than what went in, and the caller counts it
    match = OBJECT_DATA.search(data)
    while match:
        whole, outer, end = _object_data(data, match.end())
        yield from (_opened(content) for content in dict.fromkeys((whole, outer)) if content)
        match = OBJECT_DATA.search(data, end)


def _object_data(data: bytes, start: int) -> tuple[bytes, bytes, int]:
    """Return the octets of the group with and without those of groups within it, and where it ends."""
    pieces: list[tuple[int, bytes]] = []
    raw: list[bytes] = []
    depth, at = 0, start
    while match := TOKEN.match(data, at):
        at = match.end()
        length, brace, hexadecimal = match.groups()
        if brace:
            depth += 1 if brace == b"{" else -1
            if depth < 0:
                break
        elif length is not None:
            raw.append(data[at : at + int(length)])
            at += int(length)
        elif hexadecimal:
            pieces.append((depth, hexadecimal))
    whole = _octets(b"".join(piece for _, piece in pieces))
    outer = _octets(b"".join(piece for inner, piece in pieces if not inner))
    binary = b"".join(raw)
    return whole + binary, outer + binary, at


def _octets(digits: bytes) -> bytes:
    return bytes.fromhex(digits[: len(digits) // 2 * 2].decode("ascii"))


def _opened(content: bytes) -> Member:
    """Return what an OLE 1 object embeds: a package's file, a compound file, or its native data."""
    parsed = _native(content)
    if parsed is not None:
        name, native = parsed
        if name.lower() == "package":
            package = oles.native(struct.pack("<I", len(native)) + native)
            if package is not None:
                return Member(STEP, package.data, package.names)
        return Member(STEP, native)
    start = content.find(MAGIC)
    return Member(STEP, content[start:] if start > 0 else content)


def _native(content: bytes) -> tuple[str, bytes] | None:
    """Return class name and native data of an EmbeddedObject, or ``None`` where the bytes are none."""
    if len(content) < 12 or int.from_bytes(content[4:8], "little") != EMBEDDED:
        return None
    at, words = 8, []
    for _ in range(3):  # class, topic, item
        length = int.from_bytes(content[at : at + 4], "little")
        if length > LONGEST_NAME or at + 4 + length > len(content):
            return None
        words.append(content[at + 4 : at + 4 + length].rstrip(b"\0").decode("latin-1"))
        at += 4 + length
    size = int.from_bytes(content[at : at + 4], "little")
    native = content[at + 4 : at + 4 + size]
    return (words[0], native) if native else None
