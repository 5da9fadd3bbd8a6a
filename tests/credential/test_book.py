"""What a credential may be used for, state by state."""

from dataclasses import replace
from datetime import timedelta

import pytest

from counterfoil.credential import book
from counterfoil.credential.certificate import Thumbprints
from counterfoil.ledger.stubs import REASONS
from counterfoil.model.errors import Misconfigured, Refused
from counterfoil.model.trust import CredentialState
from tests.credential.conftest import NOW

ENTRY = book.Entry(
    "t/a/1", "t", "a", 1, CredentialState.CURRENT, "file:k", "main", b"", Thumbprints("A", "B"), NOW, NOW + timedelta(1)
)


@pytest.mark.parametrize("state", list(CredentialState))
def test_a_credential_out_of_use_signs_nothing_but_a_death_test(state):
    """Law 7: retired, tainted and dead ones sign only to be proven dead; those in use are never put to that test."""
    entry = replace(ENTRY, state=state)
    out = state in {CredentialState.RETIRED, CredentialState.TAINTED, CredentialState.DEAD}
    allowed = set()
    for reason in REASONS:
        try:
            book.may_use(entry, reason, NOW)
        except Refused:
            continue
        allowed.add(reason)
    assert bool(allowed) is not out
    if out:
        book.may_test(entry, "prove-dead")
    else:
        with pytest.raises(Refused, match="only a retired or tainted one is tested"):
            book.may_test(entry, "prove-dead")


def test_a_death_test_needs_its_own_kind_of_job():
    """A retired credential signs for no other reason, whatever the job says."""
    with pytest.raises(Refused, match="needs a job for prove-dead, not for heartbeat"):
        book.may_test(replace(ENTRY, state=CredentialState.RETIRED), "heartbeat")


@pytest.mark.parametrize(("state", "reason"), [("staged", "remediate"), ("standby", "heartbeat")])
def test_a_credential_not_in_use_yet_serves_few_reasons(state, reason):
    """A staged or standby credential is not for daily work."""
    with pytest.raises(Refused, match=rf"{state}|not published"):
        book.may_use(replace(ENTRY, state=CredentialState(state)), reason, NOW)


def test_no_way_leads_back_from_tainted():
    """Following every chain of moves from tainted, no state in use is ever reached."""
    reached, todo = set(), [CredentialState.TAINTED]
    while todo:
        state = todo.pop()
        reached.add(state)
        todo += book.MOVES[state] - reached
    assert not reached & book.USABLE


def test_everything_in_use_can_be_tainted_at_once():
    """Containment needs no detour: one move taints any credential that can sign."""
    assert all(CredentialState.TAINTED in book.MOVES[state] for state in book.USABLE | {CredentialState.RETIRED})


@pytest.mark.parametrize("offset", [timedelta(days=1), timedelta(microseconds=-1)])
def test_an_expired_or_future_certificate_says_so(offset):
    """Outside its validity nothing is signed, and the hint names the clock."""
    with pytest.raises(Misconfigured, match="not now") as caught:
        book.may_use(ENTRY, "heartbeat", NOW + offset)
    assert "clock" in caught.value.hint


def test_another_tenants_credential_is_answered_as_one_that_is_not_there():
    """Law 11: the refusal for a foreign credential is word for word that for an unknown one."""
    words = []
    for books in ({"t/a/1": ENTRY}, {}):
        with pytest.raises(Refused) as caught:
            book.find(books, "other", "a", "t/a/1")
        words.append(caught.value.message)
    assert words[0] == words[1]
