"""One SMTP connection on asyncio: octets to the session, its events to the conversation, replies back."""

import asyncio
import contextlib
import logging
import ssl
from dataclasses import dataclass, replace

from counterfoil.gateway.access import FULL, Access
from counterfoil.gateway.conversation import Conversation
from counterfoil.gateway.routing import Client
from counterfoil.gateway.smtp.events import Closed, Content, Event, Hello, Mail, Recipient, Reset, Spoilt, StartTls
from counterfoil.gateway.smtp.reply import Reply
from counterfoil.gateway.smtp.session import Session
from counterfoil.gateway.smtp.table import State
from counterfoil.gateway.tls import peer_names

log = logging.getLogger(__name__)

_HIGH = 256 * 1024  # octets received behind an open question, above which we stop reading
_FAULT = Reply(451, "4.3.0", "a fault on our side; send it again")
_SLOW = Reply(421, "4.4.2", "timeout; come again")
_STOPPING = Reply(421, "4.3.2", "shutting down; come again")


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds: for a whole command, between two pieces of content, for a whole message, and to say goodbye."""

    command: float = 300.0
    piece: float = 180.0
    message: float = 1800.0
    linger: float = 5.0


class Connection(asyncio.Protocol):
    """One client.

    Args:
        session: The protocol's side, not yet greeted.
        conversation: Who answers.
        client: Who it is, as far as the socket says; the address is filled in when it is known.
        times: How long it may take.
        tls: What STARTTLS is answered with.
        access: Counts this client's messages, and everybody's octets.
    """

    def __init__(
        self,
        session: Session,
        conversation: Conversation,
        client: Client,
        *,
        times: Times,
        tls: ssl.SSLContext | None,
        access: Access,
    ) -> None:
        self.client = client
        self._session = session
        self._conversation = conversation
        self._times = times
        self._tls = tls
        self._access = access
        self._weight = 0
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._wake = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()
        self._gone = False
        self._stopping = False
        self._due = self._said = False  # a message was answered, and the reply is out; the client has not shown it

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport; TLS brings another one for the same connection."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Give octets to the session; stop reading while it has too many that it may not look at yet."""
        if self._said:
            self._answered(heard=True)
        self._session.receive(data)
        if self._session.state is State.CONTENT:
            self._weight += len(data)
            if not self._access.hold(len(data)):
                self._session.close(FULL)
        if self._session.buffered > _HIGH and self._transport is not None:
            self._transport.pause_reading()
        self._wake.set()

    def eof_received(self) -> bool:
        """The client says no more: what it asked is still answered (TLS knows no half of a connection)."""
        if self._said:
            self._answered(heard=True)
        self._gone = True
        self._wake.set()
        return self._transport is not None and self._transport.get_extra_info("sslcontext") is None

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody is there any more."""
        self._answered(heard=self._said and exc is None)
        self._gone = True
        self._transport = None
        self._writable.set()
        self._wake.set()

    def pause_writing(self) -> None:
        """The client does not read its replies."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """It reads again."""
        self._writable.set()

    def stop(self) -> None:
        """End the connection as soon as no message is under way."""
        self._stopping = True
        self._wake.set()

    async def serve(self) -> None:
        """Serve the client to its end. An open message is taken to its end even if the client has gone."""
        closed: Closed | None = None
        try:
            self._session.greet()
            state, deadline = self._session.state, self._deadline()
            while closed is None:
                self._wake.clear()
                event = self._session.next_event()
                if event is None:
                    if self._session.state is not state:
                        state, deadline = self._session.state, self._deadline()
                    if not await self._flush() or not await self._more(deadline):
                        break
                    continue
                if isinstance(event, Closed):
                    closed = event
                else:
                    await self._handle(event)
                if isinstance(event, Content | Spoilt | Reset):
                    self._put_down()
                state, deadline = self._session.state, self._deadline()
            await self._say_goodbye(closed)
        finally:
            self._put_down()
            self._answered(heard=self._said and self._transport is not None)
            await self._conversation.close()
            self._hang_up()

    async def _handle(self, event: Event) -> None:
        match event:
            case Hello():
                await self._conversation.reset()
                self.client = replace(self.client, helo=event.name, extended=event.extended)
            case Spoilt():
                await self._write_down(event)
            case Reset():
                await self._conversation.reset()
            case StartTls():
                await self._start_tls()
            case Mail() | Recipient():
                self._session.answer(await self._ask(event))
            case Content():
                self._session.answer(await self._ask(event))
                self._due = True

    async def _ask(self, question: Mail | Recipient | Content) -> Reply:
        """Put a question to the conversation; a fault of ours is 451, and the client still has the message."""
        try:
            match question:
                case Mail():
                    if refusal := self._access.message(self.client.address, self._loop.time()):
                        return refusal
                    return await self._conversation.mail(self.client, question)
                case Recipient():
                    return await self._conversation.recipient(question)
                case Content():
                    return await self._conversation.content(question)
        except Exception:
            log.exception("a question from %s could not be answered", self.client.address)
            return _FAULT

    async def _write_down(self, event: Spoilt) -> None:
        """Have a refusal that needs nobody's answer in the books; without them it stands all the same."""
        try:
            await self._conversation.spoilt(event)
        except Exception:
            log.exception("a refusal to %s could not be written down", self.client.address)

    async def _start_tls(self) -> None:
        """Speak TLS from here on; reading stops before the client may know, so nothing of before survives."""
        transport = self._transport
        if transport is None or self._tls is None:
            return
        transport.pause_reading()
        transport.write(self._session.output())
        # Before the handshake: its last flight may already carry the client's next command.
        self._session.secured()
        try:
            secured = await self._loop.start_tls(
                transport, self, self._tls, server_side=True, ssl_handshake_timeout=self._times.linger * 6
            )
        except (OSError, ssl.SSLError) as error:
            log.info("no TLS with %s: %s", self.client.address, type(error).__name__)
            transport.abort()
            self._gone = True
            return
        if secured is None:
            self._gone = True
            return
        self._transport = secured
        peer = secured.get_extra_info("ssl_object")
        self.client = replace(self.client, tls=str(peer.version()), helo="", certificates=peer_names(peer))

    async def _more(self, deadline: float) -> bool:
        """Wait for octets that came since the session was last asked; return whether there is any use in going on."""
        if self._stopping and self._session.state is not State.CONTENT:
            self._session.close(_STOPPING)
            return True
        if self._gone:
            return False
        if self._transport is not None and not self._transport.is_reading():
            self._transport.resume_reading()
        if self._session.state is State.CONTENT:
            deadline = min(deadline, self._loop.time() + self._times.piece)
        try:
            async with asyncio.timeout_at(deadline):
                await self._wake.wait()
        except TimeoutError:
            self._session.close(_SLOW)
        return True

    async def _flush(self) -> bool:
        """Send what the session says; return whether the client can still be spoken to."""
        output = self._session.output()
        if self._transport is None or self._transport.is_closing():
            return False
        if output:
            self._transport.write(output)
            self._said = self._due
        if self._writable.is_set():
            return True
        try:
            async with asyncio.timeout(self._times.piece):
                await self._writable.wait()
        except TimeoutError:
            return False
        return True

    async def _say_goodbye(self, closed: Closed | None) -> None:
        """Send the last reply. What a refused client still sends is read and dropped, or its reply would be lost."""
        if closed is None or not await self._flush() or self._transport is None:
            return
        if closed.reason:
            log.info("session with %s ended: %s", self.client.address, closed.reason)
            if self._transport.can_write_eof():
                with contextlib.suppress(OSError):  # the client was faster
                    self._transport.write_eof()
            end = self._loop.time() + self._times.linger
            while await self._still_there(end):
                pass

    async def _still_there(self, end: float) -> bool:
        """Wait until the client sends something or hangs up; return whether it may send more."""
        if self._gone or self._transport is None:
            return False
        if not self._transport.is_reading():
            self._transport.resume_reading()
        self._wake.clear()
        try:
            async with asyncio.timeout_at(end):
                await self._wake.wait()
        except TimeoutError:
            return False
        return True

    def _answered(self, *, heard: bool) -> None:
        """Say how the reply to a message went, once: the client speaks again or hangs up in good order, or neither."""
        if self._due:
            self._due = self._said = False
            self._conversation.answered(heard=heard)

    def _put_down(self) -> None:
        """Give back the room of the message that was answered."""
        self._access.drop(self._weight)
        self._weight = 0

    def _deadline(self) -> float:
        content = self._session.state is State.CONTENT
        return self._loop.time() + (self._times.message if content else self._times.command)

    def _hang_up(self) -> None:
        """Close when everything is sent, and in any case soon: a client that never reads holds nothing of ours."""
        if self._transport is not None:
            self._transport.close()
            self._loop.call_later(self._times.linger, self._transport.abort)
