"""Law 1 at the ledger's door: nothing of the signer's without its signature, no token without an assertion."""

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from counterfoil.ledger.note import VerifierKey
from counterfoil.ledger.signed import sign_stub, verify_stub
from counterfoil.ledger.stubs import stub_at
from counterfoil.model.errors import Refused
from counterfoil.model.trust import Stub
from tests.ledger.conftest import NOW

KEY = Ed25519PrivateKey.from_private_bytes(b"s" * 32)
SIGNER = VerifierKey("example.org/stubs", KEY.public_key().public_bytes_raw())


def assertion(sequence: int, jti: str = "j1", *, counter: int | None = None, key=KEY, app: str = "app") -> Stub:
    """An assertion stub as a signer writes it."""
    body = {"app": app, "audience": "https://login", "jti": jti, "job": "job", "credential": "t/app/1"}
    numbers = {"sequence": sequence, "counter": counter or sequence, "thumbprint_sha1": "AB"}
    return sign_stub(Stub("assertion", NOW, "t", body | numbers), "example.org/stubs", key)


def token(jti: str = "j1", **more) -> Stub:
    """A token stub, before the request."""
    tenant = more.pop("tenant", "t")
    said = {"app": "app", "jti": jti, "correlation_id": "c", "outcome": "unknown"} | more
    return stub_at("token", NOW, tenant, **said)


@pytest.fixture
def ledger(opened):
    """A ledger that trusts one signer."""
    ledger = opened().ledger
    ledger.trust(SIGNER, NOW)
    return ledger


def test_a_signed_assertion_and_its_token_are_written_together(ledger):
    """The assertion's stub and the token's go in, in one commit, and the token may come again with its outcome."""
    assert ledger.append_all([assertion(1), token()]) == [1, 2]
    assert ledger.append(token(outcome="issued", uti="u")) == 3


@pytest.mark.parametrize(
    ("stub", "why"),
    [
        (token("stranger"), "no assertion with the jti stranger was signed by our signer"),
        (token(tenant="other"), "does not fit the assertion j1"),
        (token(app="other"), "does not fit the assertion j1"),
        (token(thumbprint_sha1="CD"), "does not fit the assertion j1"),
    ],
)
def test_a_token_stub_without_its_assertion_is_refused(ledger, stub, why):
    """A token that no signed assertion stands behind, or that differs from it, is refused and takes no index."""
    ledger.append(assertion(1))
    with pytest.raises(Refused, match=why):
        ledger.append(stub)
    assert ledger.size() == 2


def test_a_stub_that_was_changed_or_made_up_is_refused(ledger):
    """Changing any field, dropping the signature, or signing with another key is refused."""
    true = assertion(1)
    for body in (true.body | {"jti": "j2"}, true.body | {"counter": 2}, true.body | {"signature": "AAAA"}):
        with pytest.raises(Refused, match="was not signed by the signer that it names"):
            ledger.append(replace(true, body=body))
    with pytest.raises(Refused, match="was not signed by the signer"):
        ledger.append(replace(true, tenant="other"))
    with pytest.raises(Refused, match="needs signature"):
        ledger.append(replace(true, body={k: v for k, v in true.body.items() if k != "signature"}))
    with pytest.raises(Refused, match="is not one that this ledger trusts") as caught:
        ledger.append(assertion(1, key=Ed25519PrivateKey.generate()))
    assert "counterfoil ledger trust" in caught.value.hint


def test_the_same_stub_twice_is_one_entry(ledger):
    """Collecting and answering may both bring a stub: it is written once and its index is given both times."""
    assert ledger.append(assertion(1)) == ledger.append(assertion(1)) == 1
    assert ledger.append_all([assertion(2, "j2"), assertion(2, "j2")]) == [2, 2]
    assert ledger.size() == 3


def test_two_stubs_for_one_number_are_a_lie(ledger):
    """A signer whose journal was rolled back gives numbers twice: refused, for sequence and counter."""
    ledger.append(assertion(1))
    with pytest.raises(Refused, match="two different stubs with the sequence number 1"):
        ledger.append(assertion(1, "other"))
    with pytest.raises(Refused, match=r"used the counter 1 of t/app/1 twice"):
        ledger.append(assertion(2, "other", counter=1))
    with pytest.raises(Refused, match="two different stubs"):
        ledger.append_all([assertion(5, "a"), assertion(5, "b")])


def test_a_missing_stub_shows_as_a_gap_until_it_comes(ledger):
    """Stubs may come in any order; the numbers in between are reported as missing, then filled."""
    for sequence in (1, 4, 7):
        ledger.append(assertion(sequence, f"j{sequence}"))
    assert ledger.missing() == {str(SIGNER): [(2, 3), (5, 6)]}
    assert ledger.newest_sequence(SIGNER) == 1
    for sequence in (3, 2, 6, 5):
        ledger.append(assertion(sequence, f"j{sequence}"))
    assert ledger.missing() == {}
    assert ledger.newest_sequence(SIGNER) == 7


def test_a_refused_request_frees_its_numbers(ledger):
    """If the stubs of a request are undone, the assertion in it is not there and may come later."""

    def fails(connection):
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        ledger.append_all([assertion(1), token()], also=fails)
    assert ledger.missing() == {}
    assert ledger.append_all([assertion(1), token()]) == [1, 2]


def test_trusting_a_signer_leaves_a_stub_and_is_done_once(ledger):
    """Who is trusted, and since when, is itself in the ledger."""
    ledger.trust(SIGNER, NOW)
    (row,) = ledger.stubs(kinds=frozenset({"action"}))
    assert row.stub.body["action"] == "trust-signer"
    assert ledger.trusted() == [SIGNER]


def test_a_stub_signature_is_none_on_anything_else():
    """What the stub key signs begins with a context line, so it can never be read as a note or checkpoint."""
    stub = assertion(1)
    assert verify_stub(stub) == SIGNER
    assert stub.body["signature"] != assertion(2).body["signature"]
