"""Record shapes, field by field, against records typed in from the reference.

A golden record here gives every field that the real or documented record has; values that depend on
the call are checked beside it. Nothing here is computed by the code that it checks.
"""

import base64
import json
import uuid

import pytest
from tests.lab.bench import KEYS

SIGN_IN = {
    "id", "createdDateTime", "appId", "appDisplayName", "servicePrincipalId", "servicePrincipalName",
    "servicePrincipalCredentialKeyId", "servicePrincipalCredentialThumbprint", "clientCredentialType",
    "federatedCredentialId", "ipAddress", "autonomousSystemNumber", "location", "resourceDisplayName", "resourceId",
    "resourceServicePrincipalId", "resourceTenantId", "appOwnerTenantId", "correlationId", "uniqueTokenIdentifier",
    "status", "signInEventTypes", "isInteractive", "incomingTokenType", "authenticationProtocol", "tokenIssuerType",
    "crossTenantAccessType", "conditionalAccessStatus", "appliedConditionalAccessPolicies",
    "authenticationProcessingDetails", "riskLevelAggregated", "riskState", "riskDetail",
}  # fmt: skip
"""Section 3.1, the constructed record."""

SIGN_IN_ENVELOPE = {
    "time", "resourceId", "operationName", "operationVersion", "category", "tenantId", "resultType", "resultSignature",
    "durationMs", "callerIpAddress", "correlationId", "level", "location", "properties",
}  # fmt: skip
SIGN_IN_PROPERTIES = {
    "id", "createdDateTime", "appId", "servicePrincipalId", "servicePrincipalName",
    "authenticationProcessingDetails", "authenticationProtocol", "clientCredentialType",
    "conditionalAccessStatus", "correlationId", "crossTenantAccessType", "flaggedForReview",
    "incomingTokenType", "ipAddress", "isInteractive", "isTenantRestricted", "location",
    "managedIdentityType", "processingTimeInMilliseconds", "resourceDisplayName", "resourceId",
    "resourceServicePrincipalId", "riskDetail", "riskLevelAggregated", "riskLevelDuringSignIn", "riskState",
    "status", "tokenIssuerType", "uniqueTokenIdentifier",
}  # fmt: skip
"""Section 3.2, the real record of 2023."""

SIGN_IN_TABLE = {
    "TimeGenerated", "CreatedDateTime", "Type", "AADTenantId", "TenantId", "Id", "CorrelationId", "AppId",
    "AppOwnerTenantId", "ServicePrincipalId", "ServicePrincipalName", "ServicePrincipalCredentialKeyId",
    "ServicePrincipalCredentialThumbprint", "ClientCredentialType", "IPAddress", "AutonomousSystemNumber",
    "LocationDetails", "Location", "ResourceDisplayName", "ResourceIdentity", "ResultType", "ResultDescription",
    "Category", "OperationName", "UniqueTokenIdentifier", "ConditionalAccessStatus",
}  # fmt: skip
"""Section 3.3."""

ACTIVITY_ENVELOPE = {
    "time", "resourceId", "operationName", "operationVersion", "category", "resultSignature", "durationMs",
    "callerIpAddress", "correlationId", "level", "location", "properties", "tenantId",
}  # fmt: skip
ACTIVITY_PROPERTIES = {
    "timeGenerated", "requestId", "operationId", "clientRequestId", "apiVersion", "requestMethod", "responseStatusCode",
    "tenantId", "durationMs", "responseSizeBytes", "signInActivityId", "roles", "appId", "scopes", "identityProvider",
    "clientAuthMethod", "wids", "isReplay", "C_Idtyp", "ipAddress", "userAgent", "requestUri", "policyEvaluated",
    "servicePrincipalId", "tokenIssuedAt",
}  # fmt: skip
"""Section 3.4, the real line of July 2026 (without UserPrincipalObjectID, whose meaning is not known)."""

BIND = {
    "CreationTime", "Id", "Operation", "OrganizationId", "RecordType", "ResultStatus", "UserKey", "UserType", "Version",
    "Workload", "UserId", "ClientIP", "ClientIPAddress", "AppAccessContext", "AppId", "ClientAppId", "ClientInfoString",
    "ActorInfoString", "ExternalAccess", "InternalLogonType", "LogonType", "LogonUserSid", "MailboxGuid",
    "MailboxOwnerSid", "MailboxOwnerUPN", "OrganizationName", "OriginatingServer", "TokenTenantId", "TokenObjectId",
    "OperationCount", "OperationProperties", "Folders",
}  # fmt: skip
"""Section 3.8, the app-only record."""

UPDATE = {
    "AppAccessContext", "CreationTime", "Id", "Operation", "OrganizationId", "RecordType", "ResultStatus", "UserKey",
    "UserType", "Version", "Workload", "ClientIP", "UserId", "ActorInfoString", "AppId", "ClientAppId",
    "ClientIPAddress", "ClientInfoString", "ClientRequestId", "ExternalAccess", "InternalLogonType", "LogonType",
    "LogonUserSid", "MailboxGuid", "MailboxOwnerSid", "MailboxOwnerUPN", "OrganizationName", "OriginatingServer",
    "TokenTenantId", "Item",
}  # fmt: skip
ITEM = {"Id", "ImmutableId", "InternetMessageId", "IsRecord", "ParentFolder", "SizeInBytes", "Subject"}
"""Section 3.9, the real app-only record of August 2025."""

RULE = {
    "CreationTime", "Id", "Operation", "OrganizationId", "RecordType", "ResultStatus", "UserKey", "UserType", "Version",
    "Workload", "ClientIP", "ObjectId", "UserId", "AppAccessContext", "AppId", "ClientAppId", "ExternalAccess",
    "OrganizationName", "OriginatingServer", "SessionId", "Parameters",
}  # fmt: skip
"""Section 3.9, the real New-InboxRule."""

DIRECTORY_TABLE = {
    "OperationName", "Category", "CorrelationId", "Level", "LoggedByService", "Result", "AADOperationType",
    "ActivityDisplayName", "ActivityDateTime", "Id", "InitiatedBy", "AdditionalDetails", "TargetResources",
}  # fmt: skip
"""Section 3.10, the real record of 2021."""


@pytest.fixture
def used(bench):
    """A tenant in which Alice's message was read, changed and given a rule, and a sign-in was refused."""
    bench.ask_token(pair=KEYS[1])
    token = bench.token()
    message = bench.add_message()
    headers = {"client-request-id": "a1b2c3d4-0000-4000-8000-000000000001", "user-agent": "counterfoil"}
    url = "/users/alice@contoso.example"
    bench.graph("GET", f"{url}/messages/{message}/$value", token, headers=headers)
    bench.graph("PATCH", f"{url}/messages/{message}", token, json_body={"isRead": True}, headers=headers)
    rule = {"displayName": ".", "actions": {"moveToFolder": "RSS Feeds"}, "conditions": {"senderContains": ["bank"]}}
    bench.graph("POST", f"{url}/mailFolders/inbox/messageRules", token, json_body=rule, headers=headers)
    bench.token_text = token
    bench.now += 180
    return bench


def exported(bench, shape):
    """What the tenant would be given in one shape, reads gathered by now included; files by path."""
    from counterfoil.lab.logs.export import export
    from counterfoil.lab.logs.mailbox_audit import settle

    settle(bench.world, bench.now)
    return export(bench.world, bench.world.tenant(bench.tenant), bench.now, [shape])


def only(files, part):
    """The first file whose path has a part in it."""
    return next(data for path, data in sorted(files.items()) if part in path)


def _uti(text):
    return str(uuid.UUID(bytes_le=base64.urlsafe_b64decode(text + "==")))


def test_sign_in_of_the_graph_reports_api(used):
    """Graph's sign-in has every field of the documented record, and says of the key what the registry says."""
    path = "/beta/auditLogs/signIns?$filter=signInEventTypes/any(t: t eq 'servicePrincipal')"
    rows = used.graph("GET", path, used.token_text).document()["value"]
    good = next(row for row in rows if row["status"]["errorCode"] == 0)
    key = used.run("credentials", app_id=used.app["app_id"])["keys"][0]

    assert set(good) >= SIGN_IN
    assert good["status"] == {"errorCode": 0, "failureReason": "Other.", "additionalDetails": None}
    assert good["servicePrincipalCredentialKeyId"] == key["key_id"]
    assert good["servicePrincipalCredentialThumbprint"] == KEYS[0].sha1.hex().upper()
    assert good["resourceId"] == "00000003-0000-0000-c000-000000000000"
    assert good["signInEventTypes"] == ["servicePrincipal"]
    assert good["clientCredentialType"] == "clientAssertion"
    assert _uti(good["uniqueTokenIdentifier"]) == good["id"]
    assert good["createdDateTime"] == "2026-10-05T12:00:00Z"


def test_graph_may_spell_the_token_id_the_old_way(used):
    """With graph_form_uti the identifier is base64 of the GUID's text, 48 characters."""
    used.run("set_settings", graph_form_uti=True)
    path = "/beta/auditLogs/signIns?$filter=signInEventTypes/any(t: t eq 'servicePrincipal')"
    row = used.graph("GET", path, used.token_text).document()["value"][0]

    assert len(row["uniqueTokenIdentifier"]) == 48
    assert base64.b64decode(row["uniqueTokenIdentifier"]).decode() == row["id"]


def test_sign_in_of_storage(used):
    """A storage line has the envelope and properties of the real record; a refusal keeps its request id, no key."""
    data = only(exported(used, "storage"), "serviceprincipalsigninlogs")
    lines = [json.loads(line) for line in data.decode().split("\r\n") if line]
    failed = next(line for line in lines if line["resultType"] != "0")

    assert all(set(line) == SIGN_IN_ENVELOPE and set(line["properties"]) >= SIGN_IN_PROPERTIES for line in lines)
    assert (failed["resultType"], failed["resultSignature"], failed["durationMs"]) == ("700027", "None", 0)
    assert failed["properties"]["status"] == {"errorCode": 700027}
    assert failed["properties"]["servicePrincipalCredentialKeyId"] == ""
    assert _uti(failed["properties"]["uniqueTokenIdentifier"]) == failed["properties"]["id"]
    assert failed["resourceId"] == f"/tenants/{used.tenant}/providers/Microsoft.aadiam"


def test_sign_in_of_log_analytics(used):
    """The table has PascalCase columns, text where the real one has text, and the workspace in TenantId."""
    rows = json.loads(only(exported(used, "analytics"), "AADServicePrincipalSignInLogs.json"))

    assert all(set(row) >= SIGN_IN_TABLE for row in rows)
    assert {row["ResultType"] for row in rows} == {"0", "700027"}
    assert rows[0]["TenantId"] != rows[0]["AADTenantId"] == used.tenant
    assert json.loads(rows[0]["LocationDetails"])["countryOrRegion"] == "IE"
    assert isinstance(rows[0]["AutonomousSystemNumber"], str)


def test_graph_activity_line(used):
    """A Graph activity line has exactly the real fields, with their odd types."""
    data = only(exported(used, "storage"), "microsoftgraphactivitylogs")
    lines = [json.loads(line) for line in data.decode().split("\r\n") if line]
    read = next(line for line in lines if line["properties"]["requestUri"].endswith("/$value"))
    properties = read["properties"]

    assert set(read) == ACTIVITY_ENVELOPE
    assert set(properties) == ACTIVITY_PROPERTIES
    assert isinstance(read["durationMs"], str)
    assert isinstance(properties["durationMs"], int)
    assert (properties["clientAuthMethod"], read["resultSignature"], properties["responseStatusCode"]) == (
        "2",
        "200",
        200,
    )
    assert properties["clientRequestId"] == "a1b2c3d4-0000-4000-8000-000000000001"
    assert properties["requestId"] == read["correlationId"]
    assert properties["requestUri"].startswith("https://graph.microsoft.com/v1.0/users/alice@contoso.example/messages/")
    assert " " in properties["roles"]
    assert _uti(properties["signInActivityId"]).endswith("00")
    assert properties["tokenIssuedAt"] == "2026-10-05T12:00:00.0000000Z"
    assert read["resourceId"] == f"/TENANTS/{used.tenant.upper()}/PROVIDERS/MICROSOFT.AADIAM"


def test_mail_items_accessed(used):
    """A Bind record has exactly the documented fields and lists the message with the caller's request id."""
    exported(used, "purview")
    record = next(row for row in used.rows("audit") if row["Operation"] == "MailItemsAccessed")
    [folder] = record["Folders"]
    [item] = folder["FolderItems"]

    assert set(record) == BIND
    assert (record["RecordType"], record["UserType"], record["ResultStatus"], record["LogonType"]) == (
        50,
        5,
        "Succeeded",
        0,
    )
    assert record["CreationTime"] == "2026-10-05T12:00:00"
    assert record["OperationProperties"] == [
        {"Name": "MailAccessType", "Value": "Bind"},
        {"Name": "IsThrottled", "Value": "False"},
    ]
    assert set(record["AppAccessContext"]) == {"APIId", "ClientAppId", "IssuedAtTime", "UniqueTokenId"}
    assert record["AppAccessContext"]["UniqueTokenId"] == used.rows("activity")[0]["signInActivityId"]
    assert record["ClientInfoString"] == "Client=REST;Client=RESTSystem;;"
    assert record["ActorInfoString"] == (
        f"Client=REST;Client=RESTSystem;UserAgent=[counterfoil][AppId={used.app['app_id']}];"
    )
    assert folder["Path"] == "\\Inbox"
    assert set(item) == {"Id", "ImmutableId", "InternetMessageId", "SizeInBytes", "ClientRequestId"}
    assert item["InternetMessageId"] == "<m1@fabrikam.example>"
    assert item["ClientRequestId"] == "a1b2c3d4-0000-4000-8000-000000000001"
    assert (item["Id"][:2], item["ImmutableId"][:4]) == ("Rg", "LgAA")


def test_update_and_inbox_rule(used):
    """An app-only Update and a New-InboxRule have the fields of the real records, port and text values included."""
    update = next(row for row in used.rows("audit") if row["Operation"] == "Update")
    rule = next(row for row in used.rows("audit") if row["Operation"] == "New-InboxRule")

    assert set(update) - {"ModifiedProperties", "TokenObjectId"} == UPDATE
    assert set(update["Item"]) == ITEM
    assert update["Item"]["ParentFolder"]["Path"] == "\\Inbox"
    assert update["ModifiedProperties"] == ["isRead"]
    assert set(rule) == RULE
    assert (rule["RecordType"], rule["ResultStatus"], rule["ClientIP"]) == (1, "True", "198.51.100.7:52344")
    assert {"Name": "MoveToFolder", "Value": "RSS Feeds"} in rule["Parameters"]
    assert {"Name": "Name", "Value": "."} in rule["Parameters"]
    assert all(isinstance(parameter["Value"], str) for parameter in rule["Parameters"])


def test_directory_audit_of_a_key_change(used):
    """A key change keeps its en dash, its trailing blank and JSON inside strings, in all three shapes."""
    used.run("admin_add_key", app_id=used.app["app_id"], certificate_pem=KEYS[1].pem)
    key = used.run("credentials", app_id=used.app["app_id"])["keys"][1]
    activity = "Update application – Certificates and secrets management "
    table = json.loads(only(exported(used, "analytics"), "AuditLogs.json"))
    row = next(row for row in table if row["OperationName"] == activity)
    graph = used.graph("GET", "/auditLogs/directoryAudits", used.token_text).document()["value"]
    shown = next(item for item in graph if item["activityDisplayName"] == activity)
    unified = next(
        record
        for data in exported(used, "management").values()
        for record in json.loads(data)
        if record["Operation"] == activity
    )
    [target] = json.loads(row["TargetResources"])
    description = next(change for change in target["modifiedProperties"] if change["displayName"] == "KeyDescription")
    [added] = set(json.loads(description["newValue"])) - set(json.loads(description["oldValue"]))

    assert set(row) >= DIRECTORY_TABLE
    assert activity.encode("unicode_escape") == b"Update application \\u2013 Certificates and secrets management "
    assert (
        added
        == f"[KeyIdentifier={key['key_id']},KeyType=AsymmetricX509Cert,KeyUsage=Verify,DisplayName=CN=connection-1]"
    )
    assert KEYS[1].sha1.hex().upper() not in json.dumps(table)
    assert json.loads(row["InitiatedBy"])["user"]["userPrincipalName"] == "admin@lab.example"
    assert shown["id"].startswith(f"Directory_{shown['correlationId']}_")
    assert (unified["RecordType"], unified["ResultStatus"], unified["ClientIP"]) == (8, "Success", None)


def test_consent_is_logged_with_client_and_resource(bench):
    """A granted role names the role and the client; the unified copy ends its activity with a full stop."""
    files = exported(bench, "management")
    records = [record for data in files.values() for record in json.loads(data)]
    granted = [record for record in records if record["Operation"] == "Add app role assignment to service principal."]
    values = {change["Name"]: change["NewValue"] for change in granted[0]["ModifiedProperties"]}

    assert values["AppRole.Value"] == '"Mail.ReadWrite"'
    assert values["AppRole.Id"] == '"e2a3a72e-5f79-4c64-b1b1-878b674786c9"'
    assert values["ServicePrincipal.AppId"] == f'"{bench.app["app_id"]}"'
