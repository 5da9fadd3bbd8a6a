"""Telling: the attempt is on record before it is made, and only what was accepted counts."""

from email import message_from_bytes
from email.policy import default

import pytest
from tests.app.test_incidents import store  # noqa: F401 - the fixture
from tests.incident.conftest import BY, NOW

from counterfoil.app import telling
from counterfoil.app.releases import Delivery
from counterfoil.app.telling import Names, Post
from counterfoil.gateway.routing import NextHop
from counterfoil.gateway.store.directory import Directory
from counterfoil.incident.notice import Notice, Paper, State
from counterfoil.incident.notices import Notices
from counterfoil.incident.record import Kind, Origin, Status, Subject
from counterfoil.model.errors import Misconfigured, Refused

NAMES = Names(
    {"id-1": "one", "id-2": "two"},
    {},
    {"one": frozenset({"one", "One Ltd", "one.example"}), "two": frozenset({"two", "Two & Sons", "two.example"})},
)


@pytest.fixture
def notices(store):  # noqa: F811 - pytest hands the fixture in by this name
    """One approved notice of an open incident."""
    store.open("leak", Origin.OPERATOR, Status.OPEN, Subject(("AA",)), words="x", by=BY)
    made = Notices(store)
    made.draft("leak", [Notice("leak", "id-1", Paper.FACTS, "s", "<p>h", "t", State.DRAFT, "ada", NOW)], BY)
    made.approve("leak", made.all("leak"), BY)
    return made


def post(store, outcome, outbound=None):  # noqa: F811 - as above
    """A way out that answers as it is told."""

    async def send(hop, held, raw):
        (attempt,) = store.one("leak").of(Kind.TOLD)
        assert attempt.said.detail["result"] == "unknown"
        return Delivery(held.envelope.recipients if outcome else (), "250 ok" if outcome else "550 no")

    return Post("security@us.example", send, Directory(store.ledger.engine), outbound)


@pytest.mark.parametrize("outcome", [True, False])
async def test_the_attempt_is_on_record_before_it_is_made(store, notices, outcome):  # noqa: F811 - as above
    """A crash while mailing shows a customer who may have been told; what was refused is not told."""
    (notice,) = notices.all("leak")
    way = post(store, outcome, NextHop("relay.example"))
    assert await telling.send(notices, notice, way, ("bob@one.example",), "ada") is outcome
    results = [e.said.detail["result"] for e in store.one("leak").of(Kind.TOLD)]
    assert results == ["unknown", "accepted" if outcome else "not accepted"]
    assert store.one("leak").told("id-1") is outcome


async def test_a_reminder_carries_the_approved_text_and_says_that_it_is_one(store, notices):  # noqa: F811 - as above
    """The subject alone differs; the record tells a reminder from the first mail."""
    (notice,) = notices.all("leak")
    sent = []

    async def send(hop, held, raw):
        sent.append(message_from_bytes(raw, policy=default))
        return Delivery(held.envelope.recipients, "250 ok")

    way = Post("security@us.example", send, Directory(store.ledger.engine), NextHop("relay.example"))
    await telling.send(notices, notice, way, ("bob@one.example",), "ada")
    await telling.send(notices, notice, way, ("bob@one.example",), "ada", again=True)
    assert [message["Subject"] for message in sent] == ["s", "Reminder: s"]
    assert sent[0].get_body(("plain",)).get_content() == sent[1].get_body(("plain",)).get_content()
    assert [e.said.detail["reminder"] for e in store.one("leak").of(Kind.TOLD)] == [False, False, True, True]
    assert "mailed a reminder to bob@one.example" in store.one("leak").entries[-1].said.words


async def test_without_a_way_out_nothing_is_tried(store, notices):  # noqa: F811 - as above
    """The words say what to set; no attempt is on record."""
    (notice,) = notices.all("leak")
    with pytest.raises(Misconfigured, match=r"there is no way to bob@one\.example"):
        await telling.send(notices, notice, post(store, outcome=True), ("bob@one.example",), "ada")
    assert store.one("leak").of(Kind.TOLD) == []


@pytest.mark.parametrize("words", ["two called", "TWO & SONS", "see two.example.", "tenant id-2"])
def test_words_that_name_another_customer_are_refused(words):
    """By our name, the name that people read, domain or tenant id, in any case."""
    with pytest.raises(Refused, match="name another customer"):
        NAMES.see_nobody_else("id-1", words)


@pytest.mark.parametrize("words", ["one called", "at one.example", "twofold", "stolen"])
def test_words_that_name_nobody_else_are_taken(words):
    """Its own names, and words that only contain another's, are no leak."""
    NAMES.see_nobody_else("id-1", words)
