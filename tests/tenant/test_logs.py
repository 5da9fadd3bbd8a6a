"""A tenant's own logs: windows that the services take, pages to the end but never in a circle, and patience."""

import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import pytest

from counterfoil import clock
from counterfoil.model.errors import Unavailable
from counterfoil.tenant.door import CallRefused
from counterfoil.tenant.endpoints import MANAGEMENT
from counterfoil.tenant.logs import ALREADY_STARTED, Blob, Logs

NOW = datetime(2026, 10, 8, 12, tzinfo=UTC)
FEED = "/api/v1.0/t1/activity/feed"
BASE = "https://manage.office.com"


class Feed:
    """Stands where a door stands, in front of a management API that misbehaves as it is told."""

    def __init__(self, answer):
        self.tokens = SimpleNamespace(connection=SimpleNamespace(tenant_id="t1"))
        self.means = SimpleNamespace(clock=lambda: NOW)
        self.answer, self.asked = answer, []

    def call(self, ask, _job):
        """Answer one call; the answer is a body and headers, or an error to raise."""
        self.asked.append(ask.path)
        found = self.answer(ask.path)
        if isinstance(found, Exception):
            raise found
        body, headers = found
        return SimpleNamespace(content=body if isinstance(body, bytes) else json.dumps(body).encode(), headers=headers)

    def read_json(self, ask, job):
        """Read an answer, as the door does."""
        return json.loads(self.call(ask, job).content)

    def path_of(self, link, _audience):
        """Return the path of a link, and refuse another host, as the door does."""
        if not link.startswith(f"{BASE}/"):
            raise Unavailable("Microsoft 365 answered with a link to another host")
        return link.removeprefix(BASE)


def entry(number):
    """One entry of a content listing."""
    return {"contentId": f"c{number}", "contentUri": f"{BASE}{FEED}/audit/c{number}"}


def listed(feed, since=NOW - timedelta(hours=2), until=NOW):
    """The ids of the blobs that are listed."""
    return [blob.id for blob in Logs(feed).audit_contents(since, until, None)]


def test_pages_of_content_are_followed():
    """NextPageUri leads on until there is none; both content types are asked for."""

    def answer(path):
        if "Exchange" not in path:
            return [], {}
        if "nextPage" in path:
            return [entry(2)], {}
        return [entry(1)], {"nextpageuri": f"{BASE}{path}&nextPage=1"}

    assert listed(feed := Feed(answer)) == ["c1", "c2"]
    assert len(feed.asked) == 3


def test_a_next_page_that_repeats_is_noticed():
    """A NextPageUri that was given before ends the listing with an error."""
    feed = Feed(lambda path: ([entry(1)], {"nextpageuri": BASE + path.partition("&nextPage")[0] + "&nextPage=1"}))

    with pytest.raises(Unavailable, match="a next page that it gave before"):
        listed(feed)
    assert len(feed.asked) == 2


@pytest.mark.parametrize("link", ["https://evil.example/x", "https://manage.office.com.evil.example/x"])
def test_a_link_to_another_host_is_not_followed(link):
    """Neither a next page nor the content itself is fetched from somebody else, with our token in hand."""
    with pytest.raises(Unavailable, match="another host"):
        listed(Feed(lambda _: ([entry(1)], {"nextpageuri": link})))
    with pytest.raises(Unavailable, match="another host"):
        listed(Feed(lambda _: ([{"contentId": "c", "contentUri": link}], {})))


def test_windows_are_those_that_the_service_takes():
    """At most a day each, none older than seven days, and together what was asked for."""
    feed = Feed(lambda _: ([], {}))
    listed(feed, NOW - timedelta(days=30))
    spans = []
    for path in feed.asked:
        query = {name: values[0] for name, values in parse_qs(urlsplit(path).query).items()}
        if query["contentType"] == "Audit.Exchange":
            spans.append([datetime.fromisoformat(query[name]).replace(tzinfo=UTC) for name in ("startTime", "endTime")])

    assert all(timedelta() < end - start <= timedelta(hours=24) for start, end in spans)
    assert timedelta(days=7) > NOW - spans[0][0] > timedelta(days=6, hours=23)
    assert [end for _, end in spans[:-1]] == [start for start, _ in spans[1:]]
    assert spans[-1][1] == NOW


def test_a_feed_that_runs_already_is_left_as_it_is():
    """The service's own word for it is no error; any other refusal is."""
    running = CallRefused(400, ALREADY_STARTED, "The subscription is already enabled.")
    feed = Feed(lambda _: running)
    Logs(feed).subscribe(None)
    assert len(feed.asked) == 2
    with pytest.raises(CallRefused, match="AF20023"):
        Logs(Feed(lambda _: CallRefused(400, "AF20023", "off"))).subscribe(None)


@pytest.mark.parametrize(("body", "why"), [(b"<html>", "no JSON"), ({"error": 1}, "no list")])
def test_content_that_is_none_is_an_error(body, why):
    """A page that is no JSON, and a blob that is no list, are not taken for empty ones."""
    feed = Feed(lambda _: (body, {}))
    with pytest.raises(Unavailable, match=why):
        listed(feed) if why == "no JSON" else Logs(feed).records(Blob("Audit.Exchange", "c", "/c"), None)


def test_a_report_waits_as_long_as_it_is_told(connected):
    """Throttled twice, the sign-in report of a real laboratory is read after the pauses that it asked for."""
    connected.dial(throttle_share=1.0, retry_after_seconds=3)
    connected.calm_after = 2
    job = connected.job("collect-logs")
    now = clock.now()
    rows = list(Logs(connected.door).sign_ins(now - timedelta(hours=1), now + timedelta(hours=1), job))

    assert connected.pauses == [3.0, 3.0]
    assert {row["appId"] for row in rows} == {connected.connection.app}


@pytest.mark.parametrize(
    ("dials", "pauses"),
    [({"throttle_share": 1.0, "retry_after_seconds": 3}, [3.0, 3.0]), ({"error_share": 1.0}, [1.0, 2.0])],
)
def test_a_feed_that_is_busy_or_breaks_is_asked_again(connected, dials, pauses):
    """AF429 and AF50000 of a real laboratory's feed are waited out, as long as the one says and the other does not."""
    door, job = connected.door, connected.job("collect-logs")
    door.tokens.token(MANAGEMENT, job)
    connected.dial(**dials)
    connected.calm_after = 2
    Logs(door).subscribe(job)
    assert connected.pauses == pauses


def test_a_tenant_whose_audit_is_off_is_told_how_to_switch_it_on(connected):
    """The feed says that there is no such tenant; the hint says what that means."""
    connected.dial(unified_audit=False)
    try:
        with pytest.raises(CallRefused, match="AF20011") as caught:
            Logs(connected.door).subscribe(connected.job("collect-logs"))
    finally:
        connected.dial(unified_audit=True)
    assert "Set-AdminAuditLogConfig -UnifiedAuditLogIngestionEnabled $true" in caught.value.hint
