"""An operator's word into a campaign's places: hold, resume, roll back; whoever cannot take it is named."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from counterfoil import clock
from counterfoil.credential.campaign import Place, moved
from counterfoil.credential.campaigns import Campaigns
from counterfoil.credential.rotation import FINAL, Illegal, Observation
from counterfoil.ledger.ledger import Ledger
from counterfoil.model.errors import Refused

PATIENCE = 30.0
"""Seconds that a word waits for the workers that are at a place; a step takes one or two."""

STRONGER = frozenset({Observation.HOLD, Observation.SUPERSEDED})
"""These are stronger than the step of a worker; the way back must know what was done, so it waits."""


@dataclass(frozen=True, slots=True)
class Told:
    """What became of a word: the places that took it, those that cannot and why, those that a worker still has."""

    took: tuple[str, ...]
    cannot: dict[str, str]
    busy: tuple[str, ...]


def tell_all(
    ledger: Ledger,
    name: str,
    seen: Observation,
    where: Callable[[Place], bool],
    words: str = "",
    *,
    patience: float = PATIENCE,
) -> Told:
    """Put a word into every fitting place that is not at its end.

    One that the table has no move for does not keep the others: of two hundred tenants those go back that still can.
    """
    took: list[str] = []
    cannot: dict[str, str] = {}
    waiting = [p for p in Campaigns(ledger).places(name).values() if p.state not in FINAL and where(p)]
    end = time.monotonic() + patience
    while waiting:
        busy: list[Place] = []
        for place in waiting:
            try:
                told = tell(ledger, place, seen, words or seen.value)
            except Refused as error:
                cannot[place.tenant] = error.message
                continue
            took += [place.tenant] if told else []
            busy += [] if told else [place]
        waiting = busy
        if waiting and time.monotonic() > end:
            break
        if waiting:
            clock.sleep(0.2)
    return Told(tuple(took), cannot, tuple(place.tenant for place in waiting))


def tell(ledger: Ledger, place: Place, seen: Observation, words: str) -> bool:
    """Put a word into one place; say whether it could be leased.

    Raises:
        Refused: If the table has no such move from where the tenant stands.
    """
    campaigns = Campaigns(ledger)
    leased = campaigns.lease(place, clock.now(), force=seen in STRONGER)
    if leased is None:
        return False
    try:
        after = moved(leased, seen)
    except Illegal as error:
        campaigns.save(leased, clock.now())
        raise Refused(str(error), "see: counterfoil rotate status") from error
    campaigns.save(replace(after, words=words), clock.now())
    return True
