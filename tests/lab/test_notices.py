"""Life-cycle notices of subscriptions, the dials of a real tenant, and the token service's own throttling."""

import datetime as dt
import json

import msal
from tests.lab.bench import GRAPH, payload

from counterfoil.lab.graph import face, notify
from counterfoil.lab.settings import REALISTIC

HOOK, LIFE = "https://hook.example/a", "https://hook.example/life"


def subscribe(bench, *, minutes=60.0, life=LIFE):
    """Subscribe to Alice's inbox; return the subscription."""
    token = json.loads(bench.ask_token().body)["access_token"]
    until = dt.datetime.fromtimestamp(bench.now + minutes * 60, dt.UTC).isoformat()
    body = {
        "changeType": "created",
        "notificationUrl": HOOK,
        "resource": "/users/alice@contoso.example/messages",
        "expirationDateTime": until,
        "clientState": "s",
        **({"lifecycleNotificationUrl": life} if life else {}),
    }
    headers = {"Authorization": f"Bearer {token}"}
    reply = bench.request(
        face.answer, "POST", f"{GRAPH}/v1.0/subscriptions", headers=headers, data=json.dumps(body).encode()
    )
    assert reply.status == 201, reply.body
    return json.loads(reply.body), headers


def told(bench):
    """Sweep, and return (URL, life-cycle event) of what would be posted."""
    notify.sweep(bench.world, bench.now)
    notices, bench.world.notices = bench.world.notices, []
    return [(one.url, json.loads(one.body)["value"][0].get("lifecycleEvent")) for one in notices]


def test_a_subscription_that_ends_is_announced_then_removed(bench):
    """A quarter of an hour before its end one reminder; at its end «subscriptionRemoved», and it is gone."""
    made, headers = subscribe(bench)
    assert told(bench) == []
    bench.now += 46 * 60
    assert told(bench) == [(LIFE, "reauthorizationRequired")]
    assert told(bench) == [], "once"
    bench.now += 15 * 60
    assert told(bench) == [(LIFE, "subscriptionRemoved")]
    url = f"{GRAPH}/v1.0/subscriptions/{made['id']}"
    assert bench.request(face.answer, "GET", url, headers=headers).status == 404


def test_reauthorizing_is_answered_by_the_next_reminder(bench):
    """After ``reauthorize`` it is announced again, since its end has not moved."""
    made, headers = subscribe(bench)
    bench.now += 46 * 60
    assert len(told(bench)) == 1
    url = f"{GRAPH}/v1.0/subscriptions/{made['id']}/reauthorize"
    assert bench.request(face.answer, "POST", url, headers=headers).status == 200
    assert told(bench) == [(LIFE, "reauthorizationRequired")]


def test_a_notification_that_was_not_taken_is_told_as_missed(bench):
    """The life-cycle URL hears of it once; a notice that is itself not taken is not followed by another."""
    subscribe(bench)
    bench.run("add_message", address="alice@contoso.example", mime="U3ViamVjdDogaGkKCmhpCg==")
    (notice,), bench.world.notices = bench.world.notices, []
    notify.missed(bench.world, notice)
    (missed,), bench.world.notices = bench.world.notices, []
    document = json.loads(missed.body)["value"][0]
    assert (missed.url, document["lifecycleEvent"], document["clientState"]) == (LIFE, "missed", "s")
    notify.missed(bench.world, missed)
    assert bench.world.notices == []


def test_without_a_life_cycle_url_nobody_is_told(bench):
    """No URL, no notice; the subscription ends all the same."""
    subscribe(bench, life=None)
    bench.now += 61 * 60
    assert told(bench) == []


def test_a_receiver_that_is_away_hears_missed_when_it_is_back(running, joined, credential, receiver):
    """Over the wire: a notice that nobody took comes to the life-cycle URL as «missed»."""
    from tests.lab.test_clients import MIME, _subscribe

    receiver.refuse = "created"
    assert _subscribe(running, joined, credential, receiver.url).status_code == 201
    running.operate("add_message", address=joined.mailbox, mime=MIME)
    assert receiver.heard.wait(10)
    assert receiver.told[0]["value"][0]["lifecycleEvent"] == "missed"


def test_a_throttled_tenant_has_its_own_code_and_msal_says_so(running, joined, own_roots):
    """The real client gets 429 with Retry-After, error and code; after the storm it gets its token."""
    client = msal.ConfidentialClientApplication(
        joined.app["app_id"],
        authority=f"{running.endpoints.login}/{joined.tenant}",
        instance_discovery=False,
        verify=str(running.endpoints.ca),
        client_credential={"private_key": joined.pair.key_pem, "public_certificate": joined.pair.pem},
    )
    running.operate("set_settings", tenant=joined.tenant, throttled_share=1.0)
    answer = client.acquire_token_for_client([f"{GRAPH}/.default"])
    assert (answer["error"], answer["error_codes"]) == ("temporarily_unavailable", [90055])
    assert "AADSTS90055" in answer["error_description"]


def test_the_dials_of_a_real_tenant(bench):
    """The preset delays rows by minutes to a day; a sign-in is not there at once, and is there in an hour."""
    bench.run("set_realistic", tenant=bench.tenant)
    assert all(bench.world.dial(bench.tenant, name) == value for name, value in REALISTIC.items())
    assert REALISTIC["audit_delay_max"] == 86400
    bench.ask_token()
    (row,) = bench.run("rows", tenant=bench.tenant, log="signin")
    assert 120 <= row["visible"] - bench.now <= 3600


def test_tokens_for_exchange_have_its_audience_and_roles(bench):
    """A token for Exchange Online carries its own roles and none of Graph's, and its sign-in names the resource."""
    bench.run("consent", tenant=bench.tenant, app_id=bench.app["app_id"], roles=["full_access_as_app"])
    asked = "https://outlook.office365.com"
    token = json.loads(bench.ask_token(scope=f"{asked}/.default").body)["access_token"]
    assert (payload(token)["aud"], payload(token)["roles"]) == (asked, ["full_access_as_app"])
    (row,) = bench.run("rows", tenant=bench.tenant, log="signin")
    assert row["body"]["resourceDisplayName"] == "Office 365 Exchange Online"
    headers = {"Authorization": f"Bearer {token}"}
    assert bench.request(face.answer, "GET", f"{GRAPH}/v1.0/organization", headers=headers).status == 401
