"""``counterfoil serve`` in a folder of its own: the proxy, and the milter's face beside it."""

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

from bench.places import alive, folder, processor_seconds, running

CONFIGURATION = """\
[gateway]
listen = "127.0.0.1:0"
hostname = "gateway.example"
connections_per_client = 100
messages_per_minute = 1000000
[milter]
listen = "127.0.0.1:0"
[dns]
enabled = false
[scan]
workers = 2
"""


@dataclass(frozen=True, slots=True)
class Gateway:
    """A running gateway: its ports and its process, which its scanning workers are children of."""

    smtp: int
    milter: int
    pid: int

    def processor(self) -> float:
        """Seconds of the processor that all of it has used."""
        return processor_seconds(self.pid)


@contextlib.contextmanager
def gateway(next_hop: int) -> Iterator[Gateway]:
    """Start it with one tenant, whose mail goes to a port on loopback."""
    with folder() as home:
        (home / "counterfoil.toml").write_text(CONFIGURATION)
        command, data = [sys.executable, "-m", "counterfoil"], ["--data", str(home / "data")]
        tenant = ["tenant", "add", "t1", "--domain", "tenant.example", "--next-hop", f"127.0.0.1:{next_hop}"]
        made = [*command, *tenant, "--tls", "none", *data]
        subprocess.run(made, check=True, capture_output=True, timeout=60)
        log = home / "log"
        with running([*command, "serve", "--config", str(home / "counterfoil.toml"), *data], log) as pid:
            ports: dict[str, int] = {}
            deadline = time.monotonic() + 60
            while "ready" not in ports:
                if time.monotonic() > deadline or not alive(pid):
                    raise RuntimeError(f"counterfoil serve: {log.read_text()[-800:]}")
                time.sleep(0.05)
                for line in log.read_text().splitlines(keepends=True):
                    event = json.loads(line) if line.endswith("}\n") else {}
                    if event.get("message") == "listening":
                        ports[event["face"]] = event["port"]
                    elif event.get("message") == "ready":
                        ports["ready"] = 0
            yield Gateway(ports["smtp"], ports["milter"], pid)
