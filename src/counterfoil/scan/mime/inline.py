"""Files that lie in text, as they did before MIME: uuencode (POSIX), yEnc (1.3) and BinHex 4.0 (RFC 1741)."""

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from counterfoil.scan.limits import Exhausted


@dataclass(frozen=True, slots=True)
class InlineFile:
    """A file found in text; ``name`` as it is written there."""

    step: str
    name: str
    data: bytes


_UU_BEGIN = re.compile(rb"(?m)^begin[ \t]+[0-7]{3,4}[ \t]+([^\r\n]{0,255})\r?\n")
_UU_BASE64 = re.compile(rb"(?m)^begin-base64[ \t]+[0-7]{3,4}[ \t]+([^\r\n]{0,255})\r?\n")
_Y_BEGIN = re.compile(rb"(?m)^=ybegin [^\r\n]*?name=([^\r\n]{0,255})\r?\n(?:=ypart [^\r\n]*\r?\n)?")
_BINHEX = re.compile(rb"BinHex[^\r\n]{0,80}\r?\n\s*:")
_BINHEX_ALPHABET: Final = rb"""!"#$%&'()*+,-012345689@ABCDEFGHIJKLMNPQRSTUVXYZ[`abcdefhijklmpqr"""
_BASE64_ALPHABET: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_NOT_BASE64 = bytes(set(range(256)) - set(_BASE64_ALPHABET))
_FROM_BINHEX = bytes.maketrans(_BINHEX_ALPHABET, _BASE64_ALPHABET)
_NOT_BINHEX = bytes(set(range(256)) - set(_BINHEX_ALPHABET))
_YENC = bytes((octet - 42) % 256 for octet in range(256))
_YENC_ESCAPE = re.compile(rb"=(.)", re.DOTALL)
_MAX_FILES = 200


def files(text: bytes) -> Iterator[InlineFile]:
    """Yield the files that lie in the octets of a text; nearly free where there are none."""
    if b"begin" in text:
        yield from uuencoded(text)
        if b"=ybegin" in text:
            yield from yencoded(text)
    if b"BinHex" in text:
        yield from binhexed(text)


def uuencoded(text: bytes) -> Iterator[InlineFile]:
    """Yield uuencoded files, and those in the base64 form of the same programs."""
    for start, end, name in _spans(_UU_BEGIN, text, b"\nend"):
        data = uu_lines(text[start:end])
        if data:
            yield InlineFile("uuencode", name, data)
    for start, end, name in _spans(_UU_BASE64, text, b"===="):
        packed = text[start:end].translate(None, _NOT_BASE64)
        packed = packed[: len(packed) - (len(packed) % 4 == 1)]
        data = binascii.a2b_base64(packed + b"=" * (-len(packed) % 4))
        yield InlineFile("uuencode:base64", name, data)


def _spans(begin: re.Pattern[bytes], text: bytes, stop: bytes) -> Iterator[tuple[int, int, str]]:
    """Yield start, end and name of what lies between two marks; without the second it goes on to the end.

    Raises:
        Exhausted: If there are more files than anybody puts into one text.
    """
    end = number = 0
    for match in begin.finditer(text):
        if match.start() >= end:
            number += 1
            if number > _MAX_FILES:
                raise Exhausted(f"more than {_MAX_FILES} encoded files in one text")
            end = text.find(stop, match.end())
            end = len(text) if end < 0 else end
            yield match.end(), end, match[1].strip().decode("latin-1") if match.re.groups else ""


def uu_lines(text: bytes) -> bytes:
    """Decode uuencoded lines; lines that are none are passed over, as some programs do."""
    pieces: list[bytes] = []
    for line in text.splitlines():
        if not line or line.startswith((b"begin ", b"end")):
            continue
        length = (line[0] - 32) & 63
        wanted = 1 + -(-length // 3) * 4
        if not 32 <= line[0] <= 96 or len(line) < wanted - 3 or len(line) > wanted + 4:
            continue
        try:
            pieces.append(binascii.a2b_uu(line[:wanted].ljust(wanted)))
        except binascii.Error:
            continue
    return b"".join(pieces)


def yencoded(text: bytes) -> Iterator[InlineFile]:
    """Yield yEnc files, each part by itself."""
    for start, end, name in _spans(_Y_BEGIN, text, b"=yend"):
        packed = text[start:end].replace(b"\r", b"").replace(b"\n", b"")
        plain = _YENC_ESCAPE.sub(lambda found: bytes([(found[1][0] - 64) % 256]), packed)
        yield InlineFile("yenc", name, plain.translate(_YENC))


def binhexed(text: bytes) -> Iterator[InlineFile]:
    """Yield BinHex files: data forks, and resource forks where there are any."""
    for start, end, _ in _spans(_BINHEX, text, b":"):
        packed = text[start:end].translate(_FROM_BINHEX, _NOT_BINHEX)
        packed = packed[: len(packed) - (len(packed) % 4 == 1)]
        yield from _forks(_runs(binascii.a2b_base64(packed + b"=" * (-len(packed) % 4))))


def _runs(data: bytes) -> bytes:
    """Undo the run length coding: ``90 00`` is 0x90, ``90 n`` repeats the octet before it (RFC 1741 section 4)."""
    pieces = data.split(b"\x90")
    output = bytearray(pieces[0])
    for piece in pieces[1:]:
        if not piece:
            break
        count = piece[0]
        if count == 0:
            output.append(0x90)
        elif output:
            output += output[-1:] * (count - 1)
        output += piece[1:]
    return bytes(output)


def _forks(data: bytes) -> Iterator[InlineFile]:
    if not data or len(data) < data[0] + 22:
        return
    name = data[1 : 1 + data[0]].decode("mac-roman")
    at = 1 + data[0] + 1 + 4 + 4 + 2
    data_length = int.from_bytes(data[at : at + 4], "big")
    resource_length = int.from_bytes(data[at + 4 : at + 8], "big")
    start = at + 10
    for step, offset, length in (
        ("binhex", start, data_length),
        ("binhex:resource", start + data_length + 2, resource_length),
    ):
        fork = data[offset : offset + length]
        if fork:
            yield InlineFile(step, name, fork)
