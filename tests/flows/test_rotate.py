"""The rotation, simulated by seed: no false word, never zero, never the tainted key, and an end."""

import os
import sys
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest

from counterfoil.credential import rotation
from counterfoil.credential.campaign import Pace, Place, label_of, moved
from counterfoil.credential.rotation import Illegal, Kind, Move, Observation, State, Step
from counterfoil.flows import rotate
from counterfoil.flows.rotate import advance
from tests.flows.rotation_world import ENOUGH, NEW, OLD, OLDER, ROLES, Killed, World

PACE = Pace(spacing=timedelta(seconds=60))
ENDS = {State.DONE, State.HELD, State.ROLLED_BACK}
CLAIMS_DEATH = {State.PROVEN_DEAD, State.DONE}


def begin(kind):
    """A tenant at the beginning of a campaign against the old key."""
    return Place("c1", "t1", kind, old=(OLD, OLDER), label=label_of("c1", "t1"), roles=ROLES)


def simulate(seed, kind, pace):
    """Run one campaign to its end under the seed's faults; check the promises after every event."""
    world, saved = World(seed, pace.spacing), begin(kind)
    back_at = world.chance.randrange(40) if world.chance.random() < 0.2 else None
    for number in range(3_000):
        world.pass_time()
        counted, backs_out = world.tally.copy(), number == back_at
        try:
            saved = advance(saved, world, pace, world.now)
        except Killed:
            # The place is what was saved last; the step is taken again, and what it saw counts for nobody.
            world.tally = counted
            backs_out = backs_out or world.chance.random() < 0.1
        if backs_out:
            with suppress(Illegal):  # no way back from here
                saved = moved(saved, Observation.ROLL_BACK)
        check(world, saved, kind)
        if saved.state in ENDS:
            return saved, world
    pytest.fail(f"seed {seed}: no end, still {saved.here} ({saved.words})")


def check(world, place, kind):
    """The promises, against the world's own books."""
    seed = world.seed
    if place.state in CLAIMS_DEATH:
        assert world.refused_often_enough(), f"seed {seed}: claimed dead, and not refused often enough"
        assert not {OLD, OLDER} & world.listed, f"seed {seed}: claimed dead while the old key is listed"
        assert len(world.tally.seen_clean) >= ENOUGH, (
            f"seed {seed}: claimed dead, and not seen to be clean often enough"
        )
        assert world.thief_is_out(), f"seed {seed}: claimed dead while the thief is in"
        assert len(world.tally.seen_clean) >= ENOUGH, (
            f"seed {seed}: claimed dead, and not seen to be clean often enough"
        )
    if kind is Kind.COMPROMISE and place.switched_at is not None:
        assert world.current == NEW, f"seed {seed}: the tainted key is current"
    if world.old_destroyed:
        stands = place.came_from.state if place.came_from else place.state
        assert stands in CLAIMS_DEATH, f"seed {seed}: destroyed before it was proven dead"


def run(seeds, pace=PACE):
    """Simulate so many seeds of each kind; return how they ended.

    ``COUNTERFOIL_FIRST_SEED`` begins elsewhere, ``COUNTERFOIL_SHARD=2/5`` does the second fifth.
    """
    first = int(os.environ.get("COUNTERFOIL_FIRST_SEED", "0"))
    which, of = map(int, os.environ.get("COUNTERFOIL_SHARD", "1/1").split("/"))
    ends = Counter()
    for seed in range(first + which - 1, first + seeds, of):
        for kind in Kind:
            place, _ = simulate(seed, kind, pace)
            ends[kind, place.state] += 1
    return ends


def test_a_thousand_seeds_keep_every_promise():
    """Under lag, lost answers, kills, an administrator and a thief, no claim is false and every run ends."""
    ends = run(500)
    assert ends.total() == 1_000
    # The simulation must reach the far end often, or it would prove nothing.
    assert ends[Kind.COMPROMISE, State.DONE] > 300
    assert ends[Kind.ROUTINE, State.ROLLED_BACK] > 20


@pytest.mark.long
@pytest.mark.timeout(14_400)
def test_simulation_of_a_hundred_thousand_seeds():
    """The same over 100,000 runs; how they ended is printed."""
    ends = run(50_000)
    said = ", ".join(f"{count} {kind} {state}" for (kind, state), count in sorted(ends.items()))
    sys.stdout.write(f"\n{ends.total()} runs kept every promise: {said}\n")
    assert {state for _, state in ends} <= ENDS


def test_the_simulation_can_fail():
    """Without waiting for the longest token life, some seed shows a false claim: the checks bite."""
    hasty = Pace(spacing=timedelta(0), longest_token_life=timedelta(0), propagation=timedelta(0))
    with pytest.raises(AssertionError, match="claimed dead while the thief is in"):
        run(100, hasty)


S, T, E = State, Step, Observation
WRONG_ROWS = {
    "verified at the first try": ((S.PUBLISHED, T.VERIFY, E.NOT_YET), Move(S.VERIFIED, T.SWITCH), "often enough"),
    "dead by refusals alone": ((S.RETIRED, T.TRY_OLD, E.REFUSED), Move(S.PROVEN_DEAD, T.DESTROY), "claimed dead while"),
    "dead by one refusal": ((S.RETIRED, T.TRY_OLD, E.REFUSED_SO_FAR), Move(S.RETIRED, T.RELIST), "not refused often"),
    "dead though something came back": (
        (S.RETIRED, T.RELIST, E.PRESENT),
        Move(S.PROVEN_DEAD, T.DESTROY),
        "claimed dead",
    ),
    "cut over before its wave": ((S.VERIFIED, T.SWITCH, E.GATE_CLOSED), Move(S.CUT_OVER, T.DRAIN), "no working"),
    "no end of waiting": ((S.RETIRED, T.RELIST, E.CLEAN), Move(S.RETIRED, T.RELIST), "no end"),
}


@pytest.mark.parametrize("wrong", WRONG_ROWS)
def test_a_wrong_row_of_the_table_is_found(wrong, monkeypatch):
    """Each promise is one that a mistake in the table breaks, and the simulation says which."""
    key, there, words = WRONG_ROWS[wrong]
    monkeypatch.setitem(rotation.MOVES, key, there)
    with pytest.raises((AssertionError, pytest.fail.Exception), match=words):
        run(150)


def eager_retire(place, house, _pace, now):
    """Remove what is not ours without a look at the new credential."""
    house.evict(place, frozenset({"SOMETHING ELSE"}))
    return place, Observation.PRESENT


def blind_verify(place, house, _pace, now):
    """Take one success for proof, and leave the control away."""
    house.try_new(place)
    return place, Observation.ACCEPTED


def gateless_switch(place, house, _pace, _now):
    """Switch without asking whether the wave has begun."""
    house.make_current(place, NEW)
    return place, Observation.SWITCHED


def early_destroy(place, house, _pace, _now):
    """Destroy the old key as soon as it is out of the list."""
    house.destroy_old(place)
    return place, Observation.REFUSED_SO_FAR


WRONG_STEPS = {
    Step.RETIRE: (eager_retire, "no working credential is left"),
    Step.VERIFY: (blind_verify, "without having been accepted often enough"),
    Step.SWITCH: (gateless_switch, "cut over before its wave"),
    Step.TRY_OLD: (early_destroy, "destroyed before it was proven dead"),
}


@pytest.mark.parametrize("step", WRONG_STEPS)
def test_a_wrong_step_is_found(step, monkeypatch):
    """The same for mistakes in how a step looks at the world."""
    instead, words = WRONG_STEPS[step]
    monkeypatch.setitem(rotate.STEPS, step, instead)
    with pytest.raises(AssertionError, match=words):
        run(50)


def test_a_refusal_for_another_reason_proves_nothing(monkeypatch):
    """Taken for the refusal of the key, that of a disabled application makes a false claim, and it is found."""
    monkeypatch.setattr(rotate, "KEY_NOT_FOUND", "AADSTS")
    with pytest.raises(AssertionError, match="claimed dead, and not refused often enough"):
        run(400)


def test_a_way_back_in_a_compromise_is_found(monkeypatch):
    """If the table let a compromise go back, the tainted key would be current again."""
    monkeypatch.setattr(rotation, "_back", lambda _kind, here: _back(Kind.ROUTINE, here))
    with pytest.raises(AssertionError, match="the tainted key is current"):
        run(400)


_back = rotation._back


@pytest.mark.parametrize(
    ("here", "becomes"),
    [
        (Move(S.PUBLISHING, T.PUBLISH), S.PUBLISHED),
        (Move(S.RETIRING, T.RETIRE), S.RETIRED),
        (Move(S.RETIRED, T.RELIST), S.PROVEN_DEAD),
    ],
)
def test_one_reading_is_never_enough(here, becomes):
    """In a tenant where nothing goes wrong each of these takes as many readings, some time apart, as the pace says."""
    world = World(0, PACE.spacing, faults=False, listed={NEW})
    place = replace(begin(Kind.ROUTINE), here=here, new=NEW, removed_at=world.now - timedelta(days=3))
    readings = 0
    while place.state is not becomes:
        place = advance(place, world, PACE, world.now)
        readings += 1
        soon = advance(place, world, PACE, world.now + timedelta(seconds=1))
        assert (soon.here, soon.reads) == (place.here, place.reads) or place.state is becomes, "too soon to count"
        world.now += PACE.spacing
    assert readings == PACE.reads
