"""The mail side: our certificate, the next hops, and whether mail can pass us by."""

import asyncio
import re
import smtplib
import ssl
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from counterfoil.app import sending
from counterfoil.app.certificate_book import Book, fingerprint_of
from counterfoil.app.doctor.finding import Finding, Patient, note, untried
from counterfoil.app.own_mail import compose
from counterfoil.gateway import certificate as own
from counterfoil.gateway.certificate import Certificate
from counterfoil.gateway.relay import Patience, Relay
from counterfoil.gateway.routing import NextHop, Tls
from counterfoil.gateway.store.tenants import Tenant
from counterfoil.gateway.tls import client_contexts
from counterfoil.model.errors import Unavailable
from counterfoil.model.instant import rfc3339
from counterfoil.model.number import counted

SOON = timedelta(days=14)
PATIENCE = Patience(connect=10.0, command=10.0)
SECONDS = 15.0
_OTHERWISE = re.compile(
    r"\b5\.7\.(?:23|25|26|27|509|511|512|515|6\d\d|7\d\d)\b"
    r"|spamhaus|block[ -]?list|banned|reputation|\bptr\b|dmarc|\bspf\b",
    re.IGNORECASE,
)
"""Refusals for where or what we send (Exchange Online, NDR codes): another stranger may well be let in."""
_BACK_DOOR = (
    "Did this message pass the gateway by?",
    "counterfoil doctor sent this straight to the tenant. If you can read it, the back door is open.\n",
)


def certificate(patient: Patient) -> Iterator[Finding]:
    """Does the certificate in use have our name, for how long is it good, and is it the configured one?"""
    config, book = patient.config, Book(patient.data)
    record = book.read()
    if config.gateway.tls_certificate is None and record.in_use is None:
        yield note(
            "certificate",
            "a self-signed certificate made for tests is used; no next hop and no connector believes it",
            "set gateway.tls_certificate and gateway.tls_key",
        )
        return
    chain, _ = sending.certificate(config, patient.data)
    found = own.read(chain.read_bytes())
    where = str(config.gateway.tls_certificate or chain)
    yield from _life(where, found, patient.now)
    name = sending.hostname(config)
    if not any(own.covers(pattern, name) for pattern in found.names):
        cause = f"it is for {', '.join(found.names) or 'no name'}, and we call ourselves {name}"
        yield Finding(where, cause, "set gateway.hostname to a name in it, or get one for that name")
    given = config.gateway.tls_certificate
    if given is not None and (waiting := fingerprint_of(given)) != found.fingerprint:
        cause = f"the certificate in use is {found.fingerprint[:16]}…, and the file holds {(waiting or 'none')[:16]}"
        yield Finding(where, cause, "take the new one into use: counterfoil gateway rotate says what speaks against it")


def _life(where: str, found: Certificate, now: datetime) -> Iterator[Finding]:
    left = found.not_after - now
    if left < timedelta() or found.not_before > now:
        cause = f"it is valid from {rfc3339(found.not_before)} to {rfc3339(found.not_after)}, not now"
        yield Finding(where, cause, "renew it; connectors know its name, not its key, so nothing else changes")
    elif left < SOON:
        yield Finding(where, f"it ends in {counted(left.days, 'day')}", "renew it, then: counterfoil gateway rotate")


def next_hops(patient: Patient) -> Iterator[Finding]:
    """Does every next hop answer, and does STARTTLS achieve what is demanded of it?"""
    if patient.offline:
        yield untried("next hops", "--offline forbids every connection", "run doctor without it")
        return
    relay = Relay(sending.hostname(patient.config), sending.contexts(patient.config, patient.data), PATIENCE)
    for hop, users in sorted(_hops(patient).items(), key=lambda pair: str(pair[0])):
        problem = asyncio.run(_reach(relay, hop))
        about = f"next hop {hop} of {', '.join(users[:5])}{' …' if len(users) > 5 else ''}"
        if problem is not None:
            yield Finding(about, problem, "mail for it is deferred: see the host, the port, and its TLS (--tls)")
        elif hop.tls in {Tls.NONE, Tls.OPPORTUNISTIC}:
            cause = "mail towards it may go without verified encryption"
            yield note(about, cause, "counterfoil tenant domain TENANT DOMAIN --next-hop HOST --tls verify")


def _hops(patient: Patient) -> dict[NextHop, list[str]]:
    found: dict[NextHop, list[str]] = {}
    for tenant in patient.state.tenants.all():
        for domain in tenant.domains:
            found.setdefault(domain.next_hop, []).append(domain.domain)
    relay = sending.outbound(patient.config)
    if relay is not None:
        found.setdefault(relay, []).append("outbound mail")
    return found


async def _reach(relay: Relay, hop: NextHop) -> str | None:
    try:
        reached = await relay.connect(hop)
    except Unavailable as error:
        return error.message
    await reached.close()
    return None


def back_door(patient: Patient) -> Iterator[Finding]:
    """Is mail refused that is sent straight to the tenant, past us? Tried as a stranger would: without our certificate.

    The message goes to the mailbox of the heartbeats and says what it is; where it is taken, it is delivered.
    """
    tenants = patient.state.tenants.all()
    if patient.offline:
        yield untried("back door", "--offline forbids every connection", "run doctor without it")
    elif not any(tenant.domains for tenant in tenants):
        fix = "counterfoil tenant add TENANT --domain DOMAIN --next-hop HOST; a connection alone brings none"
        yield untried("back door", "there is no domain to try", fix)
    else:
        yield from _doors(patient, tenants)


def _doors(patient: Patient, tenants: Iterable[Tenant]) -> Iterator[Finding]:
    for tenant in tenants:
        for domain in tenant.domains:
            mailbox = f"{patient.config.evidence.heartbeat_mailbox}@{domain.domain}"
            yield from _judged(mailbox, domain.next_hop, _try(patient, mailbox, domain.next_hop))


def _judged(mailbox: str, hop: NextHop, answer: tuple[int, str] | str) -> Iterator[Finding]:
    about = f"back door of {mailbox.rpartition('@')[2]}"
    if isinstance(answer, str):
        yield untried(about, f"it could not be tried at {hop}: {answer}", "see the finding about this next hop")
        return
    code, words = answer
    if 200 <= code < 300:
        cause = f"{hop} took mail from a stranger without our certificate: whoever knows its name passes the gateway by"
        yield Finding(about, cause, "set up the partner connector: counterfoil connection plan TENANT --gateway NAME")
    elif "connector" in words.lower():
        return
    elif "5.1.1" in words:
        cause = f"{hop} refused because it knows no {mailbox}, which says nothing about its door ({words})"
        yield untried(about, cause, f"make the mailbox {mailbox}, or set evidence.heartbeat_mailbox")
    elif code < 500:
        yield untried(about, f"{hop} said to come again later ({code} {words})", "run doctor again later")
    elif _OTHERWISE.search(words):
        cause = f"{hop} refused this machine or this message, which says nothing about its door ({code} {words})"
        yield untried(about, cause, "try it from another address, as a stranger would")


def _try(patient: Patient, mailbox: str, hop: NextHop) -> tuple[int, str] | str:
    """Hand in a message as a stranger; return the reply that decided, or why there was none."""
    name = sending.hostname(patient.config)
    message = compose("doctor", name, mailbox, _BACK_DOOR, patient.now)
    try:
        with smtplib.SMTP(hop.host, hop.port, name, SECONDS) as client:
            client.ehlo()
            if client.has_extn("starttls"):
                client.starttls(context=_stranger(patient, hop))
            client.send_message(message)
    except smtplib.SMTPRecipientsRefused as error:
        return _reply(*next(iter(error.recipients.values())))
    except smtplib.SMTPResponseException as error:
        return _reply(error.smtp_code, error.smtp_error)
    except (OSError, smtplib.SMTPException) as error:
        return str(error)
    return 250, "it was taken"


def _reply(code: int, words: bytes | str) -> tuple[int, str]:
    return code, words.decode("utf-8", "replace") if isinstance(words, bytes) else words


def _stranger(patient: Patient, hop: NextHop) -> ssl.SSLContext:
    """Return a context that shows no certificate."""
    contexts = client_contexts(ca=patient.config.gateway.next_hop_ca)
    return contexts[Tls.VERIFY if hop.tls is Tls.VERIFY else Tls.REQUIRE]
