"""What a client asks for, once it is known to be well formed."""

from dataclasses import dataclass, field

from counterfoil.gateway.smtp.reply import Reply


@dataclass(frozen=True, slots=True)
class Hello:
    """EHLO (``extended``) or HELO was said, and answered; whatever transaction was open is gone."""

    name: str
    extended: bool


@dataclass(frozen=True, slots=True)
class Mail:
    """MAIL FROM: wants an answer.

    ``sender`` is ``""`` for the null reverse-path; ``size`` is what the client declared, or 0.
    """

    sender: str
    size: int = 0
    eight_bit: bool = False
    utf8: bool = False


@dataclass(frozen=True, slots=True)
class Recipient:
    """RCPT TO: wants an answer."""

    address: str


@dataclass(frozen=True, slots=True)
class Content:
    """A whole message after the dot: wants an answer.

    ``raw`` ends every line in CRLF, holds no other CR, LF or NUL, and is dot-unstuffed; it may be empty.
    ``long_line`` is the longest line over 998 octets (its CRLF not counted), or 0.
    """

    raw: bytes = field(repr=False)
    long_line: int = 0


@dataclass(frozen=True, slots=True)
class Spoilt:
    """Content that could not be taken, and was answered so; whatever transaction was open is gone.

    ``size`` are the octets that were seen of it; nothing of them is kept.
    """

    reply: Reply
    size: int


@dataclass(frozen=True, slots=True)
class Reset:
    """RSET was said, and answered; whatever transaction was open is gone."""


@dataclass(frozen=True, slots=True)
class StartTls:
    """STARTTLS was said, and answered 220: nothing more may be read before the handshake."""


@dataclass(frozen=True, slots=True)
class Closed:
    """The session is over: send what is left and hang up. ``reason`` is for the log; ``""`` after QUIT."""

    reason: str


Event = Hello | Mail | Recipient | Content | Spoilt | Reset | StartTls | Closed
Question = Mail | Recipient | Content
"""The events that want ``Session.answer``."""
