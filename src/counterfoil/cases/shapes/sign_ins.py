"""Service-principal sign-ins as exports spell them.

Microsoft Graph signIn (beta); Azure Monitor, AADServicePrincipalSignInLogs.
"""

import json

from counterfoil.cases.cast import Tenant
from counterfoil.cases.rows import RESOURCES, Record, SignIn
from counterfoil.cases.spell import ticks, uti, uti_of_2022

WORKSPACE = "77777777-7777-7777-7777-777777777777"
FAILURE = "The certificate with identifier used to sign the client assertion is not registered on application."


def event_hub(tenant: Tenant, row: SignIn, *, old: bool) -> Record:
    """One record of a diagnostic setting that streams to an event hub or a storage account."""
    name, resource_id = RESOURCES[row.audience][1], RESOURCES[row.audience][0]
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
        "servicePrincipalCredentialKeyId": str(row.key.key_id),
        "uniqueTokenIdentifier": uti_of_2022(row.request) if old else uti(row.request),
        "incomingTokenType": "none",
        "authenticationProtocol": "none",
    }
    if not old:
        properties["servicePrincipalCredentialThumbprint"] = row.key.sha1
        properties["clientCredentialType"] = "clientAssertion"
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


def graph_api(tenant: Tenant, row: SignIn, *, old: bool) -> Record:
    """One ``signIn`` of the Graph API (beta)."""
    resource_id, name = RESOURCES[row.audience]
    return {
        "id": str(row.request),
        "createdDateTime": row.time.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "appId": str(tenant.app),
        "appDisplayName": "Example Mail Guard",
        "servicePrincipalId": str(tenant.service_principal),
        "servicePrincipalName": "Example Mail Guard",
        "servicePrincipalCredentialKeyId": str(row.key.key_id),
        "servicePrincipalCredentialThumbprint": "" if old else row.key.sha1,
        "clientCredentialType": "clientAssertion",
        "federatedCredentialId": "",
        "ipAddress": row.address,
        "autonomousSystemNumber": 64500,
        "resourceDisplayName": name,
        "resourceId": resource_id,
        "resourceTenantId": str(tenant.tenant),
        "correlationId": str(row.correlation),
        "uniqueTokenIdentifier": uti_of_2022(row.request) if old else uti(row.request),
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


def log_analytics(tenant: Tenant, row: SignIn, *, old: bool) -> Record:
    """One row of the Log Analytics table AADServicePrincipalSignInLogs."""
    resource_id, name = RESOURCES[row.audience]
    return {
        "TimeGenerated": ticks(row.time),
        "CreatedDateTime": ticks(row.time),
        "Type": "AADServicePrincipalSignInLogs",
        "AADTenantId": str(tenant.tenant),
        "TenantId": WORKSPACE,
        "Id": str(row.request),
        "CorrelationId": str(row.correlation),
        "AppId": str(tenant.app),
        "ServicePrincipalId": str(tenant.service_principal),
        "ServicePrincipalName": "Example Mail Guard",
        "ServicePrincipalCredentialKeyId": str(row.key.key_id),
        "ServicePrincipalCredentialThumbprint": "" if old else row.key.sha1,
        "ClientCredentialType": "clientAssertion",
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
        "UniqueTokenIdentifier": uti_of_2022(row.request) if old else uti(row.request),
        "ConditionalAccessStatus": "notApplied",
    }
