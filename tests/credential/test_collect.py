"""Between signer and ledger: every stub comes over once, late ones open a gap, and mail never waits for the signer."""

import shutil
from datetime import timedelta

import pytest

from counterfoil import clock
from counterfoil.credential.collect import collect, open_ledger_of, take_in
from counterfoil.credential.registry import certificate_of, find, listed, set_key_id, shared
from counterfoil.database import open_database
from counterfoil.ledger.stubs import stub_at
from counterfoil.model.errors import Misconfigured, Refused
from counterfoil.model.instant import from_rfc3339
from counterfoil.model.trust import CredentialState, Job
from tests.credential.conftest import APP, AUDIENCE, TENANT
from tests.credential.keys import lay_to_rest, pem

NAME = f"{TENANT}/{APP}/1"
JOB = Job("job-1", "verify", clock.now())


@pytest.fixture
def opened(tmp_path):
    """A function that opens the ledger of the data directory."""
    ledgers = []

    def opened():
        ledgers.append(open_ledger_of(open_database(tmp_path / "counterfoil.db"), tmp_path, interval=3600))
        return ledgers[-1]

    yield opened
    for ledger in ledgers:
        ledger._writer.close()
        ledger._publisher = None
        ledger.engine.dispose()


def test_what_the_signer_did_is_in_ledger_table_and_exchange_form(signer, opened):
    """A new credential and its states arrive as signed stubs, as rows, and as lines for reconciliation."""
    ledger = opened()
    signer.custodian.certificate(TENANT, APP, 1, 90)
    signer.custodian.mark(TENANT, APP, NAME, CredentialState.PUBLISHED)
    assert collect(ledger, signer.custodian, clock.now()).new == 2
    assert collect(ledger, signer.custodian, clock.now()).new == 0
    (one,) = listed(ledger.engine)
    assert (one.tenant, one.app, one.generation, one.state) == (TENANT, APP, 1, CredentialState.PUBLISHED)
    assert certificate_of(ledger.engine, NAME)
    states = [row.stub.body["state"] for row in ledger.stubs(kinds=frozenset({"credential"}))]
    assert states == ["staged", "published"]
    set_key_id(ledger, NAME, "5d5a2b1e-0f0b-4b3c-9b49-8d2a3d1c7c11", clock.now())
    assert find(ledger.engine, NAME).key_id == "5d5a2b1e-0f0b-4b3c-9b49-8d2a3d1c7c11"
    assert listed(ledger.engine, "somebody-else") == []


def test_an_answer_and_a_collection_may_bring_the_same_stub(signer, opened):
    """The stub that came with the signature is written at once, and collecting does not write it again."""
    ledger = opened()
    signer.custodian.certificate(TENANT, APP, 1, 90)
    collect(ledger, signer.custodian, clock.now())
    signed = signer.client.assertion(TENANT, APP, NAME, AUDIENCE, JOB)
    said = {"app": APP, "jti": signed.stub.body["jti"], "correlation_id": "c", "outcome": "unknown"}
    ledger.append_all([signed.stub, stub_at("token", clock.now(), TENANT, **said)])
    assert collect(ledger, signer.custodian, clock.now()).new == 0
    assert take_in(ledger, signed.stub) == ledger.append(signed.stub)


def test_a_shared_certificate_is_flagged(signer, opened):
    """One imported certificate on two connections is reported with both, until one is dead."""
    ledger = opened()
    octets = pem()
    for tenant in (TENANT, "other.example"):
        signer.custodian.adopt(tenant, APP, 1, octets, None)
    signer.custodian.certificate(TENANT, APP, 2, 90)
    collect(ledger, signer.custodian, clock.now())
    ((mark, places),) = shared(listed(ledger.engine)).items()
    assert {place.tenant for place in places} == {TENANT, "other.example"}
    assert len(mark) == 64
    lay_to_rest(signer, "other.example")
    collect(ledger, signer.custodian, clock.now())
    assert shared(listed(ledger.engine)) == {}


def test_checkpoints_are_signed_by_the_signer_and_wait_for_it(signer, tmp_path, opened, start_signer):
    """The checkpoint key is the signer's; without the signer stubs are still taken in, and published later."""
    ledger = opened()
    assert str(ledger.publication.key) == signer.said["checkpoint_key"]
    ledger.append(stub_at("message", clock.now(), id="m1"))
    assert ledger.checkpoint().size == 1
    assert not (tmp_path / "checkpoint.key").exists()
    signer.kill()
    again = opened()
    assert again.append(stub_at("message", clock.now(), id="m2")) == 1
    again._publish_once()
    assert again.publication.latest()[0].size == 1
    start_signer(tmp_path)
    assert again.checkpoint().size == 2


def test_the_signer_signs_no_fork_and_no_rollback(signer, tmp_path, opened):
    """With the whole data directory rolled back, the signer remembers and refuses: history cannot be forgotten."""
    ledger = opened()
    for n in range(3):
        ledger.append(stub_at("message", clock.now(), id=f"m{n}"))
    ledger.checkpoint()
    ledger._writer.close()
    ledger.engine.dispose()
    for name in ("counterfoil.db", "counterfoil.db-wal", "counterfoil.db-shm"):
        (tmp_path / name).unlink(missing_ok=True)
    shutil.rmtree(tmp_path / "ledger")
    fresh = opened()  # whose first stub says that all before it is gone
    fresh.append(stub_at("message", clock.now(), id="other"))
    with pytest.raises(Misconfigured, match="has signed a ledger of 3 stubs, and this one has 2"):
        fresh.checkpoint()
    for n in range(5):
        fresh.append(stub_at("message", clock.now(), id=f"other{n}"))
    with pytest.raises(Refused, match="did not grow out of the one of 3 that was signed last"):
        fresh.checkpoint()


def test_a_late_signature_opens_a_gap(signer, opened):
    """A signature whose stub the application lost may have been used: the time since then cannot be judged."""
    ledger = opened()
    signer.custodian.certificate(TENANT, APP, 1, 90)
    collect(ledger, signer.custodian, clock.now())
    (held,) = [row.stub.time for row in ledger.stubs(kinds=frozenset({"certificate"}))]
    ledger.append(stub_at("message", clock.now(), id="m1"))  # as after a restore: it says nothing of what was lost
    signer.client.assertion(TENANT, APP, NAME, AUDIENCE, JOB)
    later = clock.now() + timedelta(hours=2)
    got = collect(ledger, signer.custodian, later)
    assert got.new == 1
    assert got.gap.body["reason"] == "signer-ahead"
    assert from_rfc3339(got.gap.body["since"]) == held
    assert from_rfc3339(got.gap.body["until"]) == later
    assert collect(ledger, signer.custodian, later).gap is None


def test_what_is_published_is_not_in_the_gap(signer, opened):
    """The signer has signed what is published: nothing of it can be lost, and the gap begins behind it."""
    ledger = opened()
    signer.custodian.certificate(TENANT, APP, 1, 90)
    collect(ledger, signer.custodian, clock.now())
    ledger.append(stub_at("message", clock.now(), id="m1"))
    ledger.checkpoint()
    newest = max(row.stub.time for row in ledger.stubs())
    signer.client.assertion(TENANT, APP, NAME, AUDIENCE, JOB)
    gap = collect(ledger, signer.custodian, clock.now() + timedelta(hours=2)).gap
    assert from_rfc3339(gap.body["since"]) == newest


def test_a_late_signature_in_the_midst_of_later_stubs_opens_a_gap_from_its_own_time(signer, opened):
    """If other stubs went on being written, the gap begins with the signature whose stub was lacking."""
    ledger = opened()
    signer.custodian.certificate(TENANT, APP, 1, 90)
    lost = signer.client.assertion(TENANT, APP, NAME, AUDIENCE, JOB).stub
    later = clock.now() + timedelta(hours=2)
    ledger.append(stub_at("message", later, id="m1"))
    assert from_rfc3339(collect(ledger, signer.custodian, later).gap.body["since"]) == lost.time


def test_a_signature_in_flight_opens_none(signer, opened):
    """A stub of this very minute is on its way to the ledger, not lost."""
    ledger = opened()
    signer.custodian.certificate(TENANT, APP, 1, 90)
    signer.client.assertion(TENANT, APP, NAME, AUDIENCE, JOB)
    assert collect(ledger, signer.custodian, clock.now()).gap is None


def test_another_signer_is_not_trusted_by_itself(signer, tmp_path, opened, start_signer):
    """A second signer, with keys of its own, is refused until an operator says so."""
    ledger = opened()
    collect(ledger, signer.custodian, clock.now())
    other = start_signer(tmp_path / "other")
    with pytest.raises(Misconfigured, match="this is another signer") as caught:
        collect(ledger, other.custodian, clock.now())
    assert "counterfoil ledger trust" in caught.value.hint
    ledger.trust(other.custodian.stub_key(), clock.now(), "operator")
    assert collect(ledger, other.custodian, clock.now()).new == 0


def test_pages_are_fetched_to_the_end(signer, opened, monkeypatch):
    """More stubs than one page holds all arrive, in order."""
    ledger = opened()
    signer.custodian.certificate(TENANT, APP, 1, 90)
    for _ in range(5):
        signer.client.assertion(TENANT, APP, NAME, AUDIENCE, JOB)
    whole = signer.custodian.stubs
    monkeypatch.setattr(signer.custodian, "stubs", lambda since: whole(since)[:2])
    assert collect(ledger, signer.custodian, clock.now()).new == 6
    assert ledger.missing() == {}


def test_an_older_stub_that_comes_later_changes_no_state(signer, opened):
    """Two who collect may take in the same stubs in another order: what counts is the signer's, and it is told once."""
    ledger = opened()
    signer.custodian.certificate(TENANT, APP, 1, 90)
    collect(ledger, signer.custodian, clock.now())
    published = signer.custodian.mark(TENANT, APP, NAME, CredentialState.PUBLISHED)
    tainted = signer.custodian.mark(TENANT, APP, NAME, CredentialState.TAINTED)
    for stub in (tainted, published, tainted, published):
        take_in(ledger, stub)
    assert find(ledger.engine, NAME).state is CredentialState.TAINTED
    kept = [row.stub.body["state"] for row in ledger.stubs(kinds=frozenset({"mark"}))]
    told = [row.stub.body["state"] for row in ledger.stubs(kinds=frozenset({"credential"}))]
    assert (kept, told) == (["tainted", "published"], ["staged", "tainted"])
