"""Taking a new certificate into use: tried at every next hop, shown from the next handshake on, proven or taken back.

The order, each step durable before the next: offered → tried at the next hops (mail still shows the old one) →
written down as in use → shown → proven at our own listeners → settled. Killed between two steps, the next start
goes on from what is written down, with one whole certificate or the other.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from counterfoil import clock
from counterfoil.app import certificate_proof as proof
from counterfoil.app import sending
from counterfoil.app.certificate_book import (
    FELL_BACK,
    IN_USE,
    REFUSED,
    UNPROVEN,
    Book,
    Offer,
    Record,
    Result,
    fingerprint_of,
)
from counterfoil.app.certificate_proof import Proof
from counterfoil.app.state import State
from counterfoil.config.settings import Config
from counterfoil.config.values import HostPort
from counterfoil.gateway import certificate
from counterfoil.gateway.routing import NextHop
from counterfoil.gateway.tls import Changing, client_contexts, server_context
from counterfoil.ledger.ledger import Ledger
from counterfoil.ledger.stubs import stub_at
from counterfoil.model.errors import CounterfoilError, Misconfigured
from counterfoil.model.instant import rfc3339
from counterfoil.model.mail import Json

log = logging.getLogger(__name__)

PAUSE = 1.0
"""Seconds between two looks for an offer."""

AT_ONCE = 8


class Shown:
    """What shows our certificate in this process: the SMTP listeners, the console, the contexts towards next hops.

    Raises:
        Misconfigured: If the certificate to begin with cannot be used.
    """

    def __init__(self, config: Config, data: Path) -> None:
        self._client_ca, self._next_hop_ca = config.gateway.client_ca, config.gateway.next_hop_ca
        pair = sending.certificate(config, data)
        self.smtp = Changing(server_context(*pair, self._client_ca))
        self.console = Changing(server_context(*pair))
        self.clients = client_contexts(*pair, self._next_hop_ca)

    def change(self, place: Path) -> None:
        """Show another certificate from the next handshake on; connections that are open go on.

        Raises:
            Misconfigured: If it cannot be used; then nothing has changed.
        """
        smtp, console = server_context(place, place, self._client_ca), server_context(place, place)
        clients = client_contexts(place, place, self._next_hop_ca)
        self.smtp.change(smtp)
        self.console.change(console)
        self.clients.update(clients)


@dataclass(frozen=True, slots=True)
class Doors:
    """Where this process listens; empty where none does."""

    inbound: HostPort | None = None
    outbound: HostPort | None = None
    console: HostPort | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """Carries offers out, on one data folder."""

    data: Path
    config: Config
    state: State
    shown: Shown
    doors: Doors = field(default_factory=Doors)

    @property
    def book(self) -> Book:
        """The record and the bundles."""
        return Book(self.data)

    async def run(self, stop: asyncio.Event) -> None:
        """Carry out what is offered, until told to stop."""
        ending = asyncio.create_task(stop.wait())
        while not stop.is_set():
            try:
                if (await asyncio.to_thread(self.book.read)).offer is not None:
                    work = asyncio.create_task(self.once())
                    await asyncio.wait({work, ending}, return_when=asyncio.FIRST_COMPLETED)
                    if not work.done():
                        work.cancel()  # it is written down how far it got; the next start goes on
                    await asyncio.gather(work, return_exceptions=stop.is_set())
            except CounterfoilError as error:
                log.warning("a new certificate waits", extra={"facts": {"reason": error.message, "hint": error.hint}})
            except Exception:
                log.exception("a new certificate waits")
            await asyncio.wait({ending}, timeout=PAUSE)
        ending.cancel()

    async def once(self) -> Result | None:
        """Carry the offer out as far as it goes; return what became of it, or ``None`` where there is none."""
        record = await asyncio.to_thread(self.book.read)
        offer = record.offer
        if offer is None:
            return None
        tried = await self._at_next_hops(offer, record)
        if any(one.state == proof.FAILED for one in tried):
            return await asyncio.to_thread(self._settle, offer, FELL_BACK if offer.switched else REFUSED, tried)
        if not offer.switched:
            await asyncio.to_thread(self._switch, offer)
        self.shown.change(self.book.place(offer.certificate))
        recipient = next((one.recipient for one in tried if one.state == proof.PROVEN), None)
        at_home = await asyncio.to_thread(self._at_home, offer, recipient)
        return await asyncio.to_thread(self._settle, offer, _state(tried, at_home), [*tried, *at_home])

    async def _at_next_hops(self, offer: Offer, record: Record) -> list[Proof]:
        place, ca = self.book.place(offer.certificate), self.config.gateway.next_hop_ca
        new = sending.relay(self.config, client_contexts(place, place, ca))
        before = self.book.place(record.before) if offer.switched and record.before else None
        pair = (before, before) if before is not None else sending.certificate(self.config, self.data)
        old = sending.relay(self.config, client_contexts(*pair, ca))
        wanted = proof.places(self.config, await asyncio.to_thread(self.state.tenants.all))
        turn = asyncio.Semaphore(AT_ONCE)

        async def one(hop: NextHop, address: str) -> Proof:
            async with turn:
                return await proof.at_next_hop(hop, address, new, old, clock.now())

        return list(await asyncio.gather(*(one(hop, address) for hop, address in wanted.items())))

    def _at_home(self, offer: Offer, recipient: str | None) -> list[Proof]:
        name, doors = sending.hostname(self.config), self.doors
        found = []
        if doors.inbound is not None:
            found.append(proof.at_listener(doors.inbound, name, offer.certificate, recipient, clock.now()))
        if doors.outbound is not None:
            found.append(proof.at_listener(doors.outbound, name, offer.certificate, None, clock.now()))
        if doors.console is not None:
            found.append(proof.at_console(doors.console, offer.certificate))
        return found

    def _switch(self, offer: Offer) -> None:
        """Write down that the new one is in use; from here on a start uses it."""
        chain, key = sending.certificate(self.config, self.data)
        before = self.book.keep(certificate.bundle(chain.read_bytes(), key.read_bytes()))
        self._note("gateway-certificate-switched", offer, before=before)
        self.book.change(
            lambda record: replace(
                record,
                in_use=offer.certificate,
                before=before,
                given=offer.given,
                offer=replace(offer, switched=True),
            )
        )

    def _settle(self, offer: Offer, state: str, tried: Sequence[Proof]) -> Result:
        """End an offer: what is in use stays so, or the one before is shown again."""
        result = Result(offer.certificate, rfc3339(clock.now()), state, tuple(asdict(one) for one in tried))
        before = self.book.read().before if state == FELL_BACK else None
        if before is not None:
            self.shown.change(self.book.place(before))

        def settled(record: Record) -> Record:
            if before is not None:
                record = replace(record, in_use=before, before=None)
            # The files of the configuration may be the refused ones: a start must not take them all the same.
            given = record.given if record.in_use is None else offer.given
            return replace(record, given=given, offer=None, last=result)

        told: list[Json] = [f"{one.where}: {one.state}: {one.words}" for one in tried]
        self._note(f"gateway-certificate-{state}", offer, tried=told)
        self.book.forget_others(self.book.change(settled))
        (log.info if state == IN_USE else log.warning)(
            "a new certificate was tried", extra={"facts": {"certificate": offer.certificate, "state": state}}
        )
        return result

    def _note(self, action: str, offer: Offer, **detail: Json) -> None:
        self.state.ledger.append(
            stub_at("action", clock.now(), actor=offer.by, action=action, subject=offer.certificate, detail=detail)
        )


def _state(tried: Sequence[Proof], at_home: Sequence[Proof]) -> str:
    if any(one.state == proof.FAILED for one in at_home):
        return FELL_BACK
    return UNPROVEN if any(one.state == proof.UNPROVEN for one in (*tried, *at_home)) else IN_USE


def begin(data: Path, config: Config, ledger: Ledger) -> None:
    """Take the files of the configuration into use where they are new, at a start; keep a copy of them.

    Raises:
        Misconfigured: If they cannot be used, and no certificate was in use before.
    """
    chain, key = config.gateway.tls_certificate, config.gateway.tls_key
    if chain is None or key is None:
        return
    book, given = Book(data), fingerprint_of(chain)
    record = book.read()
    if record.in_use is not None and record.given == given:
        return
    try:
        server_context(chain, key)
        kept = book.keep(certificate.bundle(chain.read_bytes(), key.read_bytes()))
    except (OSError, Misconfigured) as error:
        if record.in_use is None:
            raise
        log.error(  # noqa: TRY400 - the words say it all
            "the configured certificate cannot be used; the one before is", extra={"facts": {"reason": str(error)}}
        )
        book.change(lambda before: replace(before, given=given))
        return
    detail: dict[str, Json] = {"before": record.in_use, "file": str(chain)}
    ledger.append(
        stub_at("action", clock.now(), actor="start", action="gateway-certificate-in-use", subject=kept, detail=detail)
    )
    book.forget_others(
        book.change(lambda before: replace(before, in_use=kept, before=before.in_use, given=given, offer=None))
    )
