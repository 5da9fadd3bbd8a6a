"""Import and export of items: an export is a read in the audit, an import URL outlives every credential."""

import base64
import json

import pytest
from tests.lab.bench import GRAPH, MESSAGE, payload

from counterfoil.lab.graph import face

ROLE = "MailboxItem.ImportExport.All"


@pytest.fixture
def exporter(bench):
    """The bench's application with the right to export; returns a function that calls Graph's beta."""
    bench.run("consent", tenant=bench.tenant, app_id=bench.app["app_id"], roles=[ROLE, "Mail.Read"])
    token = json.loads(bench.ask_token().body)["access_token"]
    assert ROLE in payload(token)["roles"]

    def call(method, path, body=None, *, authorised=True):
        headers = {"Authorization": f"Bearer {token}"} if authorised else {}
        url = path if path.startswith("https://") else f"{GRAPH}/beta{path}"
        data = b"" if body is None else json.dumps(body).encode()
        reply = bench.request(face.answer, method, url, headers=headers, data=data)
        return reply.status, json.loads(reply.body)

    return call


def put(bench):
    """Deliver one message; return its id."""
    mime = base64.b64encode(MESSAGE).decode()
    bench.run("add_message", address="alice@contoso.example", mime=mime)
    return bench.run("messages", address="alice@contoso.example")[0]["id"]


def place_of(exporter):
    """The path of Alice's mailbox."""
    _, found = exporter("GET", "/users/alice@contoso.example/settings/exchange")
    return f"/admin/exchange/mailboxes/{found['primaryMailboxId']}"


def test_an_export_gives_the_item_and_is_a_read(bench, exporter):
    """Each id gets its data or its own error, and MailItemsAccessed names the message."""
    item = put(bench)
    status, answer = exporter("POST", f"{place_of(exporter)}/exportItems", {"itemIds": [item, "AAMkno"]})
    assert status == 200
    assert base64.b64decode(answer["value"][0]["data"]) == MESSAGE
    assert answer["value"][1]["error"]["code"] == "ErrorItemNotFound"
    bench.now += 600
    exporter("GET", "/users/alice@contoso.example/settings/exchange")
    rows = bench.run("rows", tenant=bench.tenant, log="audit")
    assert [row["body"]["Operation"] for row in rows] == ["MailItemsAccessed"]


def test_an_import_url_needs_no_token_and_ends(bench, exporter):
    """Who holds the URL puts mail into the mailbox; after its end, or with another secret, nobody does."""
    _, opened = exporter("POST", f"{place_of(exporter)}/createImportSession")
    body = {"FolderId": "inbox", "Mode": "create", "Data": base64.b64encode(MESSAGE).decode()}
    status, made = exporter("POST", opened["importUrl"], body, authorised=False)
    assert (status, [one["id"] for one in bench.run("messages", address="alice@contoso.example")]) == (
        200,
        [made["itemId"]],
    )
    assert exporter("POST", opened["importUrl"] + "x", body, authorised=False)[0] == 401
    assert exporter("POST", opened["importUrl"], {**body, "Mode": "update"}, authorised=False)[0] == 400
    assert exporter("POST", opened["importUrl"], {**body, "Data": "***"}, authorised=False)[0] == 400
    assert len(bench.run("import_sessions", tenant=bench.tenant)) == 1
    bench.now += 86401
    assert exporter("POST", opened["importUrl"], body, authorised=False)[0] == 401
    assert bench.run("import_sessions", tenant=bench.tenant) == []


def test_a_mailbox_of_another_tenant_is_not_found(bench, exporter):
    """The tenant in the id must be the token's; an export of none or too many items is refused."""
    other = bench.run("add_tenant", name="Fabrikam", domains=["fabrikam.example"])["id"]
    place = place_of(exporter)
    assert exporter("POST", place.replace(bench.tenant, other) + "/createImportSession")[0] == 404
    for count in (0, 21):
        assert exporter("POST", f"{place}/exportItems", {"itemIds": ["x"] * count})[0] == 400


def test_without_the_role_nothing_is_exported(bench):
    """A token that may read and change mail still opens no import session."""
    token = json.loads(bench.ask_token().body)["access_token"]
    url = f"{GRAPH}/beta/admin/exchange/mailboxes/MBX:x@{bench.tenant}/createImportSession"
    reply = bench.request(face.answer, "POST", url, headers={"Authorization": f"Bearer {token}"})
    assert (reply.status, json.loads(reply.body)["error"]["code"]) == (403, "Authorization_RequestDenied")
