"""Does the other side take our new certificate? Tried by real handshakes and real messages, before mail relies on it.

Towards next hops the new certificate is tried on connections of its own while mail still shows the old one; where it
fails, the old one is tried the same way, so that what has other causes is not laid on the certificate.
"""

import hashlib
import smtplib
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from email import policy

from counterfoil.app import sending
from counterfoil.app.own_mail import compose
from counterfoil.config.settings import Config
from counterfoil.config.values import HostPort
from counterfoil.gateway.headers import Dressed, Stripped
from counterfoil.gateway.hop import Hop
from counterfoil.gateway.relay import Relay
from counterfoil.gateway.routing import NextHop, Tls
from counterfoil.gateway.smtp.events import Mail
from counterfoil.gateway.smtp.reply import Reply
from counterfoil.gateway.store.tenants import Tenant
from counterfoil.model.errors import Unavailable
from counterfoil.model.mail import Outcome

PROVEN, UNPROVEN, NOT_SHOWN, FAILED = "proven", "unproven", "not-shown", "failed"
_WORDS = (
    "A new certificate of the mail gateway",
    "The mail gateway sent this to see that its new certificate is taken here. Nothing is to be done.\n",
)
SECONDS = 30.0
TRIES = 5
PAUSE = 2.0


@dataclass(frozen=True, slots=True)
class Proof:
    """One thing that was tried: where, what came of it, the other side's words, and whom a message was for."""

    where: str
    state: str
    words: str
    recipient: str | None = None


@dataclass(frozen=True, slots=True)
class _Answer:
    """What became of a message; ``kind`` is what two answers are compared by."""

    taken: bool
    kind: str
    words: str


def places(config: Config, tenants: list[Tenant]) -> dict[NextHop, str]:
    """Return every next hop with the address that a message through it is for."""
    found: dict[NextHop, str] = {}
    for tenant in tenants:
        for domain in tenant.domains:
            found.setdefault(domain.next_hop, f"{config.evidence.heartbeat_mailbox}@{domain.domain}")
    relay = sending.outbound(config)
    address = config.gateway.postmaster or next(iter(found.values()), "")
    if relay is not None and address:
        found.setdefault(relay, address)
    return found


async def at_next_hop(hop: NextHop, address: str, new: Relay, old: Relay, now: datetime) -> Proof:
    """Send one message through a next hop with the new certificate, and if it fails, another with the old one."""
    where = f"next hop {hop}"
    if hop.tls is Tls.NONE:
        return Proof(where, NOT_SHOWN, "its route asks for no TLS, so our certificate is not shown there")
    answer = await _sent(new, hop, address, now)
    if answer.taken:
        return Proof(where, PROVEN, answer.words, address)
    if hop.tls is Tls.OPPORTUNISTIC and "no STARTTLS" in answer.kind:
        return Proof(where, NOT_SHOWN, "it offers no STARTTLS, so our certificate is not shown there")
    before = await _sent(old, hop, address, now)
    if before.kind == answer.kind and not before.taken:
        return Proof(where, UNPROVEN, f"no message is taken with either certificate: {answer.words}", address)
    return Proof(where, FAILED, f"{answer.words}; with the certificate in use: {before.words}", address)


async def _sent(relay: Relay, hop: NextHop, address: str, now: datetime) -> _Answer:
    # Where TLS is only offered, a failed handshake would go on without it, and prove nothing.
    shown = NextHop(hop.host, hop.port, Tls.REQUIRE) if hop.tls is Tls.OPPORTUNISTIC else hop
    try:
        there = await relay.connect(shown)
    except Unavailable as error:
        return _Answer(taken=False, kind=error.message, words=error.message)
    try:
        reply = await _hand_over(there, relay.hostname, address, now)
    finally:
        await there.close()
    return _Answer(reply.positive, f"{reply.code} {reply.enhanced}", str(reply))


async def _hand_over(there: Hop, hostname: str, address: str, now: datetime) -> Reply:
    message = compose("certificate", hostname, address, _WORDS, now)
    raw = message.as_bytes(policy=policy.SMTP)
    reply = await there.mail(Mail(str(message["From"]), len(raw)))
    if reply.positive:
        reply = await there.recipient(address)
    if not reply.positive:
        return reply
    sent = await there.data(Dressed(Stripped(raw), ()), sending.DOT)
    return sent.reply if sent.outcome is not Outcome.UNKNOWN else Reply(451, "4.4.2", str(sent.reply))


def at_listener(door: HostPort, hostname: str, fingerprint: str, recipient: str | None, now: datetime) -> Proof:
    """Shake hands with our own listener, and hand in a message there; the certificate shown must be the new one."""
    return _patiently(f"our own listener {door}", lambda: _knock(door, hostname, fingerprint, recipient, now))


def at_console(door: HostPort, fingerprint: str) -> Proof:
    """Shake hands with our own console."""

    def look() -> str:
        pem = ssl.get_server_certificate((door.host, door.port), timeout=SECONDS)
        return _same(ssl.PEM_cert_to_DER_cert(pem), fingerprint)

    return _patiently(f"our own console {door}", look)


def _patiently(where: str, look: Callable[[], str]) -> Proof:
    """Try several times: our own listener may be too busy to let one more client in."""
    words = ""
    for left in reversed(range(TRIES)):
        try:
            return Proof(where, PROVEN, look())
        except (OSError, smtplib.SMTPException) as error:
            words = str(error)
        if left:
            time.sleep(PAUSE)
    return Proof(where, FAILED, words)


def _knock(door: HostPort, hostname: str, fingerprint: str, recipient: str | None, now: datetime) -> str:
    unverified = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    unverified.check_hostname, unverified.verify_mode = False, ssl.CERT_NONE
    with smtplib.SMTP(door.host, door.port, hostname, SECONDS) as client:
        client.starttls(context=unverified)
        assert isinstance(client.sock, ssl.SSLSocket)
        words = _same(client.sock.getpeercert(binary_form=True) or b"", fingerprint)
        if recipient is not None:
            message = compose("certificate", hostname, recipient, _WORDS, now)
            client.send_message(message)
            words += ", and took a message"
    return words


def _same(der: bytes, fingerprint: str) -> str:
    shown = hashlib.sha256(der).hexdigest()
    if shown != fingerprint:
        raise OSError(f"it shows the certificate {shown}, not the new one")
    return "it shows the new certificate"
