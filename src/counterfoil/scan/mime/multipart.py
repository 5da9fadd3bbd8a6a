"""Where a multipart is divided (RFC 2046 section 5.1): delimiter lines, exact, loose and undeclared."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from counterfoil.scan.limits import Exhausted

_HEADER_FOLLOWS = re.compile(rb"[ \t]*(?:\r\n|\n|\r)[\s\x0b\0:]{0,40}content-[a-z-]{2,20}", re.IGNORECASE)
_UNDECLARED = re.compile(rb"--([^\r\n]{0,200})")
_MAX_DELIMITERS: Final = 50_000  # far beyond the limit on parts, which is met first
_MAX_DASHES: Final = 5_000_000


@dataclass(frozen=True, slots=True)
class Delimiter:
    """A delimiter line: where it begins (its own line end before it excluded) and where the next line begins."""

    start: int
    end: int
    closing: bool
    exact: bool


@dataclass(frozen=True, slots=True)
class Split:
    """A body divided: pieces of it as offsets."""

    preamble: tuple[int, int]
    parts: tuple[tuple[int, int], ...]
    epilogue: tuple[int, int]
    closed: bool


def delimiters(body: bytes, boundary: bytes) -> list[Delimiter]:
    """Find every line that begins with the boundary, whatever ends the line before it."""
    found: list[Delimiter] = []
    mark = b"--" + boundary
    at = body.find(mark)
    while at >= 0 and len(found) < _MAX_DELIMITERS:
        if at == 0 or body[at - 1] in b"\r\n":
            found.append(_delimiter(body, at, at + len(mark)))
        at = body.find(mark, at + len(mark))
    return found


def _delimiter(body: bytes, at: int, behind: int) -> Delimiter:
    line_end = body.find(b"\n", behind)
    line_end = len(body) if line_end < 0 else line_end
    cr = body.find(b"\r", behind, line_end)
    if 0 <= cr < line_end - 1:
        line_end = cr
    rest = body[behind:line_end]
    closing = rest.startswith(b"--")
    exact = not (rest[2:] if closing else rest).strip(b" \t\r")
    return Delimiter(_line_end_before(body, at), min(line_end + 1, len(body)), closing, exact)


def _line_end_before(body: bytes, at: int) -> int:
    if at >= 2 and body[at - 2 : at] == b"\r\n":
        return at - 2
    return at - 1 if at else 0


def split(body: bytes, marks: list[Delimiter], *, to_the_end: bool = False) -> Split:
    """Divide a body at its delimiters.

    Args:
        body: The octets between the header and the end of the multipart.
        marks: Its delimiter lines, in order, at least one.
        to_the_end: Whether a closing delimiter is a delimiter like any other.
    """
    parts: list[tuple[int, int]] = []
    start = marks[0].end
    for number, mark in enumerate(marks):
        if mark.closing and not to_the_end:
            return Split((0, marks[0].start), tuple(parts), (mark.end, len(body)), closed=True)
        stop = marks[number + 1].start if number + 1 < len(marks) else len(body)
        start = mark.end
        if number + 1 < len(marks) or not mark.closing:
            parts.append((start, max(start, stop)))
    tail = marks[-1].end if marks[-1].closing else len(body)
    return Split((0, marks[0].start), tuple(parts), (tail, len(body)), closed=marks[-1].closing)


def undeclared(body: bytes) -> dict[bytes, list[Delimiter]]:
    """Find the lines that divide a body whether or not they have been declared, by what follows the two hyphens.

    Such a line begins with two hyphens, and a MIME field follows one of its kind.
    """
    if b"--" not in body:
        return {}
    matches = list(_dashed_lines(body))
    dividing = [match for match in matches if _HEADER_FOLLOWS.match(body, match.end())]
    found: dict[bytes, list[Delimiter]] = {match[1].strip().removesuffix(b"--"): [] for match in dividing}
    for match in matches:
        token = match[1].strip()
        token = token if token in found else token.removesuffix(b"--")
        if token in found:
            found[token].append(_delimiter(body, match.start(), match.end()))
    return found


def _dashed_lines(body: bytes) -> Iterator[re.Match[bytes]]:
    """Yield the lines that begin with two hyphens, perhaps behind blanks."""
    at = body.find(b"--")
    number = 0
    while at >= 0:
        number += 1
        if number > _MAX_DASHES:
            raise Exhausted(f"more than {_MAX_DASHES} lines that look like delimiters")
        before = body[max(0, at - 5) : at].rstrip(b" \t")
        if not before or before.endswith((b"\r", b"\n")):
            match = _UNDECLARED.match(body, at)
            if match is not None:
                yield match
                at = match.end() - 2
        at = body.find(b"--", at + 2)
