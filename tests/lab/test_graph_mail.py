"""Mail over the laboratory's Graph: what is read, moved, deleted, restored and sent (Microsoft Graph, message)."""

import base64
import re

import pytest
from tests.lab.bench import KEYS, MESSAGE, bare64

ALICE = "/users/alice@contoso.example"


@pytest.fixture
def token(bench):
    """A token with the roles of the bench."""
    return bench.token()


def _listed(bench, token, folder, headers=None):
    return bench.graph("GET", f"{ALICE}/mailFolders/{folder}/messages", token, headers=headers).document()["value"]


def _operations(bench):
    return [row["Operation"] for row in bench.rows("audit")]


def test_ids_and_error_shape(bench, token):
    """Every answer carries request-id and echoes client-request-id; an error repeats both in innerError."""
    headers = {"client-request-id": "0a0b0c0d-0000-4000-8000-000000000009"}
    good = bench.graph("GET", "/organization", token, headers=headers)
    bad = bench.graph("GET", f"{ALICE}/messages/AAMkAAAA", token, headers=headers)
    error = bad.document()["error"]

    assert good.headers["client-request-id"] == headers["client-request-id"]
    assert good.headers["request-id"] != bad.headers["request-id"]
    assert (bad.status, error["code"]) == (400, "ErrorInvalidIdMalformed")
    assert error["innerError"] == {
        "date": "2026-10-05T12:00:00",
        "request-id": bad.headers["request-id"],
        "client-request-id": headers["client-request-id"],
    }


def test_value_is_the_bytes_themselves(bench, token):
    """$value gives the MIME that arrived, octet for octet, as text/plain."""
    odd = MESSAGE.replace(b"Hello", bytes(range(128, 256)))
    reply = bench.graph("GET", f"{ALICE}/messages/{bench.add_message(odd)}/$value", token)

    assert (reply.status, reply.headers["Content-Type"], reply.body) == (200, "text/plain", odd)


def test_a_move_gives_a_new_id_and_keeps_the_immutable_one(bench, token):
    """After a move the old id finds nothing (404 ErrorItemNotFound); with ImmutableId it is the same."""
    old = bench.add_message()
    prefer = {"Prefer": 'IdType="ImmutableId"'}
    [before] = _listed(bench, token, "inbox", prefer)

    moved = bench.graph("POST", f"{ALICE}/messages/{old}/move", token, json_body={"destinationId": "archive"})
    gone = bench.graph("GET", f"{ALICE}/messages/{old}", token)
    still = bench.graph("GET", f"{ALICE}/messages/{before['id']}", token, headers=prefer)

    assert (moved.status, gone.status, gone.document()["error"]["code"]) == (201, 404, "ErrorItemNotFound")
    assert moved.document()["id"] != old
    assert old.startswith("AAMkA")
    assert (still.status, still.document()["id"]) == (200, before["id"])
    assert still.headers["Preference-Applied"] == 'IdType="ImmutableId"'


def test_soft_delete_restore_and_purge(bench, token):
    """DELETE goes to Recoverable Items, from where a move restores; permanentDelete is out of Graph's sight."""
    message = bench.add_message()
    assert bench.graph("DELETE", f"{ALICE}/messages/{message}", token).status == 204
    [deleted] = _listed(bench, token, "recoverableitemsdeletions")
    back = bench.graph("POST", f"{ALICE}/messages/{deleted['id']}/move", token, json_body={"destinationId": "inbox"})
    assert back.status == 201

    purged = bench.graph("POST", f"{ALICE}/messages/{back.document()['id']}/permanentDelete", token)

    assert purged.status == 204
    assert [len(_listed(bench, token, name)) for name in ("inbox", "recoverableitemsdeletions")] == [0, 0]
    assert [item["folder"] for item in bench.run("messages", address="alice@contoso.example")] == [
        "\\Recoverable Items\\Purges"
    ]
    assert _operations(bench) == ["SoftDelete", "Move", "HardDelete"]


def test_deleted_items_is_a_move_of_its_own_name(bench, token):
    """Moving to Deleted Items is logged as MoveToDeletedItems, with both folders and the Message-ID."""
    bench.graph(
        "POST", f"{ALICE}/messages/{bench.add_message()}/move", token, json_body={"destinationId": "deleteditems"}
    )
    [row] = bench.rows("audit")

    assert (row["Operation"], row["RecordType"]) == ("MoveToDeletedItems", 3)
    assert (row["Folder"]["Path"], row["DestFolder"]["Path"]) == ("\\Inbox", "\\Deleted Items")
    assert row["AffectedItems"][0]["InternetMessageId"] == "<m1@fabrikam.example>"


def test_create_from_mime_is_a_draft(bench, token):
    """A message created from MIME is a draft (so no faithful restore); bad base64 and 4 MB are refused."""
    headers = {"Content-Type": "text/plain"}
    url = f"{ALICE}/mailFolders/inbox/messages"
    made = bench.graph("POST", url, token, data=base64.b64encode(MESSAGE), headers=headers)
    bad = bench.graph("POST", url, token, data=b"!!", headers=headers)
    large = bench.graph("POST", url, token, data=b"A" * (4 * 1024 * 1024 + 4), headers=headers)

    assert (made.status, made.document()["isDraft"], made.document()["subject"]) == (201, True, "Invoice")
    assert (bad.status, bad.document()["error"]["code"]) == (400, "ErrorMimeContentInvalidBase64String")
    assert large.status == 413


def test_sending_delivers_and_is_logged(bench, token):
    """SendMail is 202, reaches the laboratory's own mailboxes, and its row lists the recipients."""
    bench.run("add_mailbox", tenant=bench.tenant, address="carol@contoso.example")
    body = {
        "message": {
            "subject": "Greetings",
            "body": {"contentType": "Text", "content": "Hi"},
            "toRecipients": [{"emailAddress": {"address": "Carol@contoso.example"}}],
        },
        "saveToSentItems": False,
    }
    reply = bench.graph("POST", f"{ALICE}/sendMail", token, json_body=body)
    [row] = bench.rows("audit")
    [arrived] = bench.run("messages", address="carol@contoso.example")

    assert (reply.status, reply.body) == (202, b"")
    assert (row["Operation"], row["recipientCount"], row["recipientList"]) == ("Send", 1, ["carol@contoso.example"])
    assert row["SaveToSentItems"] is False
    assert b"Subject: Greetings" in base64.b64decode(arrived["mime"])
    assert _listed(bench, token, "sentitems") == []


def test_non_drafts_keep_their_subject(bench, token):
    """IsRead may be changed; subject and body of a non-draft need Mail-Advanced.ReadWrite."""
    url = f"{ALICE}/messages/{bench.add_message()}"

    assert bench.graph("PATCH", url, token, json_body={"isRead": True}).document()["isRead"] is True
    refused = bench.graph("PATCH", url, token, json_body={"subject": "[EXTERNAL] Invoice"})
    assert (refused.status, refused.document()["error"]["code"]) == (403, "ErrorAccessDenied")


def test_paging_follows_next_links_to_the_end(bench, token):
    """Pages of $top neither repeat nor lose a message."""
    for number in range(7):
        bench.now += 1
        bench.add_message(MESSAGE.replace(b"m1@", f"m{number}@".encode()))
    url, seen = f"{ALICE}/messages?$top=3&$select=internetMessageId", []
    while url:
        page = bench.graph("GET", url, token).document()
        seen += [item["internetMessageId"] for item in page["value"]]
        url = page.get("@odata.nextLink", "").removeprefix("https://graph.microsoft.com/v1.0")

    assert seen == [f"<m{number}@fabrikam.example>" for number in reversed(range(7))]
    assert set(page["value"][0]) == {"@odata.etag", "id", "internetMessageId"}


def test_delta_tells_each_change_once(bench, token):
    """Delta: all at first in pages, then only what is new and what has left, with @removed."""
    first, second = bench.add_message(), bench.add_message(MESSAGE.replace(b"m1@", b"m2@"))
    url = f"{ALICE}/mailFolders/inbox/messages/delta"

    def follow(url):
        found = []
        while True:
            headers = {"Prefer": "odata.maxpagesize=1"}
            page = bench.graph("GET", url, token, headers=headers).document()
            found += page["value"]
            link = page.get("@odata.nextLink") or page["@odata.deltaLink"]
            url = link.removeprefix("https://graph.microsoft.com/v1.0")
            if "@odata.deltaLink" in page:
                return found, url

    everything, later = follow(url)
    nothing, later = follow(later)
    third = bench.add_message(MESSAGE.replace(b"m1@", b"m3@"))
    bench.graph("DELETE", f"{ALICE}/messages/{first}", token)
    changes, _ = follow(later)

    assert ({item["id"] for item in everything}, nothing) == ({first, second}, [])
    assert [(item["id"], item.get("@removed")) for item in changes] == [(third, None), (first, {"reason": "deleted"})]
    lost = bench.graph("GET", f"{url}?$deltatoken={bare64(b'{}')}", token)
    assert (lost.status, lost.document()["error"]["code"]) == (410, "syncStateNotFound")


def test_attachments_are_listed_and_fetched(bench, token):
    """An attachment is listed, its bytes are the ones sent, and reading it leaves an AttachmentAccess row."""
    data = bytes(range(256))
    mime = (
        b"Subject: A\r\nMessage-ID: <a@x.example>\r\nMIME-Version: 1.0\r\n"
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nsee\r\n--b\r\n"
        b'Content-Type: application/pdf\r\nContent-Disposition: attachment; filename="invoice.pdf"\r\n'
        b"Content-Transfer-Encoding: base64\r\n\r\n" + base64.encodebytes(data) + b"--b--\r\n"
    )
    message = bench.add_message(mime)
    [shown] = bench.graph("GET", f"{ALICE}/messages/{message}/attachments", token).document()["value"]
    raw = bench.graph("GET", f"{ALICE}/messages/{message}/attachments/{shown['id']}/$value", token)

    assert (shown["name"], shown["size"], base64.b64decode(shown["contentBytes"])) == ("invoice.pdf", 256, data)
    assert raw.body == data
    assert _operations(bench) == ["AttachmentAccess", "AttachmentAccess"]


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("GET", f"{ALICE}/messages", "ErrorAccessDenied"),
        ("POST", f"{ALICE}/sendMail", "ErrorAccessDenied"),
        ("GET", "/users", "Authorization_RequestDenied"),
        ("GET", "/applications", "Authorization_RequestDenied"),
        ("GET", "/auditLogs/directoryAudits", "Authorization_RequestDenied"),
    ],
)
def test_each_operation_wants_its_role(bench, method, path, code):
    """Without the role: 403, ErrorAccessDenied from Exchange and Authorization_RequestDenied from the directory."""
    bench.app = bench.run("add_application", tenant=bench.tenant, name="Poor", certificates_pem=[KEYS[0].pem])
    reply = bench.graph(method, path, bench.token())

    assert (reply.status, reply.document()["error"]["code"]) == (403, code)


def test_exchange_roles_add_to_what_the_token_carries(bench):
    """RBAC for Applications: without any role in the token, one mailbox can be read and the other not."""
    bench.run("add_mailbox", tenant=bench.tenant, address="carol@contoso.example")
    bench.app = bench.run("add_application", tenant=bench.tenant, name="Scoped", certificates_pem=[KEYS[0].pem])
    bench.run(
        "admin_exchange_grant",
        tenant=bench.tenant,
        app_id=bench.app["app_id"],
        role="Application Mail.Read",
        mailboxes=["alice@contoso.example"],
    )
    token = bench.token()

    assert bench.graph("GET", f"{ALICE}/messages", token).status == 200
    assert bench.graph("GET", "/users/carol@contoso.example/messages", token).status == 403


def test_tenants_never_see_each_other(bench, token):
    """Law 11 in the laboratory: a token of one tenant finds neither mailbox nor message nor application of another."""
    other = bench.run("add_tenant", name="Fabrikam", domains=["fabrikam.example"])["id"]
    bench.run("add_mailbox", tenant=other, address="bob@fabrikam.example")
    foreign = bench.add_message(address="bob@fabrikam.example")
    bench.run("add_application", tenant=other, name="Theirs")

    assert bench.graph("GET", "/users/bob@fabrikam.example/messages", token).status == 404
    assert bench.graph("GET", f"{ALICE}/messages/{foreign}", token).status == 404
    users = bench.graph("GET", "/users", token).document()["value"]
    assert [user["mail"] for user in users] == ["alice@contoso.example"]


def test_batches_answer_part_by_part(bench, token):
    """Each part has its own status and request id; a failed dependency is 424; more than 20 parts are refused."""
    message = bench.add_message()
    parts = [
        {"id": "1", "method": "GET", "url": f"{ALICE}/messages/{message}", "headers": {"client-request-id": "c1"}},
        {"id": "2", "method": "GET", "url": f"{ALICE}/messages/AAMkAAAA"},
        {"id": "3", "method": "GET", "url": f"{ALICE}/messages/{message}", "dependsOn": ["2"]},
        {"id": "4", "method": "GET", "url": f"{ALICE}/messages/{message}/$value", "dependsOn": ["1"]},
    ]
    reply = bench.graph("POST", "/$batch", token, json_body={"requests": parts})
    answers = {part["id"]: part for part in reply.document()["responses"]}
    rows = bench.rows("activity")

    assert {name: part["status"] for name, part in answers.items()} == {"1": 200, "2": 400, "3": 424, "4": 200}
    assert answers["4"]["body"].startswith("From: Bob")
    assert answers["1"]["headers"]["client-request-id"] == "c1"
    assert [re.sub(r"AAMk[\w-]+", "ID", row["requestUri"]).partition("v1.0")[2] for row in rows] == [
        f"{ALICE}/messages/ID",
        f"{ALICE}/messages/ID",
        f"{ALICE}/messages/ID",
        f"{ALICE}/messages/ID/$value",
        "/$batch",
    ]
    assert len({row["operationId"] for row in rows}) == 1
    assert len({row["requestId"] for row in rows}) == 5
    many = bench.graph("POST", "/$batch", token, json_body={"requests": parts[:1] * 21})
    assert many.status == 400
