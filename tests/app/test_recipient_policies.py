"""Policies that differ for recipients of one tenant, from the operator's file to what becomes of a message."""

import asyncio
import smtplib
from pathlib import Path

import pytest
from tests.app.test_serving import HELD, WAIT, command, serving
from tests.gateway.peers import Sink

from counterfoil.gateway.server import SmtpServer
from counterfoil.model.mail import Direction

POLICY = """
[[recipients]]
to = "abuse@customer.example"
actions = { malicious = "tag" }

[[recipients]]
to = "@strict.example"
actions = { malicious = "reject" }
"""


def send(port: int, *to: str) -> int:
    """Send a malicious sample; return the reply code to its content."""
    with smtplib.SMTP("127.0.0.1", port, timeout=WAIT) as client:
        client.ehlo()
        client.mail("a@b.example")
        assert [client.rcpt(address)[0] for address in to] == [250] * len(to)
        return client.data(HELD.read_bytes())[0]


async def test_the_severest_action_wins(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Each recipient has a policy of its own; together they have one fate, which is the severest of them."""
    sink = Sink()
    server = SmtpServer(sink, hostname="sink.test")
    hop = ("--next-hop", f"127.0.0.1:{await server.listen('127.0.0.1', 0, Direction.INBOUND)}", "--tls", "none")
    (tmp_path / "policy.toml").write_text(POLICY)
    command(capsys, tmp_path, "tenant", "add", "c", "--domain", "customer.example", *hop)
    command(capsys, tmp_path, "tenant", "domain", "c", "strict.example", *hop)
    said = command(capsys, tmp_path, "tenant", "policy", "c", "--set", str(tmp_path / "policy.toml"))
    assert [one["to"] for one in said["recipients"]] == ["abuse@customer.example", "@strict.example"]
    cases = [
        (("abuse@customer.example",), 250, "handed-on"),
        (("robin@customer.example",), 250, "held"),
        (("abuse@customer.example", "robin@customer.example"), 250, "held"),
        (("robin@customer.example", "kim@strict.example"), 550, "refused"),
    ]
    with serving(tmp_path) as serve:
        port = await asyncio.to_thread(serve.port)
        codes = [await asyncio.to_thread(send, port, *to) for to, _, _ in cases]
    outcomes = [story["outcome"] for story in command(capsys, tmp_path, "track", "--tenant", "c")]
    assert (codes, outcomes[::-1]) == ([code for _, code, _ in cases], [outcome for _, _, outcome in cases])
    assert [one.recipients for one in sink.delivered] == [["abuse@customer.example"]]
    await server.drain(1)
