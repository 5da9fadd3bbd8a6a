"""The journal: an intent before, a disposition after, the quarantine's way in, and what a crash leaves."""

import asyncio
import errno
import os
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.gateway.store.conftest import BY, DECISION, NOW, RAW, Store, received, scan

from counterfoil.gateway.store import unheard
from counterfoil.gateway.store.held_files import HeldFiles
from counterfoil.gateway.store.journal import Journal
from counterfoil.gateway.store.quarantine import Quarantine
from counterfoil.gateway.store.stories import Query
from counterfoil.gateway.store.tables import held, messages
from counterfoil.ledger.equation import balance
from counterfoil.model.errors import Refused, Unavailable
from counterfoil.model.mail import Outcome
from counterfoil.scan.hosts import hosts_of


async def test_intent_comes_before_everything(store: Store):
    """After ``intent`` the message is in ledger and tracking, with no outcome yet."""
    await store.journal.intent(received("m1", recipients=("a@acme.test", "b@acme.test")))
    story = store.stories.story("m1", "acme")
    assert (story["outcome"], story["recipients"]) == (None, ["a@acme.test", "b@acme.test"])
    (stub,) = store.stubs("message")
    assert (stub["id"], stub["sha256"], stub["next_hop"]) == ("m1", story["sha256"], "127.0.0.1:2500")


async def test_outcome_comes_with_reasons_and_the_other_sides_words(store: Store):
    """``settled`` leaves a stub and a story with the next hop's own words, the findings and what decided."""
    await store.journal.intent(received("m1"))
    await store.journal.settled(received("m1"), Outcome.HANDED_ON, "250 2.0.0 queued as 4F", scan(), DECISION)
    story = store.stories.story("m1", None)
    assert story["outcome"] == "handed-on"
    assert story["dispositions"] == [
        {
            "time": "2026-03-01T12:00:00.000000Z",
            "outcome": "handed-on",
            "words": "250 2.0.0 queued as 4F",
            "actor": "smtp",
        }
    ]
    assert (story["verdict"], story["action"], story["reasons"]) == ("malicious", "quarantine", ["macro"])
    assert story["findings"][0]["techniques"] == ["T1204.002"]
    assert story["uninspectable"] == [{"part": "1.3", "reason": "cut short"}]
    (stub,) = store.stubs("disposition")
    assert (stub["outcome"], stub["verdict"], stub["reasons"]) == ("handed-on", "malicious", ["macro"])


async def test_hold_is_durable_in_bytes_row_and_stub(store: Store):
    """After ``hold`` the bytes, the row and the disposition are there, and the stub has the hash of the bytes."""
    ours = b"Counterfoil-Id: m1\r\n" + RAW
    await store.journal.intent(received("m1"))
    await store.journal.hold(received("m1"), ours, scan(), DECISION)
    story = store.stories.story("m1", "acme", held_only=True)
    assert (story["outcome"], story["expires"]) == ("held", "2026-03-31T12:00:00.000000Z")
    (stub,) = store.stubs("disposition")
    assert store.files.read("m1", str(stub["held_sha256"])) == ours


async def test_hold_that_cannot_be_written_holds_nothing(store: Store, monkeypatch: pytest.MonkeyPatch):
    """A full disk at the hold is ``Unavailable`` (the client gets 452) and leaves no row and no disposition."""

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    await store.journal.intent(received("m1"))
    with monkeypatch.context() as patched:
        patched.setattr("counterfoil.gateway.store.held_files.os.write", full)
        with pytest.raises(Unavailable, match="full"):
            await store.journal.hold(received("m1"), RAW, scan(), DECISION)
    assert store.stubs("disposition") == []
    assert store.stories.story("m1", None)["outcome"] is None


async def test_hold_whose_row_fails_leaves_no_file(store: Store):
    """Where the row cannot be written the bytes are taken away again, and the error goes on to the client."""
    await store.journal.intent(received("m1"))
    store.ledger.close()
    with pytest.raises(Unavailable, match="the ledger is closed"):
        await store.journal.hold(received("m1"), RAW, scan(), DECISION)
    assert [place for place in store.folder.rglob("*") if place.is_file()] == []


async def test_suspect_store_takes_no_intent(store: Store):
    """After a failed fsync no new message is accepted at all."""
    store.files.suspect = "fsync failed: Input/output error"
    with pytest.raises(Unavailable, match="suspect"):
        await store.journal.intent(received("m1"))
    assert store.ledger.size() == 0


async def test_a_crash_leaves_unknown(store: Store):
    """An intent without an outcome becomes one ``unknown`` at the next start, once, and files without a row go."""
    await store.journal.intent(received("open"))
    await store.journal.intent(received("done"))
    await store.journal.settled(received("done"), Outcome.HANDED_ON, "250 ok", None, None)
    await store.journal.intent(received("kept"))
    await store.journal.hold(received("kept"), RAW, scan(), DECISION)
    for message in ("done", "kept"):
        store.journal.answered(received(message), heard=True)
    orphan = store.files.write("orphan", b"never promised")
    store.journal.close()
    assert store.journal.recover() == 1
    assert store.journal.recover() == 0
    assert store.stories.story("open", None)["outcome"] == "unknown"
    assert store.stories.story("done", None)["outcome"] == "handed-on"
    with pytest.raises(Refused, match="cannot be read"):
        store.files.read("orphan", orphan)
    assert store.files.read("kept", str(store.stories.story("kept", None)["held_sha256"])) == RAW


async def home(store: Store, message: str, *, hold: bool = False) -> None:
    """Take a message to its home, as far as the disposition."""
    await store.journal.intent(received(message))
    if hold:
        await store.journal.hold(received(message), RAW, scan(), DECISION)
    else:
        await store.journal.settled(received(message), Outcome.HANDED_ON, "250 ok", None, None)


async def test_a_home_that_the_sender_did_not_surely_hear_of_is_unknown_after_a_crash(store: Store):
    """What was not answered when the process died gets a further ``unknown``, once; its home stays what it is."""
    for message in ("heard", "silent", "held"):
        await home(store, message, hold=message == "held")
    store.journal.answered(received("heard"), heard=True)
    await home(store, "next")  # its intent takes along what was heard
    await store.journal.intent(received("refused"))
    await store.journal.settled(received("refused"), Outcome.REFUSED, "550 no", None, None)
    assert (store.journal.recover(), store.journal.recover()) == (3, 0)
    told = {message: [step["outcome"] for step in store.stories.story(message, None)["dispositions"]]
            for message in ("heard", "silent", "held", "next", "refused")}  # fmt: skip
    assert told == {
        "heard": ["handed-on"],
        "silent": ["handed-on", "unknown"],
        "held": ["held", "unknown"],
        "next": ["handed-on", "unknown"],
        "refused": ["refused"],
    }
    mail = balance(row.stub for row in store.ledger.stubs() if row.stub)
    assert mail.holds
    assert (mail.acknowledged, mail.unknown, mail.still_held) == (1, 3, 1)
    assert store.stories.story("held", None, held_only=True)["outcome"] == "held"
    found = store.stories.find(Query(outcome="unknown"), held_only=False, limit=9)
    assert {story["id"] for story in found} == {"silent", "held", "next"}
    assert [story["id"] for story in store.stories.find(Query(outcome="held"), held_only=False, limit=9)] == ["held"]


async def test_an_idle_gateway_writes_down_what_was_heard(store: Store, monkeypatch: pytest.MonkeyPatch):
    """Where no other message comes along, what was heard is written after a moment all the same."""
    monkeypatch.setattr(unheard, "PAUSE", 0.01)
    await home(store, "m1")
    store.journal.answered(received("m1"), heard=True)
    await asyncio.sleep(0.2)
    assert store.journal.recover() == 0


async def test_a_broken_connection_is_unknown_at_once(store: Store):
    """A sender that may not have heard is told in the books without a crash, and only where a 250 was due."""
    await home(store, "m1")
    await store.journal.intent(received("open"))
    store.journal.answered(received("m1"), heard=False)
    store.journal.answered(received("open"), heard=False)
    await asyncio.sleep(0.2)
    assert [step["outcome"] for step in store.stories.story("m1", None)["dispositions"]] == ["handed-on", "unknown"]
    assert store.stories.story("open", None)["dispositions"] == []
    assert store.journal.recover() == 1


async def test_what_was_heard_is_not_forgotten_with_a_failed_intent(store: Store):
    """An intent that cannot be written leaves what it should have taken along to the next one."""
    await home(store, "m1")
    store.journal.answered(received("m1"), heard=True)
    with pytest.raises(sa.exc.IntegrityError):
        await store.journal.intent(received("m1"))
    await home(store, "m2")
    assert store.journal.recover() == 1


async def test_another_gateways_work_is_left_alone(store: Store, tmp_path: Path):
    """On a shared database a restart settles its own open intents, and neither releases nor expires others' bytes."""
    other_files = HeldFiles(tmp_path / "other", "other")
    other = Journal(store.engine, store.ledger, other_files, lambda: NOW, 30, hosts=hosts_of)
    quarantine = Quarantine(store.engine, store.ledger, other_files, timedelta(seconds=60))
    await store.journal.intent(received("open"))
    await store.journal.intent(received("kept"))
    await store.journal.hold(received("kept"), RAW, scan(), DECISION)
    store.quarantine.want("kept", None, BY)
    assert (other.recover(), quarantine.due(NOW), quarantine.expire(NOW + timedelta(days=99))) == (0, [], 0)
    assert (store.journal.recover(), store.quarantine.due(NOW)) == (2, ["kept"])


async def test_hostile_text_is_stored(store: Store):
    """Half a surrogate pair or a NUL in what the sender wrote costs us neither the row nor the message."""
    hostile = replace(scan(subject="a\0b\udc80c", message_id="\ud800@x"))
    message = received("m1", sender="x\udcff@example.org")
    await store.journal.intent(message)
    await store.journal.settled(message, Outcome.HANDED_ON, "250 \udc80", hostile, DECISION)
    assert store.stories.story("m1", None)["subject"] == "a�b?c"


async def test_many_findings_are_cut(store: Store):
    """A message with tens of thousands of findings keeps the first 200 and says how many were left out."""
    flood = replace(scan(), findings=scan().findings * 20_000)
    await store.journal.intent(received("m1"))
    await store.journal.settled(received("m1"), Outcome.REFUSED, "550", flood, DECISION)
    story = store.stories.story("m1", None)
    assert (len(story["findings"]), story["findings_left_out"]) == (200, 19_800)


async def test_policy_says_how_long(store: Store):
    """The tenant's own number of days decides when a held message expires."""
    store.tenants.add("acme", "", BY)
    store.tenants.set_policy("acme", {"hold_days": 2}, BY)
    await store.journal.intent(received("m1"))
    await store.journal.hold(received("m1"), RAW, scan(), DECISION)
    with store.engine.connect() as connection:
        assert connection.execute(sa.select(held.c.expires)).scalar_one() == "2026-03-03T12:00:00.000000Z"
        assert connection.execute(sa.select(messages.c.outcome)).scalar_one() == "held"
