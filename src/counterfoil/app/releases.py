"""Sends what operators released, until every recipient's next hop has said 250, and ends what has expired."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from counterfoil.gateway.routing import NextHop
from counterfoil.gateway.store.directory import Directory
from counterfoil.gateway.store.quarantine import Held, Quarantine
from counterfoil.model.errors import Refused
from counterfoil.model.mail import Direction, Envelope

log = logging.getLogger(__name__)

PAUSE = 2.0
"""Seconds between two looks for releases that are due."""

AT_ONCE = 20
"""Releases under way at once, so that one slow next hop does not hold up all the others."""

EXPIRY = timedelta(minutes=10)
"""How often expiry is looked for."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """What a next hop made of one transaction: who has the message now, and its words.

    ``unknown`` says that it may have the message all the same: it never answered the dot.
    """

    accepted: tuple[str, ...]
    words: str
    unknown: bool = False


Send = Callable[[NextHop, Held, bytes], Awaitable[Delivery]]
"""Sends the bytes to ``held.envelope.recipients``; a failure is a ``Delivery`` that nobody accepted."""


class Releases:
    """Works off the releases that are wanted.

    ``relay`` is where outbound mail goes; inbound mail goes where the tenant's domain points now, and never to
    a domain that has become another tenant's.
    """

    def __init__(
        self,
        quarantine: Quarantine,
        directory: Directory,
        send: Send,
        clock: Callable[[], datetime],
        relay: NextHop | None,
    ) -> None:
        self._quarantine = quarantine
        self._directory = directory
        self._send = send
        self._clock = clock
        self._relay = relay

    async def one(self, message: str) -> bool:
        """Try one release once; return whether every recipient has it.

        Raises:
            Refused: If it is not due, or its bytes are not those that were held.
            Unavailable: If the ledger cannot be written.
        """
        item = await asyncio.to_thread(self._quarantine.claim, message, self._clock())
        try:
            raw = await asyncio.to_thread(self._quarantine.raw, message, item.envelope.tenant)
            delivery = await self._send(await self._next_hop(item.envelope), item, raw)
        except Refused as refusal:
            await asyncio.to_thread(self._quarantine.tried, item, (), refusal.message, self._clock())
            raise
        # If we die here the message may arrive twice; the next start tries again (RFC 1047).
        done = await asyncio.to_thread(
            self._quarantine.tried,
            item,
            delivery.accepted,
            delivery.words,
            self._clock(),
            unknown=delivery.unknown,
        )
        facts = {"id": message, "released": done, "words": delivery.words}
        log.info("release tried", extra={"facts": facts})
        return done

    async def run(self, stop: asyncio.Event) -> None:
        """Work until told to stop; nothing that goes wrong with one release holds up another."""
        expiry = self._clock()
        while not stop.is_set():
            try:
                due = await asyncio.to_thread(self._quarantine.due, self._clock())
                await asyncio.gather(*(self._try(message) for message in due[:AT_ONCE]))
                if self._clock() >= expiry:
                    expired = await asyncio.to_thread(self._quarantine.expire, self._clock())
                    expiry = self._clock() + EXPIRY
                    if expired:
                        log.info("held messages expired", extra={"facts": {"count": expired}})
            except Exception:
                log.exception("releases wait for the next round")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), PAUSE)

    async def _try(self, message: str) -> None:
        try:
            await self.one(message)
        except Refused as refusal:
            log.warning("release refused", extra={"facts": {"id": message, "reason": refusal.message}})
        except Exception:
            # The claim runs out by itself, and then it is tried again.
            log.exception("release failed", extra={"facts": {"id": message}})

    async def _next_hop(self, envelope: Envelope) -> NextHop:
        if envelope.direction is Direction.OUTBOUND:
            if self._relay is None:
                raise Refused("there is no outbound relay now", "set outbound.relay in the configuration")
            return self._relay
        hops = set()
        for recipient in envelope.recipients:
            route = await self._directory.route(recipient)
            if route is None or route.tenant != envelope.tenant:
                raise Refused("a recipient's domain is no longer the tenant's", "see: counterfoil tenant show")
            hops.add(route.next_hop)
        if len(hops) != 1:
            raise Refused("the recipients' domains have different next hops now", "see: counterfoil tenant show")
        return hops.pop()
