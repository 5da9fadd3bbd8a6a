"""Offering the gateway a new certificate: everything that can be known without the other side is looked at first.

What is refused here was never shown to anybody. What is taken waits in the record for ``certificate_change``.
"""

import asyncio
import logging
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from counterfoil import clock
from counterfoil.app import sending
from counterfoil.app.certificate_book import Book, Offer, Record, fingerprint_of
from counterfoil.app.state import State
from counterfoil.config.settings import Config
from counterfoil.gateway import certificate
from counterfoil.gateway.certificate import CLIENT, Certificate
from counterfoil.gateway.store.tenants import Operator
from counterfoil.gateway.tls import server_context
from counterfoil.ledger.ledger import Ledger
from counterfoil.ledger.stubs import stub_at
from counterfoil.model.errors import CounterfoilError, Misconfigured, Refused
from counterfoil.model.instant import rfc3339
from counterfoil.model.mail import Json

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is offered.

    ``authorities`` is a PEM file of those that the other sides trust, beside the system's; ``without`` are names
    and purposes of the certificate in use that the new one need not have.
    """

    chain: Path
    key: Path
    authorities: Path | None = None
    without: Sequence[str] = ()


def offer(data: Path, config: Config, ledger: Ledger, wanted: Wanted, by: Operator) -> Record:
    """Look at a certificate, keep it, and have it taken into use by whoever serves; return the record.

    Raises:
        Refused: If something speaks against it; each reason with what to do.
        Misconfigured: If its files cannot be used.
    """
    book = Book(data)
    place = _kept(book, wanted)
    new = certificate.read(place.read_bytes())
    given = None if config.gateway.tls_certificate is None else fingerprint_of(config.gateway.tls_certificate)
    try:
        _judge(data, config, wanted, place, by)
        detail: dict[str, Json] = {"ends": rfc3339(new.not_after), "names": list(new.names)}
        ledger.append(
            stub_at(
                "action",
                by.now,
                actor=by.who,
                action="gateway-certificate-offered",
                subject=new.fingerprint,
                detail=detail,
            )
        )
        return book.change(lambda record: _offered(record, Offer(new.fingerprint, by.who, rfc3339(by.now), given)))
    except Refused:
        if given == new.fingerprint and book.read().in_use is not None:
            # It lies where a start looks for it; the next one must not take what was refused.
            book.change(lambda record: replace(record, given=given))
        raise
    finally:
        book.forget_others(book.read())


def _kept(book: Book, wanted: Wanted) -> Path:
    try:
        octets = certificate.bundle(wanted.chain.read_bytes(), wanted.key.read_bytes())
    except OSError as error:
        raise Misconfigured(
            f"{error.filename} cannot be read: {error.strerror}", "give files that are there and that we may read"
        ) from error
    return book.place(book.keep(octets))


@dataclass(frozen=True, slots=True)
class _Pair:
    """A certificate and where it and its key lie."""

    seen: Certificate
    chain: Path
    key: Path


def _judge(data: Path, config: Config, wanted: Wanted, place: Path, by: Operator) -> None:
    chain, key = sending.certificate(config, data)
    new = _Pair(certificate.read(place.read_bytes()), place, place)
    old = _Pair(certificate.read(chain.read_bytes()), chain, key)
    server_context(place, place)
    if new.seen.fingerprint == old.seen.fingerprint:
        raise Refused("it is the certificate in use", "see: counterfoil gateway certificate")
    name = sending.hostname(config)
    found = [*certificate.objections(new.seen, old.seen, name, by.now, wanted.without)]
    if not found and (disbelief := _disbelieved(new, old, name, wanted)):
        found = [disbelief]
    if found:
        raise Refused("the certificate is not taken:\n" + "\n".join(f"  {one}" for one in found), None)


def _offered(record: Record, offered: Offer) -> Record:
    if record.offer is not None:
        raise Refused(
            f"another certificate is being taken into use: {record.offer.certificate}",
            "wait until counterfoil gateway certificate tells what became of it",
        )
    return replace(record, offer=offered)


def _disbelieved(new: _Pair, old: _Pair, name: str, wanted: Wanted) -> str | None:
    """Say why the other sides would not believe it, as far as that can be known here."""
    problem = shake_hands(new.chain, new.key, name, wanted.authorities, mutual=CLIENT in new.seen.purposes)
    if problem is None:
        return None
    if wanted.authorities is not None:
        return f"who trusts {wanted.authorities.name} and the system's authorities does not believe it: {problem}"
    if shake_hands(old.chain, old.key, name, None, mutual=False) is None:
        return f"the one in use is believed by who trusts the system's authorities, and this one is not: {problem}"
    if new.seen.issuer == old.seen.issuer:
        return None
    return (
        f"its issuer is {new.seen.issuer}, and nothing here says that the other sides trust it ({problem}): say"
        " --authorities FILE with the authorities that they trust"
    )


def shake_hands(chain: Path, key: Path, name: str, authorities: Path | None, *, mutual: bool) -> str | None:
    """Shake hands in memory, both sides with this certificate; return what goes wrong.

    Args:
        chain: PEM.
        key: PEM.
        name: What a client calls the server.
        authorities: PEM of those trusted beside the system's.
        mutual: Whether the server asks for the certificate as well, as connectors do.
    """
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    try:
        for context in (server, client):
            context.load_cert_chain(chain, key)
            if authorities is not None:
                context.load_verify_locations(authorities)
    except (OSError, ssl.SSLError) as error:
        return str(error)
    if mutual:
        server.load_default_certs(ssl.Purpose.CLIENT_AUTH)
        server.verify_mode = ssl.CERT_REQUIRED
    towards_server, towards_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    sides = [
        client.wrap_bio(towards_client, towards_server, server_hostname=name),
        server.wrap_bio(towards_server, towards_client, server_side=True),
    ]
    try:
        # A flight each way and one more: TLS 1.3 takes two, TLS 1.2 three.
        for _ in range(4):
            sides = [side for side in sides if not _is_done(side)]
    except ssl.SSLError as error:
        return getattr(error, "verify_message", "") or str(error)
    return None if not sides else "the handshake does not come to an end"


def _is_done(side: ssl.SSLObject) -> bool:
    try:
        side.do_handshake()
    except ssl.SSLWantReadError:
        return False
    return True


async def offers_again(data: Path, config: Config, state: State, asked: asyncio.Event, stop: asyncio.Event) -> None:
    """Offer the configuration's files whenever somebody asks (SIGHUP), until told to stop."""
    ending = asyncio.create_task(stop.wait())
    while not stop.is_set():
        asking = asyncio.create_task(asked.wait())
        await asyncio.wait({asking, ending}, return_when=asyncio.FIRST_COMPLETED)
        if not asked.is_set():
            asking.cancel()
            return
        asked.clear()
        try:
            wanted = configured(config)
            await asyncio.to_thread(offer, data, config, state.ledger, wanted, Operator("SIGHUP", clock.now()))
        except CounterfoilError as error:
            facts = {"reason": error.message, "hint": error.hint}
            log.warning("the certificate stays as it is", extra={"facts": facts})
        except Exception:
            log.exception("the certificate stays as it is")


def configured(config: Config) -> Wanted:
    """Return the configuration's files as an offer.

    Raises:
        Misconfigured: If it names none.
    """
    chain, key = config.gateway.tls_certificate, config.gateway.tls_key
    if chain is None or key is None:
        raise Misconfigured("the configuration names no certificate", "set gateway.tls_certificate and gateway.tls_key")
    return Wanted(chain, key)
