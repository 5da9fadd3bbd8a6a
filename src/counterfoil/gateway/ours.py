"""Which header fields would anybody read as ours? Every plausible reading of the name and of the value counts.

A mail client may forgive what a standard does not: an octet that has no place in a name, a blank, a fold, an
encoded word, a comment closed too early. A field that only one of them reads as ours is ours (RFC 8601
section 5), and nothing honest is lost by that: no honest field is spelt so.
"""

import binascii
import re
import unicodedata

from counterfoil.model.structured import Unended, without_comments

PREFIX = "x-counterfoil-"
RESULTS = "authentication-results"

LONGEST_NAME = 998
"""Octets of a name that are looked at with care; what has no place in a name is passed over at any length."""
LONGEST_RESULTS, MOST_RESULTS = 8192, 32
"""Octets of one field of results, and such fields in one message, that are read."""

_PLAIN = re.compile(rb"([A-Za-z0-9-]+)[ \t]*:")
# Printable, and not empty before its first semicolon; no comments, no escapes, no encoded words.
_SIMPLE = re.compile(rb"[\t\r\n ]*[!-'*-:<->@-\[\]-~][\t\r\n -'*->@-\[\]-~]*")
_ALL_BUT_LETTERS = re.compile(rb"[^A-Za-z0-9]+")
_WORD = re.compile(r"=\?[^?\s]{1,60}\?([bBqQ])\?([^?]*)\?=")
_TOKEN = re.compile(r"[!-9;-~]+")
_NO_TOKEN = re.compile(r"[^!-9;-~]+")
_NO_TOKEN_OCTETS = bytes(octet for octet in range(256) if not 0x21 <= octet <= 0x7E)
_NAIVE_COMMENT = re.compile(r"\([^()]*\)")
_AROUND_DOT = re.compile(r"\s*\.\s*")


class Ours:
    """Tells the fields of one message that may be read as ours.

    Args:
        authserv: Our authserv-id, which is the gateway's host name.
        secret: The name of the secret header.
    """

    def __init__(self, authserv: str, secret: str) -> None:
        self._secret = secret.lower()
        self._letters = _ALL_BUT_LETTERS.sub(b"", authserv.encode()).lower()
        name = re.escape(authserv.rstrip(".").lower())
        self._authserv = re.compile(rf"(?<![\w.-]){name}(?![\w-]|\.\w)")
        self._read = 0

    def wrote(self, header: bytes) -> bool:
        """Say whether a field, folds and all, may be read as one that only this gateway writes."""
        if plain := _PLAIN.match(header):
            return self._is(plain[1].decode("ascii").lower(), header)
        return any(self._is(name, header) for name in names(header))

    def _is(self, name: str, header: bytes) -> bool:
        if name == RESULTS:
            return self._names_us(header.partition(b":")[2])
        return name.startswith(PREFIX) or name == self._secret

    def _names_us(self, value: bytes) -> bool:
        """Say whether results may be read as our own: by our name at their head, or at that of any of their parts."""
        self._read += 1
        if len(value) > LONGEST_RESULTS or self._read > MOST_RESULTS:
            return True  # nobody honest needs so many: what is not read here may be read as ours elsewhere
        if _SIMPLE.fullmatch(value) and self._letters not in _ALL_BUT_LETTERS.sub(b"", value).lower():
            return False
        text = _text(value)
        readings = [text, _without_naive_comments(text)]
        try:
            readings.append(without_comments(text))
        except Unended:
            return True  # likewise
        return any(_speaks(reading, self._authserv) for reading in readings)


def names(header: bytes) -> set[str]:
    """Return every lower-case name that a field may be read to have; a line without a colon has none."""
    octets, colon, _ = header.partition(b":")
    if not colon:
        return set()
    bare = octets.translate(None, _NO_TOKEN_OCTETS).decode("ascii").lower()
    text = _text(octets[:LONGEST_NAME])
    first = _TOKEN.search(text)
    return {_NO_TOKEN.sub("", text), first[0] if first else "", bare}


def _speaks(reading: str, ours: re.Pattern[str]) -> bool:
    plain = _AROUND_DOT.sub(".", re.sub(r'[\\"]', "", reading))
    head, *rest = plain.split(";")
    return not head.strip() or bool(ours.search(head)) or any(ours.match(piece.strip()) for piece in rest)


def _without_naive_comments(text: str) -> str:
    """Drop comments as somebody does who knows of no escapes; nesting deeper than a few is junk."""
    for _ in range(8):
        text, dropped = _NAIVE_COMMENT.subn(" ", text)
        if not dropped:
            break
    return text


def _text(octets: bytes) -> str:
    """Return lower-case text: encoded words decoded, wide and ornate letters as plain ones, nothing else but ASCII."""
    text = octets.decode("utf-8", "replace")
    text = _WORD.sub(_decoded, text)
    text = unicodedata.normalize("NFKC", text).casefold()
    return re.sub(r"[^\t -~]+", "", text).replace("\t", " ").strip()


def _decoded(word: re.Match[str]) -> str:
    data = word[2].encode("utf-8", "replace")
    try:
        octets = binascii.a2b_base64(data) if word[1] in "bB" else binascii.a2b_qp(data, header=True)
    except binascii.Error:
        return word[0]
    return octets.decode("utf-8", "replace")
