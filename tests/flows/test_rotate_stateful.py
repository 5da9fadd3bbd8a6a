"""The rotation under whatever order of events Hypothesis thinks of: the promises hold, and it comes to an end."""

from contextlib import suppress
from datetime import timedelta

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from counterfoil.credential.campaign import moved
from counterfoil.credential.rotation import Illegal, Kind, Observation, State
from counterfoil.flows.rotate import advance
from counterfoil.model.errors import Refused, Unavailable
from tests.flows.rotation_world import NEW, OLD, OLDER, SECRET, Killed, World
from tests.flows.test_rotate import ENDS, PACE, begin, check

FAULTS = {"lost": Unavailable("no answer came"), "shut": Refused("consent was taken back"), "killed": Killed()}
CALM_STEPS = 600


class Steered(World):
    """The world of the simulation, where a fault comes when it is told to and nobody else acts by himself."""

    def __post_init__(self):
        super().__post_init__()
        self.coming = []

    def _trouble(self):
        if self.coming:
            fault = self.coming.pop(0)
            if fault is not None:
                raise fault


class Rotation(RuleBasedStateMachine):
    """One tenant of one campaign, an administrator, and a thief with the old key."""

    @initialize(kind=st.sampled_from(Kind), seed=st.integers(0, 5), lag=st.sampled_from([0, 5, 40, 120]))
    def start(self, kind, seed, lag):
        """Begin a campaign in a tenant whose replicas lag so many seconds."""
        self.kind, self.world, self.place = kind, Steered(seed, PACE.spacing), begin(kind)
        self.world.lag = timedelta(seconds=lag)
        self.world.token_life = timedelta(hours=28)

    def step(self):
        """Take one step; if the process dies, what was saved last stands."""
        if self.place.state not in ENDS:
            counted = self.world.tally.copy()
            try:
                self.place = advance(self.place, self.world, PACE, self.world.now)
            except Killed:
                self.world.tally = counted

    @rule(seconds=st.sampled_from([1, 31, 61, 700, 3_600, 40_000]), times=st.integers(1, 6))
    def time_passes(self, seconds, times):
        """Some steps, some time apart."""
        for _ in range(times):
            self.world.now += timedelta(seconds=seconds)
            self.step()

    @rule(fault=st.sampled_from(sorted(FAULTS)), after=st.integers(0, 3))
    def something_fails(self, fault, after):
        """After so many calls that go well an answer is lost, the tenant shuts us out, or the process dies."""
        self.world.coming = [*[None] * after, FAULTS[fault]]
        self.world.now += timedelta(seconds=61)
        self.step()

    @rule(key=st.sampled_from([OLD, OLDER, SECRET, "THIEF"]))
    def the_thief_acts(self, key):
        """With a key that is believed he takes a token; with a token that lives he plants a key."""
        if self.world.thief_keys & self.world._believed():
            self.world.thief_token_until = self.world.now + self.world.token_life
        if self.world.now < self.world.thief_token_until:
            self.world.thief_keys.add(key)
            self.world._write(self.world.listed | {key})

    @rule(adds=st.booleans())
    def the_administrator_edits(self, adds):
        """By hand he adds a key that we do not know, or takes the new one away if another is left."""
        if adds:
            self.world._write(self.world.listed | {"ADMIN"})
        elif len(self.world.listed) > 1:
            self.world._write(self.world.listed - {NEW})

    @precondition(lambda self: self.place.state not in ENDS)
    @rule(word=st.sampled_from([Observation.HOLD, Observation.RESUME, Observation.ROLL_BACK]))
    def the_operator_says(self, word):
        """A word that the table has no move for changes nothing."""
        with suppress(Illegal):
            self.place = moved(self.place, word)
        if self.place.state is State.HELD:
            self.place = moved(self.place, Observation.RESUME)

    @invariant()
    def the_promises_hold(self):
        """Never a false claim, never the tainted key, never destroyed too early."""
        check(self.world, self.place, self.kind)
        back = self.place.state in (State.ROLLING_BACK, State.ROLLED_BACK)
        assert not (back and self.kind is Kind.COMPROMISE), "a compromise went back"

    def teardown(self):
        """When everybody is quiet it ends: done, held or rolled back."""
        if not hasattr(self, "place"):
            return
        self.world.coming = []
        for _ in range(CALM_STEPS):
            self.world.now += timedelta(seconds=1_800)
            self.step()
            check(self.world, self.place, self.kind)
            if self.place.state in ENDS:
                return
        raise AssertionError(f"no end, still {self.place.here} ({self.place.words})")


TestRotation = Rotation.TestCase
TestRotation.settings = settings(
    max_examples=150, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
