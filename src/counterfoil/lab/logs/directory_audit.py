"""Directory audit rows (Microsoft Graph directoryAudit): Graph's shape, Log Analytics', and the unified log's."""

import json
from typing import Any

from counterfoil.lab.logs import delivery
from counterfoil.lab.logs.signin import principal_of_resource
from counterfoil.lab.names import RESOURCES, find_role
from counterfoil.lab.objects import Application, Principal
from counterfoil.lab.spelling import bare, ticks
from counterfoil.lab.world import World

UPDATE_APPLICATION = "Update application – Certificates and secrets management "
"""With an en dash and a blank at the end, as real records have it."""

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def _write(
    world: World, tenant: str, actor: dict[str, Any], *, what: tuple[str, str], targets: list[dict[str, Any]]
) -> None:
    """Keep one row; ``what`` is the activity and the kind of operation, ``targets`` are targetResources."""
    activity, operation = what
    correlation = actor["correlation_id"] or world.guid()
    draw = world.dice.randbytes(9)
    letters = "".join(_LETTERS[byte % 26] for byte in draw[:5])
    body = {
        "id": f"Directory_{correlation}_{letters}_{int.from_bytes(draw[5:8], 'big')}",
        "audit_id": world.guid(),
        "at": actor["at"],
        "tenant": tenant,
        "activity": activity,
        "correlationId": correlation,
        "operation": operation,
        "actor": actor,
        "targets": targets,
    }
    delivery.record(world, tenant, delivery.DIRECTORY, actor["at"], body)


def _property(name: str, old: Any, new: Any) -> dict[str, Any]:
    """A modified property: its values are JSON inside a string."""
    return {
        "displayName": name,
        "oldValue": None if old is None else json.dumps(old),
        "newValue": None if new is None else json.dumps(new),
    }


def _target(id_: str, name: str, kind: str, properties: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": id_,
        "displayName": name,
        "type": kind,
        "userPrincipalName": None,
        "groupType": None,
        "modifiedProperties": properties,
    }


def _of(principal: Principal, properties: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [_target(principal.id, principal.name, "ServicePrincipal", properties)]


def credentials(
    world: World, thing: Application | Principal, actor: dict[str, Any], before: list[str], after: list[str]
) -> None:
    """Keys or secrets were added or removed, on an application or a service principal."""
    properties = [
        _property("KeyDescription", before, after),
        _property("Included Updated Properties", None, "KeyDescription"),
    ]
    if isinstance(thing, Application):
        target = _target(thing.id, thing.name, "Application", properties)
        _write(world, thing.tenant, actor, what=(UPDATE_APPLICATION, "Update"), targets=[target])
        return
    added = set(after) - set(before)
    activity = "Add service principal credentials" if added else "Remove service principal credentials"
    _write(world, thing.tenant, actor, what=(activity, "Update"), targets=_of(thing, properties))


def role_granted(world: World, principal: Principal, actor: dict[str, Any], role: tuple[str, str, str]) -> None:
    """An application permission was granted; ``role`` is its resource, id and name."""
    _role(world, principal, actor, role, added=True)


def role_revoked(world: World, principal: Principal, actor: dict[str, Any], resource: str, role: str) -> None:
    """An application permission was taken away."""
    found = find_role(role)
    _role(world, principal, actor, (resource, role, found[2] if found else ""), added=False)


def _role(
    world: World, principal: Principal, actor: dict[str, Any], role: tuple[str, str, str], *, added: bool
) -> None:
    resource, guid, name = role
    api = next((known.name for known in RESOURCES if known.app == resource), resource)
    values = {
        "AppRole.Id": guid,
        "AppRole.Value": name,
        "AppRole.DisplayName": name,
        "AppRoleAssignment.CreatedDateTime": ticks(actor["at"]),
        "ServicePrincipal.ObjectID": principal.id,
        "ServicePrincipal.DisplayName": principal.name,
        "ServicePrincipal.AppId": principal.app_id,
        "ServicePrincipal.Name": principal.app_id,
        "TargetId.ServicePrincipalNames": resource,
    }
    properties = [
        _property(key, None, value) if added else _property(key, value, None) for key, value in values.items()
    ]
    targets = [
        _target(principal_of_resource(principal.tenant, resource), api, "ServicePrincipal", properties),
        *_of(principal, []),
    ]
    verb = (
        "Add app role assignment to service principal" if added else "Remove app role assignment from service principal"
    )
    _write(world, principal.tenant, actor, what=(verb, "Assign" if added else "Unassign"), targets=targets)


def enabled(world: World, principal: Principal, actor: dict[str, Any], *, value: bool) -> None:
    """A service principal was switched on or off."""
    properties = [
        _property("AccountEnabled", [not value], [value]),
        _property("Included Updated Properties", None, "AccountEnabled"),
    ]
    _write(
        world, principal.tenant, actor, what=("Update service principal", "Update"), targets=_of(principal, properties)
    )


def principal_added(world: World, principal: Principal, actor: dict[str, Any]) -> None:
    """A service principal was made (consent, or by hand)."""
    properties = [_property("AccountEnabled", [], [True]), _property("AppPrincipalId", [], [principal.app_id])]
    _write(world, principal.tenant, actor, what=("Add service principal", "Add"), targets=_of(principal, properties))


def principal_removed(world: World, principal: Principal, actor: dict[str, Any]) -> None:
    """A service principal was deleted."""
    _write(world, principal.tenant, actor, what=("Remove service principal", "Delete"), targets=_of(principal, []))


def application_removed(world: World, application: Application, actor: dict[str, Any]) -> None:
    """An app registration was deleted; Microsoft keeps it for 30 days, unless it is deleted for good."""
    what = ("Delete application", "Delete")
    targets = [_target(application.id, application.name, "Application", [])]
    _write(world, application.tenant, actor, what=what, targets=targets)


def _initiator(actor: dict[str, Any]) -> dict[str, Any]:
    if actor["app_id"]:
        app = {
            "appId": actor["app_id"],
            "displayName": actor["name"],
            "servicePrincipalId": actor["principal"],
            "servicePrincipalName": None,
        }
        return {"user": None, "app": app}
    user = {
        "id": "",
        "displayName": None,
        "userPrincipalName": actor["user"],
        "ipAddress": actor["address"],
        "userType": None,
        "homeTenantId": None,
        "homeTenantName": None,
    }
    return {"app": None, "user": user}


def graph(body: dict[str, Any]) -> dict[str, Any]:
    """Shape it as ``GET /v1.0/auditLogs/directoryAudits`` does."""
    actor = body["actor"]
    return {
        "id": body["id"],
        "category": "ApplicationManagement",
        "correlationId": body["correlationId"],
        "result": "success",
        "resultReason": "",
        "activityDisplayName": body["activity"],
        "activityDateTime": ticks(body["at"]),
        "loggedByService": "Core Directory",
        "operationType": body["operation"],
        "initiatedBy": _initiator(actor),
        "targetResources": body["targets"],
        "additionalDetails": [{"key": "User-Agent", "value": actor["user_agent"]}],
    }


def analytics(body: dict[str, Any], visible: float) -> dict[str, Any]:
    """Shape it as the table ``AuditLogs`` of Log Analytics: nested values are JSON text."""
    row = graph(body)
    return {
        "TimeGenerated": ticks(visible),
        "Type": "AuditLogs",
        "AADTenantId": body["tenant"],
        "OperationName": row["activityDisplayName"],
        "Category": row["category"],
        "CorrelationId": row["correlationId"],
        "Level": "4",
        "LoggedByService": row["loggedByService"],
        "Result": row["result"],
        "AADOperationType": row["operationType"],
        "ActivityDisplayName": row["activityDisplayName"],
        "ActivityDateTime": row["activityDateTime"],
        "Id": row["id"],
        "InitiatedBy": json.dumps(row["initiatedBy"]),
        "AdditionalDetails": json.dumps(row["additionalDetails"]),
        "TargetResources": json.dumps(row["targetResources"]),
    }


def unified(body: dict[str, Any]) -> dict[str, Any]:
    """Shape it as the unified audit log's copy (record type 8)."""
    actor, target = body["actor"], body["targets"][0]
    who = actor["app_id"] or actor["user"]
    activity = body["activity"]
    return {
        "CreationTime": bare(body["at"]),
        "Id": body["audit_id"],
        "Operation": activity if activity == UPDATE_APPLICATION else f"{activity}.",
        "OrganizationId": body["tenant"],
        "RecordType": 8,
        "ResultStatus": "Success",
        "UserKey": who,
        "UserType": 4 if actor["app_id"] else 0,
        "Version": 1,
        "Workload": "AzureActiveDirectory",
        "ClientIP": None,
        "ObjectId": target["id"],
        "UserId": f"ServicePrincipal_{actor['principal']}" if actor["app_id"] else who,
        "AzureActiveDirectoryEventType": 1,
        "ExtendedProperties": [{"Name": "additionalDetails", "Value": json.dumps({"User-Agent": actor["user_agent"]})}],
        "ModifiedProperties": [
            {"Name": change["displayName"], "NewValue": change["newValue"] or "", "OldValue": change["oldValue"] or ""}
            for change in target["modifiedProperties"]
        ],
        "Actor": [{"ID": who, "Type": 1 if actor["app_id"] else 5}],
        "ActorContextId": body["tenant"],
        "InterSystemsId": body["correlationId"],
        "IntraSystemId": body["audit_id"],
        "SupportTicketId": "",
        "Target": [{"ID": target["id"], "Type": 2}, {"ID": target["displayName"], "Type": 1}],
        "TargetContextId": body["tenant"],
    }
