"""How mail leaves us: TLS contexts, the relay, and the way of a released message."""

import socket
import ssl
from collections.abc import Mapping
from pathlib import Path

from counterfoil import clock
from counterfoil.app.certificate import own_certificate
from counterfoil.app.certificate_book import Book, fingerprint_of
from counterfoil.app.releases import Delivery, Releases, Send
from counterfoil.app.state import State
from counterfoil.config.settings import Config
from counterfoil.gateway.headers import Dressed, Stripped
from counterfoil.gateway.hop import Hops
from counterfoil.gateway.relay import Patience, Relay
from counterfoil.gateway.routing import NextHop, Tls
from counterfoil.gateway.smtp.events import Mail
from counterfoil.gateway.store.quarantine import Held
from counterfoil.gateway.tls import client_contexts
from counterfoil.model.errors import Unavailable
from counterfoil.model.mail import Outcome

DOT = 600.0
"""Seconds for the reply to the final dot (RFC 5321 section 4.5.3.2.6)."""


def hostname(config: Config) -> str:
    """Return what we call ourselves."""
    return config.gateway.hostname or socket.getfqdn()


def certificate(config: Config, data: Path) -> tuple[Path, Path]:
    """Return our certificate and its key: those last taken into use, the configured ones, or some made for tests.

    New files in the configuration win over what was taken into use before them, unless they cannot be read.
    """
    book, chain = Book(data), config.gateway.tls_certificate
    record = book.read()
    given = None if chain is None else fingerprint_of(chain)
    if record.in_use is not None and (record.given == given or (given is None and chain is not None)):
        return book.place(record.in_use), book.place(record.in_use)
    if chain is not None and config.gateway.tls_key is not None:
        return chain, config.gateway.tls_key
    own = own_certificate(data / "test-certificate.pem", hostname(config), clock.now())
    return own, own


def contexts(config: Config, data: Path) -> dict[Tls, ssl.SSLContext]:
    """Return how next hops are spoken to; our certificate is shown to those that ask for one."""
    chain, key = certificate(config, data)
    return client_contexts(chain, key, config.gateway.next_hop_ca)


def outbound(config: Config) -> NextHop | None:
    """Return the one relay for outbound mail."""
    relay = config.outbound.relay
    return None if relay is None else NextHop(relay.host, relay.port, Tls(config.outbound.tls))


def relay(config: Config, speaking: Mapping[Tls, ssl.SSLContext]) -> Relay:
    """Make what connects to next hops; ``speaking`` is from ``contexts``."""
    gateway = config.gateway
    patience = Patience(gateway.next_hop_connect_seconds, gateway.next_hop_command_seconds)
    return Relay(hostname(config), speaking, patience)


def releases(state: State, config: Config, data: Path, hops: Relay | None = None) -> Releases:
    """Make what works off releases: over the relay of ``serve``, or for a command without one over its own."""
    send = sender(hops or relay(config, contexts(config, data)))
    return Releases(state.quarantine, state.directory, send, clock.now, outbound(config))


def sender(hops: Hops) -> Send:
    """Make the function that sends one held message over a connection of its own."""

    async def send(next_hop: NextHop, held: Held, raw: bytes) -> Delivery:
        try:
            hop = await hops.connect(next_hop)
        except Unavailable as error:
            return Delivery((), f"{error.message}: {next_hop}")
        try:
            if not hop.eight_bit and not raw.isascii():
                return Delivery((), "the next hop does not take 8-bit content")
            if held.utf8 and not hop.utf8:
                return Delivery((), "the next hop does not take SMTPUTF8")
            reply = await hop.mail(Mail(held.envelope.sender, len(raw), eight_bit=not raw.isascii(), utf8=held.utf8))
            accepted = []
            for address in held.envelope.recipients if reply.positive else ():
                answer = await hop.recipient(address)
                if answer.positive:
                    accepted.append(address)
                else:
                    reply = answer
            if not accepted:
                return Delivery((), str(reply))
            # What is held begins with a header field of ours, so these are exactly the held bytes.
            sent = await hop.data(Dressed(Stripped(raw), ()), DOT)
            done = tuple(accepted) if sent.outcome is Outcome.HANDED_ON else ()
            return Delivery(done, str(sent.reply), unknown=sent.outcome is Outcome.UNKNOWN)
        finally:
            await hop.close()

    return send
