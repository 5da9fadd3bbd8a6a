"""The end of a key: destroyed once it was proven dead, not before, and never back."""

import pytest

from counterfoil import clock
from counterfoil.ledger.signed import verify_stub
from counterfoil.model.errors import Refused
from counterfoil.model.trust import CredentialState, Job
from tests.credential.conftest import APP, AUDIENCE, TENANT
from tests.credential.keys import JOB, WHO, lay_to_rest, pem


def test_a_dead_credentials_private_key_is_destroyed(any_signer, tmp_path):
    """Once dead and destroyed, the key is gone from the provider, a signed stub says so, and nothing brings it back."""
    any_signer.custodian.certificate(TENANT, APP, 1, 90)
    any_signer.custodian.certificate(TENANT, APP, 2, 90)
    who = lay_to_rest(any_signer)
    keys = set((tmp_path / "signer" / "keys").glob("*.key"))
    stub = any_signer.custodian.destroy(*who)
    verify_stub(stub)
    assert (stub.kind, stub.body["state"], stub.body["destroyed"]) == ("mark", "dead", True)
    assert len(keys) - len(set((tmp_path / "signer" / "keys").glob("*.key"))) == (1 if keys else 0)
    assert any_signer.custodian.destroy(*who) is None, "again is no error"
    before = any_signer.custodian.status()["sequence"]
    with pytest.raises(Refused, match="was destroyed: there is nothing left to test"):
        any_signer.client.death_test(*who, AUDIENCE, Job("job-9", "prove-dead", clock.now()))
    assert any_signer.custodian.status()["sequence"] == before, "no stub for what cannot be"
    assert any_signer.client.assertion(TENANT, APP, f"{TENANT}/{APP}/2", AUDIENCE, JOB).jws, "the other key lives on"


def test_a_shared_key_is_destroyed_with_the_last_that_uses_it(any_signer):
    """An imported key on two connections goes when both are dead, and is not taken in again after that."""
    octets, other = pem(), "other-tenant.example"
    any_signer.custodian.adopt(TENANT, APP, 1, octets, None)
    any_signer.custodian.adopt(other, APP, 1, octets, None)
    first = lay_to_rest(any_signer)
    assert any_signer.custodian.destroy(*first) is None
    endpoint = AUDIENCE.replace(TENANT, other)
    assert any_signer.client.assertion(other, APP, f"{other}/{APP}/1", endpoint, JOB).jws, "still needed there"
    second = lay_to_rest(any_signer, other)
    assert any_signer.custodian.destroy(*second).body["destroyed"] is True
    with pytest.raises(Refused, match="was destroyed"):
        any_signer.client.death_test(*first, AUDIENCE, Job("job-9", "prove-dead", clock.now()))
    with pytest.raises(Refused, match="proven dead and destroyed"):
        any_signer.custodian.adopt(TENANT, APP, 3, octets, None)


def test_nothing_is_destroyed_before_it_was_proven_dead(signer):
    """Neither a tainted credential, nor one that was never put to the death test, loses its key."""
    signer.custodian.certificate(TENANT, APP, 1, 90)
    signer.custodian.mark(*WHO, CredentialState.TAINTED)
    with pytest.raises(Refused, match="is tainted: only a dead one's key is destroyed"):
        signer.custodian.destroy(*WHO)
    with pytest.raises(Refused, match="was never put to the death test"):
        signer.custodian.mark(*WHO, CredentialState.DEAD)
    assert signer.client.death_test(*WHO, AUDIENCE, Job("job-9", "prove-dead", clock.now())).jws


def test_a_destroyed_key_that_comes_back_with_a_backup_goes_again(signer, tmp_path, start_signer):
    """A sealed key file put back is removed at the next start; the test of death is remembered over starts, too."""
    signer.custodian.certificate(TENANT, APP, 1, 90)
    (path,) = (tmp_path / "signer" / "keys").glob("*.key")
    octets = path.read_bytes()
    signer.custodian.mark(*WHO, CredentialState.TAINTED)
    signer.client.death_test(*WHO, AUDIENCE, Job("job-9", "prove-dead", clock.now()))
    signer.stop()
    again = start_signer(tmp_path)
    again.custodian.mark(*WHO, CredentialState.DEAD)
    again.custodian.destroy(*WHO)
    again.stop()
    path.write_bytes(octets)
    path.chmod(0o600)
    last = start_signer(tmp_path)
    assert not path.exists()
    with pytest.raises(Refused, match="was destroyed"):
        last.client.death_test(*WHO, AUDIENCE, Job("job-9", "prove-dead", clock.now()))
