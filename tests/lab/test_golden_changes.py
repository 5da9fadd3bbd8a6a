"""More record shapes, field by field: Graph activity as a table, deletes, moves and sending, directory audit in Graph.

As in the other golden records, nothing here is computed by the code that it checks.
"""

import json

import pytest
from tests.lab.test_golden import BIND, UPDATE, exported, only, used  # noqa: F401 - the fixture

ACTIVITY_TABLE = {
    "AadTenantId", "ApiVersion", "AppId", "ClientAuthMethod", "ClientRequestId", "DeviceId", "DurationMs",
    "IdentityProvider", "IPAddress", "Location", "OperationId", "RequestId", "RequestMethod", "RequestUri",
    "ResponseSizeBytes", "ResponseStatusCode", "Roles", "Scopes", "ServicePrincipalId", "SessionId", "SignInActivityId",
    "SourceSystem", "TenantId", "TimeGenerated", "TokenIssuedAt", "Type", "UniqueTokenId", "UserAgent", "UserId",
    "Wids",
}  # fmt: skip
"""Section 3.4, the table's columns (without those that are reserved, or say what a row costs)."""

GROUP = (BIND - {"OperationCount", "OperationProperties", "Folders"}) | {
    "ClientRequestId", "CrossMailboxOperations", "Folder", "AffectedItems",
}  # fmt: skip
AFFECTED = {"Id", "InternetMessageId", "ParentFolder", "Subject", "Attachments"}
SEND = (UPDATE | {"TokenObjectId"}) | {"SaveToSentItems", "recipientCount", "recipientList"}
"""Section 3.9, the group delete and the table of operations."""

DIRECTORY_AUDIT = {
    "id", "category", "correlationId", "result", "resultReason", "activityDisplayName", "activityDateTime",
    "loggedByService", "operationType", "initiatedBy", "targetResources", "additionalDetails",
}  # fmt: skip
INITIATOR = {"id", "displayName", "userPrincipalName", "ipAddress", "userType", "homeTenantId", "homeTenantName"}
TARGET = {"id", "displayName", "type", "userPrincipalName", "groupType", "modifiedProperties"}
"""Section 3.10, directoryAudit."""

WITH_INVOICE = (
    b"From: Bob <bob@fabrikam.example>\r\nTo: alice@contoso.example\r\nSubject: Invoice\r\nMIME-Version: 1.0\r\n"
    b'Message-ID: <i1@fabrikam.example>\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n'
    b"--b\r\nContent-Type: text/plain\r\n\r\nHello\r\n"
    b'--b\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename="invoice.pdf"\r\n\r\n'
    b"%PDF-1.7\r\n--b--\r\n"
)


def test_graph_activity_table(used):  # noqa: F811 - pytest hands the fixture in by this name
    """Log Analytics has every column of the table, the token's id in two of them, and numbers where it has numbers."""
    rows = json.loads(only(exported(used, "analytics"), "MicrosoftGraphActivityLogs.json"))
    read = next(row for row in rows if row["RequestUri"].endswith("/$value"))

    assert set(read) == ACTIVITY_TABLE
    assert (read["ClientAuthMethod"], read["ResponseStatusCode"], type(read["DurationMs"])) == (2, 200, int)
    assert read["SignInActivityId"] == read["UniqueTokenId"]
    assert read["TenantId"] != read["AadTenantId"] == used.tenant


@pytest.mark.parametrize(
    ("method", "end", "operation"),
    [("POST", "/permanentDelete", "HardDelete"), ("DELETE", "", "SoftDelete"), ("POST", "/move", "Move")],
)
def test_deleting_and_moving(bench, method, end, operation):
    """A group record names the folder and each message with its attachments; a move the other folder besides."""
    message, token = bench.add_message(WITH_INVOICE), bench.token()
    body = {"destinationId": "archive"} if end == "/move" else None
    bench.graph(method, f"/users/alice@contoso.example/messages/{message}{end}", token, json_body=body)
    [record] = [row for row in bench.rows("audit") if row["Operation"] == operation]
    [item] = record["AffectedItems"]

    assert set(record) - {"DestFolder"} == GROUP
    assert ("DestFolder" in record) == (operation == "Move")
    assert (record["RecordType"], record["ResultStatus"], record["CrossMailboxOperations"]) == (3, "Succeeded", False)
    assert record["Folder"]["Path"] == item["ParentFolder"]["Path"] == "\\Inbox"
    assert set(item) >= AFFECTED
    assert (item["InternetMessageId"], item["Subject"]) == ("<i1@fabrikam.example>", "Invoice")
    assert item["Attachments"] == "invoice.pdf (8b)"


def test_sending(bench):
    """A Send record has the item, whether it was kept, and to whom it went."""
    people = [{"emailAddress": {"address": address}} for address in ("carol@fabrikam.example", "alice@contoso.example")]
    letter = {"subject": "Hi", "body": {"contentType": "Text", "content": "x"}, "toRecipients": people}
    bench.graph("POST", "/users/alice@contoso.example/sendMail", bench.token(), json_body={"message": letter})
    [record] = [row for row in bench.rows("audit") if row["Operation"] == "Send"]

    assert set(record) == SEND
    assert (record["RecordType"], record["SaveToSentItems"], record["recipientCount"]) == (2, True, 2)
    assert record["recipientList"] == ["carol@fabrikam.example", "alice@contoso.example"]
    assert record["Item"]["ParentFolder"]["Path"] == "\\Sent Items"


def test_directory_audit_of_the_graph_reports_api(used):  # noqa: F811 - pytest hands the fixture in by this name
    """Graph's record has every documented field, for a person and for an application, values as JSON inside text."""
    used.run("admin_add_secret", app_id=used.app["app_id"])
    rows = used.graph("GET", "/auditLogs/directoryAudits", used.token_text).document()["value"]
    by_hand = next(row for row in rows if row["initiatedBy"]["user"])
    change = next(row for row in rows if "Certificates and secrets" in row["activityDisplayName"])
    [target] = change["targetResources"]

    assert all(set(row) == DIRECTORY_AUDIT for row in rows)
    assert set(by_hand["initiatedBy"]["user"]) == INITIATOR
    assert (set(target), target["type"]) == (TARGET, "Application")
    assert all(set(one) == {"displayName", "oldValue", "newValue"} for one in target["modifiedProperties"])
    assert json.loads(target["modifiedProperties"][0]["newValue"])[-1].startswith("[KeyIdentifier=")
    assert (change["result"], change["loggedByService"], change["operationType"]) == (
        "success",
        "Core Directory",
        "Update",
    )
