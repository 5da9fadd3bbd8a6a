"""The server: sockets on loopback, TLS, uvicorn in a thread of its own."""

import asyncio
import logging
import socket
import threading
from collections.abc import Mapping

import uvicorn

from counterfoil.lab import web
from counterfoil.lab.engine import Engine, Face
from counterfoil.model.errors import Unavailable

_log = logging.getLogger(__name__)
_ADMIN = "admin"
_RIPEN_SECONDS = 0.2
_GRACE_SECONDS = 0.2


class Server:
    """Serves the faces, each on a port of its own, until it is stopped.

    Args:
        engine: The world behind the faces.
        faces: Name of the host and what answers for it.
        ports: Wished ports by name; 0 or none takes a free one.
    """

    def __init__(self, engine: Engine, faces: Mapping[str, Face], ports: Mapping[str, int]) -> None:
        self._engine = engine
        self._sockets = {name: _listen(ports.get(name, 0)) for name in (*faces, _ADMIN)}
        self.ports = {name: listener.getsockname()[1] for name, listener in self._sockets.items()}
        by_port = {self.ports[name]: face for name, face in faces.items()}
        config = uvicorn.Config(
            web.make_app(engine, by_port, self.ports[_ADMIN]),
            ssl_certfile=str(engine.server.certificate),
            ssl_keyfile=str(engine.server.key),
            log_level="error",
            access_log=False,
            lifespan="off",
            server_header=False,
            proxy_headers=False,
        )
        self._server = uvicorn.Server(config)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="lab", daemon=True)

    def start(self) -> None:
        """Start, and return when the ports answer.

        Raises:
            Unavailable: If they do not within ten seconds.
        """
        self._thread.start()
        waited = threading.Event()
        for _ in range(1000):
            if self._server.started:
                return
            waited.wait(0.01)
        raise Unavailable("the laboratory did not start", "look for another program on its ports")

    def stop(self) -> None:
        """Stop, and return when the thread has ended."""
        self._server.should_exit = True
        if self._loop is not None and self._stopping is not None:
            self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(timeout=5)
        if self._thread.is_alive():
            state = self._server.server_state
            _log.warning(
                "the laboratory stops with %d connections, %d requests", len(state.connections), len(state.tasks)
            )
            self._server.force_exit = True
            self._thread.join(timeout=10)

    async def _serve(self) -> None:
        self._server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        async with asyncio.TaskGroup() as group:
            helpers = [group.create_task(self._ripen()), group.create_task(self._hang_up(self._stopping))]
            await self._server.serve(sockets=list(self._sockets.values()))
            for helper in helpers:
                helper.cancel()

    async def _hang_up(self, stopping: asyncio.Event) -> None:
        """End the connections of clients that keep theirs open, once the server is to stop."""
        await stopping.wait()
        while True:
            await asyncio.sleep(_GRACE_SECONDS)
            for connection in list(self._server.server_state.connections):
                transport = getattr(connection, "transport", None)
                if transport is not None:
                    transport.abort()

    async def _ripen(self) -> None:
        """Post notices and write rows that are due, a few times a second."""
        while True:
            for errand in self._engine.ripen():
                if not await web.run_errand(errand, 3.0):
                    self._engine.missed(errand)
            await asyncio.sleep(_RIPEN_SECONDS)


def _listen(port: int) -> socket.socket:
    """Listen on loopback; a wished port that is taken gives way to a free one."""
    for wish in (port, 0):
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", wish))
        except OSError:
            listener.close()
            continue
        return listener
    raise Unavailable("no port is free on 127.0.0.1")
