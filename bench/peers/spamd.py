"""SpamAssassin as Debian ships it: ``spamd`` with local tests only, one child, over its own protocol (SPAMC)."""

import asyncio
import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bench.places import account, folder, free_port, processor_seconds, program, running, wait_for_port


@dataclass(frozen=True, slots=True)
class Spamd:
    """A running spamd: its port and the process that holds its child."""

    port: int
    pid: int

    def processor(self) -> float:
        """Seconds of the processor that all of it has used."""
        return processor_seconds(self.pid)

    async def scan(self, raws: Sequence[bytes], connections: int) -> int:
        """Have all of them scanned, so many at once; returns how many answers came."""
        waiting = list(reversed(raws))
        return sum(await asyncio.gather(*(self._client(waiting) for _ in range(connections))))

    async def _client(self, waiting: list[bytes]) -> int:
        count = 0
        while waiting:
            raw = waiting.pop()
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            writer.write(b"SYMBOLS SPAMC/1.5\r\nContent-length: %d\r\n\r\n" % len(raw) + raw)
            writer.write_eof()
            said = await reader.read()
            assert b"EX_OK" in said[:40], said[:200]
            writer.close()
            count += 1
        return count


@contextlib.contextmanager
def spamd() -> Iterator[Spamd]:
    """Start it with the rules of its package."""
    command, owner = program("spamd"), account("debian-spamd")
    port = free_port()
    with folder(owner) as home:
        words = ["-L", "-x", "-u", owner, "-H", str(home), "-m", "1", "--min-children=1", "--max-spare=1"]
        words += ["-i", "127.0.0.1", "-p", str(port), "-A", "127.0.0.1", "--max-conn-per-child=100000"]
        words += ["-s", "stderr", "-r", str(home / "pid"), "--cf=use_bayes 0", "--cf=use_auto_whitelist 0"]
        log = home / "log"
        with running([command, *words], log, cwd=home) as pid:
            wait_for_port(port, pid, log, 60)
            yield Spamd(port, pid)
