"""Search: each field, in any case of letters, newest first, and inside one tenant only."""

from datetime import timedelta

import pytest
from tests.gateway.store.conftest import DECISION, NOW, RAW, Store, received, scan

from counterfoil.gateway.store.stories import Query
from counterfoil.model.mail import Outcome


@pytest.fixture
async def three(store: Store) -> Store:
    """Three messages: m1 held and m2 handed on for acme, m3 handed on for beta."""
    for name, tenant, changes, subject in (
        ("m1", "acme", {"sender": "Bob@Example.org"}, "Your INVOICE 100%"),
        ("m2", "acme", {"recipients": ("zoe@acme.test", "ann@acme.test"), "time": NOW + timedelta(hours=1)}, "lunch"),
        ("m3", "beta", {"recipients": ("ann@beta.test",), "time": NOW + timedelta(hours=2)}, "invoice"),
    ):
        message = received(name, tenant, **changes)
        await store.journal.intent(message)
        if name == "m1":
            await store.journal.hold(message, RAW, scan(subject, f"{name}@id"), DECISION)
        else:
            await store.journal.settled(message, Outcome.HANDED_ON, "250", scan(subject, f"{name}@id"), None)
    return store


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (Query(), ["m3", "m2", "m1"]),
        (Query(tenant="acme"), ["m2", "m1"]),
        (Query(sender="bob@EXAMPLE"), ["m3", "m2", "m1"]),
        (Query(recipient="zoe"), ["m2"]),
        (Query(recipient="ann@"), ["m3", "m2", "m1"]),
        (Query(tenant="beta", recipient="ann@"), ["m3"]),
        (Query(subject="invoice"), ["m3", "m1"]),
        (Query(subject="100%"), ["m1"]),
        (Query(subject="%"), ["m1"]),
        (Query(subject="_"), []),
        (Query(message_id="<m2@id>"), ["m2"]),
        (Query(verdict="malicious"), ["m1"]),
        (Query(outcome="handed-on"), ["m3", "m2"]),
        (Query(since=NOW + timedelta(hours=1)), ["m3", "m2"]),
        (Query(until=NOW + timedelta(hours=1)), ["m1"]),
        (Query(since=NOW, until=NOW + timedelta(hours=2), subject="l"), ["m2"]),
        (Query(tenant="acme' OR '1'='1"), []),
    ],
    ids=str,
)
async def test_search(three: Store, query: Query, found: list[str]):
    """What is asked for is found, and nothing else; % and _ are letters like any other."""
    assert [message["id"] for message in three.stories.find(query, held_only=False, limit=10)] == found


async def test_held_only(three: Store):
    """The quarantine lists what is held, not what is known."""
    (message,) = three.stories.find(Query(), held_only=True, limit=10)
    assert (message["id"], message["tries"], message["wanted_by"]) == ("m1", 0, None)


async def test_limit_keeps_the_newest(three: Store):
    """A limit cuts the oldest off."""
    assert [message["id"] for message in three.stories.find(Query(), held_only=False, limit=1)] == ["m3"]
