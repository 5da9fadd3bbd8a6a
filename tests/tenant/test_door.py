"""The one door: stubs before and after, patience, and no change done twice."""

from collections import Counter

import pytest
from tests.tenant.conftest import ALICE

from counterfoil.model.errors import Unavailable
from counterfoil.tenant.door import ATTEMPTS, Ask, CallRefused, Door, segment
from counterfoil.tenant.lanes import Lanes
from counterfoil.tenant.token import Means, Tokens
from counterfoil.tenant.wire import Lost, Wire

ONE = Ask("GET", f"/v1.0/users/{ALICE}/mailFolders/inbox", "read", ALICE)


def test_every_attempt_has_an_id_and_two_stubs(connected):
    """A call leaves one stub without and one with its status, under one client-request-id that the log repeats."""
    job = connected.job()
    connected.door.call(ONE, job)
    before, after = connected.stubs(job)
    assert (before.get("status"), after["status"]) == (None, 200)
    assert before["client_request_id"] == after["client_request_id"]
    rows = connected.place.lab.operate("rows", tenant=connected.connection.tenant_id, log="activity")
    assert before["client_request_id"] in str(rows)


def test_a_storm_is_waited_out_and_each_attempt_is_a_call_of_its_own(connected):
    """429 with Retry-After is honoured; every attempt has its own id and says 429, and the last one 200."""
    connected.dial(throttle_share=1.0, retry_after_seconds=3)
    connected.calm_after = 2
    job = connected.job()
    connected.door.call(ONE, job)
    assert connected.pauses == [3.0, 3.0]
    ends = [stub["status"] for stub in connected.stubs(job) if stub.get("status")]
    assert ends == [429, 429, 200]
    ids = Counter(stub["client_request_id"] for stub in connected.stubs(job))
    assert set(ids.values()) == {2}


def test_a_storm_that_does_not_end_is_given_up(connected):
    """After some attempts the job ends as unavailable, to be tried again later."""
    connected.dial(throttle_share=1.0)
    with pytest.raises(Unavailable, match="busy"):
        connected.door.call(ONE, connected.job())


def test_a_change_whose_answer_is_lost_is_not_repeated(connected):
    """The door makes such a change once and says that nobody knows; the mailbox shows that it was done once."""
    connected.put()
    mail, job = connected.mail, connected.job()
    found = next(mail.list(ALICE, job))
    connected.dial(timeout_share=1.0)
    ask = Ask("POST", f"/v1.0/users/{ALICE}/messages/{segment(found.id)}/permanentDelete", "change", ALICE, body=b"")
    lost = connected.job()
    with pytest.raises(Lost, match="may have been done"):
        connected.door.call(ask, lost)
    assert len({stub["client_request_id"] for stub in connected.stubs(lost)}) == 1
    connected.dial(timeout_share=0.0)
    assert found.id not in {message.id for message in mail.list(ALICE, connected.job())}


def test_a_token_that_ends_in_the_middle_of_a_run_is_renewed(connected):
    """With tokens that live two seconds a run goes on over their end, under a new uti, without a refused call."""
    connected.dial(token_life_min=2, token_life_max=2)
    door, job = connected.door, connected.job()
    try:
        for _ in range(6):
            door.call(ONE, job)
            connected.place.books.means.pause(0.5)
    finally:
        connected.dial(token_life_min=3600, token_life_max=3600)
    stubs = [stub for stub in connected.stubs(job) if stub.get("status")]
    assert {stub["status"] for stub in stubs} == {200}
    assert len({stub["uti"] for stub in stubs}) >= 2


def test_a_token_that_is_lost_on_its_way_is_no_lost_change(connected):
    """The token service hangs beyond our patience: the change was never sent, and each try is an unknown stub."""
    books, means = connected.place.books, connected.place.books.means
    connected.dial(token_lost_share=1.0, hang_seconds=1.0)
    with Wire(means.endpoints, seconds=0.3) as wire:
        hasty = Means(means.writes, wire, means.endpoints, means.clock, connected.pause, means.lanes)
        current = books.connections.current(connected.connection)
        door = Door(Tokens(connected.connection, current, books.through.for_use, hasty))
        job = connected.job()
        with pytest.raises(Unavailable, match="no answer from localhost") as caught:
            door.call(Ask("DELETE", f"/v1.0/users/{ALICE}/messages/x", "change", ALICE), job)
    connected.dial(token_lost_share=0.0, hang_seconds=0.0)
    assert not isinstance(caught.value, Lost)
    assert not connected.stubs(job), "no call was begun"
    tokens = connected.stubs(job, "token")
    assert len(tokens) == ATTEMPTS
    assert {body["outcome"] for body in tokens} == {"unknown"}


def test_an_answer_that_comes_too_late_is_lost(connected):
    """A change that is done while we stop waiting is lost, not refused, and its stub has no status."""
    (wanted,) = connected.put()
    mail = connected.mail
    found = next(m for m in mail.list(ALICE, connected.job()) if m.message_id == wanted)
    means = connected.place.books.means
    connected.dial(timeout_share=1.0, hang_seconds=1.0)
    with Wire(means.endpoints, seconds=0.3) as wire:
        hasty = Means(means.writes, wire, means.endpoints, means.clock, connected.pause, means.lanes)
        books = connected.place.books
        current = books.connections.current(connected.connection)
        door = Door(Tokens(connected.connection, current, books.through.for_use, hasty))
        job = connected.job()
        with pytest.raises(Lost, match="no answer"):
            door.call(Ask("DELETE", f"/v1.0/users/{ALICE}/messages/{segment(found.id)}", "change", ALICE), job)
    connected.dial(timeout_share=0.0, hang_seconds=0.0)
    (stub,) = connected.stubs(job)
    assert stub.get("status") is None
    assert found.id not in {m.id for m in mail.list(ALICE, connected.job())}


def test_what_microsoft_refuses_is_said_with_what_to_do(connected):
    """A refusal carries the status, the code and a hint."""
    with pytest.raises(CallRefused, match="ErrorItemNotFound") as caught:
        connected.door.call(Ask("GET", f"/v1.0/users/{ALICE}/mailFolders/none", "read", ALICE), connected.job())
    assert (caught.value.status, bool(caught.value.hint)) == (404, True)


def test_a_link_to_another_host_is_not_followed(connected):
    """A next link that leads elsewhere would carry our token there, and is refused."""
    with pytest.raises(Unavailable, match="another host"):
        connected.door.path_of("https://graph.microsoft.com.attacker.example/v1.0/me", ONE.audience)


def test_no_more_than_four_calls_are_in_flight_for_a_mailbox():
    """A fifth call to a mailbox waits until one is done; another mailbox, and no mailbox, do not."""
    lanes = Lanes()
    lane = lanes.lane("t", "a", "Alice@door.example")
    for _ in range(4):
        assert lane.acquire(blocking=False)
    assert lanes.lane("t", "a", "alice@door.example") is lane
    assert not lane.acquire(blocking=False)
    assert lanes.lane("t", "a", "bob@door.example").acquire(blocking=False)
    with lanes.lane("t", "a", None):
        lane.release()
    assert lane.acquire(blocking=False)
