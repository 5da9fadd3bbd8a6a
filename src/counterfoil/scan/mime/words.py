"""Encoded words (RFC 2047), decoded as leniently as mail clients do, in linear time."""

import binascii
import codecs
import re
from typing import Final

_WORD = re.compile(r"=\?([^?\s]{1,60})\?([bBqQ])\?([^?]*)\?=")
_BETWEEN = re.compile(r"(?<=\?=)[ \t\r\n]+(?==\?[^?\s]{1,60}\?[bBqQ]\?)")
_UNFOLD = re.compile(rb"\r?\n(?=[ \t])")
_TEXT_CODECS: Final[dict[str, bool]] = {}


def unfold(raw: bytes) -> bytes:
    """Join continuation lines (RFC 5322 section 2.2.3) and drop the blanks around the value."""
    if b"\n" not in raw[:-2]:
        return raw.strip(b" \t\r\n")
    return _UNFOLD.sub(b"", raw).strip(b" \t\r\n")


def header_text(raw: bytes) -> str:
    """Return a field's value as a person sees it: unfolded, encoded words decoded, UTF-8 or Latin-1."""
    value = unfold(raw)
    text = octets_text(value)
    return decode_words(text) if "=?" in text else text


def octets_text(data: bytes) -> str:
    """Decode octets of a header: UTF-8 (RFC 6532), else Latin-1, which loses nothing."""
    if data.isascii():
        return data.decode("ascii")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def decode_words(text: str) -> str:
    """Replace the encoded words in a text; what cannot be decoded stays as it is."""
    if "=?" not in text:
        return text
    return _WORD.sub(_decode_word, _BETWEEN.sub("", text))


def _decode_word(match: re.Match[str]) -> str:
    charset, encoding, payload = match.groups()
    data = _payload(encoding, payload)
    return decode(data, charset.partition("*")[0])


def _payload(encoding: str, payload: str) -> bytes:
    octets = payload.encode("latin-1", "replace")
    if encoding in "bB":
        letters = re.sub(rb"[^A-Za-z0-9+/]", b"", octets)
        letters = letters[: len(letters) - (len(letters) % 4 == 1)]
        return binascii.a2b_base64(letters + b"=" * (-len(letters) % 4))
    return binascii.a2b_qp(octets, header=True)


def is_charset(name: str) -> bool:
    """Tell whether Python knows a text codec of that name."""
    known = _TEXT_CODECS.get(name)
    if known is None:
        try:
            # A codec such as "zip" or "rot13" is none for text, and one such as "idna" is quadratic.
            known = codecs.lookup(name)._is_text_encoding and name.lower() not in _NOT_FOR_MAIL  # noqa: SLF001 - the only place that says it
        except (LookupError, ValueError):
            known = False
        if len(_TEXT_CODECS) < 1_000:
            _TEXT_CODECS[name] = known
    return known


_NOT_FOR_MAIL: Final = frozenset(
    {"idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem"}
)


def decode(data: bytes, charset: str) -> str:
    """Decode by a declared character set, leniently; an unknown one is read as UTF-8, then as Latin-1."""
    name = charset.strip("\"' \t").lower()
    if name == "utf-16" and not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        # RFC 2781 section 4.3 says big-endian without a mark; a NUL tells what was meant.
        name = "utf-16-le" if data[1:2] == b"\0" else "utf-16-be"
    if is_charset(name):
        try:
            return data.decode(name, "replace")
        except (UnicodeError, ValueError):
            return octets_text(data)
    return octets_text(data)
