"""The life of a rotation in one tenant: take the step, look, let the table say what comes next.

Every step looks before it acts and looks again afterwards, so it may be taken twice, or after a crash.
Whoever drives this (app.py, a drill, a simulation) writes the intent before ``advance`` and commits the
returned place after it, under a lease whose fencing number the store checks.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from counterfoil.credential.campaign import Pace, Place, due, moved, token_may_live_until, worth_trying_at
from counterfoil.credential.rotation import Observation, State, Step
from counterfoil.model.errors import Refused, Unavailable

KEY_NOT_FOUND = "AADSTS700027"
"""The error that a removed key must meet (Microsoft Entra, AADSTS error codes).

Any other refusal proves nothing about the key.
"""

SHOWN = 5
"""So many of the things that are left stand in a place's words; ``Place.left`` has all of them."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A credential that the tenant lists, on the application or on its service principal.

    ``thumbprint`` is SHA-256 in upper-case hex, or ``None`` for secrets and federated credentials.
    """

    key_id: str
    thumbprint: str | None
    where: str


@dataclass(frozen=True, slots=True)
class Try:
    """What a request for a token met: ``error`` is ``None`` where it was granted.

    ``fault`` says what is wrong with a token that was granted: of another tenant, or believed by one audience only.
    """

    error: str | None
    roles: tuple[str, ...] = ()
    fault: str | None = None


class House(Protocol):
    """All that a rotation asks of the world.

    Any method may raise ``Unavailable`` (no answer: it may have happened all the same) or ``Refused``
    (the tenant does not let us in, and trying again will not cure it).
    """

    def ensure_key(self, place: Place) -> str | None:
        """Make or find the key and certificate of ``place.label``; return the SHA-256 thumbprint once they work."""

    def listing(self, place: Place) -> tuple[Listed, ...]:
        """Read all credentials of the application and its service principal."""

    def publish(self, place: Place) -> None:
        """Add the new certificate; in a compromise by one write that keeps only ours."""

    def evict(self, place: Place, keep: frozenset[str]) -> None:
        """Remove every credential whose thumbprint is not in ``keep``."""

    def standby(self, place: Place) -> frozenset[str]:
        """Return thumbprints beside the new one that are ours and stay."""

    def try_new(self, place: Place) -> Try:
        """Ask for a token with a fresh client and assertion, and make one harmless call for each audience."""

    def try_unpublished(self, place: Place) -> Try:
        """Ask for a token with a key that was never published: the control, which must be refused."""

    def try_old(self, place: Place, thumbprint: str) -> Try:
        """Ask for a token with the old key; a token that is granted is thrown away and raises an alarm."""

    def gate_open(self, place: Place) -> bool:
        """Say whether the tenant's wave has begun."""

    def make_current(self, place: Place, thumbprint: str) -> bool:
        """Compare and swap the current credential; say whether it is that one now."""

    def in_use(self, place: Place) -> int:
        """Count the jobs that still use the old credential."""

    def leftovers(self, place: Place) -> tuple[str, ...]:
        """Name what a thief may have left that needs no key: subscriptions, consents, rules, import sessions.

        The same thing has the same words at each look, and another thing has others: a person accepts it by them.
        """

    def destroy_old(self, place: Place) -> bool:
        """Destroy the old private key, unless another tenant's campaign still needs it; say whether it is gone."""

    def withdraw(self, place: Place) -> None:
        """Remove the new certificate again."""

    def forget(self, place: Place) -> None:
        """Destroy the keys that only this campaign needed: the control, which was never published."""


Seen = tuple[Place, Observation]


def advance(place: Place, house: House, pace: Pace, now: datetime) -> Place:
    """Take the place's step once and return the place afterwards; never raises for what the world does."""
    try:
        place, seen = STEPS[place.here.step](place, house, pace, now)
    except Unavailable as error:
        place, seen = replace(place, words=error.message), Observation.UNKNOWN
    except Refused as error:
        place, seen = replace(place, words=error.message), Observation.GONE
    after = moved(place, seen)
    if after.here == place.here or seen is Observation.GONE:
        after = replace(after, next_at=worth_trying_at(after, seen, pace, now))
    return after


def _create(place: Place, house: House, _pace: Pace, _now: datetime) -> Seen:
    thumbprint = house.ensure_key(place)
    if thumbprint is None:
        return place, Observation.NOT_READY
    return replace(place, new=thumbprint), Observation.READY


def _publish(place: Place, house: House, pace: Pace, now: datetime) -> Seen:
    """Several readings in a row must agree, some time apart, since replicas lag behind each other."""
    if place.new not in _thumbprints(house.listing(place)):
        house.publish(place)
        return replace(place, reads=()), Observation.NOT_LISTED
    place = _read_again(place, pace, now)
    return place, Observation.LISTED if len(place.reads) >= pace.reads else Observation.NOT_LISTED


def _verify(place: Place, house: House, pace: Pace, now: datetime) -> Seen:
    """The control comes first: where a key that nobody published is accepted, acceptance proves nothing."""
    if not due(place.successes, pace, now):
        return place, Observation.NOT_YET
    if house.try_unpublished(place).error is None:
        return replace(place, words="a key that was never published was accepted"), Observation.UNFIT
    tried = house.try_new(place)
    if tried.error is not None:
        # Refused because it is not believed everywhere yet, or because somebody took it away?
        place = replace(place, successes=(), words=tried.error)
        try:
            listed = place.new in _thumbprints(house.listing(place))
        except Unavailable:
            return place, Observation.NOT_YET  # the refusal counts, whether we could look or not
        return place, Observation.NOT_YET if listed else Observation.NOT_LISTED
    fewer = set(place.roles) - set(tried.roles)
    fault = f"roles missing: {', '.join(sorted(fewer))}" if fewer else tried.fault
    if fault is not None:
        return replace(place, words=fault), Observation.UNFIT
    place = replace(place, successes=(*place.successes, now))
    return place, Observation.ACCEPTED if len(place.successes) >= pace.successes else Observation.NOT_YET


def _switch(place: Place, house: House, _pace: Pace, now: datetime) -> Seen:
    if not house.gate_open(place):
        return place, Observation.GATE_CLOSED
    if place.new is None or not house.make_current(place, place.new):
        return place, Observation.UNKNOWN
    return replace(place, switched_at=place.switched_at or now), Observation.SWITCHED


def _drain(place: Place, house: House, _pace: Pace, _now: datetime) -> Seen:
    return place, Observation.BUSY if house.in_use(place) else Observation.DRAINED


def _retire(place: Place, house: House, pace: Pace, now: datetime) -> Seen:
    """Nothing is removed unless the new credential is listed and accepted in this very step."""
    listed = house.listing(place)
    foreign = _not_ours(place, house, listed)
    if not foreign:
        place = replace(_read_again(place, pace, now), removed_at=now)
        return place, Observation.ABSENT if len(place.reads) >= pace.reads else Observation.PRESENT
    fault = house.try_new(place).error if place.new in _thumbprints(listed) else "it is not listed"
    if fault is not None:
        return replace(place, words=f"the new credential does not work now: {fault}"), Observation.LAST_ONE
    house.evict(place, _ours(place, house))
    words = f"removed {', '.join(entry.key_id for entry in foreign)}"
    return replace(place, reads=(), removed_at=None, foreign_at=now, words=words), Observation.PRESENT


def _try_old(place: Place, house: House, pace: Pace, now: datetime) -> Seen:
    if not due(place.refusals, pace, now):
        return place, Observation.REFUSED_SO_FAR
    for thumbprint in place.old:
        tried = house.try_old(place, thumbprint)
        if tried.error is None:
            return replace(place, refusals=(), foreign_at=now, words="the old key was accepted"), (
                Observation.STILL_ACCEPTED
            )
        if KEY_NOT_FOUND not in tried.error:
            return replace(place, words=f"refused for another reason: {tried.error}"), Observation.UNKNOWN
    place = replace(place, refusals=(*place.refusals, now))
    enough = len(place.refusals) >= pace.refusals
    if enough:
        place = replace(place, dead_at=now)
    return place, Observation.REFUSED if enough else Observation.REFUSED_SO_FAR


def _relist(place: Place, house: House, pace: Pace, now: datetime) -> Seen:
    """Look at once and again at the end: an old token may have put a credential back meanwhile."""
    if _not_ours(place, house, house.listing(place)):
        # What is listed again is not removed: that fact is taken back, and not only the proof of death.
        back = replace(place, removed_at=None, dead_at=None, foreign_at=now, left=(), words="a credential came back")
        return back, Observation.PRESENT
    until = token_may_live_until(place, pace)
    if until is None or now < until:
        return replace(place, reads=()), Observation.TOO_EARLY
    place = _read_again(place, pace, now)
    if len(place.reads) < pace.reads:
        return place, Observation.TOO_EARLY
    place = replace(place, left=house.leftovers(place), reads=place.reads[-pace.reads :])
    if place.still_left:
        more = len(place.still_left) - SHOWN
        shown = [*place.still_left[:SHOWN], *([f"{more} more"] if more > 0 else [])]
        return replace(place, words=f"still there: {'; '.join(shown)}"), Observation.TOO_EARLY
    return replace(place, out_at=now, words=""), Observation.CLEAN


def _destroy(place: Place, house: House, _pace: Pace, _now: datetime) -> Seen:
    house.forget(place)
    return place, Observation.DESTROYED if house.destroy_old(place) else Observation.BUSY


def _point_back(place: Place, house: House, _pace: Pace, _now: datetime) -> Seen:
    back = house.make_current(place, place.old[0])
    return place, Observation.POINTED_BACK if back else Observation.UNKNOWN


def _withdraw(place: Place, house: House, pace: Pace, now: datetime) -> Seen:
    if place.new is not None and place.new in _thumbprints(house.listing(place)):
        house.withdraw(place)
        return replace(place, reads=()), Observation.PRESENT
    place = _read_again(place, pace, now)
    if len(place.reads) < pace.reads:
        return place, Observation.PRESENT
    house.forget(place)
    return place, Observation.WITHDRAWN


def _ask(place: Place, house: House, pace: Pace, now: datetime) -> Seen:
    """A held tenant waits for its operator; whether an unreachable one lets us in again is tried now and then."""
    if place.state is not State.UNREACHABLE or not due(place.reads, pace, now):
        return place, Observation.UNKNOWN
    place = replace(place, reads=(now,))
    try:
        house.listing(place)
    except Refused as error:
        return replace(place, words=error.message), Observation.GONE
    return place, Observation.REACHABLE


STEPS: dict[Step, Callable[[Place, House, Pace, datetime], Seen]] = {
    Step.CREATE: _create,
    Step.PUBLISH: _publish,
    Step.VERIFY: _verify,
    Step.SWITCH: _switch,
    Step.DRAIN: _drain,
    Step.RETIRE: _retire,
    Step.TRY_OLD: _try_old,
    Step.RELIST: _relist,
    Step.DESTROY: _destroy,
    Step.POINT_BACK: _point_back,
    Step.WITHDRAW: _withdraw,
    Step.ASK: _ask,
}


def _read_again(place: Place, pace: Pace, now: datetime) -> Place:
    return replace(place, reads=(*place.reads, now)) if due(place.reads, pace, now) else place


def _ours(place: Place, house: House) -> frozenset[str]:
    return house.standby(place) | ({place.new} if place.new else set())


def _not_ours(place: Place, house: House, listed: tuple[Listed, ...]) -> tuple[Listed, ...]:
    """Return what may not stay: the old credential and, whatever they are, those that we do not know."""
    ours = _ours(place, house)
    return tuple(entry for entry in listed if entry.thumbprint is None or entry.thumbprint not in ours)


def _thumbprints(listed: tuple[Listed, ...]) -> frozenset[str]:
    return frozenset(entry.thumbprint for entry in listed if entry.thumbprint is not None)
