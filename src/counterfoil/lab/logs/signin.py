"""Service-principal sign-ins in their three shapes.

Microsoft Graph signIn (beta); Azure Monitor, AADServicePrincipalSignInLogs.
"""

import json
from dataclasses import dataclass
from typing import Any

from counterfoil.lab.logs import delivery
from counterfoil.lab.names import GRAPH, Resource
from counterfoil.lab.objects import Application, Principal, Tenant
from counterfoil.lab.spelling import graph_form, seconds, ticks, uti_of
from counterfoil.lab.wire import Call
from counterfoil.lab.world import World

WORKSPACE = "77777777-7777-7777-7777-777777777777"
"""The Log Analytics workspace to which every tenant of the laboratory exports."""

_NOBODY = "00000000-0000-0000-0000-000000000000"


@dataclass(frozen=True, slots=True)
class SignIn:
    """One token request, granted (``code`` 0) or refused."""

    tenant: Tenant
    request_id: str
    correlation_id: str
    app_id: str
    application: Application | None
    principal: Principal | None
    resource: Resource | None
    kind: str
    key_id: str
    thumbprint: str
    federation: str
    code: int
    reason: str
    cae: bool


def record(world: World, call: Call, event: SignIn) -> None:
    """Leave the row of a token request in the tenant where it was made."""
    delivery.record(world, event.tenant.id, delivery.SIGNIN, call.now, _body(call, event))


def _body(call: Call, event: SignIn) -> dict[str, Any]:
    """The neutral record: Graph's names, the time in seconds, the id as a GUID."""
    name = event.principal.name if event.principal else (event.application.name if event.application else "")
    resource = event.resource
    return {
        "id": event.request_id,
        "at": call.now,
        "tenant": event.tenant.id,
        "appId": event.app_id,
        "appDisplayName": name,
        "servicePrincipalId": event.principal.id if event.principal else _NOBODY,
        "servicePrincipalName": name,
        "servicePrincipalCredentialKeyId": event.key_id,
        "servicePrincipalCredentialThumbprint": event.thumbprint,
        "clientCredentialType": event.kind,
        "federatedCredentialId": event.federation,
        "ipAddress": call.address,
        "resourceDisplayName": resource.name if resource else "",
        "resourceId": resource.app if resource else "",
        "resourceServicePrincipalId": principal_of_resource(event.tenant.id, resource.app) if resource else "",
        "appOwnerTenantId": event.application.tenant if event.application else "",
        "correlationId": event.correlation_id,
        "code": event.code,
        "reason": event.reason,
        "cae": event.cae,
        "userAgent": call.header("user-agent"),
    }


def principal_of_resource(tenant: str, app: str) -> str:
    """Return the object id of a Microsoft API's service principal in a tenant (derived, so that it stays)."""
    return f"{app[4:8]}0000-5555-4555-8555-{tenant.replace('-', '')[:12]}" if app != GRAPH else (
        f"55555555-5555-4555-8555-{tenant.replace('-', '')[:12]}"
    )  # fmt: skip


def _details(body: dict[str, Any]) -> list[dict[str, str]]:
    return [{"key": "Is CAE Token", "value": "True" if body["cae"] else "False"}]


_LOCATION: dict[str, Any] = {
    "city": "Dublin",
    "state": "Dublin",
    "countryOrRegion": "IE",
    "geoCoordinates": {"altitude": None, "latitude": 53.35, "longitude": -6.26},
}


def graph(body: dict[str, Any], *, long_uti: bool = False) -> dict[str, Any]:
    """Shape it as ``GET /beta/auditLogs/signIns`` does."""
    same = (
        "id", "appId", "appDisplayName", "servicePrincipalId", "servicePrincipalName",
        "servicePrincipalCredentialKeyId", "servicePrincipalCredentialThumbprint", "clientCredentialType",
        "federatedCredentialId", "ipAddress",
        "resourceDisplayName", "resourceId", "resourceServicePrincipalId", "appOwnerTenantId", "correlationId",
        "userAgent",
    )  # fmt: skip
    return {
        **{name: body[name] for name in same},
        "createdDateTime": seconds(body["at"]),
        "autonomousSystemNumber": 64500,
        "location": _LOCATION,
        "resourceTenantId": body["tenant"],
        "uniqueTokenIdentifier": graph_form(body["id"]) if long_uti else uti_of(body["id"]),
        "status": {"errorCode": body["code"], "failureReason": body["reason"], "additionalDetails": None},
        "signInEventTypes": ["servicePrincipal"],
        "isInteractive": False,
        "incomingTokenType": "none",
        "authenticationProtocol": "none",
        "tokenIssuerType": "AzureAD",
        "crossTenantAccessType": "none",
        "conditionalAccessStatus": "notApplied",
        "appliedConditionalAccessPolicies": [],
        "authenticationProcessingDetails": _details(body),
        "riskLevelAggregated": "none",
        "riskLevelDuringSignIn": "none",
        "riskState": "none",
        "riskDetail": "none",
        "flaggedForReview": False,
        "isTenantRestricted": False,
        "processingTimeInMilliseconds": 0,
    }


def storage(body: dict[str, Any]) -> dict[str, Any]:
    """Shape it as diagnostic settings write it to an Event Hub or a storage account."""
    inner = graph(body)
    for name in ("resourceTenantId", "signInEventTypes"):
        del inner[name]
    inner |= {
        "createdDateTime": ticks(body["at"]),
        "managedIdentityType": "none",
        "status": {"errorCode": body["code"]},
        "riskLevelAggregated": "low",
        "riskLevelDuringSignIn": "low",
        "userId": None,
    }
    return {
        "time": ticks(body["at"]),
        "resourceId": f"/tenants/{body['tenant']}/providers/Microsoft.aadiam",
        "operationName": "Sign-in activity",
        "operationVersion": "1.0",
        "category": "ServicePrincipalSignInLogs",
        "tenantId": body["tenant"],
        "resultType": str(body["code"]),
        "resultSignature": "None",
        "durationMs": 0,
        "callerIpAddress": body["ipAddress"],
        "correlationId": body["correlationId"],
        "level": 4,
        "location": "IE",
        "properties": inner,
    }


def analytics(body: dict[str, Any], visible: float) -> dict[str, Any]:
    """Shape it as the table ``AADServicePrincipalSignInLogs`` of Log Analytics."""
    return {
        "TimeGenerated": ticks(visible),
        "CreatedDateTime": ticks(body["at"]),
        "Type": "AADServicePrincipalSignInLogs",
        "AADTenantId": body["tenant"],
        "TenantId": WORKSPACE,
        "Id": body["id"],
        "CorrelationId": body["correlationId"],
        "AppId": body["appId"],
        "AppOwnerTenantId": body["appOwnerTenantId"],
        "AuthenticationProcessingDetails": json.dumps(_details(body)),
        "ServicePrincipalId": body["servicePrincipalId"],
        "ServicePrincipalName": body["servicePrincipalName"],
        "ServicePrincipalCredentialKeyId": body["servicePrincipalCredentialKeyId"],
        "ServicePrincipalCredentialThumbprint": body["servicePrincipalCredentialThumbprint"],
        "ClientCredentialType": body["clientCredentialType"],
        "FederatedCredentialId": body["federatedCredentialId"],
        "IPAddress": body["ipAddress"],
        "AutonomousSystemNumber": "64500",
        "LocationDetails": json.dumps(_LOCATION, separators=(",", ":")),
        "Location": "IE",
        "ResourceDisplayName": body["resourceDisplayName"],
        "ResourceIdentity": body["resourceId"],
        "ResourceServicePrincipalId": body["resourceServicePrincipalId"],
        "ResourceOwnerTenantId": "",
        "ResultType": str(body["code"]),
        "ResultDescription": "" if body["code"] == 0 else body["reason"],
        "ResultSignature": "",
        "Category": "ServicePrincipalSignInLogs",
        "OperationName": "Sign-in activity",
        "OperationVersion": "1.0",
        "UniqueTokenIdentifier": uti_of(body["id"]),
        "UserAgent": body["userAgent"],
        "ConditionalAccessStatus": "notApplied",
        "ConditionalAccessPolicies": "[]",
    }
