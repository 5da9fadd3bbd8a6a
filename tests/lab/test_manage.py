"""The Management Activity API of the laboratory (section 3.5)."""

import json

import pytest
from tests.lab.bench import KEYS, MESSAGE

from counterfoil.lab import manage
from counterfoil.lab.logs import delivery

MANAGE = "https://manage.office.com"


@pytest.fixture
def token(bench):
    """A token for the Management APIs."""
    return bench.token(scope=f"{MANAGE}/.default")


def _get(bench, token, query):
    url = f"{MANAGE}/api/v1.0/{bench.tenant}/activity/feed/{query}"
    return bench.request(manage.answer, "GET", url, headers={"Authorization": f"Bearer {token}"})


def _post(bench, token, query):
    url = f"{MANAGE}/api/v1.0/{bench.tenant}/activity/feed/{query}"
    return bench.request(manage.answer, "POST", url, headers={"Authorization": f"Bearer {token}"})


def test_subscribe_list_and_fetch(bench, token):
    """After a start, content is listed by availability and each blob holds the records of its stretch."""
    started = _post(bench, token, "subscriptions/start?contentType=Audit.Exchange")
    graph = bench.token()
    message = bench.add_message(MESSAGE)
    bench.graph("DELETE", f"/users/alice@contoso.example/messages/{message}", graph)
    bench.now += 5
    content = _get(bench, token, "subscriptions/content?contentType=Audit.Exchange")
    [entry] = content.document()
    records = _get(bench, token, entry["contentUri"].partition("/feed/")[2]).document()

    assert started.document() == {"contentType": "Audit.Exchange", "status": "enabled", "webhook": None}
    assert set(entry) == {"contentType", "contentId", "contentUri", "contentCreated", "contentExpiration"}
    assert entry["contentCreated"].endswith("Z")
    assert entry["contentId"].endswith("$audit_exchange$Audit_Exchange")
    assert [record["Operation"] for record in records] == ["SoftDelete"]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("subscriptions/content?contentType=Audit.Exchange", "AF20022"),
        ("subscriptions/content", "AF20001"),
        ("subscriptions/content?contentType=Audit.Nothing", "AF20020"),
        ("audit/abc", "AF20052"),
        ("audit/1$2$3$audit_exchange$Audit_Exchange", "AF20050"),
    ],
)
def test_errors_have_their_codes(bench, token, query, code):
    """Mistakes are answered with the AF codes of the reference."""
    assert _get(bench, token, query).document()["error"]["code"] == code


@pytest.mark.parametrize(
    "window",
    [
        "startTime=2026-10-05T00:00:00",
        "startTime=2026-10-03T00:00:00&endTime=2026-10-05T00:00:00",
        "startTime=2026-09-01T00:00:00&endTime=2026-09-01T12:00:00",
        "startTime=2026-10-05T12:00:00&endTime=2026-10-05T12:00:00",
    ],
)
def test_windows_are_bounded(bench, token, window):
    """Both times or neither, at most a day, at most seven days back."""
    _post(bench, token, "subscriptions/start?contentType=Audit.Exchange")
    reply = _get(bench, token, f"subscriptions/content?contentType=Audit.Exchange&{window}")

    assert reply.document()["error"]["code"] == "AF20030"


def test_another_tenants_url_and_a_missing_role(bench, token):
    """The token's tenant must be the URL's, and ActivityFeed.Read must be in it."""
    other = bench.run("add_tenant", name="Fabrikam", domains=["fabrikam.example"])["id"]
    own = bench.tenant
    bench.tenant = other
    foreign = _get(bench, token, "subscriptions/list")
    bench.tenant = own
    graph = _get(bench, bench.token(), "subscriptions/list")

    assert foreign.document()["error"]["code"] == "AF20010"
    assert graph.status == 401


def test_a_role_that_is_missing_has_its_code(bench):
    """A token for the Management API without ActivityFeed.Read is known and not enough."""
    bench.app = bench.run("add_application", tenant=bench.tenant, name="Poor", certificates_pem=[KEYS[0].pem])
    reply = _get(bench, bench.token(scope=f"{MANAGE}/.default"), "subscriptions/list")
    assert (reply.status, reply.document()["error"]["code"]) == (401, "AF10001")


def test_a_second_start_is_refused_and_the_feed_goes_on(bench, token):
    """AF20024 for what runs already; no GUID for a publisher and a webhook, which there is none of, are refused."""
    start = "subscriptions/start?contentType=Audit.Exchange"
    url = f"{MANAGE}/api/v1.0/{bench.tenant}/activity/feed/{start}"
    hook = json.dumps({"webhook": {"address": "https://hooks.example/"}}).encode()
    headers = {"Authorization": f"Bearer {token}"}
    hooked = bench.request(manage.answer, "POST", url, headers=headers, data=hook)
    replies = [_post(bench, token, start) for _ in range(2)]
    named = _get(bench, token, "subscriptions/list?PublisherIdentifier=contoso")

    assert hooked.document()["error"]["code"] == "AF20021"
    assert [reply.status for reply in replies] == [200, 400]
    assert replies[1].document()["error"]["code"] == "AF20024"
    assert named.document()["error"]["code"] == "AF20013"
    assert [entry["status"] for entry in _get(bench, token, "subscriptions/list").document()] == ["enabled"]


@pytest.mark.parametrize(
    ("dials", "status", "code"),
    [
        ({"throttle_share": 1.0, "retry_after_seconds": 7}, 429, "AF429"),
        ({"error_share": 1.0}, 500, "AF50000"),
        ({"unified_audit": False}, 400, "AF20011"),
    ],
)
def test_faults_have_their_codes(bench, token, dials, status, code):
    """The fault plan strikes here too; where the unified audit log is off, the tenant does not exist for the feed."""
    bench.run("set_settings", **dials)
    reply = _get(bench, token, "subscriptions/list")
    assert (reply.status, reply.document()["error"]["code"]) == (status, code)
    assert reply.headers.get("Retry-After") == ("7" if status == 429 else None)


def test_without_the_unified_audit_log_there_is_no_mailbox_audit(bench):
    """A message is deleted while it is off: no row is left; Graph's own log has the call."""
    bench.run("set_settings", unified_audit=False)
    bench.graph("DELETE", f"/users/alice@contoso.example/messages/{bench.add_message()}", bench.token())
    assert (bench.rows("audit"), len(bench.rows("activity"))) == ([], 1)


def test_more_content_than_fits_is_on_the_next_page(bench, token):
    """NextPageUri leads to what is left, and there is none behind the last page; what is no page is AF20031."""
    _post(bench, token, "subscriptions/start?contentType=Audit.Exchange")
    for number in range(250):
        delivery.record(bench.world, bench.tenant, delivery.MAILBOX, bench.now - 300 + number, {"Id": str(number)})
    first = _get(bench, token, "subscriptions/content?contentType=Audit.Exchange")
    second = _get(bench, token, first.headers["NextPageUri"].partition("/feed/")[2])
    ids = [entry["contentId"] for reply in (first, second) for entry in reply.document()]
    wrong = _get(bench, token, "subscriptions/content?contentType=Audit.Exchange&nextPage=x")

    assert (len(first.document()), len(set(ids)), second.headers.get("NextPageUri")) == (200, 250, None)
    assert wrong.document()["error"]["code"] == "AF20031"


def test_content_is_kept_for_a_week(bench, token):
    """After seven days a blob that was there is AF20051; a time that is none is AF20002."""
    _post(bench, token, "subscriptions/start?contentType=Audit.Exchange")
    delivery.record(bench.world, bench.tenant, delivery.MAILBOX, bench.now, {"Id": "1"})
    bench.now += 5
    [entry] = _get(bench, token, "subscriptions/content?contentType=Audit.Exchange").document()
    window = "startTime=yesterday&endTime=today"
    untimely = _get(bench, token, f"subscriptions/content?contentType=Audit.Exchange&{window}")
    bench.now += 7 * 86400
    fresh = bench.token(scope=f"{MANAGE}/.default")
    gone = _get(bench, fresh, entry["contentUri"].partition("/feed/")[2])

    assert (untimely.document()["error"]["code"], gone.document()["error"]["code"]) == ("AF20002", "AF20051")


def test_delay_duplicates_and_loss(bench):
    """Late rows are not seen before their time, duplicates come later, and lost ones never, but are counted."""
    bench.run("set_settings", signin_delay_min=50.0, signin_delay_max=60.0, duplicate_share=1.0)
    bench.ask_token()
    rows = bench.run("rows", tenant=bench.tenant, log="signin")
    bench.run("set_settings", lost_share=1.0)
    bench.ask_token()
    lost = [row for row in bench.run("rows", tenant=bench.tenant, log="signin") if row["visible"] is None]
    seen = [len(delivery.seen(bench.world, bench.tenant, "signin", bench.now + after)) for after in (49, 61, 200)]
    assert [row["visible"] - row["at"] >= 50 for row in rows] == [True, True]
    assert rows[0]["body"] == rows[1]["body"]
    assert (seen, len(lost)) == ([0, 1, 2], 1)
    assert json.dumps(lost)


def test_rows_overtake_each_other(bench):
    """With delays drawn between bounds, what comes first in an export is not what happened first."""
    bench.run("set_settings", audit_delay_min=0.0, audit_delay_max=600.0)
    for number in range(30):
        delivery.record(bench.world, bench.tenant, delivery.MAILBOX, bench.now + number, {"Id": str(number)})
    rows = delivery.seen(bench.world, bench.tenant, delivery.MAILBOX, bench.now + 1000)
    times = [row.at for row in rows]
    assert len(times) == 30
    assert times != sorted(times)
