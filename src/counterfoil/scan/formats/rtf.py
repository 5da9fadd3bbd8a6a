"""RTF as far as a check needs it: destinations whose text is a reference, with its escapes undone.

RTF readers forgive nearly everything, so this looks for control words and does not parse groups strictly
(RTF specification 1.9.1).
"""

import re
from collections.abc import Iterator

HEX = re.compile(rb"\\'([0-9a-fA-F]{2})")
UNICODE = re.compile(rb"\\u(-?\d{1,6}) ?(?:\\'[0-9a-fA-F]{2}|\?|_)?")
IGNORED = re.compile(rb"\\\*|[{}\r\n]|\\[a-z]{1,32}-?\d{0,10} ?")
BRACE = re.compile(rb"[{}]")
MAX_TEXT = 1 << 16


def destinations(data: bytes, word: str) -> Iterator[str]:
    """Yield the text behind each occurrence of a control word, up to the end of its group.

    Args:
        data: The RTF.
        word: The control word without its backslash, e.g. ``"template"``.
    """
    pattern = re.compile(rb"\\" + word.encode() + rb"(?![a-z])[-\d]*", re.IGNORECASE)
    match = pattern.search(data)
    while match:
        text = _group(data, match.end())
        yield plain(text)
        match = pattern.search(data, match.end() + len(text))  # a word within the group is part of its text


def has(data: bytes, word: str) -> bool:
    """Tell whether a control word occurs."""
    return re.search(rb"\\" + word.encode() + rb"(?![a-z])", data, re.IGNORECASE) is not None


def plain(text: bytes) -> str:
    """Undo escapes, and leave out control words and braces."""
    text = UNICODE.sub(lambda match: _character(int(match.group(1))), text)
    text = HEX.sub(lambda match: b"\x00" + bytes([int(match.group(1), 16)]), text)
    return IGNORED.sub(b"", text).replace(b"\x00", b"").decode("utf-8", "replace").strip()


def _character(number: int) -> bytes:
    return chr(number & 0xFFFF).encode("utf-8", "replace")


def _group(data: bytes, start: int) -> bytes:
    """Return the bytes up to the brace that closes the group around ``start``."""
    depth = 0
    end = min(len(data), start + MAX_TEXT)
    for brace in BRACE.finditer(data, start, end):
        depth += 1 if brace.group() == b"{" else -1
        if depth < 0:
            return data[start : brace.start()]
    return data[start:end]
