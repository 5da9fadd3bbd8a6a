"""What the signer signs and what it refuses, as its callers meet it: each signature has its stub."""

from dataclasses import replace

import jwt
import pytest
from cryptography.hazmat.primitives import hashes

from counterfoil.credential.algorithm import Algorithm
from counterfoil.credential.jws import PROOF_AUDIENCE
from counterfoil.credential.wire import ask
from counterfoil.ledger.signed import verify_stub
from counterfoil.model.errors import Refused, Unavailable
from counterfoil.model.trust import CredentialState
from tests.credential.conftest import APP, AUDIENCE, TENANT
from tests.credential.keys import JOB, NAME, WHO, certificate_in, pem


def test_pyjwt_accepts_the_assertion_and_its_stub_says_the_same(any_signer):
    """PyJWT verifies the assertion under the certificate; header, claims and stub agree with Microsoft's contract."""
    made = any_signer.custodian.certificate(TENANT, APP, 1, 90)
    certificate = certificate_in(made)
    signed = any_signer.client.assertion(*WHO, AUDIENCE, JOB)
    claims = jwt.decode(signed.jws, certificate.public_key(), ["PS256"], audience=AUDIENCE, issuer=APP)
    assert claims["sub"] == APP
    assert claims["exp"] - claims["nbf"] == 600
    assert claims["jti"] == signed.stub.body["jti"]
    header = jwt.get_unverified_header(signed.jws)
    thumbprint = jwt.utils.base64url_encode(certificate.fingerprint(hashes.SHA256())).decode().rstrip("=")
    assert header == {"alg": "PS256", "typ": "JWT", "x5t#S256": thumbprint}
    assert str(verify_stub(signed.stub)) == any_signer.said["stub_key"]
    assert (signed.stub.body["sequence"], signed.stub.body["counter"], signed.stub.body["job"]) == (2, 2, "job-1")


def test_rs256_carries_x5t(signer):
    """On demand the assertion is RS256 with the SHA-1 thumbprint."""
    certificate = certificate_in(signer.custodian.certificate(TENANT, APP, 1, 90))
    signed = signer.client.assertion(*WHO, AUDIENCE, JOB, algorithm=Algorithm.RS256)
    jwt.decode(signed.jws, certificate.public_key(), ["RS256"], audience=AUDIENCE)
    thumbprint = jwt.utils.base64url_encode(certificate.fingerprint(hashes.SHA1())).decode().rstrip("=")
    assert jwt.get_unverified_header(signed.jws) == {"alg": "RS256", "typ": "JWT", "x5t": thumbprint}


def test_a_key_proof_is_what_addkey_asks_for(signer):
    """The proof names the object, not the client, to Azure AD Graph, for ten minutes, without padding."""
    certificate = certificate_in(signer.custodian.certificate(TENANT, APP, 1, 90))
    signed = signer.client.proof(*WHO, "33333333-3333-3333-3333-333333333333", replace(JOB, reason="rotate"))
    claims = jwt.decode(signed.jws, certificate.public_key(), ["PS256"], audience=PROOF_AUDIENCE)
    assert claims["iss"] == "33333333-3333-3333-3333-333333333333" == signed.stub.body["object"]
    assert claims["exp"] - claims["nbf"] == 600
    assert "=" not in signed.jws


def test_a_tainted_credential_signs_nothing_but_a_death_test(signer):
    """After taint the assertion is refused, for good; the death test works, for its own job alone."""
    signer.custodian.certificate(TENANT, APP, 1, 90)
    with pytest.raises(Refused, match="only a retired or tainted one is tested"):
        signer.client.death_test(*WHO, AUDIENCE, replace(JOB, reason="prove-dead"))
    signer.custodian.mark(*WHO, CredentialState.TAINTED)
    with pytest.raises(Refused, match="is tainted: it signs nothing but a death test"):
        signer.client.assertion(*WHO, AUDIENCE, JOB)
    with pytest.raises(Refused, match="needs a job for prove-dead"):
        signer.client.death_test(*WHO, AUDIENCE, JOB)
    assert signer.client.death_test(*WHO, AUDIENCE, replace(JOB, reason="prove-dead")).stub.kind == "death-test"
    with pytest.raises(Refused, match="cannot become current, only dead"):
        signer.custodian.mark(*WHO, CredentialState.CURRENT)


def test_states_survive_a_restart(signer, tmp_path, start_signer):
    """A tainted credential is tainted for the next signer too, and an untouched one still signs."""
    signer.custodian.certificate(TENANT, APP, 1, 90)
    signer.custodian.certificate(TENANT, APP, 2, 90)
    signer.custodian.mark(*WHO, CredentialState.TAINTED)
    signer.kill()
    again = start_signer(tmp_path)
    with pytest.raises(Refused, match="is tainted"):
        again.client.assertion(*WHO, AUDIENCE, JOB)
    assert again.client.assertion(TENANT, APP, f"{TENANT}/{APP}/2", AUDIENCE, JOB).stub.body["sequence"] == 4


def test_any_use_of_a_standby_is_an_alarm_and_its_key_is_kept_apart(signer, tmp_path):
    """A standby's key lies elsewhere, daily jobs may not use it, and the stub of a use says alarm."""
    signer.custodian.certificate(TENANT, APP, 1, 90, standby=True)
    signer.custodian.mark(*WHO, CredentialState.STANDBY)
    assert [p.suffix for p in (tmp_path / "signer" / "standby").iterdir()] == [".key"]
    assert list((tmp_path / "signer" / "keys").iterdir()) == []
    with pytest.raises(Refused, match="is a standby: a job for heartbeat may not use it"):
        signer.client.assertion(*WHO, AUDIENCE, replace(JOB, reason="heartbeat"))
    signed = signer.client.assertion(*WHO, AUDIENCE, replace(JOB, reason="contain"))
    assert signed.stub.body["alarm"] == "standby-used"


def test_the_signer_signs_no_octets_it_is_handed(signer):
    """There is no operation that takes a message or a digest; fields that try to smuggle one change nothing."""
    signer.custodian.certificate(TENANT, APP, 1, 90)
    with pytest.raises(Refused, match="the signer has no operation 'sign'"):
        ask(signer.socket, 5, {"op": "sign", "message": "AAAA"})
    question = {"op": "assertion", "tenant": TENANT, "app": APP, "credential": NAME, "audience": AUDIENCE}
    question |= {"job": "j", "reason": "verify", "algorithm": "PS256", "claims": {"sub": "other"}, "message": "AAAA"}
    claims = jwt.decode(ask(signer.socket, 5, question)["jws"], options={"verify_signature": False})
    assert claims["sub"] == APP


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"audience": "https://evil.example/t/oauth2/v2.0/token"}, "is at no authority"),
        ({"tenant": "someone-else"}, "has no credential"),
        ({"app": "someone-else"}, "has no credential"),
        ({"credential": 7}, "lacks the text 'credential'"),
        ({"reason": "curiosity"}, "'curiosity' is no reason for a signature"),
        ({"reason": "prove-dead"}, "is no reason for a signature"),
        ({"job": ""}, "a signature needs a job"),
        ({"algorithm": "none"}, "is not understood"),
        ({"op": 3}, "lacks the text 'op'"),
    ],
)
def test_a_wrong_question_is_refused_and_leaves_no_stub(standing, change, why):
    """Whatever is wrong with a question, the answer says it and nothing is signed or counted."""
    question = {"op": "assertion", "tenant": TENANT, "app": APP, "credential": NAME, "audience": AUDIENCE}
    question |= {"job": "j", "reason": "verify", "algorithm": "PS256"}
    with pytest.raises(Refused, match=why):
        ask(standing.socket, 5, question | change)
    assert standing.custodian.status()["sequence"] == 1


def test_the_rate_of_a_credential_is_limited(tmp_path, start_signer):
    """A storm of questions gets the burst and then is told to wait; another credential is served."""
    running = start_signer(tmp_path, "--rate", "1")
    running.custodian.certificate(TENANT, APP, 1, 90)
    running.custodian.certificate(TENANT, APP, 2, 90)
    for _ in range(60):
        running.client.assertion(*WHO, AUDIENCE, JOB)
    with pytest.raises(Unavailable, match="signs too often"):
        running.client.assertion(*WHO, AUDIENCE, JOB)
    running.client.assertion(TENANT, APP, f"{TENANT}/{APP}/2", AUDIENCE, JOB)


def test_an_imported_certificate_may_be_on_many_connections(any_signer):
    """The shape of 2021: one key, two tenants; each connection has its own row, counter and state."""
    octets, other = pem(), "other-tenant.example"
    first = any_signer.custodian.adopt(TENANT, APP, 1, octets, None)
    second = any_signer.custodian.adopt(other, APP, 1, octets, None)
    assert first.body["thumbprint_sha256"] == second.body["thumbprint_sha256"]
    assert first.body["key"] == second.body["key"]
    any_signer.custodian.mark(*WHO, CredentialState.TAINTED)
    endpoint = AUDIENCE.replace(TENANT, other)
    signed = any_signer.client.assertion(other, APP, f"{other}/{APP}/1", endpoint, JOB)
    certificate = certificate_in(second)
    jwt.decode(signed.jws, certificate.public_key(), ["PS256"], audience=endpoint)
    assert signed.stub.body["counter"] == 2


@pytest.mark.parametrize(
    ("days", "generation", "why"), [(0, 1, "lives 1 to 397 days"), (398, 1, "not 398"), (90, 0, "numbered from 1")]
)
def test_a_certificate_that_should_not_be_is_refused_before_a_key_is_made(standing, days, generation, why):
    """A wrong life or generation makes neither key nor stub."""
    with pytest.raises(Refused, match=why):
        standing.custodian.certificate(TENANT, "another-app", generation, days)
    assert len(list(standing.socket.with_name("keys").iterdir())) == 1


@pytest.mark.parametrize("tenant", ["", "a/b", "../x", "x" * 65, "тенант"])
def test_a_tenant_id_cannot_mean_something_else(standing, tenant):
    """Ids that a path or a label could read otherwise are refused."""
    with pytest.raises(Refused, match="is no id of a tenant"):
        standing.custodian.certificate(tenant, APP, 1, 90)
