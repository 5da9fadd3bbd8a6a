"""The whole house as a process: it starts, takes mail over SMTP, dies, starts again, and stops when asked to."""

import asyncio
import contextlib
import json
import signal
import smtplib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.gateway.peers import Sink

from counterfoil.__main__ import main
from counterfoil.gateway.server import SmtpServer
from counterfoil.model.mail import Direction

WAIT = 60.0
HELD = Path(__file__).resolve().parents[2] / "examples" / "zip-in-zip.eml"
CLEAN = HELD.with_name("clean.eml")


@dataclass
class Serve:
    """A running ``counterfoil serve``."""

    process: subprocess.Popen[bytes]
    log: Path

    def events(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.log.read_text().splitlines(keepends=True) if line.endswith("}\n")]

    def wait_for(self, message: str) -> dict[str, object]:
        end = time.monotonic() + WAIT
        while time.monotonic() < end:
            for event in self.events():
                if event["message"] == message:
                    return event
            assert self.process.poll() is None, self.log.read_text()
            time.sleep(0.05)
        raise AssertionError(self.log.read_text())

    def port(self) -> int:
        self.wait_for("ready")
        return int(str(self.wait_for("listening")["port"]))


@contextlib.contextmanager
def serving(folder: Path, extra: str = "", listen: int = 0) -> Iterator[Serve]:
    """Start ``counterfoil serve`` on free ports, and end it by its id whatever happens."""
    config = folder / "c.toml"
    config.write_text(f'[gateway]\nlisten = "127.0.0.1:{listen}"\n{extra}[dns]\nenabled = false\n[scan]\nworkers = 1\n')
    log = folder / f"serve-{time.monotonic_ns()}.log"
    words = [sys.executable, "-m", "counterfoil", "serve", "--config", str(config), "--data", str(folder / "data")]
    with log.open("wb") as stderr:
        process = subprocess.Popen(words, stderr=stderr)
    try:
        yield Serve(process, log)
    finally:
        process.kill()
        process.wait(WAIT)


def command(capsys: pytest.CaptureFixture[str], folder: Path, *words: str) -> object:
    """Run a command in this process and return its JSON answer."""
    assert main([*words, "--json", "--data", str(folder / "data")]) in (0, 1)
    return json.loads(capsys.readouterr().out)


@pytest.fixture
async def sink_port() -> Iterator[int]:
    """A next hop that takes everything."""
    server = SmtpServer(Sink(), hostname="sink.test")
    yield await server.listen("127.0.0.1", 0, Direction.INBOUND)
    await server.drain(1)


def send(port: int, file: Path) -> int:
    """Send a sample and return the reply code to it."""
    with smtplib.SMTP("127.0.0.1", port, timeout=WAIT) as client:
        client.ehlo()
        client.mail("a@b.example")
        client.rcpt("robin@customer.example")
        return client.data(file.read_bytes())[0]


async def test_a_life(tmp_path: Path, sink_port: int, capsys: pytest.CaptureFixture[str]):
    """A gateway on defaults takes mail for a tenant added while it runs, hands it on or holds it, and stops with 0."""
    with serving(tmp_path) as serve:
        port = await asyncio.to_thread(serve.port)
        hop = f"127.0.0.1:{sink_port}"
        added = ("tenant", "add", "c", "--domain", "customer.example", "--next-hop", hop, "--tls", "none")
        command(capsys, tmp_path, *added)
        assert await asyncio.to_thread(send, port, CLEAN) == 250
        assert await asyncio.to_thread(send, port, HELD) == 250
        stories = command(capsys, tmp_path, "track", "--tenant", "c")
        assert [story["outcome"] for story in stories] == ["held", "handed-on"]
        serve.process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(serve.process.wait, WAIT) == 0
        assert "Minutes of Tuesday" not in serve.log.read_text()


async def test_killed_between_the_next_hops_250_and_ours(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """The client has no reply and still has the message; the next start counts it as unknown, once."""
    sink, reached = Sink(), asyncio.Event()

    async def never() -> None:
        reached.set()
        await asyncio.sleep(WAIT)

    sink.before_reply = never
    server = SmtpServer(sink, hostname="sink.test")
    port = await server.listen("127.0.0.1", 0, Direction.INBOUND)
    with serving(tmp_path) as serve:
        ours = await asyncio.to_thread(serve.port)
        added = ("tenant", "add", "c", "--domain", "customer.example", "--tls", "none")
        command(capsys, tmp_path, *added, "--next-hop", f"127.0.0.1:{port}")
        sending = asyncio.create_task(asyncio.to_thread(send, ours, CLEAN))
        await asyncio.wait_for(reached.wait(), WAIT)
        serve.process.send_signal(signal.SIGKILL)
        with pytest.raises(smtplib.SMTPServerDisconnected):
            await sending
    assert command(capsys, tmp_path, "track")[0]["outcome"] is None
    with serving(tmp_path) as again:
        left = await asyncio.to_thread(again.wait_for, "the last run left messages without an outcome")
        await asyncio.to_thread(again.wait_for, "ready")
    assert left["count"] == 1
    (story,) = command(capsys, tmp_path, "track")
    assert (story["outcome"], story["dispositions"][0]["actor"]) == ("unknown", "restart")
    await server.drain(0.1)


def test_starttls_with_the_own_certificate(tmp_path: Path):
    """STARTTLS works on embedded defaults, before anybody configured a certificate."""
    with serving(tmp_path) as serve, smtplib.SMTP("127.0.0.1", serve.port(), timeout=WAIT) as client:
        assert client.starttls()[0] == 220
        assert client.ehlo()[0] == 250


def test_a_second_serve_is_refused(tmp_path: Path):
    """Two gateways on one folder would call each other's work unknown; the second says so and exits 2."""
    with serving(tmp_path) as first:
        first.wait_for("ready")
        with serving(tmp_path) as second:
            assert second.process.wait(WAIT) == 2
            assert "another counterfoil serve runs on" in second.log.read_text()


def test_a_taken_port_is_said(tmp_path: Path):
    """A port that another program has is an error with what to do, not a traceback."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with serving(tmp_path, listen=port) as serve:
            assert serve.process.wait(WAIT) == 2
            said = serve.log.read_text()
    assert f"cannot listen on 127.0.0.1 port {port}" in said
    assert "Traceback" not in said


def test_three_faults_stop_it(tmp_path: Path):
    """A configuration with three faults is refused with exit 2, and all three are named."""
    with serving(tmp_path, extra="recipients = 0\nlissen = 1\nhostname = 7\n") as serve:
        assert serve.process.wait(WAIT) == 2
        said = serve.log.read_text()
    assert all(key in said for key in ("gateway.recipients", "gateway.lissen", "gateway.hostname"))


async def test_a_life_on_postgresql(tmp_path: Path, sink_port: int, postgresql_database: str, capsys):
    """The same gateway on PostgreSQL: it takes mail, holds and releases it, its books balance, and it starts again."""
    config = ("--config", str(tmp_path / "c.toml"))
    extra = f'[database]\nurl = "{postgresql_database}"\n'
    for start in (1, 2):
        with serving(tmp_path, extra) as serve:
            port = await asyncio.to_thread(serve.port)
            if start == 1:
                hop = ("--next-hop", f"127.0.0.1:{sink_port}", "--tls", "none")
                command(capsys, tmp_path, "tenant", "add", "c", "--domain", "customer.example", *hop, *config)
            assert await asyncio.to_thread(send, port, CLEAN) == 250
            assert await asyncio.to_thread(send, port, HELD) == 250
            (newest, *_) = command(capsys, tmp_path, "quarantine", "list", *config)
            command(capsys, tmp_path, "quarantine", "release", str(newest["id"]), *config)
            serve.process.send_signal(signal.SIGTERM)
            assert await asyncio.to_thread(serve.process.wait, WAIT) == 0
    assert not (tmp_path / "data" / "counterfoil.db").exists()
    books = command(capsys, tmp_path, "ledger", "verify", *config)
    assert books["wrong"] == []
    assert (books["mail"]["handed_on"], books["mail"]["held"], books["mail"]["unknown"]) == (2, 2, 0)
