"""How much one SMTP session may ask of us. Sizes in octets; how long it may take is the edge's business."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of a session.

    ``message`` is what SIZE announces (RFC 1870); ``command`` is a line with its CRLF (RFC 5321 asks for
    512, extensions add up to 200, addresses in UTF-8 more); ``line`` is a line of content, far above the
    998 of RFC 5322 section 2.1.1 because real mail is. ``errors`` are refused commands in one session;
    ``idle`` are commands in a row that bring no message nearer (NOOP, RSET, EHLO).
    """

    message: int = 50 * 1024 * 1024
    recipients: int = 100
    command: int = 1024
    line: int = 64 * 1024
    errors: int = 20
    idle: int = 100
