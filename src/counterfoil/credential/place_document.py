"""A tenant's place in a campaign as a JSON document, and back. Pure."""

import json
from typing import Any

from counterfoil.credential.campaign import Accepted, Place
from counterfoil.credential.rotation import Kind, Move, State, Step
from counterfoil.model.instant import from_rfc3339, rfc3339

TIMES = ("switched_at", "removed_at", "foreign_at", "out_at", "dead_at", "next_at", "looked_at", "proven_until")
TALLIES = ("reads", "successes", "refusals")
COUNTS = ("attempts", "fence", "unproven", "used_since", "tried_since")
WORDS = ("campaign", "tenant", "label", "new", "words", "held_by_operator", *COUNTS)


LATER: dict[str, Any] = {"held_by_operator": False, "left": [], "accepted": []}
"""What places of earlier releases do not say."""


def row_of(place: Place) -> dict[str, Any]:
    """Return the columns of a place: what is asked for, and the whole of it as a document."""
    document: dict[str, Any] = {name: getattr(place, name) for name in WORDS}
    document |= {name: rfc3339(moment) if (moment := getattr(place, name)) else None for name in TIMES}
    document |= {name: [rfc3339(moment) for moment in getattr(place, name)] for name in TALLIES}
    document |= {"kind": place.kind.value, "old": list(place.old), "roles": list(place.roles)}
    document |= {"sighted": list(place.sighted), "left": list(place.left)}
    document |= {"accepted": [[one.words, one.by, rfc3339(one.at), one.why] for one in place.accepted]}
    document |= {"here": _spelled(place.here), "came_from": place.came_from and _spelled(place.came_from)}
    head = {"campaign": place.campaign, "tenant": place.tenant, "state": place.state.value, "fence": place.fence}
    return head | {"document": json.dumps(document)}


def place_of(text: str) -> Place:
    """Read a place back from its document."""
    document: dict[str, Any] = {**LATER, **json.loads(text)}
    came_from = document["came_from"]
    fields: dict[str, Any] = {name: document[name] for name in WORDS}
    fields |= {name: from_rfc3339(document[name]) if document[name] else None for name in TIMES}
    fields |= {name: tuple(from_rfc3339(moment) for moment in document[name]) for name in TALLIES}
    fields |= {"kind": Kind(document["kind"]), "old": tuple(document["old"]), "roles": tuple(document["roles"])}
    fields |= {"sighted": tuple(document["sighted"]), "left": tuple(document["left"])}
    given = [(words, by, from_rfc3339(at), why) for words, by, at, why in document["accepted"]]
    fields |= {"accepted": tuple(Accepted(*one) for one in given)}
    return Place(**fields, here=_read(document["here"]), came_from=None if came_from is None else _read(came_from))


def _spelled(here: Move) -> list[str]:
    return [here.state.value, here.step.value]


def _read(pair: list[str]) -> Move:
    return Move(State(pair[0]), Step(pair[1]))
