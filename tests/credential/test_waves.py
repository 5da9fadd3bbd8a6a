"""Waves: everybody once, few before many, and a stop that comes by itself."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.credential.campaign import Place, moved
from counterfoil.credential.rotation import Kind, Move, Observation, State, Step
from counterfoil.credential.waves import Brakes, Gauges, brake, open_waves, pause, plan

NOW = datetime(2026, 10, 5, tzinfo=UTC)
BRAKES = Brakes(bake=timedelta(minutes=10))


def place(tenant, state=State.VERIFIED, switched_at=None):
    """A tenant's place in some state."""
    step = Step.SWITCH if state is State.VERIFIED else Step.DRAIN
    blank = Place("c", tenant, Kind.COMPROMISE, old=("OLD",), label=f"c.{tenant}")
    return replace(blank, here=Move(state, step), switched_at=switched_at)


@given(st.integers(0, 500), st.booleans())
def test_every_tenant_is_in_exactly_one_wave(count, own):
    """Cutting into waves loses and doubles nobody, and keeps the order."""
    tenants = [f"t{number}" for number in range(count)]
    waves = plan(tenants, {"t3"} if own else ())
    flat = [tenant for wave in waves for tenant in wave]
    assert sorted(flat) == sorted(tenants)
    assert len(flat) == len(set(flat))


def test_the_shape_for_a_thousand_tenants():
    """Own test tenant, one, one percent, ten, half, the rest."""
    waves = plan([f"t{number}" for number in range(1_000)], {"t0"})
    assert [len(wave) for wave in waves] == [1, 1, 10, 90, 400, 498]


def test_the_second_wave_waits_until_the_first_has_baked():
    """Only the first tenant may be cut over before it has been so for the bake time."""
    waves = plan([f"t{number}" for number in range(20)])
    places = {f"t{number}": place(f"t{number}") for number in range(20)}
    assert open_waves(waves, places, BRAKES, NOW) == {"t0"}
    places["t0"] = place("t0", State.RETIRING, NOW - timedelta(minutes=9))
    assert open_waves(waves, places, BRAKES, NOW) == {"t0"}
    places["t0"] = place("t0", State.RETIRING, NOW - timedelta(minutes=10))
    assert open_waves(waves, places, BRAKES, NOW) == {"t0", "t1", "t2", "t3"}


def test_a_tenant_that_is_unreachable_stops_nobody_else():
    """An unreachable or rolled-back tenant counts as out of the way."""
    waves = plan(["t0", "t1"])
    places = {"t0": place("t0", State.UNREACHABLE), "t1": place("t1")}
    assert open_waves(waves, places, BRAKES, NOW) == {"t1"}


def test_where_the_first_is_out_of_the_way_the_next_is_the_first():
    """Until one tenant has worked for the bake time no second is cut over, whoever could not be reached."""
    waves = plan([f"t{number}" for number in range(20)])
    places = {f"t{number}": place(f"t{number}") for number in range(20)}
    places |= {name: place(name, State.UNREACHABLE) for name in ("t0", "t1")}
    assert open_waves(waves, places, BRAKES, NOW) == {"t2"}
    places["t2"] = place("t2", State.RETIRING, NOW - timedelta(minutes=9))
    assert open_waves(waves, places, BRAKES, NOW) == {"t2"}
    places["t2"] = place("t2", State.RETIRING, NOW - timedelta(minutes=10))
    assert open_waves(waves, places, BRAKES, NOW) == {"t0", "t1", "t2", "t3"}


@pytest.mark.parametrize(
    ("held", "gauges", "words"),
    [
        (["t0"], Gauges(), "first waves is held: t0"),
        (["t18", "t19"], Gauges(), "2 of 20 tenants are held"),
        ([], Gauges(throttled_share=0.3), "30% of the calls are throttled"),
        ([], Gauges(oldest_mail=1_000.0), "oldest mail waits for 1000 s"),
    ],
)
def test_each_brake_says_why(held, gauges, words):
    """A held canary, too many held, throttling and old mail each stop the campaign in words."""
    waves = plan([f"t{number}" for number in range(20)])
    places = {f"t{number}": place(f"t{number}") for number in range(20)}
    places |= {tenant: place(tenant, State.HELD) for tenant in held}
    assert words in brake(waves, places, gauges, BRAKES)


def test_a_tenant_that_an_operator_holds_stops_nobody_else():
    """Held by hand it brakes nothing and keeps no wave waiting; one that the campaign had to hold does both."""
    waves = plan(["t0", "t1"])
    held = moved(place("t0"), Observation.HOLD)
    places = {"t0": held, "t1": place("t1")}
    assert brake(waves, places, Gauges(), BRAKES) is None
    assert open_waves(waves, places, BRAKES, NOW) == {"t1"}
    resumed = moved(held, Observation.RESUME)
    assert (resumed.state, resumed.held_by_operator) == (State.VERIFIED, False)
    places["t0"] = moved(replace(place("t0"), here=Move(State.PUBLISHED, Step.VERIFY)), Observation.UNFIT)
    assert "first waves is held" in brake(waves, places, Gauges(), BRAKES)
    assert open_waves(waves, places, BRAKES, NOW) == {"t0"}


@pytest.mark.parametrize(("kind", "when"), [(Kind.ROUTINE, State.CUT_OVER), (Kind.COMPROMISE, State.RETIRED)])
def test_a_pause_leaves_no_stolen_key_at_work(kind, when):
    """A routine campaign pauses while it can still go back; a compromise when the old credential is removed there."""
    waves = plan([f"t{number}" for number in range(20)])
    places = {f"t{number}": replace(place(f"t{number}"), kind=kind) for number in range(20)}
    reached = []
    for state in (State.CUT_OVER, State.RETIRING, State.RETIRED, State.DONE):
        places["t0"] = replace(place("t0", state, NOW - BRAKES.bake), kind=kind)
        if pause(waves, places, BRAKES, NOW, 1) is not None:
            reached.append(state)
    assert reached[0] is when
    assert pause(waves, places, BRAKES, NOW, 2) is None
    assert pause(waves, places, BRAKES, NOW, None) is None


def test_nothing_brakes_a_campaign_in_order():
    """With nobody held and calm gauges there is no reason to stop."""
    assert brake(plan(["t0"]), {"t0": place("t0")}, Gauges(), BRAKES) is None
