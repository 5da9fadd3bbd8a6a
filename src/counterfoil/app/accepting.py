"""A person accepts what is left in a tenant: by its exact words, for one campaign, with a name and a reason.

A consent that the customer's administrator wanted, or a rule that a user made himself, is left and is no thief's.
What is accepted is what was seen: the same thing changed, or another one, keeps "attacker out" back again.
"""

import hashlib
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

from counterfoil import clock
from counterfoil.app.commanding import PATIENCE
from counterfoil.app.leftovers import SESSIONS, SUBSCRIPTION
from counterfoil.credential.campaign import Accepted, Place
from counterfoil.credential.campaigns import SEE, Campaigns
from counterfoil.credential.rotation import FINAL
from counterfoil.ledger.ledger import Ledger
from counterfoil.ledger.stubs import stub_at
from counterfoil.model.errors import Refused
from counterfoil.model.mail import Json
from counterfoil.model.trust import Stub

ACTION = "leftover-accepted"
NEVER = {
    SUBSCRIPTION: (
        "a subscription tells a stranger of mail, and none is ours: it is removed, not accepted",
        "counterfoil connection unsubscribe TENANT ID --why WORDS; the next look finds it gone",
    ),
    SESSIONS: ("import sessions end by themselves", "wait until the time that their words name"),
}
"""What cannot be accepted, by how its words begin: why not, and what to do."""


@dataclass(frozen=True, slots=True)
class Decision:
    """Who accepts which things and why; each is named by its mark (:func:`mark_of`) or by its words."""

    who: str
    what: tuple[str, ...]
    why: str


def mark_of(words: str) -> str:
    """Return the short name of a thing that is left: eight hex digits of its words' SHA-256."""
    return hashlib.sha256(words.encode()).hexdigest()[:8]


def chosen(left: Collection[str], what: Collection[str]) -> tuple[str, ...]:
    """Return the words of those things that are named. Pure.

    Raises:
        Refused: If a name fits two things, or one that cannot be accepted.
    """
    found: list[str] = []
    for name in what:
        fitting = [words for words in left if words == name] or [w for w in left if mark_of(w) == name.lower()]
        if len(fitting) > 1:
            raise Refused(f"{name} may be two things that are left", "say its words, and not its mark")
        for start, (why_not, hint) in NEVER.items():
            if any(words.startswith(start) for words in fitting):
                raise Refused(why_not, hint)
        found += fitting
    return tuple(dict.fromkeys(found))


def accept(ledger: Ledger, name: str, decision: Decision, where: Callable[[Place], bool]) -> dict[str, tuple[str, ...]]:
    """Accept things in every fitting place of a campaign where exactly those were seen; return them by place.

    A worker that is at a place is waited for. A stub for each thing is in the same commit as the change.

    Raises:
        Refused: If a thing is left nowhere, may not be accepted, or a worker does not give its place back.
    """
    if not decision.why.strip():
        raise Refused("nothing is accepted without a reason", "say it: --why WORDS")
    campaigns = Campaigns(ledger)
    campaigns.campaign(name)
    here = [place for place in campaigns.places(name).values() if place.state not in FINAL and where(place)]
    # All is looked at before anything is written: one that is refused keeps the others too.
    found = {place.tenant: chosen(place.still_left, decision.what) for place in here}
    seen = {words for some in found.values() for words in some}
    for what in decision.what:
        if what not in seen and what.lower() not in map(mark_of, seen):
            raise Refused(f"nothing was seen there, not accepted yet, that is called {what}", SEE)
    return {
        place.tenant: _in_one(ledger, place, decision, found[place.tenant]) for place in here if found[place.tenant]
    }


def _in_one(ledger: Ledger, seen: Place, decision: Decision, words: tuple[str, ...]) -> tuple[str, ...]:
    campaigns, end = Campaigns(ledger), time.monotonic() + PATIENCE
    while (place := campaigns.lease(seen, clock.now())) is None:
        if time.monotonic() > end:
            raise Refused(f"a worker is at {seen.tenant}", "say it again")
        clock.sleep(0.2)
    now = clock.now()
    # The worker that had it may have looked again meanwhile: what is gone is not accepted.
    taken = tuple(Accepted(one, decision.who, now, decision.why) for one in words if one in place.still_left)
    if not taken:
        campaigns.save(place, now)
        return ()
    after = replace(place, accepted=(*place.accepted, *taken), next_at=None)
    still = after.still_left
    after = replace(after, words=f"still there: {still[0]}" if still else "what was left is accepted; looked at again")
    campaigns.save(after, now, said=[_stub(place, one) for one in taken])
    return tuple(one.words for one in taken)


def _stub(place: Place, one: Accepted) -> Stub:
    detail: dict[str, Json] = {"campaign": place.campaign, "what": one.words, "why": one.why}
    return stub_at("action", one.at, actor=one.by, action=ACTION, subject=place.tenant, detail=detail)
