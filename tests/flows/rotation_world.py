"""A tenant in memory for simulations: lagging replicas, lost answers, an administrator, a thief. By seed.

It shares nothing with the rotation but the ports' shapes; its own books are the truth that the
rotation's claims are held against.
"""

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from counterfoil.flows.rotate import Listed, Try
from counterfoil.model.errors import Refused, Unavailable

START = datetime(2026, 10, 5, tzinfo=UTC)
OLD, NEW = "OLD", "NEW"


class Killed(BaseException):
    """The process died here; nothing after this line happened."""


@dataclass
class World:
    """One tenant, one thief, one seed. Every call may be lagged, lose its answer, or kill the process."""

    seed: int
    now: datetime = START
    listed: set[str] = field(default_factory=lambda: {OLD})
    history: list[tuple[datetime, frozenset[str]]] = field(default_factory=list)
    current: str = OLD
    key_made: bool = False
    old_destroyed: bool = False
    thief_keys: set[str] = field(default_factory=lambda: {OLD})
    thief_token_until: datetime = START
    faults: bool = True
    shut_until: datetime = START
    disabled_until: datetime = START
    accepted: int = 0
    controls: int = 0
    refusals: int = 0
    let_through: bool = False

    def __post_init__(self):
        self.chance = random.Random(self.seed)
        self.lag = timedelta(seconds=self.chance.choice([0, 5, 40, 120]))
        self.thief_is_active = self.chance.random() < 0.7
        self.thief_may_patch = self.chance.random() < 0.5
        self.thief_works_until = START + timedelta(hours=self.chance.choice([1, 20, 60]))
        self.token_life = timedelta(hours=self.chance.choice([1, 28]))
        self.calm_after = START + timedelta(hours=70)
        self.history.append((START - timedelta(days=1), frozenset(self.listed)))

    # What the world does by itself.

    def pass_time(self):
        """Move the clock, and let thief and administrator act."""
        self.now += timedelta(seconds=self.chance.choice([1, 10, 31, 300, 3600]))
        if self.now < self.thief_works_until and self.thief_is_active:
            self._thief()
        if self.chance.random() < 0.01 and self.now < self.calm_after:
            self._admin()
        if self.chance.random() < 0.003 and self.now < self.calm_after:
            self.shut_until = self.now + timedelta(hours=self.chance.choice([1, 10]))
        if self.chance.random() < 0.002 and self.now < self.calm_after:
            self.disabled_until = self.now + timedelta(minutes=self.chance.choice([5, 50]))

    def _thief(self):
        """Renew the token while any key of his is believed; with a token and a key, plant another key."""
        if self.thief_keys & self._believed():
            self.thief_token_until = self.now + self.token_life
        if self.now < self.thief_token_until and self.chance.random() < 0.2:
            owns_one = bool(self.thief_keys & self._believed())
            if owns_one or self.thief_may_patch:
                planted = self.chance.choice([OLD, f"THIEF{self.chance.randrange(3)}"])
                self.thief_keys.add(planted)
                self._write(self.listed | {planted})

    def _admin(self):
        """Edit the list by hand: add a key that we do not know, or take the new one away."""
        if self.chance.random() < 0.5:
            self._write(self.listed | {"ADMIN"})
        elif len(self.listed) > 1:
            self._write(self.listed - {NEW})

    def _write(self, listed):
        self.listed = set(listed)
        self.history.append((self.now, frozenset(listed)))

    def _believed(self):
        """What some replica of the token service still believes: the union over the time of the lag."""
        recent = [listed for moment, listed in self.history if moment >= self.now - self.lag]
        before = [listed for moment, listed in self.history if moment < self.now - self.lag]
        return frozenset().union(*recent, *before[-1:])

    def _seen(self):
        """What a reading returns: the list as some replica has it, up to the lag old."""
        age = timedelta(seconds=self.chance.uniform(0, self.lag.total_seconds()))
        return [listed for moment, listed in self.history if moment <= self.now - age][-1]

    def _trouble(self):
        """Before or after a call: an answer is lost, the process dies, or the tenant does not let us in."""
        if not self.faults or self.now > self.calm_after:
            return
        if self.now < self.shut_until:
            raise Refused("consent was taken back")
        luck = self.chance.random()
        if luck < 0.05:
            raise Unavailable("no answer came")
        if luck < 0.08:
            raise Killed

    # What is true, for the invariants.

    def thief_is_out(self):
        """No key of his is believed, listed, and no token of his lives."""
        return not (self.thief_keys & (self._believed() | self.listed)) and self.now >= self.thief_token_until

    # The ports of flows.rotate.House.

    def ensure_key(self, place):
        self._trouble()
        self.key_made = True
        self._trouble()
        return NEW

    def listing(self, place):
        self._trouble()
        return tuple(Listed(f"id-{name}", name, "application") for name in sorted(self._seen()))

    def publish(self, place):
        self._trouble()
        assert self.key_made
        self._write(self.listed | {NEW})
        self._trouble()

    def evict(self, place, keep):
        self._trouble()
        left = (self.listed | {NEW}) & keep
        # The promise: our own write never takes away the credential in use.
        assert self.current in left, f"seed {self.seed}: no working credential is left"
        self._write(left)
        self._trouble()

    def standby(self, place):
        return frozenset()

    def try_new(self, place):
        tried = self._token(NEW)
        self.accepted = self.accepted + 1 if tried.error is None else 0
        return tried

    def try_unpublished(self, place):
        self.controls += 1
        return self._token("NEVER PUBLISHED")

    def try_old(self, place, thumbprint):
        tried = self._token(OLD)
        if tried.error is None:
            self.refusals = 0
        elif "AADSTS700027" in tried.error:
            self.refusals += 1
        return tried

    def _token(self, key):
        """Ask some replica of the token service, as its list is now; a disabled application gets none at all."""
        self._trouble()
        if self.now < self.disabled_until:
            return Try("AADSTS7000112: Application is disabled.")
        if key in self._seen():
            return Try(None, ("Mail.ReadWrite",))
        return Try("AADSTS700027: The certificate ... is not registered on application.")

    def gate_open(self, place):
        self.let_through = self.chance.random() < 0.8
        return self.let_through

    def make_current(self, place, thumbprint):
        self._trouble()
        if thumbprint == NEW:
            assert self.let_through, f"seed {self.seed}: cut over before its wave"
            assert self.accepted >= 3, f"seed {self.seed}: made current without having been accepted often enough"
            assert self.controls >= 3, f"seed {self.seed}: made current without a negative control"
        self.current = thumbprint
        self._trouble()
        return True

    def in_use(self, place):
        return self.chance.choice([0, 0, 2])

    def leftovers(self, place):
        return ()

    def destroy_old(self, place):
        self._trouble()
        self.old_destroyed = True
        self._trouble()
        return True

    def forget(self, place):
        self._trouble()

    def withdraw(self, place):
        self._trouble()
        self._write(self.listed - {NEW})
        self._trouble()
