"""The SMTP side: takes mail for the tenants' domains and puts it into the mailboxes."""

import asyncio
import threading
from pathlib import Path

from counterfoil import clock
from counterfoil.gateway.access import AccessLimits
from counterfoil.gateway.routing import Client
from counterfoil.gateway.server import SmtpServer
from counterfoil.gateway.smtp.events import Content, Mail, Recipient, Spoilt
from counterfoil.gateway.smtp.reply import Reply
from counterfoil.gateway.tls import server_context
from counterfoil.lab import inbound
from counterfoil.lab.engine import Engine
from counterfoil.lab.graph import notify
from counterfoil.lab.places import mailbox
from counterfoil.lab.wire import Call
from counterfoil.lab.wire import Reply as HttpReply
from counterfoil.lab.world import World
from counterfoil.model.errors import Unavailable
from counterfoil.model.mail import Direction

_HOST = "lab.mail.protection.outlook.com"
_OK = Reply(250, "2.1.0", "Sender OK")
_LIMITS = AccessLimits(connections=2000, connections_per_client=1000, messages_per_minute=1_000_000)


class _Delivery:
    """One client's transactions."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._names: tuple[str, ...] = ()
        self._sender = ""
        self._recipients: list[str] = []

    async def mail(self, client: Client, mail: Mail) -> Reply:
        self._names, self._sender, self._recipients = client.certificates, mail.sender, []
        return _OK

    async def recipient(self, recipient: Recipient) -> Reply:
        refusal = self._engine.ask(lambda world: inbound.refuses(world, self._sender, recipient.address, self._names))
        if refusal is not None:
            return Reply(*refusal)
        self._recipients.append(recipient.address)
        return Reply(250, "2.1.5", "Recipient OK")

    async def content(self, content: Content) -> Reply:
        """Deliver; the state is on disk before the reply is given."""
        recipients = tuple(self._recipients)

        def deliver(world: World, call: Call) -> HttpReply:
            for address in recipients:
                notify.arrive(world, mailbox(world, address), content.raw, call.now)
            return HttpReply(202)

        now = clock.now().timestamp()
        self._engine.handle(deliver, Call("SMTP", "", {}, {}, b"", "", now, "", self._engine.request_id()))
        return Reply(250, "2.6.0", f"<{self._engine.request_id()}@{_HOST}> Queued mail for delivery")

    async def spoilt(self, spoilt: Spoilt) -> None:  # noqa: ARG002 - a server like Exchange keeps nothing of it
        self._recipients = []

    def answered(self, *, heard: bool) -> None:
        """Nobody asks: the laboratory keeps what it took."""

    async def reset(self) -> None:
        self._recipients = []

    async def close(self) -> None:
        self._recipients = []


class Mx:
    """The listener, in a thread of its own.

    Args:
        engine: The laboratory's state.
        client_ca: PEM of the authorities whose client certificates are believed.
        port: Wished port, or 0.
    """

    def __init__(self, engine: Engine, client_ca: Path, port: int = 0) -> None:
        self._engine = engine
        self._tls = server_context(engine.server.certificate, engine.server.key, client_ca)
        self._wished = port
        self.port = 0
        self._ready = threading.Event()
        self._stop: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="lab-mx", daemon=True)

    def start(self) -> None:
        """Listen; ``port`` is set on return.

        Raises:
            Unavailable: If that fails.
        """
        self._thread.start()
        self._ready.wait(10)
        if not self.port:
            raise Unavailable("the laboratory's SMTP side did not start", "look for another program on its port")

    def stop(self) -> None:
        """Stop, and return when the thread has ended."""
        if self._loop is not None and self._stop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(timeout=15)

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        server = SmtpServer(lambda: _Delivery(self._engine), hostname=_HOST, access=_LIMITS, tls=self._tls)
        self.port = await server.listen("127.0.0.1", self._wished, Direction.INBOUND)
        self._ready.set()
        await self._stop.wait()
        await server.drain(1.0)
