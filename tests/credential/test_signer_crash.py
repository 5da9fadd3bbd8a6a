"""kill -9 at every numbered durable step of the signer, before and after: never a signature without a stub."""

import base64
import contextlib
import random
import sys
from pathlib import Path

import jwt
import pytest

from counterfoil import clock
from counterfoil.credential.collect import collect
from counterfoil.credential.registry import listed
from counterfoil.database import open_database
from counterfoil.ledger.ledger import Ledger
from counterfoil.ledger.note import Checkpoint
from counterfoil.ledger.stubs import SIGNER_KINDS
from counterfoil.ledger.tree import leaf_hash, node_hash
from counterfoil.model.errors import Unavailable
from counterfoil.model.trust import CredentialState, Job
from tests.credential.conftest import APP, AUDIENCE, TENANT, SignerProcess

JOB = Job("job-1", "verify", clock.now())
ONE, TWO = leaf_hash(b"one"), leaf_hash(b"two")


def use_it(running: SignerProcess, got: dict) -> None:
    """Do everything that the signer can do once, and keep what it gave: it may die at any moment."""
    custodian, client = running.custodian, running.client
    got["certificates"].append(custodian.certificate(TENANT, APP, got["generation"], 90).body["certificate"])
    name = f"{TENANT}/{APP}/{got['generation']}"
    for _ in range(2):
        got["jws"].append(client.assertion(TENANT, APP, name, AUDIENCE, JOB).jws)
    got["proofs"].append(client.proof(TENANT, APP, name, "object-1", Job("job-2", "rotate", clock.now())).jws)
    origin = running.said["origin"]
    if custodian.status()["checkpoint_size"] < 2:
        got["checkpoints"] += [custodian.sign_checkpoint(Checkpoint(origin, 1, ONE), lambda old: [])]
    grown = Checkpoint(origin, 2, node_hash(ONE, TWO))
    got["checkpoints"] += [custodian.sign_checkpoint(grown, lambda old: [TWO])]
    custodian.mark(TENANT, APP, name, CredentialState.TAINTED)
    got["tainted"].append(name)
    dead = Job("job-3", "prove-dead", clock.now())
    got["jws"].append(client.death_test(TENANT, APP, name, AUDIENCE, dead).jws)


def nothing_yet() -> dict:
    """What a signer has given away before it was asked."""
    return {"certificates": [], "jws": [], "proofs": [], "checkpoints": [], "tainted": [], "generation": 1}


def killed_at(tmp_path: Path, at: int, when: str) -> tuple[dict, int | None]:
    """Run a signer that dies at one step; return what it gave away, and the steps taken if it lived."""
    counts = tmp_path / "counts"
    got = nothing_yet()
    with contextlib.suppress(RuntimeError):  # it may die before it is ready
        # Segments of three, so that the steps of closing one are among those to die at.
        running = SignerProcess(
            tmp_path,
            "--journal-segment",
            "3",
            program=["-m", "tests.killing", str(at), when, str(counts), "counterfoil"],
        )
        with contextlib.suppress(Unavailable):
            use_it(running, got)
        running.stop()
    return got, int(counts.read_text()) if counts.exists() else None


def check_after(tmp_path: Path, got: dict, start_signer) -> None:
    """Start the signer again; everything it ever gave away has its stub, numbers have no gap, its keys work."""
    running = start_signer(tmp_path, "--journal-segment", "3")
    engine = open_database(tmp_path / "counterfoil.db")
    ledger = Ledger(engine)
    collect(ledger, running.custodian, clock.now())
    stubs = [row.stub for row in ledger.stubs(kinds=SIGNER_KINDS)]
    assert ledger.missing() == {}
    assert [stub.body["sequence"] for stub in stubs] == list(range(1, len(stubs) + 1))
    counted = {stub.body.get("jti") for stub in stubs}
    for jws in got["jws"]:
        assert jwt.decode(jws, options={"verify_signature": False})["jti"] in counted, "a signature without a stub"
    assert sum(stub.kind == "proof" for stub in stubs) >= len(got["proofs"]), "a proof without a stub"
    kept = {stub.body["certificate"] for stub in stubs if stub.kind == "certificate"}
    assert set(got["certificates"]) <= kept, "an acknowledged key is lost"
    states = {f"{c.tenant}/{c.app}/{c.generation}": c.state for c in listed(engine)}
    assert all(states[name] is CredentialState.TAINTED for name in got["tainted"]), "a taint is lost"
    if got["checkpoints"]:
        size = int(got["checkpoints"][-1].split(b"\n")[1])
        assert running.custodian.status()["checkpoint_size"] >= size, "a signed checkpoint is forgotten"
    keys = list((tmp_path / "signer" / "keys").glob("*.key"))
    assert len(keys) == len(kept), "a key without a stub, or a stub without a key"
    again = nothing_yet() | {"generation": 7}
    with contextlib.suppress(Unavailable):
        use_it(running, again)
    assert len(again["jws"]) == 3
    assert base64.b64decode(again["certificates"][0])
    ledger.close()
    engine.dispose()
    running.stop()


def points(tmp_path: Path) -> list[tuple[int, str]]:
    """Count the steps of a run that lives, and return every place to die at."""
    (tmp_path / "dry").mkdir()
    got, steps = killed_at(tmp_path / "dry", 0, "before")
    assert len(got["jws"]) == 3
    assert steps is not None
    return [(step, when) for step in range(1, steps + 1) for when in ("before", "after")]


@pytest.mark.parametrize("share", [4, pytest.param(0, marks=[pytest.mark.long, pytest.mark.timeout(1200)])])
def test_crash_at_durable_steps_leaves_no_signature_without_a_stub(tmp_path, start_signer, capsys, share):
    """Killed at a step, and started again, the signer has a stub for all that it gave away; counts are printed."""
    every = points(tmp_path)
    chosen = random.Random(11).sample(every, share) if share else every
    given = 0
    for number, (at, when) in enumerate(chosen):
        place = tmp_path / str(number)
        place.mkdir()
        got, _ = killed_at(place, at, when)
        given += len(got["jws"]) + len(got["proofs"]) + len(got["certificates"]) + len(got["checkpoints"])
        check_after(place, got, start_signer)
    with capsys.disabled():
        sys.stdout.write(
            f"\nsigner: killed at {len(chosen)} of {len(every)} places, {given} signatures given, 0 without a stub\n"
        )
