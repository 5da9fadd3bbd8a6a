"""Bodies of the wrong kind: every property of every operation, with every kind of JSON value."""

import pytest
from tests.lab.bench import ROLES

from counterfoil.lab.graph.routes import ROUTES

NAMES = [
    "keyCredentials", "keyCredential", "proof", "keyId", "passwordCredential", "displayName", "accountEnabled",
    "appRoleId", "name", "issuer", "subject", "audiences", "isRead", "categories", "body", "toRecipients",
    "destinationId", "message", "saveToSentItems", "actions", "conditions", "sequence", "isEnabled", "changeType",
    "notificationUrl", "lifecycleNotificationUrl", "resource", "expirationDateTime", "clientState", "requests",
    "importance", "from",
]  # fmt: skip
VALUES = [None, True, 7, 1.5, "x", "http://[", [], [1], [None], [{}], {}, {"x": 1}, {"emailAddress": 1}, "\ud800"]
WRITERS = [route for route in ROUTES if route.method in {"POST", "PATCH"}]
GOOD = {
    "resource": "/users/alice@contoso.example/messages",
    "changeType": "created",
    "notificationUrl": "https://hooks.example/n",
    "expirationDateTime": "2026-10-05T13:00:00Z",
    "displayName": "n",
    "actions": {"delete": True},
    "name": "n",
    "issuer": "i",
    "subject": "s",
    "audiences": ["a"],
    "destinationId": "archive",
}


@pytest.mark.parametrize("route", WRITERS, ids=lambda route: f"{route.method} {route.path}")
def test_a_body_of_the_wrong_kind_is_answered(bench, route):
    """A wrong type is an error of the caller's (or is ignored), never an exception."""
    roles = [*ROLES, "Application.ReadWrite.All", "AppRoleAssignment.ReadWrite.All"]
    bench.run("consent", tenant=bench.tenant, app_id=bench.app["app_id"], roles=roles)
    token = bench.token()
    places = {
        "user": "alice@contoso.example",
        "folder": "inbox",
        "application": bench.app["object_id"],
        "principal": bench.app["service_principal"],
        "mailbox": "MBX:x@y",
    }
    for name in NAMES:
        for value in VALUES:
            path = route.path.format_map(places | {"message": bench.add_message(), "rule": "x", "subscription": "x"})
            reply = bench.graph(route.method, path, token, json_body=GOOD | {name: value})
            assert reply.status < 500


@pytest.mark.parametrize("value", VALUES)
def test_a_batch_of_the_wrong_kind_is_answered(bench, value):
    """Parts of a batch may be anything too."""
    token = bench.token()
    for name in ("id", "method", "url", "headers", "body", "dependsOn"):
        part = {"id": "1", "method": "POST", "url": "/users/alice@contoso.example/messages", name: value}
        assert bench.graph("POST", "/$batch", token, json_body={"requests": [part]}).status in {200, 400}


@pytest.mark.parametrize("data", [b"", b"null", b"[]", b"{", b"\xff", b'"x"', b"9" * 5000])
def test_a_body_that_is_no_object_is_answered(bench, data):
    """Empty bodies, other JSON and no JSON at all are 400."""
    token = bench.token()
    reply = bench.graph("POST", "/users/alice@contoso.example/sendMail", token, data=data)

    assert (reply.status, reply.document()["error"]["code"][:5]) in {(400, "BadRe"), (400, "Error")}
