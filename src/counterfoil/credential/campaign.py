"""A tenant's place in a campaign, and how often is often enough. Values only.

Three facts are kept apart (law 6): ``removed_at``, ``out_at`` (the last possible old token has expired
and nothing of the thief's is left) and ``dead_at`` (the old key was tried and refused).
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from counterfoil.credential.rotation import FIRST, Kind, Move, Observation, State, move


@dataclass(frozen=True, slots=True)
class Pace:
    """How often and how far apart something must be seen before it is believed.

    ``propagation`` is how long after a removal the token service may still honour a key; no figure is
    published, so it is generous. ``longest_token_life`` is 28 h for a single-tenant application whose
    tokens may be CAE tokens (Microsoft Entra, continuous access evaluation); a laboratory or a policy
    may say less where it knows better. ``import_session_life`` is how long an import URL that an old token
    opened may still put mail into a mailbox; no figure is published, and no call lists them. ``peek`` is how
    often the list is looked at while that time runs.
    """

    reads: int = 3
    successes: int = 3
    refusals: int = 3
    spacing: timedelta = timedelta(seconds=30)
    propagation: timedelta = timedelta(minutes=10)
    longest_token_life: timedelta = timedelta(hours=28)
    peek: timedelta = timedelta(minutes=15)
    import_session_life: timedelta = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Accepted:
    """Something left in a tenant that a person looked at and left as it is: its exact words, who, when and why."""

    words: str
    by: str
    at: datetime
    why: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where one tenant stands in one campaign, with all that was counted on the way.

    ``label`` names the new key; it is derived, so that a retry finds what the first try made. ``old``
    are the SHA-256 thumbprints that must die. ``reads`` are the times of equal readings in a row.
    ``next_at`` is when the step is worth taking again; ``fence`` is the number of the lease under which
    this was written: an older one is refused. ``attempts`` counts the answers in a row that did not come, or that
    kept us out. ``held_by_operator`` tells a tenant that somebody holds from one that the campaign had to hold.
    ``left`` is what the last look for it named as left in the tenant, ``accepted`` what a person accepted of such.

    The six from ``looked_at`` on are of the watch that follows: when the logs were last looked at, up to where every
    hour of the sign-in log is proven and how many hours are not, how often something was used or tried since the
    removal, and the ids of the rows that were reported.
    """

    campaign: str
    tenant: str
    kind: Kind
    old: tuple[str, ...]
    label: str
    here: Move = FIRST
    came_from: Move | None = None
    new: str | None = None
    roles: tuple[str, ...] = ()
    reads: tuple[datetime, ...] = ()
    successes: tuple[datetime, ...] = ()
    refusals: tuple[datetime, ...] = ()
    switched_at: datetime | None = None
    removed_at: datetime | None = None
    foreign_at: datetime | None = None
    out_at: datetime | None = None
    dead_at: datetime | None = None
    next_at: datetime | None = None
    attempts: int = 0
    fence: int = 0
    words: str = ""
    held_by_operator: bool = False
    looked_at: datetime | None = None
    proven_until: datetime | None = None
    unproven: int = 0
    used_since: int = 0
    tried_since: int = 0
    sighted: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    accepted: tuple[Accepted, ...] = ()

    @property
    def state(self) -> State:
        """The state alone."""
        return self.here.state

    @property
    def still_left(self) -> tuple[str, ...]:
        """What was left when somebody last looked, and nobody has accepted in exactly these words."""
        known = {one.words for one in self.accepted}
        return tuple(words for words in self.left if words not in known)


def label_of(campaign: str, tenant: str) -> str:
    """Derive the name of the key that a campaign makes for a tenant."""
    return f"{campaign}.{tenant}"


def due(seen: tuple[datetime, ...], pace: Pace, now: datetime) -> bool:
    """Say whether the next one of spaced attempts may be made."""
    return not seen or now - seen[-1] >= pace.spacing


def token_may_live_until(place: Place, pace: Pace) -> datetime | None:
    """Return when the last token of a removed or foreign credential has expired; ``None`` before a removal."""
    moments = [moment for moment in (place.removed_at, place.foreign_at) if moment is not None]
    return max(moments) + pace.propagation + pace.longest_token_life if moments else None


LONGEST_PAUSE = timedelta(hours=1)
IN_VAIN = frozenset({Observation.UNKNOWN, Observation.GONE})
SAYS_NOTHING = frozenset({Observation.REACHABLE, Observation.HOLD, Observation.RESUME})
"""After these the pauses neither grow nor shrink: a tenant that lets us look may still refuse what comes next."""


def worth_trying_at(place: Place, seen: Observation, pace: Pace, now: datetime) -> datetime:
    """Say when a step that has not moved a tenant is worth taking again.

    Counts are spaced; a wait for the longest token life is cut short by looks at the list; what gets no
    answer, or no entry, is tried ever more rarely, also where entry was given only to be refused again.
    """
    if seen is Observation.TOO_EARLY:
        until = token_may_live_until(place, pace)
        if until is not None and until > now:
            return min(until, now + pace.peek)
        # Whatever is left waits for a person; to look for it may take a call for each mailbox.
        return now + (pace.peek if place.still_left else pace.spacing)
    if seen in IN_VAIN:
        return now + min(pace.spacing * (1 << min(max(place.attempts - 1, 0), 12)), LONGEST_PAUSE)
    return now + pace.spacing


def moved(place: Place, seen: Observation) -> Place:
    """Return the place after an observation, its tallies cleared where the state or step changed.

    Raises:
        Illegal: If the table has no such move.
    """
    there = move(place.kind, place.here, seen, place.came_from)
    if seen not in SAYS_NOTHING:
        place = replace(place, attempts=place.attempts + 1 if seen in IN_VAIN else 0)
    if there != place.here or seen is Observation.HOLD:
        place = replace(place, held_by_operator=seen is Observation.HOLD)
    if there == place.here:
        return place
    leaving = there.state in (State.HELD, State.UNREACHABLE)
    came_from = (place.came_from or place.here) if leaving else None
    return replace(place, here=there, came_from=came_from, reads=(), successes=(), refusals=(), next_at=None)
