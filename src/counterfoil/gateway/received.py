"""A message that came in: what is durable before anything is done with it."""

from dataclasses import dataclass
from datetime import datetime

from counterfoil.gateway.routing import NextHop
from counterfoil.model.mail import Envelope


@dataclass(frozen=True, slots=True)
class Received:
    """The facts of the intent stub.

    ``id`` is ours and unique; ``sha256`` (hex) and ``size`` (octets) are of the content as it came, after
    dot-unstuffing; of content that was refused before its end there is no hash (``""``), and the size is what
    was seen. ``via`` is ``"smtp"`` or ``"milter"``; ``next_hop`` is ``None`` behind the milter.
    ``envelope.tenant`` is ``None`` where a message was refused before we knew whose it is. ``utf8`` says
    that the message needs SMTPUTF8 (RFC 6531) to be sent on.
    """

    id: str
    time: datetime
    envelope: Envelope
    sha256: str
    size: int
    via: str
    next_hop: NextHop | None
    utf8: bool = False
