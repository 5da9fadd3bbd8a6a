"""The rotation table: (state, observation) gives (state', step), for each tenant of a campaign.

Theory of operation. A tenant's place in a campaign is a state and the step to take next. Taking a step
means: write the intent, look at the outside world, act if that is still needed, look again. What was
seen is the observation; a time-out is ``UNKNOWN`` and never "failed", since the other side may have
done it. The table then says where the tenant stands and what comes next. Nothing else moves a tenant.

Three promises are in the table itself:

* nothing is removed before the new credential has been verified and is current (never zero);
* in a compromise there is no way back, since back is the tainted key (forward only);
* ``PROVEN_DEAD`` is reached only through the old key's refusals and a clean list after the longest
  token life; whatever turns up on that list sends the tenant back to retiring.

docs/rotation.md is drawn from ``MOVES``. The states follow Teleport's and SPIRE's phases, which keep
"published" and "verified" apart because a credential is not believed everywhere at once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """Why a campaign runs: on schedule, or because a key is in other hands."""

    ROUTINE = "routine"
    COMPROMISE = "compromise"


class State(StrEnum):
    """Where a tenant stands."""

    STAGED = "staged"
    PUBLISHING = "publishing"
    PUBLISHED = "published"
    VERIFIED = "verified"
    CUT_OVER = "cut-over"
    DRAINING = "draining"
    RETIRING = "retiring"
    RETIRED = "retired"
    PROVEN_DEAD = "proven-dead"
    DONE = "done"
    HELD = "held"
    UNREACHABLE = "unreachable"
    ROLLING_BACK = "rolling-back"
    ROLLED_BACK = "rolled-back"
    SUPERSEDED = "superseded"


class Step(StrEnum):
    """What is done next; each may be done again without harm."""

    CREATE = "create the key and its certificate"
    PUBLISH = "publish the certificate"
    VERIFY = "verify the new credential by real use"
    SWITCH = "make the new credential current"
    DRAIN = "wait until no job uses the old one"
    RETIRE = "remove the old credential and every unknown one"
    TRY_OLD = "try the old key, which must be refused"
    RELIST = "list all credentials after the longest token life"
    DESTROY = "destroy the old private key"
    POINT_BACK = "make the old credential current again"
    WITHDRAW = "remove the new credential"
    ASK = "wait for an operator"
    NOTHING = "nothing"


class Observation(StrEnum):
    """What was seen after a step."""

    READY = "key and certificate work"
    NOT_READY = "no working key yet"
    LISTED = "the certificate is listed"
    NOT_LISTED = "the certificate is not listed"
    ACCEPTED = "the new credential was accepted often enough"
    NOT_YET = "not accepted often enough yet"
    UNFIT = "accepted, but it may do less, or a key that was never published was accepted too"
    GATE_CLOSED = "this tenant's wave has not begun"
    SWITCHED = "the new credential is current"
    BUSY = "the old one is still in use"
    DRAINED = "no job uses the old one"
    ABSENT = "only our own credentials are listed"
    PRESENT = "the old credential or an unknown one is listed"
    LAST_ONE = "removing it would leave no working credential"
    REFUSED = "the old key was refused often enough"
    REFUSED_SO_FAR = "the old key was refused, not often enough yet"
    STILL_ACCEPTED = "the old key was accepted"
    TOO_EARLY = "a token of the old key may still live"
    CLEAN = "after the longest token life only our own credentials are listed"
    DESTROYED = "the old private key is gone"
    POINTED_BACK = "the old credential is current again"
    WITHDRAWN = "the new credential is gone"
    UNKNOWN = "no answer came"
    GONE = "the tenant does not let us in, and trying again will not cure it"
    REACHABLE = "the tenant lets us in again"
    HOLD = "an operator holds"
    RESUME = "an operator resumes"
    ROLL_BACK = "an operator rolls back"
    SUPERSEDED = "a compromise campaign takes the tenant over"


@dataclass(frozen=True, slots=True)
class Move:
    """Where a tenant stands now, and what comes next."""

    state: State
    step: Step


S, T, E = State, Step, Observation  # the table is read by its columns; E is the evidence

FIRST = Move(S.STAGED, T.CREATE)
"""Where every tenant of a campaign begins."""

MOVES: Mapping[tuple[State, Step, Observation], Move] = {
    (S.STAGED, T.CREATE, E.NOT_READY): Move(S.STAGED, T.CREATE),
    (S.STAGED, T.CREATE, E.READY): Move(S.PUBLISHING, T.PUBLISH),
    (S.PUBLISHING, T.PUBLISH, E.NOT_LISTED): Move(S.PUBLISHING, T.PUBLISH),
    (S.PUBLISHING, T.PUBLISH, E.LISTED): Move(S.PUBLISHED, T.VERIFY),
    (S.PUBLISHED, T.VERIFY, E.NOT_LISTED): Move(S.PUBLISHING, T.PUBLISH),
    (S.PUBLISHED, T.VERIFY, E.NOT_YET): Move(S.PUBLISHED, T.VERIFY),
    (S.PUBLISHED, T.VERIFY, E.UNFIT): Move(S.HELD, T.ASK),
    (S.PUBLISHED, T.VERIFY, E.ACCEPTED): Move(S.VERIFIED, T.SWITCH),
    (S.VERIFIED, T.SWITCH, E.GATE_CLOSED): Move(S.VERIFIED, T.SWITCH),
    (S.VERIFIED, T.SWITCH, E.SWITCHED): Move(S.CUT_OVER, T.DRAIN),
    (S.CUT_OVER, T.DRAIN, E.BUSY): Move(S.DRAINING, T.DRAIN),
    (S.CUT_OVER, T.DRAIN, E.DRAINED): Move(S.RETIRING, T.RETIRE),
    (S.DRAINING, T.DRAIN, E.BUSY): Move(S.DRAINING, T.DRAIN),
    (S.DRAINING, T.DRAIN, E.DRAINED): Move(S.RETIRING, T.RETIRE),
    (S.RETIRING, T.RETIRE, E.PRESENT): Move(S.RETIRING, T.RETIRE),
    (S.RETIRING, T.RETIRE, E.LAST_ONE): Move(S.HELD, T.ASK),
    (S.RETIRING, T.RETIRE, E.ABSENT): Move(S.RETIRED, T.TRY_OLD),
    (S.RETIRED, T.TRY_OLD, E.REFUSED_SO_FAR): Move(S.RETIRED, T.TRY_OLD),
    (S.RETIRED, T.TRY_OLD, E.STILL_ACCEPTED): Move(S.RETIRING, T.RETIRE),
    (S.RETIRED, T.TRY_OLD, E.REFUSED): Move(S.RETIRED, T.RELIST),
    (S.RETIRED, T.RELIST, E.TOO_EARLY): Move(S.RETIRED, T.RELIST),
    (S.RETIRED, T.RELIST, E.PRESENT): Move(S.RETIRING, T.RETIRE),
    (S.RETIRED, T.RELIST, E.CLEAN): Move(S.PROVEN_DEAD, T.DESTROY),
    (S.PROVEN_DEAD, T.DESTROY, E.BUSY): Move(S.PROVEN_DEAD, T.DESTROY),
    (S.PROVEN_DEAD, T.DESTROY, E.DESTROYED): Move(S.DONE, T.NOTHING),
    (S.ROLLING_BACK, T.POINT_BACK, E.POINTED_BACK): Move(S.ROLLING_BACK, T.WITHDRAW),
    (S.ROLLING_BACK, T.WITHDRAW, E.PRESENT): Move(S.ROLLING_BACK, T.WITHDRAW),
    (S.ROLLING_BACK, T.WITHDRAW, E.WITHDRAWN): Move(S.ROLLED_BACK, T.NOTHING),
}
"""The one table. ``UNKNOWN`` keeps state and step everywhere; holding and the ways back are below."""

FINAL = frozenset({S.DONE, S.ROLLED_BACK, S.SUPERSEDED})
"""States that nothing leaves. What a superseded place left undone, its successor does."""

WAITING = frozenset({S.HELD, S.UNREACHABLE})
"""States that only an operator, or the tenant's return, leaves; they lead back to where they came from."""

FROM_ANYWHERE: Mapping[Observation, Move] = {
    E.HOLD: Move(S.HELD, T.ASK),
    E.GONE: Move(S.UNREACHABLE, T.ASK),
    E.SUPERSEDED: Move(S.SUPERSEDED, T.NOTHING),
}
"""Where these lead from every state that is not final; held and unreachable tenants stay where they are but for the
last."""

ROLL_BACK_FROM: Mapping[State, Step] = {
    S.STAGED: T.WITHDRAW,
    S.PUBLISHING: T.WITHDRAW,
    S.PUBLISHED: T.WITHDRAW,
    S.VERIFIED: T.POINT_BACK,
    S.CUT_OVER: T.POINT_BACK,
    S.DRAINING: T.POINT_BACK,
}
"""The way back of a routine campaign, open until something of the old credential is removed.

Where a switch may have been made and not written down, the pointer goes back first: nobody takes away what is in use.
"""


class Illegal(Exception):
    """The table has no such move; nothing was changed."""


def move(kind: Kind, here: Move, seen: Observation, came_from: Move | None = None) -> Move:
    """Say where a tenant stands after an observation, and what comes next.

    Args:
        kind: Why the campaign runs.
        here: Where the tenant stood, and the step that was taken.
        seen: What was seen.
        came_from: Where a held or unreachable tenant stood before; ``None`` elsewhere.

    Raises:
        Illegal: If the table has no such move.
    """
    if here.state in FINAL:
        raise Illegal(f"{here.state} is final; {seen} moves nothing")
    if here.state in WAITING and seen is not E.SUPERSEDED:
        return _leave_waiting(kind, here, seen, came_from)
    if seen is E.UNKNOWN:
        return here
    if seen in FROM_ANYWHERE:
        return FROM_ANYWHERE[seen]
    if seen is E.ROLL_BACK:
        return _back(kind, here)
    found = MOVES.get((here.state, here.step, seen))
    if found is None:
        raise Illegal(f"{here.state}, after «{here.step}», cannot see «{seen}»")
    return found


def _leave_waiting(kind: Kind, here: Move, seen: Observation, came_from: Move | None) -> Move:
    if came_from is None:
        raise Illegal(f"{here.state} without a place to return to")
    if seen is E.RESUME or (seen is E.REACHABLE and here.state is S.UNREACHABLE):
        return came_from
    if seen is E.ROLL_BACK:
        return _back(kind, came_from)
    if seen in (E.HOLD, E.UNKNOWN, E.GONE):
        return here
    raise Illegal(f"{here.state} cannot see «{seen}»")


def _back(kind: Kind, here: Move) -> Move:
    if kind is Kind.COMPROMISE:
        raise Illegal("a compromise goes forward only: back is the tainted key")
    step = ROLL_BACK_FROM.get(here.state)
    if step is None:
        raise Illegal(f"{here.state} has no way back: something of the old credential may be gone")
    return Move(S.ROLLING_BACK, step)
