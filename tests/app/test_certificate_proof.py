"""A real Postfix as the next hop that knows us by the fingerprint of our client certificate, not by its name."""

import asyncio
import contextlib
import hashlib
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme
from tests.gateway.peers import Sink
from tests.gateway.postfix import postfix

from counterfoil import clock
from counterfoil.app.certificate_proof import Proof, at_next_hop, places
from counterfoil.config.settings import Config, Gateway, Outbound
from counterfoil.config.values import HostPort
from counterfoil.gateway.relay import Relay
from counterfoil.gateway.routing import NextHop, Tls
from counterfoil.gateway.server import SmtpServer
from counterfoil.gateway.store.tenants import Domain, Tenant
from counterfoil.gateway.tls import client_contexts
from counterfoil.model.mail import Direction

MAIN = """
smtpd_milters =
notify_classes =
smtpd_tls_security_level = encrypt
smtpd_tls_chain_files = {server}
smtpd_tls_ask_ccert = yes
smtpd_tls_CAfile = {ca}
smtpd_tls_fingerprint_digest = sha256
smtpd_client_restrictions = check_ccert_access inline:{{ {{ {pinned} = OK }} }}, reject
"""
ADDRESS = "heartbeat@tenant.example"


@dataclass
class Hop:
    """The Postfix, what came out behind it, and relays that show the pinned certificate and another of its name."""

    port: int
    sink: Sink
    pinned: Relay
    other: Relay


def relay(certificate: trustme.LeafCert, place: Path) -> Relay:
    """Make what connects with this certificate."""
    certificate.private_key_and_cert_chain_pem.write_to_path(place)
    return Relay("gateway.test.example", client_contexts(place, place))


@pytest.fixture
async def hop(tmp_path: Path) -> AsyncIterator[Hop]:
    """Start it; only the holder of one key may hand in mail."""
    authority, sink = trustme.CA(), Sink()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(tmp_path / "server.pem")
    pinned, other = (authority.issue_cert("gateway.test.example") for _ in range(2))
    der = ssl.PEM_cert_to_DER_cert(pinned.cert_chain_pems[0].bytes().decode())
    digest = hashlib.sha256(der).hexdigest().upper()
    colons = ":".join(digest[at : at + 2] for at in range(0, 64, 2))
    extra = MAIN.format(server=tmp_path / "server.pem", ca=tmp_path / "ca.pem", pinned=colons)
    behind = SmtpServer(sink, hostname="sink.test")
    port = await behind.listen("127.0.0.1", 0, Direction.INBOUND)
    with contextlib.ExitStack() as stack:
        started = await asyncio.to_thread(stack.enter_context, postfix(milter=1, relay=port, extra=extra))
        relays = relay(pinned, tmp_path / "pinned.pem"), relay(other, tmp_path / "other.pem")
        yield Hop(started[0], sink, *relays)
        await asyncio.to_thread(stack.close)
    await behind.drain(1)


async def tried(hop: Hop, new: Relay, old: Relay, tls: Tls = Tls.REQUIRE) -> Proof:
    """Try a new certificate at the Postfix."""
    return await at_next_hop(NextHop("127.0.0.1", hop.port, tls), ADDRESS, new, old, clock.now())


async def test_a_pinned_fingerprint(hop: Hop):
    """The pinned key is proven by a message; another of its name fails; where neither is known, nothing is proven."""
    proven = await tried(hop, hop.pinned, hop.other)
    await hop.sink.arrived()
    assert (proven.state, proven.recipient, hop.sink.delivered[0].recipients) == ("proven", ADDRESS, [ADDRESS])
    failed = await tried(hop, hop.other, hop.pinned, Tls.OPPORTUNISTIC)
    assert failed.state == "failed"
    assert "Access denied; with the certificate in use: 250" in failed.words
    neither = await tried(hop, hop.other, hop.other)
    assert (neither.state, "no message is taken with either certificate" in neither.words) == ("unproven", True)


async def test_where_it_is_not_shown():
    """A next hop without TLS, by its route or by its own choice, says nothing about a certificate."""
    sink = Sink()
    server = SmtpServer(sink, hostname="sink.test")
    port = await server.listen("127.0.0.1", 0, Direction.INBOUND)
    bare = Relay("gateway.test.example", client_contexts())
    states = [
        (await at_next_hop(NextHop("127.0.0.1", port, tls), ADDRESS, bare, bare, clock.now())).state
        for tls in (Tls.NONE, Tls.OPPORTUNISTIC, Tls.REQUIRE)
    ]
    assert (states, sink.delivered) == (["not-shown", "not-shown", "unproven"], [])
    await server.drain(1)


def test_every_next_hop_once():
    """Domains that share a next hop are one place; the relay gets a message for the postmaster, or for a mailbox."""
    one, two = NextHop("one.example"), NextHop("two.example")
    domains = tuple(Domain(f"{name}.example", "t", hop) for name, hop in (("a", one), ("b", one), ("c", two)))
    tenants = [Tenant("t", "", "", {}, domains, ())]
    relay = Outbound(relay=HostPort("out.example", 25))
    found = places(Config(outbound=relay, gateway=Gateway(postmaster="pat@a.example")), tenants)
    assert [str(hop) for hop in found] == ["one.example:25", "two.example:25", "out.example:25"]
    assert list(found.values()) == ["heartbeat@a.example", "heartbeat@c.example", "pat@a.example"]
    assert places(Config(outbound=relay), []) == {}
