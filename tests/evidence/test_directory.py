"""Changes of the directory: whose they are is told by the call that lies beside them."""

import pytest
from tests.evidence.conftest import APP, PRINCIPAL, TENANT, at


def consent(clock):
    """Our service principal was given a permission by our application."""
    return {
        "id": "Directory_1_AAAAA_1", "category": "ApplicationManagement", "correlationId": "cc", "result": "success",
        "activityDisplayName": "Add delegated permission grant", "activityDateTime": at(clock),
        "initiatedBy": {"user": None, "app": {"appId": APP, "servicePrincipalId": PRINCIPAL}},
        "targetResources": [{"id": PRINCIPAL, "type": "ServicePrincipal", "modifiedProperties": [
            {"displayName": "DelegatedPermissionGrant.Scope", "oldValue": None, "newValue": '"Mail.Read"'}]}],
        "additionalDetails": [{"key": "AppId", "value": APP}], "tenantId": TENANT,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("clock", "kinds"),
    [("09:31:30", {"stolen-certificate"}), ("09:55:00", {"stolen-certificate", "unexplained"})],
    ids=["beside", "far from it"],
)
def test_a_change_beside_the_call_of_a_thief_belongs_to_his_theft(case, clock, kinds):
    """Within ten minutes of his call it is his; later nobody accounts for it."""
    case.heartbeat()
    case.signin(7, "09:30:00")
    uri = "https://graph.microsoft.com/v1.0/oauth2PermissionGrants"
    case.graph(7, "theirs", "req-7", "09:31:00", requestUri=uri, requestMethod="POST", responseStatusCode=201)
    case.directory.append(consent(clock))
    tenant = case.tenant()

    assert {entry["kind"] for entry in tenant["discrepancies"]} == kinds
    theft = next(entry for entry in tenant["discrepancies"] if entry["kind"] == "stolen-certificate")
    assert theft["count"] == (3 if clock == "09:31:30" else 2)
