"""The directory audit as exports spell it (Microsoft Graph directoryAudit; Log Analytics AuditLogs)."""

import json

from counterfoil.cases.cast import Tenant
from counterfoil.cases.rows import DirectoryEvent, Record
from counterfoil.cases.shapes.sign_ins import WORKSPACE
from counterfoil.cases.spell import plain, ticks


def graph_api(tenant: Tenant, event: DirectoryEvent, *, late: bool) -> Record:  # noqa: ARG001 - as the other logs
    """One ``directoryAudit`` of the Graph API; old and new values are JSON text inside a string."""
    return {
        "id": _id(event),
        "category": "ApplicationManagement",
        "correlationId": str(event.correlation),
        "result": "success",
        "resultReason": "",
        "activityDisplayName": event.activity,
        "activityDateTime": ticks(event.time),
        "loggedByService": "Core Directory",
        "operationType": "Update",
        "initiatedBy": _initiated(tenant, event),
        "targetResources": [
            {
                "id": str(_target(tenant, event)),
                "displayName": "Example Mail Guard",
                "type": event.target,
                "modifiedProperties": [
                    {"displayName": change.name, "oldValue": change.old, "newValue": change.new}
                    for change in event.changes
                ],
            }
        ],
        "additionalDetails": [{"key": "AppId", "value": str(tenant.app)}],
    }


def event_hub(tenant: Tenant, event: DirectoryEvent, *, late: bool) -> Record:
    """The same as a diagnostic setting streams it."""
    return {
        "time": ticks(event.time),
        "resourceId": f"/tenants/{tenant.tenant}/providers/Microsoft.aadiam",
        "operationName": event.activity,
        "category": "AuditLogs",
        "tenantId": str(tenant.tenant),
        "resultSignature": "None",
        "correlationId": str(event.correlation),
        "properties": graph_api(tenant, event, late=late),
    }


def log_analytics(tenant: Tenant, event: DirectoryEvent, *, late: bool) -> Record:
    """One row of the Log Analytics table AuditLogs: nested values are JSON text there."""
    record = graph_api(tenant, event, late=late)
    return {
        "TimeGenerated": ticks(event.time),
        "Type": "AuditLogs",
        "AADTenantId": str(tenant.tenant),
        "TenantId": WORKSPACE,
        "OperationName": event.activity,
        "ActivityDisplayName": event.activity,
        "ActivityDateTime": ticks(event.time),
        "Category": "ApplicationManagement",
        "CorrelationId": str(event.correlation),
        "LoggedByService": "Core Directory",
        "Result": "success",
        "Id": record["id"],
        "InitiatedBy": json.dumps(record["initiatedBy"]),
        "TargetResources": json.dumps(record["targetResources"]),
        "AdditionalDetails": json.dumps(record["additionalDetails"]),
    }


def unified(tenant: Tenant, event: DirectoryEvent, *, late: bool) -> Record:  # noqa: ARG001 - as the other logs
    """The copy in the unified audit log (record type 8): names end in a full stop, and no application is named."""
    who = event.actor or str(tenant.service_principal)
    return {
        "CreationTime": plain(event.time),
        "Id": str(event.correlation),
        "Operation": f"{event.activity.strip()}.",
        "OrganizationId": str(tenant.tenant),
        "RecordType": 8,
        "ResultStatus": "Success",
        "UserKey": "Not Available",
        "UserType": 4,
        "Version": 1,
        "Workload": "AzureActiveDirectory",
        "ObjectId": str(tenant.app),
        "UserId": who,
        "AzureActiveDirectoryEventType": 1,
        "Actor": [{"ID": who, "Type": 2}],
        "ActorContextId": str(tenant.tenant),
        "InterSystemsId": str(event.correlation),
        "Target": [{"ID": str(_target(tenant, event)), "Type": 2}, {"ID": str(tenant.app), "Type": 2}],
        "ModifiedProperties": [
            {"Name": change.name, "OldValue": change.old or "", "NewValue": change.new or ""}
            for change in event.changes
        ],
    }


def _id(event: DirectoryEvent) -> str:
    return f"Directory_{event.correlation}_AUMVX_13992832"


def _target(tenant: Tenant, event: DirectoryEvent) -> object:
    return tenant.application if event.target == "Application" else tenant.service_principal


def _initiated(tenant: Tenant, event: DirectoryEvent) -> Record:
    if event.actor:
        return {
            "user": {"id": str(event.correlation), "userPrincipalName": event.actor, "ipAddress": None},
            "app": None,
        }
    app = {"appId": str(tenant.app), "servicePrincipalId": str(tenant.service_principal)}
    return {"user": None, "app": {**app, "displayName": "Example Mail Guard"}}
