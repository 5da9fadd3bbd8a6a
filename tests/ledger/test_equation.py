"""The mail equation, computed from stubs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.ledger.equation import against, balance
from counterfoil.ledger.stubs import stub_at
from tests.ledger.conftest import NOW


def story(*steps: str):
    """Stubs from words: ``m1`` is an intent, ``m1:held`` a disposition."""
    for step in steps:
        name, _, outcome = step.partition(":")
        if outcome:
            yield stub_at("disposition", NOW, id=name, outcome=outcome)
        else:
            yield stub_at("message", NOW, id=name, sha256=f"sha-{name}")


def test_every_message_is_counted_once():
    """One of each: the sums are right, held ones that went on are not counted twice."""
    told = story(
        "a", "a:handed-on", "b", "b:held", "c", "c:held", "c:released", "d", "d:held", "d:deleted",
        "e", "e:refused", "f", "f:deferred", "g", "g:unknown", "h",
        "i", "i:held", "i:expired", "j", "j:unknown", "j:handed-on",
    )  # fmt: skip
    found = balance(told)
    assert found.holds
    assert (found.intents, found.handed_on, found.held, found.refused) == (10, 2, 4, 1)
    assert (found.deferred, found.unknown, found.open) == (1, 1, 1)
    assert (found.released, found.deleted, found.expired, found.still_held) == (1, 1, 1, 1)
    assert found.acknowledged == 6


def test_a_home_that_the_sender_may_not_have_heard_of_is_unknown():
    """A further unknown moves a message out of the acknowledged ones; what is held stays held, whatever the order."""
    told = story(
        "a", "a:handed-on", "a:unknown", "b", "b:held", "b:unknown", "b:released",
        "c", "c:held", "c:deleted", "c:unknown", "d", "d:held", "d:unknown", "e", "e:handed-on",
    )  # fmt: skip
    found = balance(told)
    assert found.holds
    assert (found.intents, found.acknowledged, found.unknown, found.quarantined, found.still_held) == (5, 1, 4, 3, 1)


@pytest.mark.parametrize(
    ("steps", "why"),
    [
        (("a", "a:handed-on", "a:unknown", "a:unknown"), "unknown for message a after handed-on, unknown"),
        (("a", "a:refused", "a:unknown"), "unknown for message a after refused"),
        (("a", "a:handed-on", "a:unknown", "a:held"), "held for message a after handed-on, unknown"),
        (("a:handed-on",), "handed-on for message a, which has no intent"),
        (("a", "a"), "two intents for message a"),
        (("a", "a:released"), "released for message a after its intent"),
        (("a", "a:handed-on", "a:held"), "held for message a after handed-on"),
        (("a", "a:held", "a:released", "a:deleted"), "deleted for message a after held, released"),
        (("a", "a:unknown", "a:unknown"), "unknown for message a after unknown"),
        (("a", "a:refused", "a:handed-on"), "handed-on for message a after refused"),
    ],
)
def test_a_stub_out_of_order_breaks_it(steps, why):
    """A disposition where none can be is named."""
    found = balance(story(*steps))
    assert found.broken == (why,)
    assert not found.holds


@given(st.lists(st.sampled_from(["handed-on", "held", "refused", "deferred", "unknown", ""]), max_size=30))
def test_the_sums_always_add_up(ends):
    """Whatever became of the messages, their intents equal the sum of their ends."""
    steps = []
    for number, end in enumerate(ends):
        steps += [f"m{number}"] + ([f"m{number}:{end}"] if end else [])
    assert balance(story(*steps)).holds


def test_a_release_of_unknown_end_may_double():
    """Each unknown of a release counts by itself, leaves the message held, and explains a copy too many."""
    doubt = stub_at("disposition", NOW, id="a", outcome="unknown", actor="release")
    told = [*story("a", "a:held"), doubt, doubt, *story("a:released")]
    found = balance(told)
    assert (found.holds, found.held, found.unknown, found.release_unknown, found.still_held) == (True, 1, 0, 2, 0)
    assert against(told, {"sha-a"}, {"sha-a": 2}, set()).unexplained == ()
    assert balance([*story("b"), stub_at("disposition", NOW, id="b", outcome="unknown", actor="release")]).unknown == 1


def test_lost_and_doubled_are_told_from_both_sides():
    """Acknowledged and nowhere is lost; twice is doubled, and unexplained unless it was once unknown."""
    told = list(story("a", "a:handed-on", "b", "b:unknown", "c", "c:held", "d", "d:handed-on"))
    arrived = {"sha-a": 1, "sha-b": 2, "sha-d": 2}
    found = against(told, {"sha-a", "sha-b", "sha-c", "sha-d", "sha-e"}, arrived, {"sha-c"})
    assert found.lost == ("sha-e",)
    assert found.doubled == 2
    assert found.unexplained == ("sha-d",)
