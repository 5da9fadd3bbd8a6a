"""Batches: each part with an id, a stub and a fate of its own."""

from collections import Counter

import pytest
from tests.tenant.conftest import ALICE

from counterfoil.model.errors import Misconfigured, Unavailable
from counterfoil.tenant.batch import LARGEST, batch
from counterfoil.tenant.door import Ask, segment
from counterfoil.tenant.endpoints import MANAGEMENT
from counterfoil.tenant.mail import JSON

INBOX = Ask("GET", f"/v1.0/users/{ALICE}/mailFolders/inbox", "read", ALICE)
NOWHERE = Ask("GET", f"/v1.0/users/{ALICE}/mailFolders/nowhere", "read", ALICE)


def by_resource(stubs):
    """Count finished stubs by the end of what they asked."""
    return Counter(stub["resource"].rpartition("/")[2] for stub in stubs if stub.get("status"))


def test_each_part_has_an_id_of_its_own_in_our_books_and_in_the_tenants(connected):
    """Three parts and their carrier are four ids, and the tenant's Graph log has a row for every one."""
    job = connected.job()
    answers = batch(connected.door, [INBOX, NOWHERE, INBOX], job)
    assert [answer.status for answer in answers] == [200, 404, 200]
    stubs = connected.stubs(job)
    ids = {stub["client_request_id"] for stub in stubs}
    assert len(ids) == 4
    assert by_resource(stubs) == {"inbox": 2, "nowhere": 1, "$batch": 1}
    rows = str(connected.place.lab.operate("rows", tenant=connected.connection.tenant_id, log="activity"))
    assert all(identifier in rows for identifier in ids)


def test_more_parts_than_fit_go_in_several_requests(connected):
    """At most four parts of a mailbox and twenty in all travel together, and answers keep their order."""
    parts = [INBOX, NOWHERE] * 5
    others = [Ask("GET", "/v1.0/applications", "none")] * (LARGEST + 5)
    job = connected.job()
    answers = batch(connected.door, [*parts, *others], job)
    assert [answer.status for answer in answers[:10]] == [200, 404] * 5
    assert by_resource(connected.stubs(job))["$batch"] >= 3


def test_a_throttled_part_comes_again_after_its_own_pause(connected):
    """429 inside a batch that went well is honoured part by part; what was done is not asked for again."""
    connected.dial(throttle_share=0.5, retry_after_seconds=2)
    job = connected.job()
    for _ in range(4):
        answers = batch(connected.door, [INBOX] * 8, job)
        assert len(answers) == 8
    stubs = [stub for stub in connected.stubs(job) if stub.get("status") and "inbox" in stub["resource"]]
    counted = Counter(stub["status"] for stub in stubs)
    assert counted[429] > 0
    assert counted[200] <= 32
    assert 2.0 in connected.pauses


def test_a_part_that_may_have_been_done_is_not_done_again(connected):
    """A move in a batch that answers 504 is answered 504 to the caller, after one attempt."""
    connected.put()
    mail = connected.mail
    found = next(mail.list(ALICE, connected.job()))
    connected.dial(timeout_share=1.0)
    job = connected.job()
    path = f"/v1.0/users/{ALICE}/messages/{segment(found.id)}/move"
    move = Ask("POST", path, "change", ALICE, body=b'{"destinationId":"junkemail"}', headers=JSON)
    (answer,) = batch(connected.door, [move], job)
    assert answer.status == 504
    moves = [stub for stub in connected.stubs(job) if stub["resource"].endswith("/move")]
    assert len({stub["client_request_id"] for stub in moves}) == 1


def test_only_calls_to_graph_can_share_a_request(connected):
    """A call to the management API in a batch is the caller's mistake, and nothing is sent."""
    job = connected.job()
    with pytest.raises(Misconfigured, match="only calls to Graph"):
        batch(connected.door, [INBOX, Ask("GET", "/api/v1.0/x", "none", audience=MANAGEMENT)], job)
    assert not connected.stubs(job)


def test_parts_and_their_carrier_are_under_one_token(connected):
    """Tokens that end between two requests: every row of the tenant's log has a stub under its own uti."""
    connected.dial(token_life_min=1, token_life_max=1)
    door, job = connected.door, connected.job()
    try:
        for _ in range(6):
            batch(door, [INBOX] * 3, job)
            connected.place.books.means.pause(0.2)
    finally:
        connected.dial(token_life_min=3600, token_life_max=3600)
    ours = {(s["client_request_id"], s["uti"]) for s in connected.stubs(job)}
    assert len({uti for _, uti in ours}) > 1
    rows = connected.place.lab.operate("rows", tenant=connected.connection.tenant_id, log="activity")
    ids = {identifier for identifier, _ in ours}
    logged = {pair for row in rows if (pair := logged_as(row["body"]))[0] in ids}
    assert len({uti for _, uti in logged}) > 1
    assert logged <= ours
    late = {s["client_request_id"] for s in connected.stubs(job) if s.get("status") == 401}
    assert {identifier for identifier, _ in ours - logged} <= late, "a token that had ended leaves no row"


def logged_as(body):
    """The client-request-id and the token of a row of the Graph activity log."""
    found = {key.lower(): value for key, value in body.items()}
    return found.get("clientrequestid"), found.get("signinactivityid") or found.get("uti")


def test_what_was_done_is_not_forgotten_when_the_rest_cannot_be_sent(connected):
    """The way breaks after the first request: its parts keep their answers, the others say 503."""
    door = connected.door
    attempt, made = door.attempt, []

    def once(*asked):
        made.append(asked)
        if len(made) > 1:
            raise Unavailable("cannot be reached")
        return attempt(*asked)

    door.attempt = once
    answers = batch(door, [INBOX] * 6, connected.job())
    assert [answer.status for answer in answers] == [200] * 4 + [503] * 2
