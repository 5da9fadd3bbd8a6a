"""The mail equation: every acknowledged message was handed on or held. Pure.

    intents      = handed_on + held + refused + deferred + unknown + open
    acknowledged = handed_on + held
    quarantined  = still_held + released + deleted + expired

``unknown`` is what a crash left undecided, or has a home without the sender having surely heard of it (a further
disposition, after handed-on or held); the sender may have tried again (RFC 1047), so at most that many messages
arrived twice. ``release_unknown`` are tries to release a held message whose end nobody heard (an ``unknown`` by
the actor "release"); each may have brought one copy more. ``quarantined`` are all that were ever held. ``open`` is
what is in flight now. Whether the equation holds for the outside world is asked with what the two sides say:
``against``.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from counterfoil.model.mail import Outcome
from counterfoil.model.trust import Stub

_FIRST = frozenset({Outcome.HANDED_ON, Outcome.HELD, Outcome.REFUSED, Outcome.DEFERRED, Outcome.UNKNOWN})
RELEASE = "release"
"""The actor of an ``unknown`` that is about a try to release a held message."""

_HOMES = frozenset({Outcome.HANDED_ON, Outcome.HELD})
_AFTER_HELD = frozenset({Outcome.RELEASED, Outcome.DELETED, Outcome.EXPIRED})


@dataclass(frozen=True, slots=True)
class Balance:
    """Counts of messages, and each stub that breaks the order of things, in words."""

    intents: int
    handed_on: int
    held: int
    refused: int
    deferred: int
    unknown: int
    open: int
    quarantined: int
    release_unknown: int
    released: int
    deleted: int
    expired: int
    broken: tuple[str, ...]

    @property
    def acknowledged(self) -> int:
        """Messages whose senders were answered 250, and heard it."""
        return self.handed_on + self.held

    @property
    def still_held(self) -> int:
        """Messages in quarantine."""
        return self.quarantined - self.released - self.deleted - self.expired

    @property
    def holds(self) -> bool:
        """Say whether every stub is in its place and the sums are right."""
        ends = self.handed_on + self.held + self.refused + self.deferred + self.unknown + self.open
        return not self.broken and ends == self.intents and self.still_held >= 0


@dataclass(frozen=True, slots=True)
class Outside:
    """What the two sides say: ids acknowledged that have no home, and how many copies came too many.

    ``unexplained`` are ids of messages that came twice although nothing was ever unknown about them.
    """

    lost: tuple[str, ...]
    doubled: int
    unexplained: tuple[str, ...]


def outcomes(stubs: Iterable[Stub]) -> tuple[dict[str, list[Outcome]], Counter[str], list[str]]:
    """Gather each message's dispositions in order, its releases of unknown end, and what breaks the order."""
    seen: dict[str, list[Outcome]] = {}
    releases: Counter[str] = Counter()
    broken: list[str] = []
    for stub in stubs:
        name = str(stub.body.get("id"))
        if stub.kind == "message":
            if name in seen:
                broken.append(f"two intents for message {name}")
            seen.setdefault(name, [])
        elif stub.kind == "disposition":
            outcome = Outcome(str(stub.body["outcome"]))
            if name not in seen:
                broken.append(f"{outcome} for message {name}, which has no intent")
            elif outcome is Outcome.UNKNOWN and stub.body.get("actor") == RELEASE and Outcome.HELD in seen[name]:
                releases[name] += 1
            elif not _follows(seen[name], outcome):
                broken.append(f"{outcome} for message {name} after {', '.join(seen[name]) or 'its intent'}")
            else:
                seen[name].append(outcome)
    return seen, releases, broken


def _follows(before: list[Outcome], outcome: Outcome) -> bool:
    if not before:
        return outcome in _FIRST
    if before == [Outcome.UNKNOWN]:
        # Later knowledge: the file turned up, or the next hop told.
        return outcome in _FIRST - {Outcome.UNKNOWN}
    if outcome is Outcome.UNKNOWN:
        # It has a home, and its sender may not have heard of that.
        return before[0] in _HOMES and outcome not in before
    return Outcome.HELD in before and outcome in _AFTER_HELD and not _AFTER_HELD & set(before)


def balance(stubs: Iterable[Stub]) -> Balance:
    """Compute the equation from the ledger's stubs, in their order; kinds that are not mail are passed over."""
    seen, releases, broken = outcomes(stubs)
    firsts: Counter[Outcome | None] = Counter()
    laters: Counter[Outcome] = Counter()
    for steps in seen.values():
        decided = [step for step in steps if step in _FIRST]
        firsts[decided[-1] if decided else None] += 1
        laters.update(step for step in steps if step in _AFTER_HELD)
    return Balance(
        intents=len(seen),
        handed_on=firsts[Outcome.HANDED_ON],
        held=firsts[Outcome.HELD],
        refused=firsts[Outcome.REFUSED],
        deferred=firsts[Outcome.DEFERRED],
        unknown=firsts[Outcome.UNKNOWN],
        open=firsts[None],
        quarantined=sum(1 for steps in seen.values() if Outcome.HELD in steps),
        release_unknown=releases.total(),
        released=laters[Outcome.RELEASED],
        deleted=laters[Outcome.DELETED],
        expired=laters[Outcome.EXPIRED],
        broken=tuple(broken),
    )


def against(
    stubs: Iterable[Stub], acknowledged: AbstractSet[str], arrived: Mapping[str, int], held: AbstractSet[str]
) -> Outside:
    """Compare the ledger with both sides of the gateway.

    Args:
        stubs: The ledger's stubs in order.
        acknowledged: Keys of messages that senders were answered 250 for; a key is what both sides know a
            message by (the ``sha256`` of the bytes where they are distinct).
        arrived: How often each key arrived at the next hop.
        held: Keys whose bytes are held.
    """
    kept = list(stubs)
    seen, releases, _ = outcomes(kept)
    keys = {str(stub.body["id"]): str(stub.body.get("sha256")) for stub in kept if stub.kind == "message"}
    doubtful = {keys[name] for name, steps in seen.items() if not steps or Outcome.UNKNOWN in steps or releases[name]}
    lost = sorted(key for key in acknowledged if not arrived.get(key) and key not in held)
    twice = {key: count for key, count in arrived.items() if count > 1}
    return Outside(
        lost=tuple(lost),
        doubled=sum(count - 1 for count in twice.values()),
        unexplained=tuple(sorted(set(twice) - doubtful)),
    )
