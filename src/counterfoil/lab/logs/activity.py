"""Graph activity rows (Azure Monitor MicrosoftGraphActivityLogs): storage lines and the Log Analytics table."""

from dataclasses import dataclass
from typing import Any

from counterfoil.lab.logs import delivery
from counterfoil.lab.logs.signin import WORKSPACE
from counterfoil.lab.objects import Tenant
from counterfoil.lab.spelling import ticks
from counterfoil.lab.wire import Call
from counterfoil.lab.world import World

REAL = "https://graph.microsoft.com"


@dataclass(frozen=True, slots=True)
class Activity:
    """One call to Graph under a token, answered."""

    call: Call
    tenant: Tenant
    claims: dict[str, Any]
    version: str
    target: str
    operation_id: str
    status: int
    size: int


def record(world: World, event: Activity) -> None:
    """Leave the row in the tenant whose data was asked for; an unlicensed tenant has no such log."""
    if not event.tenant.licensed:
        return
    call, claims = event.call, event.claims
    body = {
        "at": call.now,
        "tenant": event.tenant.id,
        "requestId": call.id,
        "operationId": event.operation_id,
        "clientRequestId": call.header("client-request-id") or event.operation_id,
        "apiVersion": event.version,
        "requestMethod": call.method,
        "responseStatusCode": event.status,
        "responseSizeBytes": event.size,
        "signInActivityId": claims["uti"],
        "roles": " ".join(claims.get("roles", [])),
        "appId": claims["appid"],
        "identityProvider": claims["idp"],
        "clientAuthMethod": claims["appidacr"],
        "wids": " ".join(claims.get("wids", [])),
        "ipAddress": call.address,
        "userAgent": call.header("user-agent"),
        "requestUri": f"{REAL}{event.target}",
        "servicePrincipalId": claims["oid"],
        "issued": claims["iat"],
        "duration": 4000 + int(world.dice.random() * 900000),
    }
    delivery.record(world, event.tenant.id, delivery.ACTIVITY, call.now, body)


def storage(body: dict[str, Any]) -> dict[str, Any]:
    """Shape it as a line of a storage blob or an Event Hub message."""
    same = (
        "requestId", "operationId", "clientRequestId", "apiVersion", "requestMethod", "responseStatusCode",
        "responseSizeBytes", "signInActivityId", "roles", "appId", "identityProvider", "clientAuthMethod", "wids",
        "ipAddress", "userAgent", "requestUri", "servicePrincipalId",
    )  # fmt: skip
    tenant = body["tenant"]
    return {
        "time": ticks(body["at"]),
        "resourceId": f"/TENANTS/{tenant.upper()}/PROVIDERS/MICROSOFT.AADIAM",
        "operationName": "Microsoft Graph Activity",
        "operationVersion": body["apiVersion"],
        "category": "MicrosoftGraphActivityLogs",
        "resultSignature": str(body["responseStatusCode"]),
        "durationMs": str(body["duration"]),
        "callerIpAddress": body["ipAddress"],
        "correlationId": body["requestId"],
        "level": "Informational",
        "location": "UK South",
        "properties": {
            "timeGenerated": ticks(body["at"]),
            **{name: body[name] for name in same},
            "tenantId": tenant,
            "durationMs": body["duration"],
            "scopes": "",
            "isReplay": False,
            "C_Idtyp": "app",
            "policyEvaluated": False,
            "tokenIssuedAt": ticks(body["issued"]),
        },
        "tenantId": tenant,
    }


def analytics(body: dict[str, Any]) -> dict[str, Any]:
    """Shape it as the table ``MicrosoftGraphActivityLogs`` of Log Analytics."""
    same = ("requestId", "operationId", "clientRequestId", "apiVersion", "requestMethod", "responseStatusCode",
            "responseSizeBytes", "signInActivityId", "roles", "appId", "identityProvider", "wids", "userAgent",
            "requestUri", "servicePrincipalId")  # fmt: skip
    return {
        "TimeGenerated": ticks(body["at"]),
        "Type": "MicrosoftGraphActivityLogs",
        "TenantId": WORKSPACE,
        "AadTenantId": body["tenant"],
        **{name[:1].upper() + name[1:]: body[name] for name in same},
        "UniqueTokenId": body["signInActivityId"],
        "ClientAuthMethod": int(body["clientAuthMethod"]),
        "DurationMs": body["duration"],
        "IPAddress": body["ipAddress"],
        "Location": "UK South",
        "Scopes": "",
        "SessionId": "",
        "DeviceId": "",
        "SourceSystem": "",
        "UserId": "",
        "TokenIssuedAt": ticks(body["issued"]),
    }
