"""The text of a part in every character set in which a client may show it (RFC 2046 section 4.1.2)."""

import re
from dataclasses import dataclass
from typing import Final

from counterfoil.scan.mime.words import decode, is_charset

_UTF7 = re.compile(rb"\+A(?:Dw|GgA|G)[A-Za-z0-9+/]{0,200}-")  # '<' or 'h', in Base64 of UTF-16
_META = re.compile(rb"<meta[^>]{0,300}charset[\s\"'=]{1,5}([A-Za-z0-9_.:-]{1,40})", re.IGNORECASE)
_ISO_2022 = re.compile(rb"\x1b(?:\$[@AB()]|\([BIJ]|\.[AF])")
_ASCII_SUPERSETS: Final = frozenset({"", "us-ascii", "ascii", "utf-8", "utf8"})
_SAMPLE: Final = 8_192


@dataclass(frozen=True, slots=True)
class Reading:
    """A text, and the character set that it was read in."""

    charset: str
    text: str


def texts_of(data: bytes, declared: str) -> list[Reading]:
    """Return the distinct readings of some text, the usual one first."""
    name = declared.strip("\"' \t").lower()
    if data.isascii() and b"\x1b" not in data and b"\0" not in data[:_SAMPLE]:
        if name in _ASCII_SUPERSETS and b"+A" not in data:
            return [Reading(name or "us-ascii", data.decode("ascii"))]
        if not _wide(name) and name != "utf-7" and not _UTF7.search(data):
            return [Reading(name, data.decode("ascii"))] if is_charset(name) or not name else _unknown(data, name)
    readings = [Reading(name or "utf-8", decode(data, name or "utf-8"))]
    for other in _sniffed(data, name):
        text = decode(data, other)
        if all(text != reading.text for reading in readings):
            readings.append(Reading(other, text))
    return readings


def _unknown(data: bytes, name: str) -> list[Reading]:
    return [Reading(name, data.decode("ascii"))]


def _sniffed(data: bytes, name: str) -> list[str]:
    """Return the other character sets that a client may take the octets for."""
    found: list[str] = []
    head = data[:_SAMPLE]
    if head.startswith(b"\xff\xfe"):
        found.append("utf-16-le")
    elif head.startswith(b"\xfe\xff"):
        found.append("utf-16-be")
    elif head.startswith(b"\xef\xbb\xbf"):
        found.append("utf-8-sig")
    elif head.count(b"\0") * 4 > len(head):
        found.append("utf-16-le" if head[1:2] == b"\0" else "utf-16-be")
    elif _wide(name) and b"\0" not in head:
        found.append("utf-8")
    if _UTF7.search(data):
        found.append("utf-7")
    if _ISO_2022.search(head):
        found.append("iso-2022-jp")
    meta = _META.search(head)
    if meta and is_charset(meta[1].decode("ascii").lower()):
        found.append(meta[1].decode("ascii").lower())
    return [charset for charset in found if charset != name and _matters(data, charset)]


def _wide(name: str) -> bool:
    return name.startswith(("utf-16", "utf16", "utf-32", "utf32", "ucs"))


def _matters(data: bytes, charset: str) -> bool:
    """Leave out 8-bit sets that differ in accents only: no link, no tag and no word of script depends on them."""
    return charset in {"utf-16-le", "utf-16-be", "utf-7", "iso-2022-jp", "utf-8"} or (_wide(charset) and b"\0" in data)
