"""Inputs made to cost time: each ends, within the test's time-out, as parts or with a reason."""

import pytest

from counterfoil.scan.dismantling import Dismantling
from counterfoil.scan.limits import DEFAULT_LIMITS

SIZE = 300_000
TOP = b"From: a@example.com\r\nMIME-Version: 1.0\r\n"
MIXED = TOP + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
HTML = TOP + b"Content-Type: text/html\r\n\r\n"


def repeated(piece: bytes) -> bytes:
    """A piece again and again, up to the size of the test."""
    return piece * (SIZE // len(piece))


HOSTILE = {
    "tiny parts": MIXED + repeated(b"--b\r\n\r\nx\r\n"),
    "delimiters of no part": MIXED + repeated(b"--b\r\n"),
    "prefixes of the boundary": MIXED + repeated(b"--bx\r\n\r\n--b\r\n\r\n"),
    "carriage returns as line ends": MIXED + repeated(b"\r--b\r\r"),
    "undeclared delimiters": TOP + b"\r\n" + repeated(b"--x\r\nContent-Type: text/plain\r\n\r\nz\r\n"),
    "dashes": TOP + b"\r\n" + repeated(b"-"),
    "addresses": TOP + b"To: " + repeated(b"a <a@example.com>,\r\n ") + b"\r\n\r\nx",
    "unclosed comments": TOP
    + b"Content-Type: multipart/mixed; "
    + repeated(b"(")
    + b"; boundary=b\r\n\r\n--b\r\n\r\nx",
    "unclosed comments in an encoding": TOP + b"Content-Transfer-Encoding: " + repeated(b"(") + b"\r\n\r\nx",
    "beginnings of encoded words": TOP + b"Subject: " + repeated(b"=?") + b"\r\n\r\nx",
    "encoded words": TOP + b"Subject: " + repeated(b" =?utf-8?q?a?=") + b"\r\n\r\nx",
    "boundaries": TOP + b"Content-Type: multipart/mixed; " + repeated(b"boundary=x; ") + b"\r\n\r\n--x\r\n\r\ny",
    "continuations": TOP + b"Content-Disposition: attachment" + repeated(b"; filename*0=a") + b"\r\n\r\nx",
    "escapes": TOP + b'Content-Disposition: attachment; filename="' + repeated(b'\\"') + b"\r\n\r\nx",
    "fields": TOP + repeated(b"X: y\r\n") + b"\r\nx",
    "a header without an end": TOP + repeated(b"x\r\n"),
    "continuation lines": b"\0: x\r\n" + repeated(b" z\r\n") + b"\r\nx",
    "padding": TOP + b"Content-Transfer-Encoding: base64\r\n\r\n" + repeated(b"A="),
    "soft breaks": TOP + b"Content-Transfer-Encoding: quoted-printable\r\n\r\n" + repeated(b"= "),
    "files in text": TOP + b"\r\n" + repeated(b"begin 644 x\r\n"),
    "yEnc files in text": TOP + b"\r\n" + repeated(b"=ybegin name=x\r\n=a=b\r\n"),
    "colons": TOP + b"\r\n" + repeated(b":"),
    "schemes": TOP + b"\r\n" + repeated(b"http:"),
    "brackets in a link": TOP + b"\r\nhttp://" + repeated(b"a)"),
    "nested elements": HTML + repeated(b"<div>"),
    "nested elements, wrongly closed": HTML + repeated(b"<span></b>"),
    "nested links": HTML + repeated(b"<table><tr><td><a href=x>"),
    "vector links": HTML + repeated(b"<svg><a xlink:href='x'>"),
    "open brackets": HTML + repeated(b"<"),
    "UTF-7": TOP + b"Content-Type: text/plain; charset=utf-7\r\n\r\n" + repeated(b"+ADw-"),
    "messages in messages": repeated(b"Content-Type: message/rfc822\r\n\r\n"),
    "headers in text": TOP + b"\r\n" + repeated(b"Received: a\r\nFrom: b\r\nSubject: c\r\n\r\n"),
}


@pytest.mark.timeout(20)
@pytest.mark.parametrize("raw", HOSTILE.values(), ids=HOSTILE)
def test_hostile_messages_end(raw):
    """Nobody's bytes keep us longer than a scan may take, and the limit on parts holds."""
    apart = Dismantling()
    apart.message(raw)
    assert apart.parts or apart.uninspectable
    assert len(apart.parts) <= DEFAULT_LIMITS.parts
