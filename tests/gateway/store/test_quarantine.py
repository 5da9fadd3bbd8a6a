"""What may become of a held message: released, deleted or expired, once, by whom, and never another tenant's."""

from datetime import timedelta

import pytest
from tests.gateway.store.conftest import BY, DECISION, NOW, RAW, Store, received, scan

from counterfoil.gateway.store.tenants import Operator
from counterfoil.ledger.equation import balance
from counterfoil.model.errors import Refused

LATER = NOW + timedelta(days=31)


@pytest.fixture
async def held(store: Store) -> Store:
    """A store with one held message of acme's, for two recipients."""
    message = received("m1", recipients=("a@acme.test", "b@acme.test"))
    await store.journal.intent(message)
    await store.journal.hold(message, RAW, scan(), DECISION)
    return store


def outcomes(store: Store) -> list[tuple[object, object, object]]:
    """Return what became of m1, step by step."""
    return [(step["outcome"], step["actor"], step["words"]) for step in store.stories.story("m1", None)["dispositions"]]


async def test_release_is_wanted_then_tried_then_done(held: Store):
    """A release is durable as a wish, each try is a stub before it, and the end is a disposition with the 250."""
    held.quarantine.want("m1", "acme", BY)
    assert held.quarantine.due(NOW) == ["m1"]
    item = held.quarantine.claim("m1", NOW)
    assert (item.envelope.recipients, item.tries) == (("a@acme.test", "b@acme.test"), 1)
    assert held.quarantine.raw("m1", "acme") == RAW
    assert held.quarantine.tried(item, item.envelope.recipients, "250 2.0.0 ok", NOW)
    assert outcomes(held)[1:] == [("released", "anna", "250 2.0.0 ok")]
    assert [stub["action"] for stub in held.stubs("action")] == ["release-wanted", "release-try"]
    assert held.quarantine.due(LATER) == []
    with pytest.raises(Refused, match="m1 is not held: it was released"):
        held.stories.story("m1", None, held_only=True)


async def test_a_try_is_claimed_by_one(held: Store):
    """Two processes never send one message at once: the second claim is refused until the first has run out."""
    held.quarantine.want("m1", None, BY)
    held.quarantine.claim("m1", NOW)
    with pytest.raises(Refused, match="is not due, or under way"):
        held.quarantine.claim("m1", NOW + timedelta(minutes=14))
    assert held.quarantine.claim("m1", NOW + timedelta(minutes=15)).tries == 2
    # The next hop may have had it from the first try: that is a doubt, and the equation still holds.
    assert outcomes(held)[1:] == [
        ("unknown", "release", "a try to release it ended without a result; who was to get it may have it already")
    ]
    mail = balance(row.stub for row in held.ledger.stubs() if row.stub)
    assert (mail.holds, mail.held, mail.unknown, mail.release_unknown, mail.still_held) == (True, 1, 0, 1, 1)


async def test_a_try_without_an_answer_to_its_dot_is_a_doubt(held: Store):
    """Where the next hop fell silent it may have the message; each such try is an unknown, and the release goes on."""
    held.quarantine.want("m1", None, BY)
    later = NOW + timedelta(hours=1)
    held.quarantine.tried(held.quarantine.claim("m1", NOW), (), "451 silence", NOW, unknown=True)
    held.quarantine.tried(held.quarantine.claim("m1", later), (), "451 silence", later, unknown=True)
    again = later + timedelta(hours=1)
    assert held.quarantine.tried(held.quarantine.claim("m1", again), ("a@acme.test", "b@acme.test"), "250 ok", again)
    assert [outcome for outcome, *_ in outcomes(held)] == ["held", "unknown", "unknown", "released"]
    mail = balance(row.stub for row in held.ledger.stubs() if row.stub)
    assert (mail.holds, mail.release_unknown, mail.still_held) == (True, 2, 0)


async def test_a_deferred_try_comes_again_later_and_later(held: Store):
    """A try without 250 leaves the message held, with the words, and the pause doubles up to an hour."""
    held.quarantine.want("m1", None, BY)
    now, pauses = NOW, []
    for _ in range(9):
        item = held.quarantine.claim("m1", now)
        assert not held.quarantine.tried(item, (), "451 try later", now)
        step = now
        while not held.quarantine.due(step):
            step += timedelta(seconds=30)
        pauses.append((step - now).total_seconds() / 60)
        now = step
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert held.stories.story("m1", None)["last_words"] == "451 try later"
    assert outcomes(held)[1:] == []


async def test_who_has_it_does_not_get_it_again(held: Store):
    """Where one recipient's 250 came and another's did not, the next try is for the other alone."""
    held.quarantine.want("m1", None, BY)
    item = held.quarantine.claim("m1", NOW)
    assert not held.quarantine.tried(item, ("a@acme.test",), "b: 450 mailbox busy", NOW)
    assert held.stories.story("m1", None)["released_to"] == ["a@acme.test"]
    again = held.quarantine.claim("m1", NOW + timedelta(minutes=1))
    assert again.envelope.recipients == ("b@acme.test",)
    assert held.quarantine.tried(again, ("b@acme.test",), "250 ok", NOW)
    assert outcomes(held)[-1][0] == "released"


async def test_asking_twice_sends_once(held: Store):
    """A second wish while a try is under way leaves the claim as it is, and the first one's name."""
    held.quarantine.want("m1", None, BY)
    held.quarantine.claim("m1", NOW)
    held.quarantine.want("m1", None, Operator("zoe", NOW))
    assert held.quarantine.due(NOW) == []
    assert held.stories.story("m1", None)["wanted_by"] == "anna"


async def test_asking_again_cuts_the_pause_short(held: Store):
    """Once the next hop is mended an operator need not wait for the pause to end."""
    held.quarantine.want("m1", None, BY)
    held.quarantine.tried(held.quarantine.claim("m1", NOW), (), "451 later", NOW)
    assert held.quarantine.due(NOW) == []
    held.quarantine.want("m1", None, BY)
    assert held.quarantine.due(NOW) == ["m1"]


async def test_deleted_is_gone(held: Store):
    """Deleting takes row and bytes, and is a disposition of the operator with the reason."""
    sha256 = str(held.stories.story("m1", None)["held_sha256"])
    held.quarantine.delete("m1", "acme", "phishing", BY)
    assert outcomes(held)[1:] == [("deleted", "anna", "phishing")]
    assert [(stub["actor"], stub["action"], stub["subject"]) for stub in held.stubs("action")] == [
        ("anna", "held-delete", "m1")
    ]
    with pytest.raises(Refused, match="cannot be read"):
        held.files.read("m1", sha256)
    with pytest.raises(Refused, match="m1 is not held: it was deleted"):
        held.quarantine.delete("m1", "acme", "", BY)


async def test_what_is_being_sent_is_not_deleted(held: Store):
    """A message is not deleted from under a try; between two tries of a release that never succeeds it may be."""
    held.quarantine.want("m1", None, BY)
    item = held.quarantine.claim("m1", NOW)
    with pytest.raises(Refused, match="m1 is being sent, or is no longer held"):
        held.quarantine.delete("m1", None, "", BY)
    held.quarantine.tried(item, (), "550 never", NOW)
    held.quarantine.delete("m1", None, "undeliverable", BY)
    assert outcomes(held)[1:] == [("deleted", "anna", "undeliverable")]
    assert held.quarantine.due(LATER) == []


async def test_expiry_by_policy(held: Store):
    """What has been held its days ends as expired, not a moment earlier."""
    assert held.quarantine.expire(NOW + timedelta(days=30) - timedelta(seconds=1)) == 0
    assert held.quarantine.expire(NOW + timedelta(days=30)) == 1
    assert outcomes(held)[1:] == [("expired", "policy", "held as long as the policy says")]
    assert held.quarantine.expire(LATER) == 0


async def test_wanted_does_not_expire(held: Store):
    """A release that was asked for is tried on past the day of expiry."""
    held.quarantine.want("m1", None, BY)
    assert held.quarantine.expire(LATER) == 0
    assert held.quarantine.due(LATER) == ["m1"]


async def test_another_tenants_message_is_not_there(held: Store):
    """Law 11: with another tenant's name the message does not exist, and nothing says that it does."""
    with pytest.raises(Refused, match=r"^there is no held message m1$"):
        held.quarantine.want("m1", "beta", BY)
    with pytest.raises(Refused, match=r"^there is no held message m1$"):
        held.quarantine.delete("m1", "beta", "", BY)
    with pytest.raises(Refused, match=r"^there is no message m1$"):
        held.stories.story("m1", "beta")


async def test_changed_bytes_are_not_released(held: Store):
    """A release of bytes that somebody changed on disk is refused when it is asked for."""
    (place,) = (place for place in held.folder.rglob("*") if place.is_file())
    place.write_bytes(b"something else")
    with pytest.raises(Refused, match="not those that were held"):
        held.quarantine.want("m1", None, BY)
