"""The rotation, simulated by seed: no false word, never zero, never the tainted key, and an end."""

import os
from datetime import timedelta

import pytest

from counterfoil.credential.campaign import Pace, Place, label_of, moved
from counterfoil.credential.rotation import Kind, Observation, State
from counterfoil.flows.rotate import advance
from tests.flows.rotation_world import NEW, OLD, Killed, World

PACE = Pace(spacing=timedelta(seconds=60))
ENDS = {State.DONE, State.HELD, State.ROLLED_BACK}
CLAIMS_DEATH = {State.PROVEN_DEAD, State.DONE}


def begin(kind):
    """A tenant at the beginning of a campaign against the old key."""
    return Place("c1", "t1", kind, old=(OLD,), label=label_of("c1", "t1"), roles=("Mail.ReadWrite",))


def simulate(seed, kind, pace):
    """Run one campaign to its end under the seed's faults; check the promises after every event."""
    world, saved = World(seed), begin(kind)
    back_at = world.chance.randrange(40) if kind is Kind.ROUTINE and world.chance.random() < 0.2 else None
    for number in range(3_000):
        world.pass_time()
        try:
            saved = advance(saved, world, pace, world.now)
        except Killed:
            continue  # the place is what was saved last; the step is taken again
        if number == back_at and saved.state in {State.PUBLISHED, State.VERIFIED, State.CUT_OVER, State.DRAINING}:
            saved = moved(saved, Observation.ROLL_BACK)
        check(world, saved, kind)
        if saved.state in ENDS:
            return saved, world
    pytest.fail(f"seed {seed}: no end, still {saved.here} ({saved.words})")


def check(world, place, kind):
    """The promises, against the world's own books."""
    seed = world.seed
    if place.state in CLAIMS_DEATH:
        assert OLD not in world.listed, f"seed {seed}: claimed dead while the old key is listed"
        assert world.thief_is_out(), f"seed {seed}: claimed dead while the thief is in"
    if kind is Kind.COMPROMISE and place.switched_at is not None:
        assert world.current == NEW, f"seed {seed}: the tainted key is current"
    if world.old_destroyed:
        assert place.state in CLAIMS_DEATH, f"seed {seed}: destroyed before it was proven dead"


def run(seeds, pace=PACE):
    """Simulate so many seeds of each kind; return how they ended."""
    first = int(os.environ.get("COUNTERFOIL_FIRST_SEED", "0"))
    ends = {}
    for seed in range(first, first + seeds):
        for kind in Kind:
            place, _ = simulate(seed, kind, pace)
            ends[kind, place.state] = ends.get((kind, place.state), 0) + 1
    return ends


def test_a_thousand_seeds_keep_every_promise():
    """Under lag, lost answers, kills, an administrator and a thief, no claim is false and every run ends."""
    ends = run(500)
    assert sum(ends.values()) == 1_000
    # The simulation must reach the far end often, or it would prove nothing.
    assert ends[Kind.COMPROMISE, State.DONE] > 300
    assert ends[Kind.ROUTINE, State.ROLLED_BACK] > 20


@pytest.mark.long
@pytest.mark.timeout(3_600)
def test_simulation_of_a_hundred_thousand_seeds():
    """The same over 100,000 runs; COUNTERFOIL_FIRST_SEED begins elsewhere."""
    assert sum(run(50_000).values()) == 100_000


def test_the_simulation_can_fail():
    """Without waiting for the longest token life, some seed shows a false claim: the checks bite."""
    hasty = Pace(spacing=timedelta(0), longest_token_life=timedelta(0), propagation=timedelta(0))
    with pytest.raises(AssertionError, match="claimed dead while the thief is in"):
        run(100, hasty)
