"""Service-principal sign-ins as exports spell them.

Microsoft Graph signIn (beta); Azure Monitor, AADServicePrincipalSignInLogs.
"""

import json
from collections import defaultdict

from counterfoil.cases.cast import Tenant
from counterfoil.cases.rows import RESOURCES, Record, SignIn
from counterfoil.cases.spell import portal, ticks

WORKSPACE = "77777777-7777-7777-7777-777777777777"
FAILURE = "The certificate with identifier used to sign the client assertion is not registered on application."


def event_hub(tenant: Tenant, row: SignIn, *, late: bool) -> Record:
    """One record of a diagnostic setting that streams to an event hub or a storage account."""
    name, resource_id = RESOURCES[row.audience][1], RESOURCES[row.audience][0]
    vintage = tenant.vintage
    properties: Record = {
        "id": str(row.request),
        "createdDateTime": ticks(row.time),
        "userId": None,
        "appId": str(tenant.app),
        "ipAddress": row.address,
        "status": {"errorCode": row.error},
        "location": {"city": "Dublin", "state": "Dublin", "countryOrRegion": "IE", "geoCoordinates": {}},
        "correlationId": str(row.correlation),
        "conditionalAccessStatus": "notApplied",
        "appliedConditionalAccessPolicies": [],
        "isInteractive": False,
        "tokenIssuerType": "AzureAD",
        "authenticationProcessingDetails": [],
        "processingTimeInMilliseconds": 0,
        "riskState": "none",
        "resourceDisplayName": name,
        "resourceId": resource_id,
        "servicePrincipalName": "Example Mail Guard",
        "servicePrincipalId": str(tenant.service_principal),
        "flaggedForReview": False,
        "isTenantRestricted": False,
        "crossTenantAccessType": "none",
        "uniqueTokenIdentifier": vintage.sign_in_id(row.request, late=late),
        "incomingTokenType": "none",
        "authenticationProtocol": "none",
    }
    properties |= {name[0].lower() + name[1:]: value for name, value in _credential(tenant, row, late=late).items()}
    return {
        "time": ticks(row.time),
        "resourceId": f"/tenants/{tenant.tenant}/providers/Microsoft.aadiam",
        "operationName": "Sign-in activity",
        "operationVersion": "1.0",
        "category": "ServicePrincipalSignInLogs",
        "tenantId": str(tenant.tenant),
        "resultType": str(row.error),
        "resultSignature": "None",
        "durationMs": 0,
        "callerIpAddress": row.address,
        "correlationId": str(row.correlation),
        "Level": 4,
        "location": "IE",
        "properties": properties,
    }


def graph_api(tenant: Tenant, row: SignIn, *, late: bool) -> Record:
    """One ``signIn`` of the Graph API (beta)."""
    resource_id, name = RESOURCES[row.audience]
    return {
        "id": str(row.request),
        "createdDateTime": row.time.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "appId": str(tenant.app),
        "appDisplayName": "Example Mail Guard",
        "servicePrincipalId": str(tenant.service_principal),
        "servicePrincipalName": "Example Mail Guard",
        **{name[0].lower() + name[1:]: value for name, value in _credential(tenant, row, late=late).items()},
        "ipAddress": row.address,
        "autonomousSystemNumber": 64500,
        "resourceDisplayName": name,
        "resourceId": resource_id,
        "resourceTenantId": str(tenant.tenant),
        "correlationId": str(row.correlation),
        "uniqueTokenIdentifier": tenant.vintage.sign_in_id(row.request, late=late),
        "status": {
            "errorCode": row.error,
            "failureReason": FAILURE if row.error else "Other.",
            "additionalDetails": None,
        },
        "signInEventTypes": ["servicePrincipal"],
        "isInteractive": False,
        "incomingTokenType": "none",
        "tokenIssuerType": "AzureAD",
        "authenticationProcessingDetails": [],
    }


def log_analytics(tenant: Tenant, row: SignIn, *, late: bool) -> Record:
    """One row of the Log Analytics table AADServicePrincipalSignInLogs."""
    resource_id, name = RESOURCES[row.audience]
    return {
        **_times(tenant, row),
        "Type": "AADServicePrincipalSignInLogs",
        "AADTenantId": str(tenant.tenant),
        "TenantId": WORKSPACE,
        "Id": str(row.request),
        "CorrelationId": str(row.correlation),
        "AppId": str(tenant.app),
        "ServicePrincipalId": str(tenant.service_principal),
        "ServicePrincipalName": "Example Mail Guard",
        **_credential(tenant, row, late=late),
        "IPAddress": row.address,
        "AutonomousSystemNumber": "64500",
        "LocationDetails": json.dumps({"city": "Dublin", "countryOrRegion": "IE", "geoCoordinates": {}}),
        "Location": "IE",
        "ResourceDisplayName": name,
        "ResourceIdentity": resource_id,
        "ResultType": str(row.error),
        "ResultDescription": FAILURE if row.error else "",
        "Category": "ServicePrincipalSignInLogs",
        "OperationName": "Sign-in activity",
        "UniqueTokenIdentifier": tenant.vintage.sign_in_id(row.request, late=late),
        "ConditionalAccessStatus": "notApplied",
    }


def _times(tenant: Tenant, row: SignIn) -> Record:
    if tenant.vintage.renamed:
        return {"TimeGenerated [UTC]": portal(row.time), "CreatedDateTime [UTC]": portal(row.time)}
    return {"TimeGenerated": ticks(row.time), "CreatedDateTime": ticks(row.time)}


def _credential(tenant: Tenant, row: SignIn, *, late: bool) -> Record:
    """Say with which credential somebody signed in, under the names of Log Analytics."""
    key, vintage = row.key, tenant.vintage
    kinds = {"certificate": "clientAssertion", "secret": "clientSecret", "federated": "federatedIdentityCredential"}
    record: Record = {
        "ServicePrincipalCredentialKeyId": vintage.nothing
        if key.kind == "federated"
        else vintage.key_id(key.key_id, late=late),
        "ServicePrincipalCredentialThumbprint": vintage.print_of(key.sha1, late=late),
        "FederatedCredentialId": str(key.key_id) if key.kind == "federated" else vintage.nothing,
    }
    if vintage.thumbprint != "none":
        # A log without thumbprints is of a year that had no field for the type either.
        record["ClientCredentialType"] = kinds[key.kind]
    return record


def summarised(tenant: Tenant, rows: list[SignIn]) -> list[Record]:
    """One row for many sign-ins, as the portal shows them: by address, resource and result (Graph beta)."""
    groups: dict[tuple[str, str, int], list[SignIn]] = defaultdict(list)
    for row in rows:
        groups[(row.address, row.audience, row.error)].append(row)
    return [
        {
            "id": f"{tenant.service_principal}-{number}",
            "appId": str(tenant.app),
            "servicePrincipalId": str(tenant.service_principal),
            "servicePrincipalName": "Example Mail Guard",
            "ipAddress": address,
            "resourceDisplayName": RESOURCES[audience][1],
            "status": {"errorCode": error},
            "firstSignInDateTime": ticks(min(row.time for row in group)),
            "signInCount": len(group),
        }
        for number, ((address, audience, error), group) in enumerate(groups.items())
    ]
