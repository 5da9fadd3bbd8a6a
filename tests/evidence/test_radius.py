"""How far it went: read and changed to the message, widening made explicit, and what was left behind."""

import json

import pytest

TENANT = "11111111-1111-1111-1111-111111111111"
APP = "22222222-2222-2222-2222-222222222222"
PRINCIPAL = "44444444-4444-4444-4444-444444444444"
KEY = "5d5a2b1e-0f0b-4b3c-9b49-8d2a3d1c7c11"
ALICE = "alice@contoso.example"


@pytest.fixture
def theft(case):
    """A proven hour, and a sign-in with our certificate that is not ours."""
    case.heartbeat().signin(7, "09:30:00", ipAddress="198.51.100.9")
    return case


def _call(case, method, path, request="req-9", **fields):
    case.graph(
        7,
        "x",
        request,
        "09:31:00",
        requestMethod=method,
        requestUri=f"https://graph.microsoft.com/v1.0{path}",
        **fields,
    )


def test_bind_records_tell_the_messages(theft):
    """Items with a Message-ID are messages; those without one are items."""
    row = theft.access(7, "mia-9", ["<m2@contoso.example>"], "09:31:00")
    row["Folders"][0]["FolderItems"].append({"Id": "RgX"})
    radius = theft.tenant()["radius"]

    assert radius["read"] == {
        "mailboxes": [ALICE],
        "messages": ["<m2@contoso.example>"],
        "items": ["RgX"],
        "widened": [],
    }
    assert radius["changed"] == {"mailboxes": [], "messages": [], "items": [], "widened": []}


def test_sync_widens_to_the_folder(theft):
    """A Sync record stands for every message of its folder."""
    row = theft.access(7, "mia-9", (), "09:31:00", Folders=None, Item={"ParentFolder": {"Id": "Lg", "Path": "\\Inbox"}})
    row["OperationProperties"][0]["Value"] = "Sync"
    read = theft.tenant()["radius"]["read"]

    assert read["widened"] == [{"mailbox": ALICE, "folder": "\\Inbox", "reason": "Sync: the whole folder was read"}]
    assert (read["mailboxes"], read["messages"], read["items"]) == ([ALICE], [], [])


def test_a_throttled_mailbox_widens_to_the_mailbox(theft):
    """After throttling Exchange wrote nothing: the whole mailbox may have been read."""
    row = theft.access(7, "mia-9", ["<m2@contoso.example>"], "09:31:00")
    row["OperationProperties"][1]["Value"] = "True"
    widened = theft.tenant()["radius"]["read"]["widened"]

    assert [(entry["mailbox"], entry["folder"]) for entry in widened] == [(ALICE, None)]


def test_a_listing_widens_to_what_it_listed(theft):
    """A folder listing over Graph names no message."""
    _call(theft, "GET", f"/users/{ALICE}/mailFolders/inbox/messages?$top=50")
    widened = theft.tenant()["radius"]["read"]["widened"]

    assert [(entry["mailbox"], entry["folder"]) for entry in widened] == [(ALICE, "inbox")]


def test_graph_ids_become_messages_where_a_mailbox_row_ties_them(theft):
    """An item id that an audit row names beside a Message-ID is that message."""
    theft.access(7, "mia-9", ["<m2@contoso.example>"], "09:31:00")["Folders"][0]["FolderItems"][0]["Id"] = "AA/Mk+2"
    _call(theft, "GET", f"/users/{ALICE}/messages/AA-Mk_2/$value")
    read = theft.tenant()["radius"]["read"]

    assert (read["messages"], read["items"]) == (["<m2@contoso.example>"], [])


@pytest.mark.parametrize(
    ("method", "path", "extent", "technique"),
    [
        ("DELETE", "/messages/AAMk7", "changed", "T1070.008"),
        ("PATCH", "/messages/AAMk7", "changed", "T1565.001"),
        ("POST", "/sendMail", "changed", "T1534"),
        ("GET", "/messages/AAMk7", "read", "T1114.002"),
        ("POST", "/mailFolders/inbox/messageRules", "changed", "T1564.008"),
    ],
)
def test_methods_tell_read_from_changed(theft, method, path, extent, technique):
    """What was read and what was changed are told apart, each with its technique and the row for it."""
    _call(theft, method, f"/users/{ALICE}{path}")
    radius = theft.tenant()["radius"]
    other = {"read": "changed", "changed": "read"}[extent]

    assert (radius[extent]["mailboxes"], radius[other]["mailboxes"]) == ([ALICE], [])
    rows = {entry["id"]: entry["rows"] for entry in radius["techniques"]}
    assert rows[technique] == [f"graph-activity:{TENANT}:req-9"]


def test_what_failed_is_not_in_the_radius(theft):
    """A refused read read nothing."""
    _call(theft, "GET", f"/users/{ALICE}/messages/AAMk7", responseStatusCode=403)

    assert theft.tenant()["radius"]["read"]["mailboxes"] == []


def _added(key, by, number=1):
    new = json.dumps([f"[KeyIdentifier={key},KeyType=AsymmetricX509Cert,KeyUsage=Verify,DisplayName=CN=a, b=c]"])
    return {
        "id": f"Directory_{number}", "category": "ApplicationManagement", "activityDateTime": "2026-10-05T09:40:00Z",
        "activityDisplayName": "Update application \u2013 Certificates and secrets management ", "result": "success",
        "resourceTenantId": TENANT, "correlationId": "dc-1", "initiatedBy": by,
        "targetResources": [{"id": PRINCIPAL, "type": "ServicePrincipal", "modifiedProperties": [
            {"displayName": "KeyDescription", "oldValue": "[]", "newValue": new}]}],
    }  # fmt: skip


BY_APP = {"app": {"appId": APP, "servicePrincipalId": PRINCIPAL}}
BY_USER = {"user": {"id": "u1", "userPrincipalName": "admin@contoso.example"}}


@pytest.mark.parametrize(("by", "state"), [(BY_APP, "touched"), (BY_USER, "cannot-say")])
def test_a_key_that_is_not_in_our_registry_is_foreign(case, by, state):
    """Our identity that adds an unknown key was used by somebody else; an administrator who adds one is asked."""
    case.heartbeat().directory.append(_added("0f0f0f0f-0000-4000-8000-000000000001", by))
    tenant = case.tenant()

    assert [(e["kind"], e["rule"]) for e in tenant["discrepancies"]] == [
        ("foreign-credential", "credential-not-in-registry")
    ]
    assert tenant["state"] == state


def test_a_key_of_ours_is_no_discrepancy(case):
    """A rotation of ours adds a key that the registry knows."""
    case.heartbeat().directory.append(_added(KEY, BY_APP))

    assert case.tenant()["state"] == "clean"


def test_one_call_of_ours_explains_one_row_of_the_directory(case):
    """Our addKey explains one row beside it; a second row needs a second call."""
    case.heartbeat()
    case.call(1, "crid-5", "09:39:00", method="POST", resource=f"https://graph.microsoft.com/v1.0/applications/{APP}/addKey",
              effect="change", mailbox=None, message_ids=[])  # fmt: skip
    case.graph(
        1,
        "crid-5",
        "req-5",
        "09:39:01",
        requestMethod="POST",
        requestUri=f"https://graph.microsoft.com/v1.0/applications/{APP}/addKey",
    )
    case.directory.append(_added("0f0f0f0f-0000-4000-8000-000000000001", BY_APP))
    assert case.tenant()["state"] == "clean"

    case.directory.append(_added("0f0f0f0f-0000-4000-8000-000000000002", BY_APP, 2))
    assert case.tenant()["state"] == "touched"


def test_other_applications_in_the_directory_are_left_alone(case):
    """A key on somebody else's application is not our business."""
    row = _added("0f0f0f0f-0000-4000-8000-000000000001", BY_USER)
    row["targetResources"][0]["id"] = "66666666-6666-6666-6666-666666666666"
    case.heartbeat().directory.append(row)

    assert case.tenant()["discrepancies"] == []
