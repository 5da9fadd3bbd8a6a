"""One change of the directory counts once, whichever logs tell it."""

import json

import pytest

TENANT = "11111111-1111-1111-1111-111111111111"
APP = "22222222-2222-2222-2222-222222222222"
PRINCIPAL = "44444444-4444-4444-4444-444444444444"
ACTIVITY = "Update application \u2013 Certificates and secrets management "
STRANGE = "0f0f0f0f-0000-4000-8000-000000000001"


def described(key=STRANGE):
    """KeyDescription as both logs have it: JSON text inside a string."""
    return json.dumps([f"[KeyIdentifier={key},KeyType=AsymmetricX509Cert,KeyUsage=Verify,DisplayName=CN=a, b=c]"])


def own(number=1, clock="09:40:00.1234567", key=STRANGE, correlation="c0ffee00-0000-4000-8000-000000000001"):
    """The directory's own row, as ``directoryAudits`` gives it; it names no tenant."""
    return {
        "id": f"Directory_{correlation}_AUMVX_{number}", "category": "ApplicationManagement", "result": "success",
        "correlationId": correlation, "activityDisplayName": ACTIVITY, "activityDateTime": f"2026-10-05T{clock}Z",
        "loggedByService": "Core Directory", "operationType": "Update",
        "initiatedBy": {"user": None, "app": {"appId": APP, "servicePrincipalId": PRINCIPAL, "displayName": "x"}},
        "targetResources": [{"id": PRINCIPAL, "type": "Application", "modifiedProperties": [
            {"displayName": "KeyDescription", "oldValue": "[]", "newValue": described(key)}]}],
        "additionalDetails": [],
    }  # fmt: skip


def unified(number=1, clock="09:40:00", key=STRANGE, correlation="c0ffee00-0000-4000-8000-000000000001", **more):
    """The unified audit log's copy, record type 8: whole seconds, a full stop, another id."""
    return {
        "CreationTime": f"2026-10-05T{clock}", "Id": f"aaaaaaaa-0000-4000-8000-{number:012d}", "RecordType": 8,
        "Operation": ACTIVITY, "OrganizationId": TENANT, "ResultStatus": "Success", "UserKey": APP, "UserType": 4,
        "Version": 1, "Workload": "AzureActiveDirectory", "ClientIP": None, "ObjectId": PRINCIPAL,
        "UserId": f"ServicePrincipal_{PRINCIPAL}", "AzureActiveDirectoryEventType": 1,
        "ExtendedProperties": [{"Name": "additionalDetails", "Value": "{}"}],
        "ModifiedProperties": [{"Name": "KeyDescription", "NewValue": described(key), "OldValue": "[]"}],
        "Actor": [{"ID": f"ServicePrincipal_{PRINCIPAL}", "Type": 2}, {"ID": APP, "Type": 1}],
        "ActorContextId": TENANT, "InterSystemsId": correlation, "Target": [{"ID": PRINCIPAL, "Type": 2}],
        "TargetContextId": TENANT, **more,
    }  # fmt: skip


def analytics(number=1):
    """The same row in the table ``AuditLogs``: nested values are JSON text, and the tenant is named."""
    row = own(number)
    return {
        "TimeGenerated": "2026-10-05T09:44:00Z", "Type": "AuditLogs", "AADTenantId": TENANT, "Id": row["id"],
        "OperationName": ACTIVITY, "ActivityDisplayName": ACTIVITY, "ActivityDateTime": row["activityDateTime"],
        "CorrelationId": row["correlationId"], "Result": "success", "Category": "ApplicationManagement",
        "InitiatedBy": json.dumps(row["initiatedBy"]), "TargetResources": json.dumps(row["targetResources"]),
        "AdditionalDetails": "[]",
    }  # fmt: skip


def found(case, own_rows, copies=(), tables=()):
    """The foreign credentials of the answer, with how often each was counted."""
    case.heartbeat()
    case.directory += own_rows
    case.files["unified.json"] = json.dumps(list(copies)).encode()
    case.files["table.json"] = json.dumps(list(tables)).encode()
    tenant = case.tenant()
    case.left = tenant["radius"]["persistence"]
    return [entry["count"] for entry in tenant["discrepancies"] if entry["kind"] == "foreign-credential"]


@pytest.mark.parametrize(
    "copies",
    [
        [unified()],
        [unified(clock="09:41:30")],
        [unified(correlation=None)],
        [unified(correlation="another id", clock="09:40:01")],
    ],
    ids=["as real", "told late", "without correlation id", "with an id of its own"],
)
def test_the_copy_of_a_row_is_no_second_event(case, copies):
    """Both logs in one folder: one credential, counted once, left behind once."""
    assert found(case, [own()], copies) == [1]
    assert len(case.left) == 1


def test_three_exports_of_one_event_are_one(case):
    """Graph page, Log Analytics table and unified copy tell the same addition of a key."""
    assert found(case, [own()], [unified()], [analytics()]) == [1]
    assert len(case.left) == 1


def test_the_copy_alone_is_enough(case):
    """Where only the unified log was exported, the key is found all the same."""
    assert found(case, [], [unified()]) == [1]


def test_two_events_of_one_second_remain_two(case):
    """Two keys added in the same second by one request are two, told by one log or by both."""
    other = "0f0f0f0f-0000-4000-8000-000000000002"
    pages = [own(1), own(2, key=other)]
    assert found(case, pages, [unified(1), unified(2, key=other)]) == [1, 1]


def test_the_same_change_twice_is_two(case):
    """A copy has one partner at most: the same key described again a minute later is another row."""
    again = own(2, "09:41:00", correlation="c0ffee00-0000-4000-8000-000000000002")
    copies = [unified(1), unified(2, "09:41:00", correlation="c0ffee00-0000-4000-8000-000000000002")]
    assert found(case, [own(), again], copies) == [2]


def test_one_call_of_ours_explains_both_copies(case):
    """Our own addKey is told twice by the tenant and made once by us: nothing is left over."""
    path = f"https://graph.microsoft.com/v1.0/applications/{APP}/addKey"
    case.call(1, "crid-5", "09:39:00", method="POST", resource=path, effect="change", mailbox=None, message_ids=[])
    case.graph(1, "crid-5", "req-5", "09:39:01", requestMethod="POST", requestUri=path)
    assert found(case, [own()], [unified()]) == []


def test_a_copy_that_failed_is_no_copy_of_what_succeeded(case):
    """A refused attempt and the success beside it are two events."""
    assert found(case, [own()], [unified(ResultStatus="Failure")]) == [1]
    kinds = [entry["kind"] for entry in case.tenant()["discrepancies"]]
    assert sorted(kinds) == ["attempted", "foreign-credential"]
