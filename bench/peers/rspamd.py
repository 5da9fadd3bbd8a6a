"""Rspamd as Debian ships it, without DNS, Redis and Bayes: one normal worker, and if wanted the milter's proxy.

Only what needs the network or a store is switched off. Its regular expressions are compiled by Hyperscan before
anything is measured.
"""

import asyncio
import contextlib
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.places import account, descendants, folder, free_port, processor_seconds, program, running, wait_for_port

# Each of these asks the network, Redis or another server.
OFF = (
    *("antivirus", "arc", "asn", "aws_s3", "bimi", "clickhouse", "dcc", "dkim", "dkim_signing", "dmarc", "elastic"),
    *("external_relay", "external_services", "fuzzy_check", "greylist", "hfilter", "history_redis"),
    *("metadata_exporter", "metric_exporter", "mx_check", "neural", "p0f", "ratelimit", "rbl", "redis", "replies"),
    *("reputation", "rspamd_update", "spamassassin", "spamtrap", "spf", "surbl", "url_redirector"),
)
# What was found makes no difference to the speed of a relay: everything is let through.
LOCAL = {
    "actions.conf": "reject = null;\nadd_header = null;\ngreylist = null;\n",
    "phishing.conf": "phishtank_enabled = false;\nopenphish_enabled = false;\n",
    "options.inc": 'dns {{ nameserver = ["127.0.0.1:{nobody}"]; timeout = 0.01s; retransmits = 1; }}\n',
}
CONFIGURATION = """\
.include "$CONFDIR/common.conf"
options {{
  pidfile = "$RUNDIR/rspamd.pid";
  .include "$CONFDIR/options.inc"
  .include(try=true; priority=1,duplicate=merge) "$LOCAL_CONFDIR/local.d/options.inc"
}}
logging {{ type = "file"; filename = "$LOGDIR/rspamd.log"; level = "warning"; }}
worker "normal" {{ bind_socket = "127.0.0.1:{normal}"; count = 1; mime = true; }}
worker "rspamd_proxy" {{ bind_socket = "127.0.0.1:{proxy}"; count = {proxies}; milter = yes; timeout = 60s;
  upstream "local" {{ default = yes; self_scan = yes; }} }}
worker "controller" {{ count = -1; }}
worker "fuzzy" {{ count = -1; }}
"""
REQUEST = (
    b"POST /checkv2 HTTP/1.1\r\nHost: localhost\r\nConnection: keep-alive\r\nIP: 192.0.2.1\r\n"
    b"Hostname: mail.example.org\r\nHelo: mail.example.org\r\n"
    b"From: anna@example.org\r\nRcpt: bob@example.net\r\nContent-Length: %d\r\n\r\n"
)


@dataclass(frozen=True, slots=True)
class Rspamd:
    """A running Rspamd: its ports and the process that holds its workers."""

    normal: int
    proxy: int
    pid: int
    version: str

    def processor(self) -> float:
        """Seconds of the processor that all of it has used."""
        return processor_seconds(self.pid)

    async def scan(self, raws: Sequence[bytes], connections: int) -> int:
        """Have all of them scanned over so many connections at once; returns how many answers came."""
        waiting = list(reversed(raws))
        return sum(await asyncio.gather(*(self._client(waiting) for _ in range(connections))))

    async def _client(self, waiting: list[bytes]) -> int:
        count = 0
        reader, writer = await asyncio.open_connection("127.0.0.1", self.normal)
        while waiting:
            raw = waiting.pop()
            writer.write(REQUEST % len(raw) + raw)
            head = await reader.readuntil(b"\r\n\r\n")
            assert b" 200 " in head[:20], head
            fields = dict(line.lower().partition(b":")[::2] for line in head.split(b"\r\n")[1:])
            body = await reader.readexactly(int(fields[b"content-length"]))
            assert b'"action"' in body, body[:200]
            count += 1
            if b"close" in fields.get(b"connection", b""):
                writer.close()
                reader, writer = await asyncio.open_connection("127.0.0.1", self.normal)
        writer.close()
        return count


@contextlib.contextmanager
def rspamd(*, proxies: int = 0) -> Iterator[Rspamd]:
    """Start it and wait until its regular expressions are compiled."""
    command, owner = program("rspamd"), account("_rspamd")
    normal, proxy, nobody = free_port(), free_port(), free_port()
    with folder(owner) as home:
        for name in ("run", "db", "log", "local/local.d", "local/override.d"):
            (home / name).mkdir(parents=True)
        for name in OFF:
            (home / f"local/local.d/{name}.conf").write_text("enabled = false;\n")
        for name, text in LOCAL.items():
            (home / f"local/local.d/{name}").write_text(text.format(nobody=nobody))
        (home / "rspamd.conf").write_text(CONFIGURATION.format(normal=normal, proxy=proxy, proxies=proxies or -1))
        for path in (home, *home.rglob("*")):
            shutil.chown(path, owner, owner)
        places = {"CONFDIR": "/etc/rspamd", "DBDIR": home / "db", "LOGDIR": home / "log", "RUNDIR": home / "run"}
        places["LOCAL_CONFDIR"] = home / "local"
        words = [f"--var={name}={value}" for name, value in places.items()]
        log = home / "log/out"
        command_line = [command, "-f", "-u", owner, "-g", owner, "-c", str(home / "rspamd.conf"), *words]
        with running(command_line, log, cwd=home) as pid:
            wait_for_port(normal, pid, log, 120)
            if proxies:
                wait_for_port(proxy, pid, log)
            _compiled(home, pid)
            yield Rspamd(normal, proxy, pid, _version(command))


def _compiled(home: Path, pid: int) -> None:
    """Wait until the compiler of regular expressions has been idle for two seconds."""
    deadline, quiet, before = time.monotonic() + 90, 0, -1.0
    while time.monotonic() < deadline and quiet < 4:
        used = sum(processor_seconds(child) for child in descendants(pid))
        quiet = quiet + 1 if used - before < 0.05 and any((home / "db").glob("*.hs*")) else 0
        before = used
        time.sleep(0.5)


def _version(command: str) -> str:
    said = subprocess.run([command, "--version"], capture_output=True, text=True, check=False).stdout
    return said.split()[-1] if said else "?"
