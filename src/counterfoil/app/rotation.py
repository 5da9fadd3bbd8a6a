"""Drive a campaign: lease a tenant, write the intent, take the step, save; many tenants at once.

It may be killed at any line. What was saved is where the next run begins, and every step looks before
it acts, so nothing is done twice that matters and nothing is left half done.
"""

import threading
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from types import MappingProxyType

from counterfoil.app.graveyard import CONTROLS_FROM, is_negative_control
from counterfoil.credential import registry
from counterfoil.credential.campaign import Pace, Place
from counterfoil.credential.campaigns import Campaign, Campaigns
from counterfoil.credential.rotation import FINAL, Kind, State, Step
from counterfoil.credential.waves import Brakes, Gauges, brake, open_waves, pause, plan
from counterfoil.flows.rotate import House, advance
from counterfoil.ledger.ledger import Ledger
from counterfoil.model.errors import Refused, Unavailable
from counterfoil.model.trust import Connection, Credential, CredentialState
from counterfoil.tenant.registry import Connections, Standing

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

    def round(self, name: str, upto: int | None = None) -> dict[str, Place]:
        """Take one step in every tenant that can take one; return where all stand then.

        Only the first ``upto`` waves are cut over; when they have been, the campaign holds.
        """
        campaign = self._campaigns.campaign(name)
        places = self._campaigns.places(name)
        if all(place.state in FINAL for place in places.values()):
            return places
        why = campaign.held or brake(campaign.waves, places, self._gauges(), self._brakes)
        why = why or pause(campaign.waves, places, self._brakes, self._clock(), upto)
        if why is not None:
            if campaign.held is None:
                self._campaigns.hold(name, why, self._clock(), "rotation")
            return places
        for joiner in () if campaign.rehearsal else self._joiners(campaign, places):
            self._campaigns.join(campaign, joiner, self._clock())
            campaign = self._campaigns.campaign(name)
            places[joiner.tenant] = joiner
        self._open = open_waves(campaign.waves[:upto], places, self._brakes, self._clock())
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
        upto: int | None = None,
    ) -> bool:
        """Go on until every tenant is at an end or an operator holds it, the campaign is held, or we are told to stop.

        Args:
            name: The campaign.
            stop: Set to stop after the step that is under way.
            pause: Seconds between two rounds.
            told: Is told where all stand after each round.
            upto: Only so many waves are cut over, then the campaign holds.

        Returns:
            Whether every tenant is at an end.
        """
        while True:
            try:
                places = self.round(name, upto)
            except Unavailable:
                places = self._campaigns.places(name)  # the disk is full or the signer away: later
            told(places)
            if all(place.state in FINAL for place in places.values()):
                return True
            waits = all(place.state in FINAL or place.held_by_operator for place in places.values())
            if waits or self._campaigns.campaign(name).held is not None or stop.wait(pause):
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
    promised: Mapping[str, Collection[str]] = MappingProxyType({}),
) -> tuple[Campaign, list[Place]]:
    """Say what a campaign would be: the waves, and each tenant's place with the name of its new key.

    Nothing is written; ``own_test`` is our own test tenant, ``promised`` are names of keys that other campaigns make
    for a connection. One without a current credential is left out, since it has nothing to rotate.
    """
    stems = {one.stem for one in wanted}
    chosen = [standing for standing in connections.standings() if standing.stem in stems]
    keys = by_stem(registry.listed(ledger.engine))
    found = [
        first_place(name, kind, one, keys.get(one.stem, ()), promised=promised.get(one.stem, ())) for one in chosen
    ]
    places = [place for place in found if place is not None]
    own = {standing.stem for standing in chosen if standing.connection.tenant == own_test}
    return Campaign(name, kind, now, actor, plan([place.tenant for place in places], own), None), places


def by_stem(credentials: Iterable[Credential]) -> dict[str, list[Credential]]:
    """Sort credentials by the connection that they are of."""
    found: dict[str, list[Credential]] = defaultdict(list)
    for credential in credentials:
        found[f"{credential.tenant}/{credential.app}"].append(credential)
    return dict(found)


def first_place(
    name: str,
    kind: Kind,
    standing: Standing,
    mine: Collection[Credential],
    *,
    promised: Collection[str] = (),
) -> Place | None:
    """Return where a connection begins in a campaign; ``None`` where it has no current credential to replace.

    ``mine`` are all its credentials, ``promised`` the names of keys that other campaigns will make, or have made.
    """
    if standing.current is None:
        return None
    generations = [c.generation for c in mine if c.generation < CONTROLS_FROM]
    generation = 1 + max([*generations, *(int(label.rpartition("/")[2]) for label in promised)])
    current = standing.current.thumbprint_sha256
    left = {c.thumbprint_sha256 for c in mine if is_left(c, promised)} - {current}
    return Place(
        campaign=name,
        tenant=standing.stem,
        kind=kind,
        old=(current, *sorted(left)),
        label=f"{standing.stem}/{generation}",
        roles=standing.connection.roles or (),
        # Leases go on counting from there, so that a worker of an earlier campaign is outnumbered at once.
        fence=standing.fence,
    )


def is_left(credential: Credential, promised: Collection[str] = ()) -> bool:
    """Say whether a credential that is not in use any more has to be proven dead too.

    The tainted one after an emergency cut-over to a standby; the key of a campaign that was rolled back, or, where its
    name is among the ``promised``, of one that is superseded now.
    """
    if is_negative_control(credential):
        return False
    if credential.state in (CredentialState.TAINTED, CredentialState.RETIRED):
        return True
    begun = credential.state in (CredentialState.STAGED, CredentialState.PUBLISHED)
    return begun and credential.name in promised


def taint(ledger: Ledger, places: Iterable[Place], mark: Callable[[str, CredentialState], None]) -> None:
    """Mark the old credentials of a compromise as tainted, before anything else: the signer then refuses them."""
    wanted: Mapping[str, frozenset[str]] = {place.tenant: frozenset(place.old) for place in places}
    for credential in registry.listed(ledger.engine):
        stem = f"{credential.tenant}/{credential.app}"
        bad = credential.thumbprint_sha256 in wanted.get(stem, frozenset())
        if bad and credential.state not in (CredentialState.TAINTED, CredentialState.DEAD):
            mark(f"{stem}/{credential.generation}", CredentialState.TAINTED)
