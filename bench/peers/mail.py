"""The ends of the line, both from Postfix: smtp-source, which sends one message many times, and smtp-sink."""

import contextlib
import re
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.places import alive, folder, free_port, program, running, wait_for_port

SENDER, RECIPIENT = "anna@example.org", "bob@tenant.example"
PATIENCE = 120.0
COUNTED = re.compile(rb"mesg=(\d+)")


@dataclass(frozen=True, slots=True)
class Sink:
    """A running smtp-sink, which throws away what it takes and counts it."""

    port: int
    pid: int
    log: Path

    def count(self) -> int:
        """How many messages it has taken."""
        with self.log.open("rb") as log:
            log.seek(max(0, self.log.stat().st_size - 400))
            found = COUNTED.findall(log.read())
        return int(found[-1]) if found else 0


@contextlib.contextmanager
def sink() -> Iterator[Sink]:
    """Start smtp-sink."""
    port = free_port()
    with folder("nobody") as home:
        log = home / "log"
        with running([program("smtp-sink"), "-c", "-u", "nobody", f"inet:127.0.0.1:{port}", "200"], log) as pid:
            wait_for_port(port, pid, log)
            yield Sink(port, pid, log)


def sent(message: Path, port: int, to: Sink, *, sessions: int, count: int) -> float:
    """Send a message so often over so many connections; return the seconds until the sink had them all."""
    before, began = to.count(), time.perf_counter()
    words = ["-s", str(sessions), "-m", str(count), "-f", SENDER, "-t", RECIPIENT, "-F", str(message)]
    done = subprocess.run(
        [program("smtp-source"), *words, f"inet:127.0.0.1:{port}"], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"smtp-source: {done.stderr[-500:]}")
    while to.count() < before + count:
        if time.perf_counter() - began > PATIENCE or not alive(to.pid):
            raise RuntimeError(f"only {to.count() - before} of {count} messages arrived")
        time.sleep(0.005)
    return time.perf_counter() - began
