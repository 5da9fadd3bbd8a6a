"""The console beside the gateway: its sources out of the opened state, its certificate, its bounded worker."""

import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from counterfoil import clock
from counterfoil.app import reporting
from counterfoil.app.campaigning import Shelf, still_by_hand
from counterfoil.app.standing import Standings
from counterfoil.app.state import State
from counterfoil.bounded.pool import Bounds, Died, Exceeded, Pool
from counterfoil.config.settings import Config
from counterfoil.console.books import Books
from counterfoil.console.server import ConsoleServer
from counterfoil.console.views import Sources
from counterfoil.console.webhook import Desk
from counterfoil.credential.campaigns import Campaigns
from counterfoil.incident.store import Incidents
from counterfoil.model.dns import Answer, Status
from counterfoil.model.errors import Unavailable
from counterfoil.model.instant import rfc3339
from counterfoil.model.mail import Json, Scan
from counterfoil.model.trust import Connection
from counterfoil.operators.accounts import Accounts
from counterfoil.scan import wire
from counterfoil.scan.scanner import WORK, uninspectable
from counterfoil.tenant.registry import Connections

WAIT = 5.0
"""Seconds that a reader waits for another one's message."""


class Look:
    """Takes held bytes apart for a reader, in a worker of the console's own: mail never waits for a page.

    The worker is made when somebody first reads, and is one: two readers take turns.
    """

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._pool: Pool | None = None
        self._turn = threading.Lock()

    def __call__(self, raw: bytes) -> Scan:
        """Return what is in a message; no name is looked up for it.

        Raises:
            Unavailable: If others' messages take too long.
        """
        if not self._turn.acquire(timeout=WAIT):
            raise Unavailable("another message is being taken apart", "try again in a moment")
        try:
            if self._pool is None:
                self._pool = Pool(WORK, 1, self._bounds)
            return wire.to_scan(self._pool.run_sync(wire.from_request(raw, None), _nobody))
        except (Died, Exceeded, wire.Malformed) as error:
            return uninspectable(raw, f"it could not be taken apart: {error}")
        finally:
            self._turn.release()

    def close(self) -> None:
        """End the worker."""
        with self._turn:
            if self._pool is not None:
                self._pool.close()


def _nobody(questions: bytes) -> bytes:
    return wire.from_answers(tuple(Answer(Status.TEMPORARY) for _ in wire.to_questions(questions)))


def sources_of(data: Path, state: State, look: Look) -> Sources:
    """Return what the console works with."""
    standings = Standings(data)

    def duties(connection: Connection) -> list[Mapping[str, Json]]:
        return [
            {
                "duty": name,
                "state": standing.state,
                "words": standing.words,
                "at": rfc3339(standing.at),
                "until": rfc3339(standing.until) if standing.until else None,
            }
            for name, standing in sorted(standings.of(connection).duties.items())
        ]

    incidents = Incidents(state.ledger)
    return Sources(
        ledger=state.ledger,
        books=Books(state.ledger.engine),
        stories=state.stories,
        quarantine=state.quarantine,
        tenants=state.tenants,
        accounts=Accounts(state.ledger),
        campaigns=Campaigns(state.ledger),
        incidents=incidents,
        look=look,
        duties=duties,
        by_hand=partial(still_by_hand, Shelf(state.ledger, Connections(state.ledger))),
        clock=clock.now,
        desk=Desk(partial(reporting.secret_of, data), partial(reporting.take_in, incidents, data)),
    )


@contextmanager
def console(data: Path, config: Config, state: State, own: ssl.SSLContext) -> Iterator[int | None]:
    """Run the console for as long as the block runs; the value is its port, or ``None`` where there is none.

    TLS is ``own``, with the gateway's own certificate; without it only behind a proxy on this machine.

    Raises:
        Misconfigured: If it cannot listen, or its certificate cannot be used.
    """
    place = config.console.listen
    if place is None:
        yield None
        return
    tls = None if config.console.behind_proxy else own
    look = Look(Bounds(seconds=min(config.scan.seconds, 10), memory=config.scan.memory_octets))
    server = ConsoleServer(sources_of(data, state, look), tls, lasting=config.gateway.tls_certificate is not None)
    try:
        yield server.listen(place.host, place.port)
    finally:
        server.close()
        look.close()
