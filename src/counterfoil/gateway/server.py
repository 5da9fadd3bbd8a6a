"""The SMTP server's edge: listens, turns away who is too many, and goes home without losing anybody's mail."""

import asyncio
import logging
import ssl
from collections.abc import Callable
from functools import partial

from counterfoil.gateway.access import Access, AccessLimits
from counterfoil.gateway.connection import Connection, Times
from counterfoil.gateway.conversation import Conversation
from counterfoil.gateway.listeners import Listeners
from counterfoil.gateway.routing import Client
from counterfoil.gateway.smtp.limits import Limits
from counterfoil.gateway.smtp.reply import Reply
from counterfoil.gateway.smtp.session import Session
from counterfoil.model.mail import Direction

log = logging.getLogger(__name__)


class SmtpServer:
    """Every SMTP listener of the gateway, and the connections to them.

    Args:
        converse: Makes the conversation of one client.
        hostname: Our name in greetings.
        limits: How much one session may ask.
        access: How much one client may ask.
        times: How long it may take.
        tls: What STARTTLS is answered with; not offered if left out.
    """

    def __init__(
        self,
        converse: Callable[[], Conversation],
        *,
        hostname: str,
        limits: Limits | None = None,
        access: AccessLimits | None = None,
        times: Times | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._converse = converse
        self._hostname = hostname
        self._limits = limits or Limits()
        self._access = Access(access or AccessLimits())
        self._times = times or Times()
        self._tls = tls
        self._listeners = Listeners()
        self._tasks: dict[asyncio.Task[None], Connection] = {}
        self._stopping = False

    async def listen(self, host: str, port: int, direction: Direction) -> int:
        """Listen; return the port (port 0 lets the system choose).

        Raises:
            Misconfigured: If the address cannot be had.
        """
        arrival = partial(_Arrival, self, direction)
        start = partial(asyncio.get_running_loop().create_server, arrival, host, port, backlog=256)
        return await self._listeners.add(host, port, start)

    async def drain(self, seconds: float) -> None:
        """Stop listening, let messages under way come to their end, and hang up on everybody.

        Whatever is not at its end after ``seconds`` is cut off: its client saw no reply and keeps it.
        """
        self._stopping = True
        self._listeners.close()
        for connection in self._tasks.values():
            connection.stop()
        await self._listeners.drain(self._tasks, seconds)

    def arrive(self, transport: asyncio.Transport, direction: Direction) -> None:
        """Take a connection in, or turn it away with a reply."""
        address = str((transport.get_extra_info("peername") or ("",))[0])
        refusal = Reply(421, "4.3.2", "shutting down") if self._stopping else self._access.enter(address)
        if refusal is not None:
            transport.write(refusal.encode())
            transport.close()
            return
        loop = asyncio.get_running_loop()
        connection = Connection(
            Session(self._hostname, self._limits, tls=self._tls is not None),
            self._converse(),
            Client(address, direction),
            times=self._times,
            tls=self._tls,
            access=self._access,
        )
        transport.set_protocol(connection)
        connection.connection_made(transport)
        task = loop.create_task(connection.serve())
        self._tasks[task] = connection
        task.add_done_callback(partial(self._left, address))

    def _left(self, address: str, task: asyncio.Task[None]) -> None:
        del self._tasks[task]
        self._access.leave(address)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a connection from %s broke", address, exc_info=error)


class _Arrival(asyncio.Protocol):
    """A connection that is not yet let in."""

    def __init__(self, server: SmtpServer, direction: Direction) -> None:
        self._server = server
        self._direction = direction

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._server.arrive(transport, self._direction)
