"""Base64 (RFC 2045 section 6.8) that not every program decodes alike.

Some skip what is no letter of the alphabet, some stop at it, some stop at ``=``, some start afresh behind it, some
take the four characters around it as one group, and some know the alphabet of URLs (RFC 4648 section 5).
"""

import binascii
import re
from typing import Final

_LETTERS: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_SKIPPED: Final = _LETTERS + b" \t\r\n"
_NO_LETTERS: Final = bytes(set(range(256)) - set(_LETTERS))
_NO_LETTERS_OR_PAD: Final = bytes(set(range(256)) - set(_LETTERS) - {ord("=")})
_URL_SAFE = bytes.maketrans(b"-_", b"+/")
_BLANK_LINE = re.compile(rb"\n[ \t\r\x0b]*\n")
_PAD = re.compile(rb"=+")
_ODD_LINE = re.compile(rb"(?m)^[^\n]*[^A-Za-z0-9+/=\s][^\n]*$")
_BEHIND_JUNK = re.compile(rb"[^A-Za-z0-9+/=\s][^\n]*")
_MAX_STARTS = 4
_MAGICS = (
    b"PK\x03\x04",
    b"MZ",
    b"%PDF",
    b"\xd0\xcf\x11\xe0",
    b"\x1f\x8b",
    b"Rar!",
    b"7z\xbc\xaf",
    b"{\\rt",
    b"\x7fELF",
)


def readings(body: bytes) -> tuple[list[bytes], str]:
    """Return what decoders make of a body, distinct, the usual one first; and what is wrong with it, or ``""``."""
    rest = body.translate(None, _SKIPPED)
    if not rest or rest in {b"=", b"=="}:
        regular = _regular(body, rest)
        if regular is not None:
            by_lines = _by_lines(body)
            if by_lines is None or by_lines == regular:
                return [regular], ""
            return [regular, by_lines], "lines that are no whole groups"
    found = [lenient(body)]
    padded = body.translate(None, _NO_LETTERS_OR_PAD)
    if b"=" in padded:
        found.append(letters(padded.partition(b"=")[0]))
        found.append(b"".join(letters(chunk) for chunk in _PAD.split(padded)))
        found.append(_by_groups(padded))
        found.append(_by_groups(padded, keep_going=False))
        found.append(letters(padded.replace(b"=", b"A")))  # a table that maps both to zero
    if rest.strip(b"="):
        found.append(lenient(_ODD_LINE.sub(b"", body)))
        found.append(lenient(_BEHIND_JUNK.sub(b"", body)))
        if b"-" in rest or b"_" in rest:
            found.append(lenient(body.translate(_URL_SAFE)))
    found.extend(_from_later_starts(body, padded))
    found.append(_by_lines(body) or b"")
    return [data for data in dict.fromkeys(found) if data] or [b""], _wrong(rest, body)


def letters(text: bytes) -> bytes:
    """Decode letters of the alphabet alone; a last group of one letter says nothing and is dropped."""
    usable = len(text) - (len(text) % 4 == 1)
    return binascii.a2b_base64(text[:usable] + b"=" * (-usable % 4))


def lenient(body: bytes) -> bytes:
    """Decode every letter of the alphabet, skipping everything else, padding included."""
    return letters(body.translate(None, _NO_LETTERS))


def _regular(body: bytes, pad: bytes) -> bytes | None:
    """Decode a body in which no reader sees anything odd, or return ``None``."""
    if pad and not body.rstrip(b" \t\r\n").endswith(pad):
        return None
    try:
        return binascii.a2b_base64(body)
    except binascii.Error:
        return None


def _by_lines(body: bytes) -> bytes | None:
    """Decode each line by itself, without what makes no whole group; ``None`` where all lines are whole."""
    width = body.find(b"\n") + 1
    if width and not len(body[: width - 1].rstrip(b"\r")) % 4:
        ends = body[width - 1 :: width]
        if ends.count(b"\n") == len(ends) and body.count(b"\n") <= len(ends) + 2:
            return None
    lines = body.split()
    if all(length % 4 == 0 for length in set(map(len, lines[:-1]))):
        return None
    return letters(b"".join(line[: len(line) & ~3] for line in lines).translate(None, _NO_LETTERS))


def _by_groups(padded: bytes, *, keep_going: bool = True) -> bytes:
    """Decode four characters at a time, as a group of fewer letters where ``=`` is among them."""
    pieces: list[bytes] = []
    at = 0
    for match in _PAD.finditer(padded):
        group = match.start() - match.start() % 4
        if group < at:
            continue
        pieces.append(letters(padded[at:group].replace(b"=", b"")))
        pieces.append(letters(padded[group : group + 4].replace(b"=", b"")))
        at = group + 4
        if not keep_going:
            return b"".join(pieces)
    pieces.append(letters(padded[at:].replace(b"=", b"")))
    return b"".join(pieces)


def _from_later_starts(body: bytes, padded: bytes) -> list[bytes]:
    """Decode from behind blank lines, and from the other three places in a group where a magic comes out."""
    found = [
        lenient(body[match.end() :]) for match, _ in zip(_BLANK_LINE.finditer(body), range(_MAX_STARTS), strict=False)
    ]
    text = padded.replace(b"=", b"")
    for shift in (1, 2, 3):
        shifted = letters(text[shift : shift + 4_000])
        at = min((place for magic in _MAGICS if (place := shifted.find(magic, 0, 2_000)) >= 0), default=-1)
        if at >= 0:
            found.append(letters(text[shift:]))
    return found


def _wrong(rest: bytes, body: bytes) -> str:
    if rest.strip(b"="):
        return f"{len(rest)} octets that are no base64"
    if not rest:
        return "padding is missing"
    return "padding before the end" if not body.rstrip().endswith(rest) else "more padding than a group can have"
