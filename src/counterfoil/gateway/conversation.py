"""What an edge (the SMTP server, the milter) asks about one client's mail, and who answers."""

from typing import Protocol

from counterfoil.gateway.routing import Client
from counterfoil.gateway.smtp.events import Content, Mail, Recipient, Spoilt
from counterfoil.gateway.smtp.reply import Reply


class Conversation(Protocol):
    """One client's transactions, one after the other. The edge calls in the order of RFC 5321."""

    async def mail(self, client: Client, mail: Mail) -> Reply:
        """Begin a transaction."""

    async def recipient(self, recipient: Recipient) -> Reply:
        """Add a recipient, if the reply is positive."""

    async def content(self, content: Content) -> Reply:
        """Take the message; a positive reply says that it has a home (handed on, or durably held)."""

    async def spoilt(self, spoilt: Spoilt) -> None:
        """Write down that the message was refused inside its content; the transaction is gone."""

    def answered(self, *, heard: bool) -> None:
        """The client has spoken again after that reply, or hung up in good order; or else may not have heard it."""

    async def reset(self) -> None:
        """Forget the open transaction, here and at the next hop."""

    async def close(self) -> None:
        """The client is gone."""
