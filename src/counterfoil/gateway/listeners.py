"""What both servers do alike: listen where they are told to, and go home when their connections have ended."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection

from counterfoil.model.errors import Misconfigured

log = logging.getLogger(__name__)

_LAST = 5.0
"""Seconds for what was cut off to end."""


class Listeners:
    """The listening sockets of one server."""

    def __init__(self) -> None:
        self._servers: list[asyncio.Server] = []

    async def add(self, host: str, port: int, start: Callable[[], Awaitable[asyncio.Server]]) -> int:
        """Listen with what ``start`` makes; return the port (port 0 lets the system choose).

        Raises:
            Misconfigured: If the address cannot be had.
        """
        try:
            server = await start()
        except OSError as error:
            raise Misconfigured(
                f"cannot listen on {host} port {port}: {error.strerror}",
                "choose an address of this machine and a port that is free and allowed to this user",
            ) from error
        self._servers.append(server)
        return int(server.sockets[0].getsockname()[1])

    def close(self) -> None:
        """Let nobody in any more."""
        for server in self._servers:
            server.close()

    async def drain(self, tasks: Collection[asyncio.Task[None]], seconds: float) -> None:
        """Wait for connections to end; cut off what is not at its end after ``seconds``."""
        if tasks:
            _, late = await asyncio.wait(tuple(tasks), timeout=seconds)
            for task in late:
                task.cancel()
            if late:
                log.warning("connections were cut off", extra={"facts": {"count": len(late)}})
                await asyncio.wait(late, timeout=_LAST)
        for server in self._servers:
            await server.wait_closed()
        self._servers.clear()
