"""The Management Activity API of the laboratory (section 3.5)."""

import json

import pytest
from tests.lab.bench import MESSAGE

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
