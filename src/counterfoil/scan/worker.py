"""What runs in the bounded worker: a request in, a scan out; names are looked up by asking the parent."""

from collections.abc import Callable

from counterfoil.model.dns import Answer, Asking, Status
from counterfoil.model.mail import Envelope, Scan
from counterfoil.scan import wire
from counterfoil.scan.message import examine, examine_file

SAMPLE = (
    b"From: Anna <anna@example.org>\r\nTo: bob@example.org\r\nSubject: =?utf-8?q?a?=\r\nMessage-ID: <1@example.org>\r\n"
    b"DKIM-Signature: v=1; a=rsa-sha256; d=example.org; s=a; h=from; bh=AAAA; b=AAAA\r\nMIME-Version: 1.0\r\n"
    b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/html; charset=iso-8859-1\r\n"
    b"Content-Transfer-Encoding: quoted-printable\r\n\r\n<a href=3D'https://example.org/'>example.com</a>\r\n--b\r\n"
    b"Content-Type: application/zip; name=a.zip\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    b"UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA==\r\n--b--\r\n"
)
"""A message that leads through what most messages lead through."""


def warm() -> None:
    """Load what the first message would otherwise wait for: the suffix list, parsers, codecs, regular expressions."""

    def nobody(question: bytes) -> bytes:
        return wire.from_answers(tuple(Answer(Status.TEMPORARY) for _ in wire.to_questions(question)))

    work(wire.from_request(SAMPLE, Envelope("anna@example.org", (), "192.0.2.1", "example.org")), nobody)


def work(argument: bytes, ask: Callable[[bytes], bytes]) -> bytes:
    """Examine what ``wire.from_request`` wrote and return what ``wire.to_scan`` reads.

    Args:
        argument: The request.
        ask: Carries a batch of DNS questions (``wire.from_questions``) to whoever may resolve, and brings the answers
            (``wire.to_answers``) back.
    """
    raw, envelope, file_name, now = wire.to_request(argument)
    examination = examine(raw, envelope, now=now) if file_name is None else examine_file(file_name, raw)
    return wire.from_scan(_drive(examination, ask))


def _drive(examination: Asking[Scan], ask: Callable[[bytes], bytes]) -> Scan:
    try:
        questions = next(examination)
        while True:
            questions = examination.send(wire.to_answers(ask(wire.from_questions(questions))))
    except StopIteration as done:
        scan: Scan = done.value
        return scan
