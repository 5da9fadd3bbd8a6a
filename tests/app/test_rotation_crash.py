"""A rotation that is killed at any side effect ends as if it had not been, and never leaves a tenant keyless."""

import os
import random
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue

import pytest
from tests.app.laboratory import place

from counterfoil import clock
from counterfoil.app import campaigning
from counterfoil.credential.campaigns import Campaigns, places
from counterfoil.credential.registry import listed
from counterfoil.credential.rotation import Kind, State
from counterfoil.model.trust import CredentialState

SHARE = 10
"""One in so many kill points by default; all of them in the long form."""

AT_ONCE = 6


@pytest.fixture(scope="module")
def at(tmp_path_factory):
    """A laboratory whose tokens live four seconds, with a few tenants; each campaign makes the next generation."""
    with place(tmp_path_factory.mktemp("crash"), token_life_min=4.0, token_life_max=4.5) as made:
        made.free = SimpleQueue()
        for number in range(AT_ONCE):
            name = f"tenant-{number}"
            control = made.register(name, "control", ["Application.ReadWrite.OwnedBy"])
            made.connect(control)
            owners = [control.service_principal]
            mail = made.register(name, "mail", ["Mail.ReadWrite"], owners=owners, tenant_id=control.tenant_id)
            made.connect(mail)
            made.free.put(mail)
        yield made


def begin(at, mail, name, kind):
    """Open a campaign over one connection."""
    wish = campaigning.Wanted(tenants=(mail.tenant,))
    plan = campaigning.make_plan(at.books, name, kind, wish, now=clock.now(), actor="test")
    campaigning.open_campaign(at.books, plan)


def drive(at, name, die_at):
    """Drive a campaign in a process of its own; return its exit code and what it printed."""
    line = [sys.executable, "-m", "tests.app.rotation_child", str(at.data), str(at.config), name, str(die_at)]
    done = subprocess.run(line, capture_output=True, text=True, timeout=100, check=False)
    return done.returncode, done.stdout.split(), done.stderr


def generations(at, mail):
    """State by generation, the negative controls left out."""
    mine = [c for c in listed(at.books.ledger.engine, mail.tenant_id) if c.app == mail.app]
    return {c.generation: c.state for c in mine if c.generation < 1_000_000}


def survive(at, mail, name, kind, points):
    """Kill one campaign at each of the points in turn, then let it end, and look at the world."""
    before = max(generations(at, mail))
    begin(at, mail, name, kind)
    killed = 0
    for die_at in points:
        code, _, errors = drive(at, name, die_at)
        assert code in (0, -9), errors
        killed += code == -9
        assert at.lab.operate("credentials", app_id=mail.app)["keys"], f"{name}: killed at {die_at}: no key is left"
        release(at, name)
    code, said, errors = drive(at, name, 0)
    assert code == 0, errors
    where = Campaigns(at.books.ledger).places(name)[f"{mail.tenant_id}/{mail.app}"]
    assert said[1:] == ["True", "True"], f"{name}: {points}: {said}: {where}"
    assert where.state is State.DONE
    now = generations(at, mail)
    assert max(now) == before + 1, f"{name}: {points}: made more than one key"
    assert (now[before], now[before + 1]) == (CredentialState.DEAD, CredentialState.CURRENT)
    keys = at.lab.operate("credentials", app_id=mail.app)["keys"]
    current = at.books.connections.current(mail)
    assert [key["thumbprint_sha256"].upper() for key in keys] == [current.thumbprint_sha256]
    return killed


def release(at, name):
    """Give back the lease that a killed worker held: a test does not wait until it runs out."""
    with at.books.ledger.engine.begin() as connection:
        connection.execute(places.update().where(places.c.campaign == name).values(leased_until=0))


@pytest.fixture(scope="module")
def effects(at):
    """How many numbered side effects a whole campaign has, by kind."""
    counts = {}
    for kind in Kind:
        mail = at.free.get()
        begin(at, mail, f"count-{kind}", kind)
        code, said, errors = drive(at, f"count-{kind}", 0)
        assert code == 0, errors
        counts[kind] = int(said[0])
        at.free.put(mail)
    return counts


def crash(at, kind, deaths):
    """Let one campaign die at each group of points, several campaigns at once; return how many kills there were."""

    def one(points):
        mail = at.free.get()
        try:
            return survive(at, mail, f"{kind}-{'-'.join(map(str, points))}", kind, points)
        finally:
            at.free.put(mail)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return sum(pool.map(one, deaths))


@pytest.mark.timeout(500)
def test_crash_at_a_seeded_share_of_the_side_effects(at, effects):
    """Killed before or after a commit, a call or a question to the signer, the campaign ends as it should."""
    chance = random.Random(int(os.environ.get("COUNTERFOIL_FIRST_SEED", "0")))
    count = effects[Kind.COMPROMISE]
    points = [(die_at,) for die_at in range(1 + chance.randrange(SHARE), count + 1, SHARE)]
    killed = crash(at, Kind.COMPROMISE, points)
    sys.stdout.write(f"{killed} kills at {len(points)} of {count} numbered side effects, all survived\n")
    assert killed > 0.9 * len(points), "the last numbers may lie beyond a shorter run"


@pytest.mark.long
@pytest.mark.timeout(14_400)
@pytest.mark.parametrize("kind", list(Kind))
def test_crash_at_every_side_effect(at, effects, kind):
    """The same at every side effect of both kinds of campaign."""
    points = [(die_at,) for die_at in range(1, effects[kind] + 1)]
    killed = crash(at, kind, points)
    sys.stdout.write(f"{kind}: {killed} kills at {len(points)} numbered side effects, all survived\n")
    assert killed > 0.9 * len(points)


@pytest.mark.long
@pytest.mark.timeout(14_400)
def test_crash_in_pairs(at, effects):
    """Killed twice in one campaign, at points by seed."""
    chance, count = random.Random(1), effects[Kind.COMPROMISE]
    pairs = [(chance.randint(1, count), chance.randint(1, count)) for _ in range(200)]
    killed = crash(at, Kind.COMPROMISE, pairs)
    sys.stdout.write(f"{killed} kills in {len(pairs)} pairs, all survived\n")
    assert killed > len(pairs)
