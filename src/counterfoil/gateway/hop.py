"""The other side: where a message is handed on, as the flow sees it."""

from dataclasses import dataclass
from typing import Protocol

from counterfoil.gateway.headers import Dressed
from counterfoil.gateway.routing import NextHop
from counterfoil.gateway.smtp.events import Mail
from counterfoil.gateway.smtp.reply import Reply
from counterfoil.model.mail import Outcome


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of handing a message on, and the reply that says so.

    ``outcome`` is handed-on, refused, deferred, or unknown where the answer to the final dot is not known.
    """

    outcome: Outcome
    reply: Reply


class Hop(Protocol):
    """A connection to a next hop. No method raises for what the network or the other side does."""

    @property
    def alive(self) -> bool:
        """Whether another command is worth a try."""

    @property
    def eight_bit(self) -> bool:
        """Whether it takes 8BITMIME (RFC 6152)."""

    @property
    def utf8(self) -> bool:
        """Whether it takes SMTPUTF8 (RFC 6531)."""

    async def mail(self, mail: Mail) -> Reply:
        """Say MAIL; the answer is the next hop's, or 451 4.4.2 where the connection broke."""

    async def recipient(self, address: str) -> Reply:
        """Say RCPT; likewise."""

    async def data(self, dressed: Dressed, seconds: float) -> Sent:
        """Hand the content over, with our own fields on top, within a time."""

    async def reset(self) -> None:
        """Say RSET: nothing of the transaction is left there."""

    async def close(self) -> None:
        """Say QUIT and hang up."""


class Hops(Protocol):
    """Gives connections."""

    async def connect(self, next_hop: NextHop) -> Hop:
        """Connect to a next hop.

        Raises:
            Unavailable: If it does not answer as an SMTP server, or not with the TLS that is asked for.
        """
