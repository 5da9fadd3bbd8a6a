"""Reports from outside: only who has a secret is heard, nothing is told, and nothing is believed."""

import base64
import hmac
import json
from datetime import timedelta

import httpx
import pytest
from tests.console.house import ROOT

from counterfoil import clock
from counterfoil.app import exhibits, reporting
from counterfoil.console import webhook
from counterfoil.console.throttle import Throttle
from counterfoil.incident.record import Origin, Status

MARK = "AB" * 20
DATA = {"thumbprints": [MARK], "addresses": ["203.0.113.9"], "first": "2026-11-23T22:10:00Z", "reporter": "Microsoft"}


@pytest.fixture
def data(house):
    """The data folder of the house."""
    return house.state.ledger.publication.directory.parent


@pytest.fixture
def secret(house, data):
    """The secret of a reporter, as it is given to him."""
    return reporting.add_reporter(house.state.ledger, data, "msrc", ROOT)


def signature(secret, ident, stamp, body):
    """Sign as the Standard Webhooks text says, with nothing of ours."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.new(key, f"{ident}.{stamp}.".encode() + body, "sha256").digest()
    return "v1," + base64.b64encode(digest).decode()


def send(house, secret, document, *, ident="one", at=None, reporter="msrc", **changed):
    """Send a report; ``changed`` are headers that are not as they should be."""
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    stamp = str(int(clock.now().timestamp() if at is None else at))
    headers = {
        "webhook-id": ident,
        "webhook-timestamp": stamp,
        "webhook-signature": signature(secret, ident, stamp, body),
    } | {name.replace("_", "-"): value for name, value in changed.items()}
    return httpx.post(f"{house.url}/reports/{reporter}", content=body, headers=headers, verify=house.trust)


def found(house, reference):
    """The incident of a reference."""
    return next(i for i in house.sources.incidents.all() if i.reference == reference)


def test_a_signed_report_opens_an_incident_and_is_kept_as_it_came(house, secret, data):
    """Who, when, which addresses are in the record; the body is under hold, and nobody is touched by it."""
    answer = send(house, secret, DATA, ident="opens")
    assert answer.status_code == 202
    incident = found(house, answer.json()["reference"])
    assert (incident.origin, incident.subject.thumbprints, incident.opened_by) == (
        Origin.REPORT,
        (MARK,),
        "reporter:msrc",
    )
    assert any("203.0.113.9" in entry.said.words for entry in incident.entries)
    kept = exhibits.evidence_folder(data, incident.reference) / incident.exhibits[0].sha256
    assert json.loads(kept.read_bytes()) == DATA
    assert house.sources.incidents.scope(incident.name) == {}


def test_a_thumbprint_that_is_none_of_ours_is_recorded_for_review_and_answered_the_same(house, secret):
    """It may be one that we have forgotten, and the answer does not say whether it is ours."""
    unknown = send(house, secret, DATA | {"thumbprints": ["CD" * 32]}, ident="unknown")
    incident = found(house, unknown.json()["reference"])
    assert incident.status is Status.REVIEW
    assert "on no connection of ours now" in incident.entries[0].said.words
    ours = house.sources.books.credentials(house.sources.accounts.find("chief").scope("see-connections"))
    mark = next(str(row["thumbprint_sha256"]) for row in ours if row["thumbprint_sha256"])
    known = send(house, secret, DATA | {"thumbprints": [mark]}, ident="known")
    assert (known.status_code, set(known.json())) == (unknown.status_code, set(unknown.json()))


def test_the_same_report_again_opens_nothing_and_another_one_is_added(house, secret):
    """A retry, or a replay, has the same id; a second report about the same certificate joins the first."""
    marks = {"thumbprints": ["12" * 32]}
    first = send(house, secret, marks, ident="same").json()["reference"]
    entries = len(found(house, first).entries)
    assert send(house, secret, marks, ident="same").json()["reference"] == first
    assert len(found(house, first).entries) == entries
    assert send(house, secret, marks | {"words": "and again"}, ident="other").json()["reference"] == first
    assert len(found(house, first).entries) > entries


@pytest.mark.parametrize(
    "changed",
    [
        {"webhook_signature": "v1," + base64.b64encode(b"x" * 32).decode()},
        {"webhook_signature": ""},
        {"webhook_id": "another"},
        {"webhook_id": ""},
        {"webhook_timestamp": str(int(clock.now().timestamp()) + 1)},
        {"webhook_timestamp": "soon"},
        {"reporter": "nobody"},
        {"reporter": "../msrc"},
    ],
)
def test_without_the_secret_nothing_is_taken_and_all_hear_the_same(house, secret, changed):
    """A wrong signature, another id or time than was signed, a reporter that is none: one answer, no incident."""
    before = len(house.sources.incidents.all())
    answer = send(house, secret, DATA, ident="bad", **changed)
    assert answer.status_code in (401, 404)
    if answer.status_code == 401:
        assert answer.text == "there is no such reporter, or the signature is not right\n"
    assert len(house.sources.incidents.all()) == before


def test_another_reporters_secret_is_no_secret_of_this_one(house, secret, data):
    """Each has one of his own; whose was taken away is heard no more."""
    other = reporting.add_reporter(house.state.ledger, data, "cert-bund", ROOT)
    assert send(house, other, DATA, ident="mine").status_code == 401
    reporting.remove_reporter(house.state.ledger, data, "cert-bund", ROOT)
    assert send(house, other, DATA, ident="gone", reporter="cert-bund").status_code == 401
    assert ("root", "reporter-removed", "cert-bund") in house.actions()


def test_one_of_two_signatures_is_enough(house, secret):
    """While a secret changes, a sender may sign with both."""
    body = json.dumps(DATA).encode()
    stamp = str(int(clock.now().timestamp()))
    both = "v1,AAAA " + signature(secret, "both", stamp, body)
    assert send(house, secret, DATA, ident="both", at=int(stamp), webhook_signature=both).status_code == 202


@pytest.mark.parametrize("off", [-301, 301, -86_400])
def test_a_report_outside_of_the_window_is_refused(house, secret, off):
    """A copy that was kept back is of no use, whoever sends it; the answer names the clock."""
    answer = send(house, secret, DATA, ident=f"late{off}", at=clock.now().timestamp() + off)
    assert answer.status_code == 400
    assert "not within 300 seconds" in answer.text


def test_what_is_too_large_is_refused_before_it_is_read_whole(house, secret):
    """Its signature is not looked at."""
    assert send(house, secret, b" " * (webhook.MOST_OCTETS + 1), ident="large").status_code == 413


def test_every_problem_of_a_report_is_named_at_once(house, secret):
    """Who sends it mends it in one go."""
    wrong = {"thumbprints": ["zz", 7], "addresses": ["home"], "first": "soon", "words": 5}
    answer = send(house, secret, wrong, ident="wrong")
    assert answer.status_code == 422
    problems = answer.json()["problems"]
    assert [problem.split(" in the report")[0] for problem in problems] == [
        "thumbprint 1",
        "thumbprint 2",
        "address 1",
        "first",
        "words",
    ]
    assert send(house, secret, b"[" * 60_000, ident="deep").status_code == 422
    assert send(house, secret, b"\xff", ident="bytes").json()["problems"] == ["the report is no UTF-8"]


def test_a_stranger_cannot_keep_a_reporter_out():
    """Tries without the secret count for the address alone; with it, for the reporter, and both end."""
    throttle, now = Throttle(webhook.A_MINUTE), clock.now()
    for _ in range(webhook.PER_ADDRESS):
        assert throttle.count({("address", "a"): webhook.PER_ADDRESS}, now) is None
    assert throttle.count({("address", "a"): webhook.PER_ADDRESS}, now) is not None
    assert throttle.count({("reporter", "msrc"): webhook.PER_REPORTER}, now) is None
    assert throttle.count({("address", "a"): webhook.PER_ADDRESS}, now + timedelta(seconds=61)) is None


def test_who_reports_too_often_waits(house, data):
    """The answer says for how long; what was taken before stays."""
    chatty = reporting.add_reporter(house.state.ledger, data, "chatty", ROOT)
    marks = {"thumbprints": ["34" * 32]}
    codes = [send(house, chatty, marks, ident="again", reporter="chatty") for _ in range(webhook.PER_REPORTER + 1)]
    assert {answer.status_code for answer in codes[:-1]} == {202}
    assert codes[-1].status_code == 429
    assert 0 < int(codes[-1].headers["retry-after"]) <= 60


def test_the_secret_is_in_a_file_of_its_owner_alone(secret, data):
    """Neither the ledger nor the list of reporters holds it."""
    place = data / "reporters" / "msrc.json"
    assert place.stat().st_mode & 0o777 == 0o600
    assert secret not in json.dumps(reporting.reporters(data))
