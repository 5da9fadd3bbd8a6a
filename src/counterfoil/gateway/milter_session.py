"""One connection from Postfix without I/O: packets in, packets out; and Postfix's queue as a next hop."""

from dataclasses import replace
from enum import IntEnum

from counterfoil.gateway import milter_wire as wire
from counterfoil.gateway.conversation import Conversation
from counterfoil.gateway.headers import Dressed
from counterfoil.gateway.hop import Sent
from counterfoil.gateway.milter_wire import Agreed, BadPacket, Packet
from counterfoil.gateway.routing import Client, NextHop
from counterfoil.gateway.smtp.address import POSTMASTER, BadAddress, mailbox, path
from counterfoil.gateway.smtp.content import BARE, is_strict
from counterfoil.gateway.smtp.events import Content, Mail, Recipient, Spoilt
from counterfoil.gateway.smtp.reply import Reply
from counterfoil.model.mail import Direction, Outcome

QUEUE = NextHop("postfix", 0)
"""Stands for Postfix's own queue where a next hop is asked for."""

_TAKEN = Reply(250, "2.0.0", "accepted into Postfix's queue")
_OK = Reply(250, "2.0.0", "ok")


class PostfixQueue:
    """Postfix's queue as a next hop (``gateway.hop.Hop`` and ``Hops``): it takes what we do not refuse."""

    alive = True
    eight_bit = True
    utf8 = True

    def __init__(self) -> None:
        self.handed: Dressed | None = None

    async def connect(self, next_hop: NextHop) -> "PostfixQueue":  # noqa: ARG002 - there is only one
        """Return itself: one queue for every next hop, as Postfix decides where mail goes."""
        return self

    async def mail(self, mail: Mail) -> Reply:  # noqa: ARG002 - Postfix has checked it
        """Forget the message before."""
        self.handed = None
        return _OK

    async def recipient(self, address: str) -> Reply:  # noqa: ARG002 - Postfix has checked it
        """Take it."""
        return _OK

    async def data(self, dressed: Dressed, seconds: float) -> Sent:  # noqa: ARG002 - nothing is waited for
        """Keep what is to be changed; the edge tells Postfix."""
        self.handed = dressed
        return Sent(Outcome.HANDED_ON, _TAKEN)

    async def reset(self) -> None:
        """Forget the message."""
        self.handed = None

    async def close(self) -> None:
        """Nothing is open."""


class Stage(IntEnum):
    """How far a message is."""

    IDLE = 0
    MAIL = 1
    RECIPIENTS = 2


class MilterSession:
    """One connection from Postfix: its packets in, our packets out.

    Args:
        conversation: Who answers.
        queue: The next hop that the conversation was given.
        direction: Whether the mail behind this Postfix comes from outside, or from the tenants.
        most: Octets of the largest message.

    """

    def __init__(self, conversation: Conversation, queue: PostfixQueue, direction: Direction, most: int) -> None:
        self._conversation = conversation
        self._queue = queue
        self._client = Client("", direction, extended=True)
        self._most = most
        self._agreed: Agreed | None = None
        self._pieces: list[bytes] = []
        self._size = 0
        self._stage = Stage.IDLE

    @property
    def busy(self) -> bool:
        """Whether a message is under way."""
        return self._stage is not Stage.IDLE

    async def answer(self, packet: Packet) -> bytes | None:
        """Return what is to be sent for a packet, ``b""`` for nothing, ``None`` to hang up.

        Raises:
            BadPacket: If the packet breaks the protocol.
        """
        if self._agreed is None:
            self._agreed = wire.negotiate(packet)
            return self._agreed.encode()
        self._conversation.answered(heard=True)
        match packet.command:
            case b"Q":
                return None
            case b"A" | b"K":
                await self._reset()
                if packet.command == b"K":
                    self._client = Client("", self._client.direction, extended=True)
                return b""
            case b"M" | b"R" | b"E":
                return await self._question(packet)
            case _:
                self._keep(packet)
                # Macros ("D") want no reply, and nothing that we decide rests on them.
                silent = packet.command == b"D" or not self._agreed.wants_reply(packet.command)
                return b"" if silent else Packet(wire.CONTINUE).encode()

    def _keep(self, packet: Packet) -> None:
        match packet.command:
            case b"C":
                self._client = replace(self._client, address=wire.client_address(packet))
            case b"H":
                self._client = replace(self._client, helo=packet.texts()[0].decode("ascii", "replace"))
            case b"L":
                self._add(wire.header(packet, leading_space=self._leading_space))
            case b"N":
                self._add(b"\r\n")
            case b"B":
                self._add(packet.data)

    async def _question(self, packet: Packet) -> bytes:
        """Answer MAIL, RCPT or the end of the message.

        Raises:
            BadPacket: If it comes out of order: the conversation relies on the order.
        """
        wanted = {b"M": Stage.IDLE, b"R": Stage.MAIL, b"E": Stage.RECIPIENTS}[packet.command]
        if packet.command == b"M":
            await self._reset()
        if self._stage < wanted:
            raise BadPacket(f"{packet.command!r} out of order")
        if packet.command == b"E":
            self._add(packet.data)
            return await self._content()
        try:
            address, _ = path(packet.texts()[0].decode())
            if address if packet.command == b"M" else address.lower() != POSTMASTER:
                mailbox(address, utf8=True)
        except (BadAddress, UnicodeDecodeError) as error:
            return wire.reply_code(553, "5.1.3", str(error))
        if packet.command == b"R":
            reply = await self._conversation.recipient(Recipient(address))
        else:
            utf8 = any(text.upper() == b"SMTPUTF8" for text in packet.texts()[1:])
            reply = await self._conversation.mail(self._client, Mail(address, eight_bit=True, utf8=utf8))
        if reply.positive:
            self._stage = max(self._stage, Stage.MAIL if packet.command == b"M" else Stage.RECIPIENTS)
        return self._refusal(reply)

    async def _content(self) -> bytes:
        raw, too_big = b"".join(self._pieces), self._size > self._most
        fault: Reply | None = None
        if too_big:
            fault = Reply(552, "5.3.4", f"a message has at most {self._most} octets here")
        elif not is_strict(raw):  # Postfix lets a bare CR through; released from quarantine it would be ours
            fault = Reply(554, BARE.enhanced, BARE.text)
        if fault is not None:
            await self._conversation.spoilt(Spoilt(fault, self._size))
            self._forget()
            return self._refusal(fault)
        self._pieces = []
        reply = await self._conversation.content(Content(raw))
        self._forget()
        handed, self._queue.handed = self._queue.handed, None
        if not reply.positive:
            return self._refusal(reply)
        if handed is None:
            return Packet(wire.DISCARD).encode()
        return self._changes(handed) + Packet(wire.ACCEPT).encode()

    def _changes(self, handed: Dressed) -> bytes:
        space = self._leading_space
        # From the last to the first: a mail server may count again after each.
        packets = [wire.delete_header(index, name) for name, index in reversed(handed.stripped.removed)]
        if handed.subject is not None:
            packets.append(wire.change_header(1, "Subject", handed.subject, leading_space=space))
        packets += [
            wire.insert_header(index, name, value, leading_space=space)
            for index, (name, value) in enumerate(handed.fields)
        ]
        return b"".join(packets)

    @property
    def _leading_space(self) -> bool:
        return self._agreed is not None and wire.Steps.LEADING_SPACE in self._agreed.steps

    def _refusal(self, reply: Reply) -> bytes:
        if reply.positive:
            return Packet(wire.CONTINUE).encode()
        return wire.reply_code(reply.code, reply.enhanced, reply.text)

    def _add(self, piece: bytes) -> None:
        self._size += len(piece)
        if self._size <= self._most:
            self._pieces.append(piece)

    def _forget(self) -> None:
        self._pieces, self._size, self._stage = [], 0, Stage.IDLE

    async def _reset(self) -> None:
        self._forget()
        await self._conversation.reset()
