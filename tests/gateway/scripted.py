"""A next hop that behaves as a test tells it: old, refusing, silent, or gone at the worst moment."""

import asyncio
import contextlib
from dataclasses import dataclass, field


@dataclass
class Scripted:
    """Answers each verb with one reply; `None` is silence and `b""` hangs up. "." is the end of data."""

    extensions: tuple[str, ...] = ("8BITMIME", "SMTPUTF8", "SIZE 1000000")
    replies: dict[str, bytes | None] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    messages: list[bytes] = field(default_factory=list)
    port: int = 0
    connections: int = 0
    tasks: list[asyncio.Task] = field(default_factory=list)

    def reply(self, verb):
        if verb in self.replies:
            return self.replies[verb]
        if verb == "EHLO":
            lines = ["next.test", *self.extensions]
            return "".join(f"250{'-' if line != lines[-1] else ' '}{line}\r\n" for line in lines).encode()
        return {"": b"220 next.test\r\n", "DATA": b"354 go\r\n", "QUIT": b"221 bye\r\n"}.get(
            verb, b"250 2.0.0 fine\r\n"
        )

    async def talk(self, reader, writer):
        self.connections += 1
        self.tasks.append(asyncio.current_task())
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            going = await self._say(writer, self.reply(""))
            while going and (line := (await reader.readline()).decode()):
                self.lines.append(line.rstrip("\r\n"))
                verb = line.split(" ", maxsplit=1)[0].strip().upper()
                if not await self._say(writer, self.reply(verb)):
                    break
                if verb == "DATA" and self.reply("DATA")[:3] == b"354":
                    self.messages.append(await reader.readuntil(b"\r\n.\r\n"))
                    if not await self._say(writer, self.reply(".")):
                        break
        writer.close()

    async def _say(self, writer, reply):
        if reply:
            writer.write(reply)
            await writer.drain()
        return reply is None or reply != b""


@contextlib.asynccontextmanager
async def scripted(**options):
    """Start one; its `port` says where."""
    made = Scripted(**options)
    server = await asyncio.start_server(made.talk, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        await server.wait_closed()
        if made.tasks:
            _, open_still = await asyncio.wait(made.tasks, timeout=2)
            assert not open_still, "somebody left a connection to the next hop open"
