"""How mail leaves us, as configured: the next hop's certificate is verified, and ours is shown to it."""

import ssl
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import trustme
from tests.gateway.peers import Sink
from tests.gateway.store.conftest import BY, DECISION, received, scan

from counterfoil.app.sending import outbound, releases
from counterfoil.app.state import State, open_state
from counterfoil.config.settings import Config, Gateway, Outbound
from counterfoil.config.values import HostPort
from counterfoil.gateway.routing import NextHop, Tls
from counterfoil.gateway.server import SmtpServer
from counterfoil.gateway.store.tenants import Domain
from counterfoil.model.mail import Direction

RAW = b"X-Counterfoil-Id: m1\r\n\r\ntext\r\n"


@pytest.fixture
def authority() -> trustme.CA:
    """A certificate authority of our own."""
    return trustme.CA()


@pytest.fixture
async def hop(authority: trustme.CA) -> AsyncIterator[tuple[Sink, int]]:
    """A next hop for localhost that insists on a client certificate, as Microsoft 365's connectors do."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    sink = Sink()
    server = SmtpServer(sink, hostname="localhost", tls=context)
    yield sink, await server.listen("127.0.0.1", 0, Direction.INBOUND)
    await server.drain(1)


@pytest.fixture
def config(authority: trustme.CA, tmp_path: Path) -> Config:
    """A configuration with our certificate and the authority that next hops are verified by."""
    own = authority.issue_cert("mx.provider.example")
    own.private_key_pem.write_to_path(tmp_path / "key.pem")
    for blob in own.cert_chain_pems:
        blob.write_to_path(tmp_path / "cert.pem", append=True)
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    gateway = Gateway(
        hostname="mx.provider.example",
        tls_certificate=tmp_path / "cert.pem",
        tls_key=tmp_path / "key.pem",
        next_hop_ca=tmp_path / "ca.pem",
    )
    return Config(gateway=gateway)


async def released(state: State, config: Config, data: Path, next_hop: NextHop) -> bool:
    """Hold a message for a tenant with this next hop, and try its release."""
    state.tenants.add("acme", "", BY)
    state.tenants.set_domain(Domain("acme.test", "acme", next_hop), BY)
    message = received("m1")
    await state.journal.intent(message)
    await state.journal.hold(message, RAW, scan(), DECISION)
    state.quarantine.want("m1", None, BY)
    return await releases(state, config, data).one("m1")


async def test_both_sides_are_verified(hop: tuple[Sink, int], config: Config, tmp_path: Path):
    """With verified TLS the message arrives, over a connection that proves our name to the next hop."""
    sink, port = hop
    with open_state(tmp_path / "data", config, create=True) as state:
        assert await released(state, config, tmp_path, NextHop("localhost", port, Tls.VERIFY))
    (delivered,) = sink.delivered
    assert (delivered.raw, delivered.client.certificates) == (RAW, ("mx.provider.example",))


async def test_a_stranger_gets_nothing(hop: tuple[Sink, int], config: Config, tmp_path: Path):
    """A next hop whose certificate is of another authority gets no mail; the message stays held, and it is said why."""
    sink, port = hop
    trustme.CA().cert_pem.write_to_path(tmp_path / "other.pem")
    strict = replace(config, gateway=replace(config.gateway, next_hop_ca=tmp_path / "other.pem"))
    with open_state(tmp_path / "data", strict, create=True) as state:
        assert not await released(state, strict, tmp_path, NextHop("localhost", port, Tls.VERIFY))
        story = state.stories.story("m1", None)
    assert (sink.delivered, story["outcome"]) == ([], "held")
    assert "the next hop shows a certificate that is not believed" in str(story["last_words"])


def test_the_one_relay():
    """Outbound mail goes to the configured relay with the TLS that is asked for, and nowhere without one."""
    relay = HostPort("relay.example", 587)
    assert outbound(Config(outbound=Outbound(relay=relay, tls="require"))) == NextHop("relay.example", 587, Tls.REQUIRE)
    assert outbound(Config()) is None
