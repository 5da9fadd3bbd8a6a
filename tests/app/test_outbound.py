"""Mail from the tenants through the whole house: who may send as whom, with the register that operators fill."""

import asyncio
import smtplib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.app.test_serving import WAIT, serving
from tests.gateway.peers import Sink
from tests.gateway.store.conftest import BY

from counterfoil.app.state import open_state
from counterfoil.config.settings import Config
from counterfoil.gateway.routing import NextHop, Tls
from counterfoil.gateway.server import SmtpServer
from counterfoil.gateway.store.tenants import Domain
from counterfoil.model.mail import Direction

HEADER = "X-Counterfoil-Tenant"


@dataclass
class Out:
    """A running gateway that takes outbound mail, its relay, and two tenants' secrets."""

    send: Callable[[str, str], int]
    sink: Sink
    secrets: dict[str, str]


@pytest.fixture
async def out(tmp_path: Path) -> AsyncIterator[Out]:
    """Give acme and beta a domain and a secret each, and start the gateway with one relay."""
    sink = Sink()
    relay = SmtpServer(sink, hostname="relay.test")
    port = await relay.listen("127.0.0.1", 0, Direction.INBOUND)
    secrets = {}
    with open_state(tmp_path / "data", Config(), create=True) as state:
        for tenant in ("acme", "beta"):
            state.tenants.add(tenant, "", BY)
            state.tenants.set_domain(Domain(f"{tenant}.test", tenant, NextHop("127.0.0.1", 1, Tls.NONE)), BY)
            secrets[tenant] = state.tenants.new_secret(tenant, BY)
    extra = f'outbound_listen = "127.0.0.1:0"\n[outbound]\nrelay = "127.0.0.1:{port}"\ntls = "none"\n'
    with serving(tmp_path, extra) as serve:
        await asyncio.to_thread(serve.port)
        ours = next(event["port"] for event in serve.events() if event.get("direction") == "outbound")

        def send(sender: str, headers: str) -> int:
            with smtplib.SMTP("127.0.0.1", int(str(ours)), timeout=WAIT) as client:
                client.ehlo()
                code = client.mail(sender)[0]
                if code == 250:
                    code = client.rcpt("someone@elsewhere.test")[0]
                return client.data(f"{headers}Subject: hello\r\n\r\ntext\r\n".encode())[0] if code == 250 else code

        yield Out(send, sink, secrets)
    await relay.drain(0.1)


async def test_who_may_send_as_whom(out: Out):
    """Only the tenant's own secret with a sender in its own domains goes out, and the secret stays here."""
    acme, beta = (f"{HEADER}: {out.secrets[tenant]}\r\n" for tenant in ("acme", "beta"))
    attempts = [
        ("ann@acme.test", acme, 250),
        ("ann@acme.test", beta, 550),
        ("ann@acme.test", "", 550),
        ("ann@acme.test", f"{HEADER}: guess\r\n", 550),
        ("ann@acme.test", acme + beta, 550),
        ("ann@elsewhere.test", acme, 550),
        ("ann@sub.acme.test", acme, 550),
        ("", acme, 250),
        ("", "", 550),
    ]
    got = [(sender, headers, await asyncio.to_thread(out.send, sender, headers)) for sender, headers, _ in attempts]
    assert got == attempts
    assert [delivered.sender for delivered in out.sink.delivered] == ["ann@acme.test", ""]
    assert not any(
        secret.encode() in delivered.raw for delivered in out.sink.delivered for secret in out.secrets.values()
    )
