"""The whole of `counterfoil serve` as the milter of a real Postfix: what becomes of mail, also when serve dies."""

import asyncio
import contextlib
import smtplib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.app.test_serving import CLEAN, WAIT, Serve, command, serving
from tests.gateway.peers import Sink
from tests.gateway.postfix import postfix

from counterfoil.gateway.server import SmtpServer
from counterfoil.model.mail import Direction

MILTER = '[milter]\nlisten = "127.0.0.1:{port}"\n'
REFUSE = '[actions]\nmalicious = "reject"\n'
EXAMPLES = CLEAN.parent


@dataclass
class Behind:
    """Postfix on ``port``, what comes out of its queue, and the tenant's own next hop."""

    port: int
    queue: Sink
    next_hop: Sink
    folder: Path
    capsys: pytest.CaptureFixture[str]

    def command(self, *words: str) -> list[dict[str, object]]:
        found = command(self.capsys, self.folder, *words)
        assert isinstance(found, list)
        return found

    async def send(self, name: str, domain: str = "tenant.example", sender: str = "ann@vendor.example") -> str:
        """Send a sample through Postfix; return the reply to it."""

        def talk() -> str:
            with smtplib.SMTP("127.0.0.1", self.port, local_hostname="client.test", timeout=WAIT) as client:
                client.ehlo()
                raw = (EXAMPLES / name).read_bytes()
                steps = (lambda: client.mail(sender), lambda: client.rcpt(f"bob@{domain}"), lambda: client.data(raw))
                for step in steps:
                    code, words = step()
                    if code != 250:
                        break
                return f"{code} {words.decode()}"

        return await asyncio.to_thread(talk)


def milter_port(serve: Serve) -> int:
    """Return the port that the milter listens on."""
    serve.wait_for("ready")
    events = [event for event in serve.events() if event["message"] == "listening" and event["face"] == "milter"]
    return int(str(events[0]["port"]))


@contextlib.asynccontextmanager
async def sink() -> AsyncIterator[tuple[Sink, int]]:
    """A next hop that takes everything."""
    taker = Sink()
    server = SmtpServer(taker, hostname="sink.test")
    try:
        yield taker, await server.listen("127.0.0.1", 0, Direction.INBOUND)
    finally:
        await server.drain(1)


@contextlib.asynccontextmanager
async def behind(folder: Path, capsys: pytest.CaptureFixture[str], port: int) -> AsyncIterator[Behind]:
    """Start Postfix before a serve that listens on ``port``, and give it two tenants."""
    async with sink() as (queue, relay), sink() as (next_hop, theirs):
        policy = folder / "policy.toml"
        policy.write_text(REFUSE)
        for name, domain in (("t1", "tenant.example"), ("t2", "other.example")):
            hop = ("--next-hop", f"127.0.0.1:{theirs}", "--tls", "none")
            command(capsys, folder, "tenant", "add", name, "--domain", domain, *hop)
        command(capsys, folder, "tenant", "policy", "t2", "--set", str(policy))
        with contextlib.ExitStack() as stack:
            started = await asyncio.to_thread(stack.enter_context, postfix(milter=port, relay=relay))
            try:
                yield Behind(started[0], queue, next_hop, folder, capsys)
            finally:
                await asyncio.to_thread(stack.close)


async def test_every_action_behind_postfix(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Clean and tagged mail comes out of Postfix's queue with our fields, held mail stays with us, some is refused."""
    with serving(tmp_path, MILTER.format(port=0)) as serve:
        port = await asyncio.to_thread(milter_port, serve)
        async with behind(tmp_path, capsys, port) as here:
            assert (await here.send("clean.eml")).startswith("250 ")
            assert (await here.send("spoofed.eml")).startswith("250 ")
            assert (await here.send("macro.eml")).startswith("250 ")
            refusal = await here.send("macro.eml", "other.example")
            await here.queue.arrived(2)
            clean, tagged = sorted((got.raw for got in here.queue.delivered), key=lambda raw: b"suspicious" in raw)
            assert b"X-Counterfoil-Verdict: clean; action=deliver\r\n" in clean
            assert b"X-Counterfoil-Verdict: suspicious; action=tag\r\n" in tagged
            assert clean.endswith(CLEAN.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")[-400:])
            stories = {str(story["id"]): story for story in here.command("track")}
            assert sorted(str(story["outcome"]) for story in stories.values()) == [
                "handed-on", "handed-on", "held", "refused",
            ]  # fmt: skip
            (refused,) = (story for story in stories.values() if story["outcome"] == "refused")
            assert refusal == f"550 5.7.1 refused by policy as malicious; {refused['id']}"
            assert (refused["tenant"], refused["via"]) == ("t2", "milter")
            await release(here)
            assert len(here.queue.delivered) == 2


async def release(here: Behind) -> None:
    """Let go what is held: exactly those bytes go to the tenant's next hop, past Postfix, which never kept them."""
    (held,) = here.command("quarantine", "list")
    kept = here.folder / "held.eml"
    command(here.capsys, here.folder, "quarantine", "show", str(held["id"]), "--save", str(kept))
    command(here.capsys, here.folder, "quarantine", "release", str(held["id"]))
    await here.next_hop.arrived()
    (got,) = here.next_hop.delivered
    assert (got.sender, got.recipients) == ("ann@vendor.example", ["bob@tenant.example"])
    assert got.raw == kept.read_bytes()
    async with asyncio.timeout(WAIT):
        while here.command("track", "--outcome", "released") == []:  # noqa: ASYNC110 - another process releases it
            await asyncio.sleep(0.1)


async def test_nothing_is_lost_when_serve_is_killed(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """While serve is dead Postfix answers 4xx and its client keeps the mail; all of it arrives once serve is back."""
    with serving(tmp_path, MILTER.format(port=0)) as serve:
        port = await asyncio.to_thread(milter_port, serve)
        async with behind(tmp_path, capsys, port) as here:
            assert (await here.send("clean.eml", sender="n0@vendor.example")).startswith("250 ")
            kill = asyncio.create_task(asyncio.to_thread(_kill, serve))
            waiting = {f"n{number}@vendor.example" for number in range(1, 9)}
            replies = [await here.send("clean.eml", sender=sender) for sender in sorted(waiting)]
            taken = {sender for sender, reply in zip(sorted(waiting), replies, strict=True) if reply.startswith("250")}
            await kill
            assert [reply for reply in replies if not reply.startswith(("250 ", "451 4.7.1"))] == []
            waiting -= taken
            assert (await here.send("clean.eml", sender="late@vendor.example")).startswith("451 4.7.1")
            waiting.add("late@vendor.example")
            with serving(tmp_path, MILTER.format(port=port)) as again:
                await asyncio.to_thread(again.wait_for, "ready")
                for sender in sorted(waiting):
                    assert (await here.send("clean.eml", sender=sender)).startswith("250 ")
                await here.queue.arrived(10)
            arrived = [got.sender for got in here.queue.delivered]
            assert sorted(arrived) == sorted(["n0@vendor.example", *taken, *waiting])


def _kill(serve: Serve) -> None:
    time.sleep(0.15)
    serve.process.kill()
    serve.process.wait(WAIT)
