"""A containment that is killed at any side effect says that the connection may be shut, and can be carried on."""

import itertools
import os
import random
import subprocess
import sys

import pytest
from tests.app.laboratory import place
from tests.app.test_rotation import connected

from counterfoil import clock
from counterfoil.app.connecting import as_pem
from counterfoil.credential.registry import certificate_of
from counterfoil.gateway.store.tenants import Operator
from counterfoil.incident.record import Origin, Status, Subject
from counterfoil.incident.store import Incidents
from counterfoil.ledger.audit import audit

SHARE = 12
"""One in so many kill points by default; all of them in the long form."""

CASES = [("contain", "disable"), ("contain", "remove"), ("release", "disable")]


@pytest.fixture(scope="module")
def at(tmp_path_factory):
    """A laboratory with one connection, which has a certificate and a secret."""
    with place(tmp_path_factory.mktemp("contain")) as made:
        made.mail, _ = connected(made, "one")
        current = made.books.connections.current(made.mail)
        name = f"{current.tenant}/{current.app}/{current.generation}"
        made.pem = as_pem(certificate_of(made.books.ledger.engine, name))
        made.store = Incidents(made.books.ledger)
        made.mark = current.thumbprint_sha256
        made.numbers = itertools.count()
        yield made


def fresh(at):
    """A new incident about the connection, which is open and has its certificate and a secret."""
    at.lab.operate("admin_enable", tenant=at.mail.tenant_id, app_id=at.mail.app, enabled=True)
    at.lab.operate("admin_set_keys", app_id=at.mail.app, certificates_pem=[at.pem])
    if not at.lab.operate("credentials", app_id=at.mail.app)["secrets"]:
        at.lab.operate("admin_add_secret", app_id=at.mail.app)
    name = f"leak-{next(at.numbers)}"
    by = Operator("ada", clock.now())
    at.store.open(name, Origin.OPERATOR, Status.OPEN, Subject((at.mark,)), words="x", by=by)
    return name


def do(at, verb, how, name, die_at=0):
    """Run one verb in a process of its own; return its exit code and what it printed."""
    words = [str(at.data), str(at.config), verb, how, name, at.mail.tenant_id, at.mail.app, str(die_at)]
    line = [sys.executable, "-m", "tests.app.containment_child", *words]
    done = subprocess.run(line, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode in (0, -9), done.stderr
    return done.returncode, done.stdout.split()


def is_open(at, how):
    """Whether the connection is open, as the laboratory has it."""
    listed = at.lab.operate("credentials", app_id=at.mail.app)
    return listed["principals"][0]["enabled"] if how == "disable" else bool(listed["keys"] or listed["secrets"])


def survive(at, verb, how, die_at):
    """Kill it once, look, carry it on, and look again; return whether it was killed."""
    name = fresh(at)
    if verb == "release":
        do(at, "contain", how, name)
    code, _ = do(at, verb, how, name, die_at)
    shut = at.store.one(name).containments
    if verb == "contain" and not is_open(at, how):
        assert [(c.app, c.how, c.by) for c in shut] == [(at.mail.app, how, "grace")], "shut, and nobody says so"
    if verb == "release" and not is_open(at, how):
        assert shut[0].released is None, "said to be open, and it is shut"
    if verb == "contain" or shut[0].released is None:
        _, said = do(at, verb, how, name)
        assert said[1] == "True"
    (only,) = at.store.one(name).containments
    assert only.done
    assert only.why == "it is stolen"
    assert is_open(at, how) == (verb == "release") == (only.released is not None)
    if verb == "contain":
        do(at, "release", how, name)
        assert at.store.one(name).containments[0].released is not None
    return code == -9


@pytest.fixture(scope="module")
def effects(at):
    """How many numbered side effects each case has."""
    counts = {}
    for verb, how in CASES:
        name = fresh(at)
        if verb == "release":
            do(at, "contain", how, name)
        counts[verb, how] = int(do(at, verb, how, name)[1][0])
    return counts


def crash(at, effects, points):
    """Survive a kill at each point; say how many there were."""
    for case in CASES:
        chosen = points(effects[case])
        killed = sum(survive(at, *case, die_at) for die_at in chosen)
        words = " ".join(case)
        sys.stdout.write(f"{words}: {killed} kills at {len(chosen)} of {effects[case]} side effects, all survived\n")
        assert killed == len(chosen)
    publication = at.books.ledger.publication
    at.books.ledger.checkpoint()
    assert audit(at.books.ledger.engine, publication).wrong == ()


@pytest.mark.timeout(200)
def test_crash_at_a_seeded_share_of_the_side_effects_of_a_containment(at, effects):
    """Killed before or after a commit, a call or a question to the signer, nothing is shut that nobody answers for."""
    chance = random.Random(int(os.environ.get("COUNTERFOIL_FIRST_SEED", "0")))
    crash(at, effects, lambda count: range(1 + chance.randrange(min(SHARE, count)), count + 1, SHARE))


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_crash_at_every_side_effect_of_a_containment(at, effects):
    """The same at every side effect."""
    crash(at, effects, lambda count: range(1, count + 1))
