"""The console's own thread, event loop and listening socket: whatever a page does, the gateway's loop goes on."""

import asyncio
import logging
import socket
import ssl
import threading

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from counterfoil.console.application import Console
from counterfoil.console.gate import Gate
from counterfoil.console.shield import HEADERS
from counterfoil.console.views import Sources
from counterfoil.model.errors import Misconfigured, Unavailable

log = logging.getLogger(__name__)

CONNECTIONS = 200
START = 20.0
DRAIN = 3


class _Server(uvicorn.Server):
    """Says when it is up."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self.up.set()


class ConsoleServer:
    """Serves the console from a thread of its own.

    Args:
        sources: What pages and deeds work with.
        tls: How browsers are spoken to; ``None`` behind a proxy on this machine, which then speaks TLS for us.
        lasting: The certificate is a real one, so browsers may be told to insist on TLS (RFC 6797).
    """

    def __init__(self, sources: Sources, tls: ssl.SSLContext | None, *, lasting: bool = False) -> None:
        self._stopping = threading.Event()
        self.gate = Gate(sources)
        console = Console(sources, self.gate, self._stopping.is_set)
        headers = dict(HEADERS)
        if lasting:
            headers["strict-transport-security"] = "max-age=31536000"
        config = uvicorn.Config(
            shielded(console.application(), headers),
            http="h11",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=tls is None,
            forwarded_allow_ips="127.0.0.1,::1",
            limit_concurrency=CONNECTIONS,
            timeout_graceful_shutdown=DRAIN,
            h11_max_incomplete_event_size=32 * 1024,
        )
        config.load()
        config.ssl = tls
        self._server = _Server(config)
        self._thread: threading.Thread | None = None

    def listen(self, host: str, port: int) -> int:
        """Begin to serve; return the port.

        Raises:
            Misconfigured: If the address cannot be listened on.
            Unavailable: If the server does not come up.
        """
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            listener = socket.create_server((host, port), family=family, backlog=128)
        except OSError as error:
            raise Misconfigured(
                f"the console cannot listen on {host} port {port}: {error.strerror}", "change console.listen"
            ) from error
        number: int = listener.getsockname()[1]
        self._thread = threading.Thread(target=self._run, args=(listener,), name="console")
        self._thread.start()
        if not self._server.up.wait(START):
            self.close()
            raise Unavailable("the console does not start", "see the log")
        return number

    def _run(self, listener: socket.socket) -> None:
        try:
            asyncio.run(self._server.serve([listener]))
        except Exception:
            log.exception("the console ended")
        finally:
            listener.close()

    def close(self) -> None:
        """Let what is under way end, then stop; returns when the thread is done."""
        self._stopping.set()
        self._server.should_exit = True
        if self._thread is not None:
            self._thread.join()


def shielded(application: ASGIApp, headers: dict[str, str]) -> ASGIApp:
    """Put the headers on every answer, whoever gives it."""
    always = {name.encode("ascii"): value.encode("ascii") for name, value in headers.items()}
    # Our own style and script are no secret and may be kept, if the browser asks whether they still hold.
    static = always | {b"cache-control": b"no-cache"}

    async def shield(scope: Scope, receive: Receive, send: Send) -> None:
        ours = static if str(scope.get("path", "")).startswith("/static/") else always

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                taken = [pair for pair in message.get("headers", ()) if pair[0].lower() not in ours]
                message["headers"] = [*taken, *ours.items()]
            await send(message)

        await application(scope, receive, sending)

    return shield
