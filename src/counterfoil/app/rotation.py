"""Drive a campaign: lease a tenant, write the intent, take the step, save; many tenants at once.

It may be killed at any line. What was saved is where the next run begins, and every step looks before
it acts, so nothing is done twice that matters and nothing is left half done.
"""

import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from counterfoil.credential import registry
from counterfoil.credential.campaign import Pace, Place
from counterfoil.credential.campaigns import Campaign, Campaigns
from counterfoil.credential.rotation import FINAL, Kind, State, Step
from counterfoil.credential.waves import Brakes, Gauges, brake, open_waves, plan
from counterfoil.flows.rotate import House, advance
from counterfoil.ledger.ledger import Ledger
from counterfoil.model.errors import Refused, Unavailable
from counterfoil.model.trust import Connection, CredentialState
from counterfoil.tenant.registry import Connections

AT_ONCE = 20

Joiners = Callable[[Campaign, Mapping[str, Place]], list[Place]]


class Driver:
    """Moves the tenants of campaigns forward.

    Args:
        campaigns: Where places are kept.
        houses: Makes the house of a place; the gate is asked whether its wave has begun.
        pace: How often is often enough.
        brakes: When a campaign holds by itself.
        clock: Returns the time.
        gauges: Reads what is watched meanwhile.
        joiners: Finds tenants that turned up since the campaign began and have what it replaces.
    """

    def __init__(
        self,
        campaigns: Campaigns,
        houses: Callable[[Place, Callable[[Place], bool]], House],
        pace: Pace,
        brakes: Brakes,
        *,
        clock: Callable[[], datetime],
        gauges: Callable[[], Gauges] = Gauges,
        joiners: Joiners = lambda _campaign, _places: [],
    ) -> None:
        self._campaigns, self._houses = campaigns, houses
        self._pace, self._brakes = pace, brakes
        self._clock, self._gauges, self._joiners = clock, gauges, joiners
        self._open: frozenset[str] = frozenset()

    def round(self, name: str, *, open_gates: bool = True) -> dict[str, Place]:
        """Take one step in every tenant that can take one; return where all stand then."""
        campaign = self._campaigns.campaign(name)
        places = self._campaigns.places(name)
        why = campaign.held or brake(campaign.waves, places, self._gauges(), self._brakes)
        if why is not None:
            if campaign.held is None:
                self._campaigns.hold(name, why, self._clock(), "rotation")
            return places
        for joiner in self._joiners(campaign, places):
            self._campaigns.join(campaign, joiner, self._clock())
            campaign = self._campaigns.campaign(name)
            places[joiner.tenant] = joiner
        opened = open_waves(campaign.waves, places, self._brakes, self._clock())
        self._open = opened if open_gates else frozenset()
        moving = [place for place in places.values() if self._may_move(place)]
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="rotation") as pool:
            for place in pool.map(self._step, moving):
                places[place.tenant] = place
        return places

    def _may_move(self, place: Place) -> bool:
        """Leave alone what is at an end, held, not due, or waiting for its wave: nothing is written for those."""
        if place.state in FINAL | {State.HELD} or (place.next_at is not None and self._clock() < place.next_at):
            return False
        return place.here.step is not Step.SWITCH or place.tenant in self._open

    def _step(self, seen: Place) -> Place:
        now = self._clock()
        place = self._campaigns.lease(seen, now)
        if place is None:
            return seen  # another worker is at it
        # If we die here, the lease runs out and the step is taken by another.
        self._campaigns.intend(place, now)
        # If we die here, nothing was done, or something was: the step looks first.
        after = advance(place, self._houses(place, lambda asked: asked.tenant in self._open), self._pace, self._clock())
        # If we die here, it was done and is not written down: the step finds it done.
        try:
            self._campaigns.save(after, self._clock())
        except Refused:
            return seen  # the lease ran out; whoever took it over goes on from what it finds
        return after

    def run(
        self,
        name: str,
        stop: threading.Event,
        pause: float,
        told: Callable[[dict[str, Place]], None],
        *,
        open_gates: bool = True,
    ) -> bool:
        """Go on until every tenant is at an end, the campaign is held, or we are told to stop.

        With ``open_gates`` false nobody is cut over: a rehearsal.

        Returns:
            Whether every tenant is at an end.
        """
        while True:
            try:
                places = self.round(name, open_gates=open_gates)
            except Unavailable:
                places = self._campaigns.places(name)  # the disk is full or the signer away: later
            told(places)
            if all(place.state in FINAL for place in places.values()):
                return True
            if self._campaigns.campaign(name).held is not None or stop.wait(pause):
                return False


def begin(
    ledger: Ledger,
    connections: Connections,
    name: str,
    kind: Kind,
    wanted: Iterable[Connection],
    *,
    now: datetime,
    actor: str,
    own_test: str | None = None,
) -> tuple[Campaign, list[Place]]:
    """Say what a campaign would be: the waves, and each tenant's place with the name of its new key.

    Nothing is written; a connection without a current credential is left out, since it has nothing to rotate.
    """
    places = [place for connection in wanted if (place := first_place(ledger, connections, name, kind, connection))]
    waves = plan([place.tenant for place in places], own_test)
    return Campaign(name, kind, now, actor, waves, None), places


def first_place(
    ledger: Ledger, connections: Connections, name: str, kind: Kind, connection: Connection
) -> Place | None:
    """Return where a connection begins in a campaign; ``None`` where it has no current credential to replace."""
    try:
        current = connections.current(connection)
    except Refused:
        return None
    mine = [c for c in registry.listed(ledger.engine, connection.tenant_id) if c.app == connection.app]
    generation = 1 + max(c.generation for c in mine if c.generation < 1_000_000)
    # After an emergency cut-over to a standby, the tainted one is still in the tenant and has to be proven dead too.
    tainted = {c.thumbprint_sha256 for c in mine if c.state is CredentialState.TAINTED} - {current.thumbprint_sha256}
    stem = f"{connection.tenant_id}/{connection.app}"
    return Place(
        campaign=name,
        tenant=stem,
        kind=kind,
        old=(current.thumbprint_sha256, *sorted(tainted)),
        label=f"{stem}/{generation}",
        roles=connection.roles or (),
        # Leases go on counting from there, so that a worker of an earlier campaign is outnumbered at once.
        fence=connections.fence(connection),
    )


def taint(ledger: Ledger, places: Iterable[Place], mark: Callable[[str, CredentialState], None]) -> None:
    """Mark the old credentials of a compromise as tainted, before anything else: the signer then refuses them."""
    wanted: Mapping[str, frozenset[str]] = {place.tenant: frozenset(place.old) for place in places}
    for credential in registry.listed(ledger.engine):
        stem = f"{credential.tenant}/{credential.app}"
        bad = credential.thumbprint_sha256 in wanted.get(stem, frozenset())
        if bad and credential.state not in (CredentialState.TAINTED, CredentialState.DEAD):
            mark(f"{stem}/{credential.generation}", CredentialState.TAINTED)
