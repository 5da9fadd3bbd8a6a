"""Changes of the directory: whose they are is told by the call that lies beside them."""

import pytest
from tests.evidence.conftest import APP, KEY, PRINCIPAL, TENANT, at


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


def added(old, new, actor):
    """Somebody changed the keys of an application that the row names by its object id alone, as real rows do."""
    text = '["[KeyIdentifier={},KeyType=AsymmetricX509Cert,KeyUsage=Verify,DisplayName=CN=a, O=b]"]'
    joined = ",".join(text.format(key)[1:-1] for key in (*old, *new))
    return {
        "id": "Directory_2_BBBBB_2", "category": "ApplicationManagement", "correlationId": "dd", "result": "success",
        "activityDisplayName": "Update application \N{EN DASH} Certificates and secrets management ",
        "activityDateTime": at("09:35:00"), "initiatedBy": actor, "additionalDetails": [], "tenantId": TENANT,
        "targetResources": [{"id": "11b49e19-0000-4000-8000-000000000001", "type": "Application",
            "modifiedProperties": [{"displayName": "KeyDescription",
                "oldValue": text.format(*old) if old else "[]", "newValue": f"[{joined}]"}]}],
    }  # fmt: skip


PERSON = {"user": {"id": "8", "userPrincipalName": "admin@contoso.example"}, "app": None}
OUR_APP = {"user": None, "app": {"appId": APP, "servicePrincipalId": PRINCIPAL}}
STRANGE = "59eaeebc-8a6b-44a6-9f24-7d55e64420c9"


@pytest.mark.parametrize(("actor", "state"), [(PERSON, "cannot-say"), (OUR_APP, "touched")], ids=["person", "our app"])
def test_an_application_is_known_by_our_key_where_only_its_object_id_is_named(case, actor, state):
    """A key beside one of ours is on our application; who put it there decides whether that was a use."""
    case.heartbeat().directory.append(added([KEY], [STRANGE], actor))
    tenant = case.tenant()

    assert tenant["state"] == state
    assert [entry["kind"] for entry in tenant["discrepancies"]] == ["foreign-credential"]


def test_a_key_on_somebody_elses_application_is_no_matter_of_ours(case):
    """None of its keys is ours, and nothing else names us."""
    case.heartbeat().directory.append(added([], [STRANGE], PERSON))

    assert (case.tenant()["state"], case.tenant()["discrepancies"]) == ("clean", [])
