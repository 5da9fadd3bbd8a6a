"""Content-Transfer-Encoding (RFC 2045 section 6) as strict, lenient and confused readers undo it."""

import binascii
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from counterfoil.scan.mime import base64s, inline
from counterfoil.scan.mime.parameters import without_comments
from counterfoil.scan.mime.words import decode_words, unfold

IDENTITY: Final = frozenset({"", "7bit", "8bit", "binary"})
_UUENCODE = frozenset({"x-uuencode", "uuencode", "x-uue", "uue", "x-uu"})
_YENC = frozenset({"x-yencode", "yencode", "yenc", "x-yenc"})
_BINHEX = frozenset({"binhex", "binhex40", "mac-binhex", "mac-binhex40", "x-binhex40"})
_GZIP64 = frozenset({"x-gzip64", "gzip64"})
_KNOWN = IDENTITY | {"base64", "quoted-printable"} | _UUENCODE | _YENC | _BINHEX | _GZIP64
_LIMIT_GZIP64 = 64 * 1024 * 1024

_LONGEST_NAME = 4_000

_QP_ODD = re.compile(rb"=(?![0-9A-Fa-f]{2}|\r?\n|\Z)")
_QP_BLANKS = re.compile(rb"=[ \t]+(?=\r?\n|\Z)")
_QP_VALID = rb"(?![0-9A-Fa-f]{2}|[ \t]*\r?\n|\Z)"
_QP_DROP = tuple(
    re.compile(rb"=" + _QP_VALID + rest) for rest in (rb"", rb"[0-9A-Fa-f]?", rb"[^\r\n=]", rb"[^\r\n=]{1,2}", rb"\r")
)
_QP_LOWER = re.compile(rb"=(?:[0-9A-F][a-f]|[a-f][0-9A-Fa-f])")
_QP_UPPER = re.compile(rb"=(?:[0-9][A-F]|[A-F][0-9A-F])")
_QP_ONE_LOWER = re.compile(rb"=[a-f]")
_QP_LOOKS = re.compile(rb"(?:=[0-9A-Fa-f]{2}|=\r?\n)")
_BASE64_LOOKS = re.compile(rb"\s*[A-Za-z0-9+/=\s]{16}")


@dataclass(frozen=True, slots=True)
class Decoded:
    """One way of undoing an encoding: ``step`` for ``via`` (``""`` for none), and the octets."""

    step: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Encoding:
    """The encodings that the fields of a part may mean, in order, and the doubts about that (name to detail)."""

    names: tuple[str, ...]
    doubts: dict[str, str]


def encoding_of(values: list[bytes]) -> Encoding:
    """Say which encodings a part has by its Content-Transfer-Encoding fields."""
    if not values:
        return Encoding(("",), {})
    if len(values) == 1:
        name = unfold(values[0]).decode("latin-1").lower()
        if name in _KNOWN:
            return Encoding((name,), {})
    names: list[str] = []
    doubts: dict[str, str] = {}
    texts = [unfold(value).decode("latin-1").lower() for value in values]
    for text in texts:
        names.extend(_meant(text))
        if text not in _KNOWN:
            doubts["mime:unknown-encoding"] = text[:80]
    if len(set(texts)) > 1:
        doubts["mime:duplicate-content-transfer-encoding"] = ", ".join(texts)[:200]
    return Encoding(tuple(dict.fromkeys(names)), doubts)


def _meant(text: str) -> Iterator[str]:
    plain = decode_words(text[:_LONGEST_NAME]).lower()
    if plain.strip() in _KNOWN:
        yield plain.strip()
        return
    for word in re.split(r"[^a-z0-9-]+", plain):
        if word in _KNOWN and word:
            yield word
    squeezed = re.sub(r"[\\\s]", "", without_comments(plain))
    if "64" in squeezed:
        yield "base64"
    if "quoted" in squeezed or "printable" in squeezed or "qp" in squeezed:
        yield "quoted-printable"
    if squeezed.startswith(("x-uu", "uu")):
        yield "x-uuencode"
    yield "unknown"


def decode(body: bytes, encoding: Encoding) -> tuple[list[Decoded], dict[str, str]]:
    """Undo every encoding that may be meant; equal results are given once.

    Returns:
        The readings, the usual one first, and the doubts that arose from the octets themselves.
    """
    readings: list[Decoded] = []
    doubts: dict[str, str] = {}
    for name in encoding.names:
        readings.extend(_decode(body, name, doubts))
    distinct: dict[bytes, Decoded] = {}
    for reading in readings:
        distinct.setdefault(reading.data, reading)
    return list(distinct.values()), doubts


def _decode(body: bytes, name: str, doubts: dict[str, str]) -> Iterator[Decoded]:
    if name in IDENTITY:
        yield Decoded("", body)
    elif name == "base64":
        yield from _base64(body, doubts)
    elif name == "quoted-printable":
        yield from _quoted_printable(body, doubts)
    elif name in _UUENCODE:
        found = [Decoded("uuencode", file.data) for file in inline.uuencoded(body)]
        yield from found or [Decoded("uuencode", inline.uu_lines(body))]
    elif name in _YENC:
        yield from (Decoded("yenc", file.data) for file in inline.yencoded(body))
        yield Decoded("", body)
    elif name in _BINHEX:
        yield from (Decoded("binhex", file.data) for file in inline.binhexed(body))
        yield Decoded("", body)
    elif name in _GZIP64:
        for data in base64s.readings(body)[0]:
            yield Decoded("gzip64", _gunzip(data))
    else:
        yield from _unknown(body, doubts)


def _unknown(body: bytes, doubts: dict[str, str]) -> Iterator[Decoded]:
    """Try all decoders on a body whose encoding nobody can know, if it looks like theirs."""
    yield Decoded("", body)
    if _BASE64_LOOKS.match(body):
        yield from _base64(body, doubts)
    if _QP_LOOKS.search(body):
        yield from _quoted_printable(body, doubts)
    for step, decoder in (("uuencode", inline.uuencoded), ("yenc", inline.yencoded), ("binhex", inline.binhexed)):
        yield from (Decoded(step, file.data) for file in decoder(body))


def _base64(body: bytes, doubts: dict[str, str]) -> Iterator[Decoded]:
    found, junk = base64s.readings(body)
    if junk:
        doubts["mime:base64-junk"] = junk
    for number, data in enumerate(found):
        yield Decoded("base64" if number == 0 else "base64:lenient", data)


def _quoted_printable(body: bytes, doubts: dict[str, str]) -> Iterator[Decoded]:
    mixed = _QP_LOWER.search(body) is not None and _QP_UPPER.search(body) is not None
    if not mixed and not _QP_ODD.search(body):
        yield Decoded("quoted-printable", binascii.a2b_qp(body))
        return
    plain = _QP_BLANKS.sub(b"=", body)
    if b"=\r" in plain.replace(b"=\r\n", b""):
        # binascii would drop everything from here to the next LF.
        plain = plain.replace(b"=\r\n", b"=\n").replace(b"=\r", b"")
    yield Decoded("quoted-printable", binascii.a2b_qp(plain))
    if _QP_LOWER.search(plain):
        # RFC 2045 section 6.7 rule 1 wants upper case: some decoders skip the rest.
        yield Decoded("quoted-printable:lenient", binascii.a2b_qp(_QP_LOWER.sub(b"", plain)))
        yield Decoded("quoted-printable:lenient", binascii.a2b_qp(_QP_ONE_LOWER.sub(b"", plain)))
    odd = _QP_ODD.search(plain)
    if odd is None:
        return
    doubts["mime:quoted-printable-junk"] = plain[odd.start() : odd.start() + 20].decode("latin-1")
    for pattern in _QP_DROP:
        yield Decoded("quoted-printable:lenient", binascii.a2b_qp(pattern.sub(b"", plain)))


def _gunzip(data: bytes) -> bytes:
    try:
        return zlib.decompressobj(47).decompress(data, _LIMIT_GZIP64)
    except zlib.error:
        return data
