"""Ordinary mail of known sizes, made from a seed: text, HTML with links, a text with a large attachment."""

import base64
import random
from collections.abc import Callable

HEAD = (
    "Received: from mail.example.org (mail.example.org [192.0.2.1])\r\n"
    "\tby mx.example.net with ESMTPS id 4Xq{n:08d}; Tue, 3 Nov 2026 10:00:00 +0000\r\n"
    "From: Anna Berg <anna@example.org>\r\nTo: Bob Stone <bob@example.net>\r\nSubject: Minutes of meeting {n}\r\n"
    "Date: Tue, 3 Nov 2026 10:00:00 +0000\r\nMessage-ID: <{n}.minutes@example.org>\r\nMIME-Version: 1.0\r\n"
)
LETTERS = "etaoinshrdlucmfwypvbgkjqxz"
WEIGHTS = [12, 9, 8, 8, 7, 7, 6, 6, 6, 4, 4, 3, 3, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1]


class Words:
    """Makes sentences of words that look like a language's."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        pick = self._random
        self._words = ["".join(pick.choices(LETTERS, WEIGHTS, k=pick.randint(2, 9))) for _ in range(2_000)]

    def text(self, size: int) -> str:
        """Make lines of up to 76 octets."""
        lines: list[str] = []
        total = 0
        while total < size:
            line = " ".join(self._random.choices(self._words, k=11))[:75].rstrip().capitalize() + "."
            lines.append(line)
            total += len(line) + 2
        return "\r\n".join(lines)

    def octets(self, size: int) -> bytes:
        """Make octets without any order."""
        return self._random.randbytes(size)


def text(words: Words, number: int, size: int) -> bytes:
    """A plain text with one link."""
    head = HEAD.format(n=number) + "Content-Type: text/plain; charset=utf-8\r\n\r\n"
    link = f"\r\nhttps://www.example.org/minutes/{number}\r\n"
    return (head + words.text(size - len(head) - len(link)) + link).encode()


def page(words: Words, number: int, size: int) -> bytes:
    """A page as a newsletter is: paragraphs with style, a link in each."""
    head = HEAD.format(n=number) + "Content-Type: text/html; charset=utf-8\r\n\r\n<html><body>\r\n"
    pieces: list[str] = []
    total = len(head)
    while total < size:
        piece = (
            f'<p style="margin:0;color:#333333">{words.text(300)} '
            f'<a href="https://www.example.org/{number}/{total}">{words.text(20)}</a></p>\r\n'
        )
        pieces.append(piece)
        total += len(piece)
    return (head + "".join(pieces) + "</body></html>\r\n").encode()


def attachment(words: Words, number: int, size: int) -> bytes:
    """A short text and something in base64 that no program knows."""
    blob = base64.encodebytes(words.octets(size * 54 // 74 - 2_000)).replace(b"\n", b"\r\n")
    head = HEAD.format(n=number) + 'Content-Type: multipart/mixed; boundary="=_b"\r\n\r\n--=_b\r\n'
    middle = (
        f"Content-Type: text/plain; charset=utf-8\r\n\r\n{words.text(2_000)}\r\n--=_b\r\n"
        "Content-Type: application/octet-stream; name=recording.dat\r\nContent-Transfer-Encoding: base64\r\n"
        "Content-Disposition: attachment; filename=recording.dat\r\n\r\n"
    )
    return (head + middle).encode() + blob + b"--=_b--\r\n"


def several(make: Callable[[Words, int, int], bytes], size: int, count: int) -> list[bytes]:
    """Make so many, all different, the same ones every time."""
    words = Words(size)
    return [make(words, number, size) for number in range(count)]
