"""What one customer is told follows from that customer's data, with its grade and its limits."""

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.incident.conftest import NOW, entry

from counterfoil.credential.campaign import Accepted, Place
from counterfoil.credential.rotation import Kind
from counterfoil.incident.containment import Containment
from counterfoil.incident.facts import SHOWN, Customer, Grade, telling

ONE = Customer("Contoso", "t1", has=True, uses=3)


def told(state, **changes):
    """What a customer in a state is told."""
    return telling(replace(ONE, part=entry("t1", "own", state), **changes))


@pytest.mark.parametrize(
    ("state", "answer", "grade"),
    [
        ("touched", "Yes", Grade.PROVEN),
        ("cannot-say", "We cannot say", Grade.UNKNOWN),
        ("clean", "No sign of it", Grade.NO_SIGN),
    ],
)
def test_each_state_has_its_answer_and_its_grade(state, answer, grade):
    """Nothing is called proven but what rows prove, and clean is never called proven."""
    fact = told(state).facts[1]
    assert (fact.answer, fact.grade) == (answer, grade)


def test_nobody_is_called_clean_without_an_answer():
    """Before a comparison we cannot say."""
    assert telling(ONE).state == "cannot-say"


def test_who_does_not_have_the_certificate_is_told_so():
    """There is nothing of theirs that it opens."""
    telling_ = telling(replace(ONE, has=False, uses=0))
    assert telling_.state == "not-concerned"
    assert [fact.answer for fact in telling_.facts] == ["No", "No: there is nothing of yours that it opens"]


def test_what_was_found_on_another_credential_is_not_tied_to_this_one():
    """Who was touched without having the certificate is not told that it was this certificate."""
    fact = telling(replace(ONE, has=False, part=entry("t1"))).facts[0]
    assert fact.answer == "No"
    assert "another credential" in fact.because[0]


def test_nothing_read_asks_for_no_change_of_passwords():
    """Steps follow from what was found."""
    part = entry("t1")
    part["radius"]["read"] = {"mailboxes": [], "messages": [], "items": [], "widened": []}
    assert not any("listed as read" in step for step in telling(replace(ONE, part=part)).must)
    assert any("listed as read" in step for step in told("touched").must)


def test_what_cannot_be_judged_says_why_in_plain_words():
    """The state of a log is told in words that name what to do."""
    because = told("cannot-say").facts[1].because
    assert (
        "the sign-in log of our application: 1 hour cannot be judged, your licence does not include this log" in because
    )
    assert any("licence" in line or "switched on" in line for line in told("cannot-say").must)


def test_a_step_refers_to_what_stands_where_it_says():
    """The logs that a customer is to export are named below the steps, in what is known."""
    part = entry("t1", state="cannot-say")
    part["coverage"][0]["states"] = {"not-exported": 1}
    steps = telling(replace(ONE, part=part)).must
    assert any(step.startswith("Export for us the logs that are named below, under “What we know”") for step in steps)


def test_what_we_did_is_told_in_words_for_the_lead_too():
    """The same sentence stands in the customer's notice and on the page of the lead, whose tenant it is not."""
    words = [did.words for did in told("touched", places=(place(removed_at=NOW),), may_live_until=(NOW,)).did]
    assert not any("your tenant" in line for line in words)


def test_limits_carry_the_bound():
    """The share of rows that may have been lost stands in the notice."""
    assert any("below 10 %" in line for line in told("clean").limits)


def place(**times):
    """A place in a campaign."""
    return Place("c1", "t1/a1", Kind.COMPROMISE, ("AA",), "t1/a1/2", **times)


def test_removed_dead_and_out_are_three_sentences():
    """A key that is removed and dead does not mean that the thief is out (law 6)."""
    until = NOW + timedelta(hours=28)
    some = told("touched", places=(place(removed_at=NOW, dead_at=NOW),), may_live_until=(until,))
    words = [did.words for did in some.did]
    assert any("removed" in w for w in words)
    assert any("proven dead" in w for w in words)
    assert "A token that the old key won may live until 25 November 2026, 09:00 UTC." in words
    out = told("touched", places=(place(removed_at=NOW, dead_at=NOW, out_at=NOW),), may_live_until=(until,))
    assert any("has expired" in did.words for did in out.did)
    assert not any("may live" in did.words for did in out.did)
    assert any(did.words.endswith("nothing is listed that is not ours.") for did in out.did)


def test_what_was_accepted_is_told_to_whom_it_concerns():
    """A customer is not told that nothing is left where a person decided to leave something."""
    given = Accepted("a consent to Mail.Send that we did not ask for", "ada", NOW, "they wanted it")
    here = place(removed_at=NOW, out_at=NOW, left=(given.words,), accepted=(given,))
    some = told("touched", places=(here,), may_live_until=(NOW,))
    (words,) = [did.words for did in some.did if "has expired" in did.words]
    assert words.endswith(f"and this alone is left, which somebody looked at and accepted: {given.words}.")


def test_a_containment_is_told_with_its_gap_and_whether_it_was_confirmed():
    """Who decided, when, and how many of our attempts were refused meanwhile."""
    shut = Containment("t1", "a1", "disable", "grace", "stolen", NOW, done=True)
    words = [did.words for did in told("touched", containments=(shut,), refused=4).did]
    assert "We disabled our connection (decided by grace)." in words
    assert any("4 attempts were refused" in w for w in words)
    meant = [did.words for did in told("touched", containments=(replace(shut, done=False),)).did]
    assert "We disabled our connection: asked, not confirmed." in meant
    bare = replace(shut, how="remove", released=NOW)
    words = [did.words for did in told("touched", containments=(bare,)).did]
    assert "The connection was no longer kept without credentials." in words
    assert not any("opened again" in w or "worked again" in w for w in words)
    words = [did.words for did in told("touched", containments=(replace(bare, again=NOW),)).did]
    assert "The connection worked again, seen by real use." in words


def test_long_lists_are_cut_and_say_how_many_more():
    """No message is silently left out."""
    part = entry("t1")
    part["radius"]["read"]["messages"] = [f"<{n}@x>" for n in range(SHOWN + 5)]
    found = telling(replace(ONE, part=part))
    assert len(found.read["messages"]) == SHOWN
    assert found.hidden["read messages"] == 5
