"""A tenant in memory for simulations: lagging replicas, lost answers, an administrator, a thief. By seed.

It shares nothing with the rotation but the ports' shapes; its own books are the truth that the
rotation's claims are held against.
"""

import random
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from counterfoil.flows.rotate import Listed, Try
from counterfoil.model.errors import Refused, Unavailable

START = datetime(2026, 10, 5, tzinfo=UTC)
OLD, OLDER, NEW, SECRET = "OLD", "OLDER", "NEW", "SECRET"
ROLES = ("Mail.ReadWrite",)
ENOUGH = 3


class Killed(BaseException):
    """The process died here; nothing after this line happened."""


@dataclass
class Tally:
    """What the world has shown so far, each with the moments, some time apart, at which it did.

    What a process saw that died before it said so counts for nobody: the tally goes back to what it was.
    """

    seen_listed: tuple[datetime, ...] = ()
    seen_clean: tuple[datetime, ...] = ()
    accepted: tuple[datetime, ...] = ()
    fit: bool = False
    controls: tuple[datetime, ...] = ()
    refused: dict[str, tuple[datetime, ...]] = field(default_factory=lambda: {OLD: (), OLDER: ()})
    idle: bool = False
    looked_at: datetime | None = None
    worked_at: datetime | None = None

    def copy(self):
        """The same, apart."""
        return replace(self, refused=dict(self.refused))


@dataclass
class World:
    """One tenant, one thief, one seed. Every call may be lagged, lose its answer, or kill the process."""

    seed: int
    spacing: timedelta = timedelta(0)
    now: datetime = START
    tally: Tally = field(default_factory=Tally)
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
    announced_until: datetime = START
    let_through: bool = False

    def __post_init__(self):
        self.chance = random.Random(self.seed)
        self.lag = timedelta(seconds=self.chance.choice([0, 5, 40, 120]))
        self.thief_is_active = self.chance.random() < 0.7
        self.thief_may_patch = self.chance.random() < 0.5
        self.thief_works_until = START + timedelta(hours=self.chance.choice([1, 20, 60]))
        self.token_life = timedelta(hours=self.chance.choice([1, 28]))
        self.calm_after = START + timedelta(hours=70)
        # Few tenants are like this: no acceptance proves anything, or the new key may do less, or wins another's token.
        oddity = self.chance.random()
        self.believes_everything = oddity < 0.03
        self.roles_of_new = () if 0.03 <= oddity < 0.06 else ROLES
        self.fault_of_new = "a token of another tenant" if 0.06 <= oddity < 0.09 else None
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
                planted = self.chance.choice([OLD, OLDER, SECRET, f"THIEF{self.chance.randrange(3)}"])
                self.thief_keys.add(planted)
                self._write(self.listed | {planted})
            if self.chance.random() < 0.2:
                self.announced_until = self.now + timedelta(hours=self.chance.choice([1, 30]))

    def _admin(self):
        """Edit the list by hand: add a key that we do not know, or take the new one away."""
        if self.chance.random() < 0.5:
            self._write(self.listed | {"ADMIN"})
        elif len(self.listed) > 1:
            self._write(self.listed - {NEW})

    def _write(self, listed):
        for key in (OLD, OLDER):
            if key in listed and key not in self.listed:
                self.tally.refused[key] = ()
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
        """No key of his is believed or listed, no token of his lives, and no mail is announced to him."""
        keys = self.thief_keys & (self._believed() | self.listed)
        return not keys and self.now >= max(self.thief_token_until, self.announced_until)

    def refused_often_enough(self):
        """Whether each old key was refused so often since it was last listed."""
        return all(len(times) >= ENOUGH for times in self.tally.refused.values())

    def _again(self, times):
        """Count this moment too, if it is far enough from the last that counted; more than enough is not kept."""
        far = not times or self.now - times[-1] >= self.spacing
        return (*times, self.now)[-ENOUGH:] if far else times

    # The ports of flows.rotate.House.

    def ensure_key(self, place):
        self._trouble()
        self.key_made = True
        self._trouble()
        return NEW

    def listing(self, place):
        self._trouble()
        seen = self._seen()
        if NEW in seen:
            self.tally.seen_listed = self._again(self.tally.seen_listed)
            self.tally.looked_at = self.now
        if seen - {NEW}:
            self.tally.seen_clean = ()
        else:
            self.tally.seen_clean = self._again(self.tally.seen_clean)
        return tuple(Listed(f"id-{name}", None if name == SECRET else name, "application") for name in sorted(seen))

    def publish(self, place):
        self._trouble()
        assert self.key_made
        self._write(self.listed | {NEW})
        self._trouble()

    def evict(self, place, keep):
        self._trouble()
        left = (self.listed | {NEW}) & keep
        # The promise: our own write never takes away the credential in use, which was seen to work a moment ago.
        assert self.current in left, f"seed {self.seed}: no working credential is left"
        assert self.tally.looked_at == self.now, f"seed {self.seed}: removed without a look at the list"
        assert self.tally.worked_at == self.now, f"seed {self.seed}: removed though the new one may not work"
        assert self.tally.idle, f"seed {self.seed}: removed while a job uses it"
        self._write(left)
        self._trouble()

    def standby(self, place):
        return frozenset()

    def try_new(self, place):
        tried = self._token(NEW)
        if tried.error is not None:
            self.tally.accepted = ()
            return tried
        self.tally.accepted = self._again(self.tally.accepted)
        self.tally.fit, self.tally.worked_at = set(ROLES) <= set(tried.roles) and tried.fault is None, self.now
        return tried

    def try_unpublished(self, place):
        tried = self._token("NEVER PUBLISHED")
        if tried.error is not None:
            self.tally.controls = self._again(self.tally.controls)
        return tried

    def try_old(self, place, thumbprint):
        tried = self._token(thumbprint)
        if tried.error is None:
            self.tally.refused[thumbprint] = ()
        elif "AADSTS700027" in tried.error:
            self.tally.refused[thumbprint] = self._again(self.tally.refused[thumbprint])
        return tried

    def _token(self, key):
        """Ask some replica of the token service, as its list is now; a disabled application gets none at all."""
        self._trouble()
        if self.now < self.disabled_until:
            return Try("AADSTS7000112: Application is disabled.")
        if key in self._seen() or (self.believes_everything and key not in (OLD, OLDER)):
            return Try(None, self.roles_of_new, self.fault_of_new)
        return Try("AADSTS700027: The certificate ... is not registered on application.")

    def gate_open(self, place):
        self.let_through = self.chance.random() < 0.8
        return self.let_through

    def make_current(self, place, thumbprint):
        self._trouble()
        if thumbprint == NEW:
            assert self.let_through, f"seed {self.seed}: cut over before its wave"
            times, listed = self.tally.accepted, self.tally.seen_listed
            assert len(times) >= ENOUGH, f"seed {self.seed}: made current without having been accepted often enough"
            assert len(self.tally.controls) >= ENOUGH, f"seed {self.seed}: made current without a negative control"
            assert len(listed) >= ENOUGH, f"seed {self.seed}: made current without having been listed often enough"
            assert self.tally.fit, f"seed {self.seed}: made current though it may do less or is another's"
        assert thumbprint in self.listed | {NEW}, f"seed {self.seed}: made current what was removed"
        self.current = thumbprint
        self.tally.idle = False
        self._trouble()
        return True

    def in_use(self, place):
        jobs = self.chance.choice([0, 0, 2])
        self.tally.idle = jobs == 0
        return jobs

    def leftovers(self, place):
        return ("a subscription",) if self.now < self.announced_until else ()

    def destroy_old(self, place):
        self._trouble()
        self.old_destroyed = True
        self._trouble()
        return True

    def forget(self, place):
        self._trouble()

    def withdraw(self, place):
        self._trouble()
        assert self.current != NEW, f"seed {self.seed}: took away the credential in use"
        self._write(self.listed - {NEW})
        self._trouble()
