"""Campaigns on disk: a place survives, and a worker that was thought dead changes nothing."""

import sqlite3
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from counterfoil.credential.campaign import Place, label_of
from counterfoil.credential.campaigns import LEASE, Campaign, Campaigns
from counterfoil.credential.rotation import Kind, Move, State, Step
from counterfoil.database import open_database
from counterfoil.ledger.ledger import Ledger
from counterfoil.model.errors import Refused

NOW = datetime(2026, 10, 5, 9, 0, tzinfo=UTC)


@pytest.fixture
def store(tmp_path):
    """Campaigns on a fresh database, with one campaign of two tenants."""
    engine = open_database(tmp_path / "counterfoil.db")
    ledger = Ledger(engine)
    campaigns = Campaigns(ledger)
    begin = [Place("c1", name, Kind.COMPROMISE, ("OLD",), label_of("c1", name)) for name in ("t1", "t2")]
    campaigns.open(Campaign("c1", Kind.COMPROMISE, NOW, "ada", (("t1",), ("t2",)), None), begin)
    yield campaigns
    ledger.close()
    engine.dispose()


def test_a_place_is_read_back_as_it_was_written(store):
    """Every field of a place survives the way to disk and back."""
    place = store.lease(store.places("c1")["t1"], NOW)
    full = replace(
        place,
        here=Move(State.HELD, Step.ASK),
        came_from=Move(State.RETIRED, Step.TRY_OLD),
        new="NEW",
        roles=("Mail.Read",),
        reads=(NOW,),
        successes=(NOW, NOW + timedelta(seconds=1)),
        refusals=(NOW,),
        switched_at=NOW,
        removed_at=NOW,
        foreign_at=NOW,
        out_at=NOW,
        dead_at=NOW,
        next_at=NOW,
        attempts=7,
        held_by_operator=True,
        words="because",
    )
    store.save(full, NOW)
    assert store.places("c1")["t1"] == full


def test_a_place_of_the_first_release_is_read(store, tmp_path):
    """It does not say whether somebody holds it by hand; nobody did, for that could not be said."""
    with sqlite3.connect(tmp_path / "counterfoil.db") as connection:
        connection.execute("UPDATE campaign_place SET document = json_remove(document, '$.held_by_operator')")
    connection.close()
    assert {place.held_by_operator for place in store.places("c1").values()} == {False}


def test_a_leased_place_is_nobody_elses(store):
    """While a lease runs there is no second; when it has run out there is."""
    place = store.places("c1")["t1"]
    assert store.lease(place, NOW) is not None
    assert store.lease(place, NOW + LEASE - timedelta(seconds=1)) is None
    assert store.lease(place, NOW + LEASE) is not None


def test_a_worker_that_was_thought_dead_is_refused(store):
    """After its lease ran out and another took it, its write changes nothing and leaves no stub."""
    first = store.lease(store.places("c1")["t1"], NOW)
    second = store.lease(first, NOW + LEASE)
    store.save(replace(second, words="second"), NOW + LEASE)
    before = store._ledger.size()
    with pytest.raises(Refused, match="another worker has taken this tenant over"):
        store.save(replace(first, words="first"), NOW + LEASE)
    assert store.places("c1")["t1"].words == "second"
    assert store._ledger.size() == before


def test_a_campaign_is_opened_once(store):
    """The same id again is refused, and the places stay."""
    with pytest.raises(Refused, match="there is a campaign c1 already"):
        store.open(Campaign("c1", Kind.ROUTINE, NOW, "eve", (), None), [])
    assert store.campaign("c1").opened_by == "ada"


def test_holding_says_why_and_leaves_a_stub(store):
    """A held campaign carries the reason until it is resumed; both are actions in the ledger."""
    store.hold("c1", "too many tenants are held", NOW, "ada")
    assert store.campaign("c1").held == "too many tenants are held"
    store.hold("c1", None, NOW, "ada")
    assert store.campaign("c1").held is None
    actions = [row.stub.body["action"] for row in store._ledger.stubs(kinds=frozenset({"action"}))]
    assert actions == ["campaign-opened", "campaign-held", "campaign-resumed"]
