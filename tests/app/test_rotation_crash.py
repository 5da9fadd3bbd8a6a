"""A rotation that is killed at any side effect ends as if it had not been, and never leaves a tenant keyless.

Environment: ``COUNTERFOIL_SHARD=2/5`` does the second fifth of the long ones; ``COUNTERFOIL_FIRST_SEED`` moves the
seeded ones.
"""

import json
import os
import random
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

import pytest
from tests.app.laboratory import place
from tests.conftest import require_program
from tests.credential.conftest import MODULE, SoftHsm
from tests.missing import missing

from counterfoil import clock
from counterfoil.app import campaigning
from counterfoil.app.graveyard import CONTROLS_FROM
from counterfoil.credential.campaigns import Campaigns, places
from counterfoil.credential.registry import listed
from counterfoil.credential.rotation import Kind, State
from counterfoil.model.trust import CredentialState

SHARE = 10
"""One in so many kill points by default; all of them in the long form."""

PAIRS = 250
"""For each kind of campaign and each key provider."""

AT_ONCE = 8


class Children:
    """A process that forks one campaign after the other; one for each that run at the same time."""

    def __init__(self, at):
        line = [sys.executable, "-m", "tests.app.rotation_child", str(at.data), str(at.config)]
        self._process = subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def drive(self, name, die_at):
        """Drive a campaign in a process of its own; return its exit code and what it said."""
        self._process.stdin.write(json.dumps([name, die_at]) + "\n")
        self._process.stdin.flush()
        code, said = json.loads(self._process.stdout.readline())
        return code, said

    def stop(self):
        """End it."""
        self._process.stdin.close()
        assert self._process.wait(120) == 0
        self._process.stdout.close()


@pytest.fixture(scope="module", params=["file", "pkcs11"])
def at(request, tmp_path_factory):
    """A laboratory whose tokens live four seconds, with a few tenants; each campaign makes the next generation."""
    folder = tmp_path_factory.mktemp("crash")
    keys = "file:" if request.param == "file" else _token(folder)
    with place(folder, keys=keys, token_life_min=4.0, token_life_max=4.5) as made:
        made.provider, made.free, made.children = request.param, SimpleQueue(), SimpleQueue()
        for number in range(AT_ONCE):
            name = f"tenant-{number}"
            control = made.register(name, "control", ["Application.ReadWrite.OwnedBy"])
            made.connect(control)
            owners = [control.service_principal]
            mail = made.register(name, "mail", ["Mail.ReadWrite"], owners=owners, tenant_id=control.tenant_id)
            made.connect(mail)
            made.free.put(mail)
            made.children.put(Children(made))
        yield made
        for _ in range(AT_ONCE):
            made.children.get().stop()


def _token(folder):
    if not Path(MODULE).exists():
        missing("SoftHSM2 (tests/debian-packages.txt lists its package)")
    home = folder / "softhsm"
    home.mkdir()
    return SoftHsm(home, require_program("softhsm2-util")).token("rotation")


def begin(at, mail, name, kind):
    """Open a campaign over one connection."""
    wish = campaigning.Wanted(tenants=(mail.tenant,))
    plan = campaigning.make_plan(at.books, name, kind, wish, now=clock.now(), actor="test")
    campaigning.open_campaign(at.books, plan)


def drive(at, name, die_at):
    """Drive a campaign in a process of its own; return its exit code and what it said."""
    children = at.children.get()
    try:
        return children.drive(name, die_at)
    finally:
        at.children.put(children)


def generations(at, mail):
    """State by generation, the negative controls apart."""
    mine = [c for c in listed(at.books.ledger.engine, mail.tenant_id) if c.app == mail.app]
    keys = {c.generation: c.state for c in mine if c.generation < CONTROLS_FROM}
    return keys, {c.generation: c.state for c in mine if c.generation >= CONTROLS_FROM}


def on_the_application(at, mail):
    """The thumbprints that the laboratory lists."""
    return {key["thumbprint_sha256"].upper() for key in at.lab.operate("credentials", app_id=mail.app)["keys"]}


def never_broken(at, mail, name):
    """What must hold at every moment: the credential in use is listed, and what is dead was proven dead before."""
    current = at.books.connections.current(mail)
    assert current.thumbprint_sha256 in on_the_application(at, mail), f"{name}: the credential in use does not work"
    where = Campaigns(at.books.ledger).places(name)[f"{mail.tenant_id}/{mail.app}"]
    if where.switched_at is not None:
        assert current.thumbprint_sha256 == where.new, f"{name}: {current.state} is in use again"
    mine = {c.thumbprint_sha256: c.state for c in listed(at.books.ledger.engine, mail.tenant_id) if c.app == mail.app}
    if any(mine[mark] is CredentialState.DEAD for mark in where.old):
        assert where.state in (State.PROVEN_DEAD, State.DONE), f"{name}: called dead while {where.here}"


def survive(at, mail, name, kind, points):
    """Kill one campaign at each of the points in turn, then let it end, and look at the world."""
    before = max(generations(at, mail)[0])
    begin(at, mail, name, kind)
    killed = 0
    for die_at in points:
        code, said = drive(at, name, die_at)
        assert code in (0, -9), said
        killed += code == -9
        never_broken(at, mail, f"{name}")
        release(at, name)
    code, said = drive(at, name, 0)
    assert code == 0, said
    where = Campaigns(at.books.ledger).places(name)[f"{mail.tenant_id}/{mail.app}"]
    assert said[1:] == [True, True], f"{name}: {points}: {said}: {where}"
    never_broken(at, mail, name)
    assert where.state is State.DONE
    keys, controls = generations(at, mail)
    assert max(keys) == before + 1, f"{name}: {points}: made more than one key"
    assert (keys[before], keys[before + 1]) == (CredentialState.DEAD, CredentialState.CURRENT)
    assert set(controls.values()) == {CredentialState.DEAD}, f"{name}: {points}: a control key lives on"
    assert on_the_application(at, mail) == {at.books.connections.current(mail).thumbprint_sha256}
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
        code, said = drive(at, f"count-{kind}", 0)
        assert code == 0, said
        counts[kind] = said[0]
        at.free.put(mail)
    return counts


def crash(at, kind, deaths):
    """Let one campaign die at each group of points, several campaigns at once; print and return how many kills."""

    def one(points):
        mail = at.free.get()
        try:
            return survive(at, mail, f"{kind}-{'-'.join(map(str, points))}", kind, points)
        finally:
            at.free.put(mail)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        killed = sum(pool.map(one, deaths))
    alarms = [row for row in at.books.ledger.stubs(kinds=frozenset({"action"})) if _is_alarm(row.stub)]
    assert alarms == [], "a key that had to be refused was accepted"
    sys.stdout.write(f"\n{at.provider} {kind}: {killed} kills in {len(deaths)} campaigns, all survived\n")
    return killed


def _is_alarm(stub):
    return str(stub.body["action"]).startswith("alarm-")


def shard(groups):
    """Keep the part that ``COUNTERFOIL_SHARD`` asks for."""
    which, of = map(int, os.environ.get("COUNTERFOIL_SHARD", "1/1").split("/"))
    return groups[which - 1 :: of]


@pytest.mark.timeout(500)
def test_crash_at_a_seeded_share_of_the_side_effects(at, effects):
    """Killed before or after a commit, a call or a question to the signer, the campaign ends as it should."""
    chance = random.Random(int(os.environ.get("COUNTERFOIL_FIRST_SEED", "0")))
    kind, share = (Kind.COMPROMISE, SHARE) if at.provider == "file" else (Kind.ROUTINE, 3 * SHARE)
    points = [(die_at,) for die_at in range(1 + chance.randrange(share), effects[kind] + 1, share)]
    assert crash(at, kind, points) > 0.9 * len(points), "the last numbers may lie beyond a shorter run"


@pytest.mark.long
@pytest.mark.timeout(14_400)
@pytest.mark.parametrize("kind", list(Kind))
def test_crash_at_every_side_effect(at, effects, kind):
    """The same at every side effect of both kinds of campaign."""
    points = shard([(die_at,) for die_at in range(1, effects[kind] + 1)])
    sys.stdout.write(f"\n{at.provider} {kind}: {effects[kind]} numbered side effects, of which {len(points)} now\n")
    assert crash(at, kind, points) > 0.9 * len(points)


@pytest.mark.long
@pytest.mark.timeout(14_400)
@pytest.mark.parametrize("kind", list(Kind))
def test_crash_in_pairs(at, effects, kind):
    """Killed twice in one campaign, at points by seed."""
    chance, count = random.Random(int(os.environ.get("COUNTERFOIL_FIRST_SEED", "1"))), effects[kind]
    pairs = shard([(chance.randint(1, count), chance.randint(1, count)) for _ in range(PAIRS)])
    assert crash(at, kind, pairs) > len(pairs)
