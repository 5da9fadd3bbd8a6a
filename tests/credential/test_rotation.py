"""The rotation table: complete, closed, and drawn as it is."""

import importlib.util
from pathlib import Path

import pytest

from counterfoil.credential.rotation import (
    FINAL,
    FIRST,
    MOVES,
    ROLL_BACK_FROM,
    WAITING,
    Illegal,
    Kind,
    Move,
    Observation,
    State,
    Step,
    move,
)

ROOT = Path(__file__).resolve().parents[2]


def test_every_place_of_the_table_can_be_reached_from_the_first():
    """No row of the table is dead, and no move leads where the table has no way on."""
    reached, open_ = set(), [FIRST, *(Move(State.ROLLING_BACK, step) for step in ROLL_BACK_FROM.values())]
    while open_:
        here = open_.pop()
        if here not in reached:
            reached.add(here)
            open_ += [there for (state, step, _), there in MOVES.items() if (state, step) == (here.state, here.step)]
    assert {(state, step) for state, step, _ in MOVES} <= {(place.state, place.step) for place in reached}
    for place in reached:
        goes_on = any((state, step) == (place.state, place.step) for state, step, _ in MOVES)
        assert goes_on or place.state in FINAL | WAITING


def test_nothing_is_removed_before_the_new_credential_is_current():
    """Every way to the step that removes goes through the switch."""
    before_retiring = {here.state for here in _without(Observation.SWITCHED)}
    assert State.RETIRING not in before_retiring


def test_dead_is_claimed_only_after_refusals_and_a_clean_list():
    """Leaving out either observation, proven-dead cannot be reached."""
    for needed in (Observation.REFUSED, Observation.CLEAN, Observation.ABSENT):
        assert State.PROVEN_DEAD not in {here.state for here in _without(needed)}


def _without(seen):
    """Every place that can be reached if one observation is never made."""
    reached, open_ = set(), [FIRST]
    while open_:
        here = open_.pop()
        if here not in reached:
            reached.add(here)
            open_ += [t for (s, step, e), t in MOVES.items() if (s, step) == (here.state, here.step) and e is not seen]
    return reached


def test_a_compromise_has_no_way_back():
    """Back would be the tainted key, from wherever one asks."""
    for state, step, _ in MOVES:
        with pytest.raises(Illegal, match=r"forward only|has no way back"):
            move(Kind.COMPROMISE, Move(state, step), Observation.ROLL_BACK)


def test_a_routine_campaign_has_no_way_back_once_something_was_removed():
    """From retiring on, rolling back is refused."""
    with pytest.raises(Illegal, match="has no way back"):
        move(Kind.ROUTINE, Move(State.RETIRING, Step.RETIRE), Observation.ROLL_BACK)


def test_the_way_back_points_back_wherever_a_switch_may_have_been_made():
    """A switch that was made and not written down leaves the tenant at the step before it: verified."""
    may_be_switched = {here.state for (_, step, _), here in MOVES.items() if step is Step.SWITCH} | {State.DRAINING}
    for state in may_be_switched:
        assert ROLL_BACK_FROM[state] is Step.POINT_BACK


def test_no_answer_moves_nothing():
    """A time-out is unknown, never failed, in every row of the table."""
    for state, step, _ in MOVES:
        here = Move(state, step)
        assert move(Kind.ROUTINE, here, Observation.UNKNOWN) == here


def test_a_held_tenant_returns_to_where_it_was():
    """Hold and resume are inverse."""
    here = Move(State.DRAINING, Step.DRAIN)
    held = move(Kind.COMPROMISE, here, Observation.HOLD)
    assert held.state is State.HELD
    assert move(Kind.COMPROMISE, held, Observation.RESUME, came_from=here) == here


@pytest.mark.parametrize("state", sorted(FINAL))
def test_the_end_is_the_end(state):
    """Nothing moves a tenant that is done or rolled back."""
    with pytest.raises(Illegal, match="is final"):
        move(Kind.ROUTINE, Move(state, Step.NOTHING), Observation.HOLD)


def test_an_observation_that_the_state_cannot_have_is_refused():
    """The table answers only for its own rows."""
    with pytest.raises(Illegal, match="cannot see"):
        move(Kind.ROUTINE, FIRST, Observation.CLEAN)


def test_the_page_is_drawn_from_the_table():
    """docs/rotation.md shows the very table that runs."""
    spec = importlib.util.spec_from_file_location("draw_rotation", ROOT / "tools" / "draw_rotation.py")
    drawing = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(drawing)
    assert drawing.PAGE.read_text(encoding="utf-8") == drawing.page()
