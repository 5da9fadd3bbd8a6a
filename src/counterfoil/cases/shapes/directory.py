"""The directory audit as exports spell it (Microsoft Graph directoryAudit)."""

import json

from counterfoil.cases.cast import Tenant
from counterfoil.cases.rows import DirectoryEvent, Key, Record
from counterfoil.cases.spell import ticks


def graph_api(tenant: Tenant, event: DirectoryEvent) -> Record:
    """One ``directoryAudit`` of the Graph API; old and new values are JSON text inside a string."""
    return {
        "id": f"Directory_{event.correlation}_AUMVX_13992832",
        "category": "ApplicationManagement",
        "correlationId": str(event.correlation),
        "result": "success",
        "resultReason": "",
        "activityDisplayName": event.activity,
        "activityDateTime": ticks(event.time),
        "loggedByService": "Core Directory",
        "operationType": "Update",
        "initiatedBy": {"user": None, "app": {"appId": str(tenant.app), "displayName": "Example Mail Guard"}},
        "targetResources": [
            {
                "id": str(tenant.application),
                "displayName": "Example Mail Guard",
                "type": "Application",
                "modifiedProperties": [
                    {
                        "displayName": "KeyDescription",
                        "oldValue": _described(event.before),
                        "newValue": _described(event.after),
                    },
                    {"displayName": "Included Updated Properties", "oldValue": None, "newValue": '"KeyDescription"'},
                ],
            }
        ],
        "additionalDetails": [{"key": "AppId", "value": str(tenant.app)}],
    }


def _described(keys: tuple[Key, ...]) -> str:
    return json.dumps(
        [
            f"[KeyIdentifier={key.key_id},KeyType=AsymmetricX509Cert,KeyUsage=Verify,DisplayName={key.name}]"
            for key in keys
        ]
    )


def event_hub(tenant: Tenant, event: DirectoryEvent) -> Record:
    """The same as a diagnostic setting streams it."""
    return {
        "time": ticks(event.time),
        "resourceId": f"/tenants/{tenant.tenant}/providers/Microsoft.aadiam",
        "operationName": event.activity,
        "category": "AuditLogs",
        "tenantId": str(tenant.tenant),
        "resultSignature": "None",
        "correlationId": str(event.correlation),
        "properties": graph_api(tenant, event),
    }
