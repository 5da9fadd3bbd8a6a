"""Files that a page carries in its script, as smuggling does (MITRE ATT&CK T1027.006): decoded, never run.

Long literals of base64, of hex and of decimal octets, and ``data:`` links, are decoded where the result is a
file of a kind that means something; pictures and fonts that pages carry openly are left where they are.

``ODDITIES``: ``html:hidden-file`` (what was found, and how it was written).
"""

import base64
import binascii
import re
from collections.abc import Callable, Iterator

from counterfoil.scan.kinds import Kind, kinds_of
from counterfoil.scan.limits import Budget
from counterfoil.scan.unpack.member import Member, Oddity, Refusal

STEP = "html:blob"
SHORTEST = 160
"""Octets of a literal that are worth decoding."""

BASE64 = re.compile(rb"[A-Za-z0-9+/]{40,}={0,2}")
HEXADECIMAL = re.compile(rb"(?:(?:\\x|%)?[0-9A-Fa-f]{2}){40,}")
DECIMAL = re.compile(rb"(?:\d{1,3}\s*,\s*){40,}\d{1,3}")

OPEN = re.compile(rb"data:(?:image|font|audio|video)/[\w.+-]+;base64,\s*$", re.IGNORECASE)
"""What stands before a picture that a page carries openly."""

JOINED = re.compile(rb"[\"']\s*\+\s*[\"']|\\\r?\n")
"""Pieces of a literal that are put together again, and lines that are continued."""

DULL = frozenset(
    {Kind.DATA, Kind.EMPTY, Kind.TEXT, Kind.PNG, Kind.JPEG, Kind.GIF, Kind.BMP, Kind.TIFF, Kind.WEBP, Kind.ICO}
)
DULL |= {Kind.FONT, Kind.MP3, Kind.MP4, Kind.WAV, Kind.OGG, Kind.DOS, Kind.ARJ, Kind.CPIO, Kind.COMPRESS}
"""What pages carry openly, and kinds of two octets of magic, which a random token may begin with."""

SCRIPTED = (b"<script", b"atob", b"data:", b"Blob", b"fromCharCode")


def unpack(data: bytes, budget: Budget) -> Iterator[Member | Refusal | Oddity]:
    """Yield every file that a literal of the page decodes to."""
    text = data.replace(b"\0", b"")  # UTF-16 too, as far as it is ASCII
    if not any(mark in text for mark in SCRIPTED):
        return
    text = JOINED.sub(b"", text)
    seen: set[bytes] = set()
    for how, pattern, decode in _WAYS:
        for match in pattern.finditer(text):
            if how == "base64" and OPEN.search(text, max(match.start() - 80, 0), match.start()):
                continue
            if len(match.group()) < SHORTEST:
                continue
            content = decode(match.group())
            if not content or len(content) > budget.room() or content in seen:
                continue
            kinds = kinds_of(content)
            if kinds[0] not in DULL:
                seen.add(content)
                yield Oddity("html:hidden-file", f"{how}: {kinds[0]}")
                yield Member(STEP, content)


def _base64(text: bytes) -> bytes:
    try:
        return base64.b64decode(text[: len(text) // 4 * 4])
    except binascii.Error:
        return b""


def _hexadecimal(text: bytes) -> bytes:
    return bytes.fromhex(text.replace(b"\\x", b"").replace(b"%", b"").decode())


def _decimal(text: bytes) -> bytes:
    numbers = [int(number) for number in text.split(b",")]
    return bytes(numbers) if max(numbers) < 256 else b""


_WAYS: tuple[tuple[str, re.Pattern[bytes], Callable[[bytes], bytes]], ...] = (
    ("base64", BASE64, _base64),
    ("hexadecimal", HEXADECIMAL, _hexadecimal),
    ("decimal", DECIMAL, _decimal),
)
