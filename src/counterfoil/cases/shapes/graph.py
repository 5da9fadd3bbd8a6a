"""Graph activity as exports spell it (Azure Monitor MicrosoftGraphActivityLogs)."""

from counterfoil.cases.cast import Tenant
from counterfoil.cases.rows import GraphCall, Record
from counterfoil.cases.shapes.sign_ins import WORKSPACE
from counterfoil.cases.spell import ticks


def storage(tenant: Tenant, row: GraphCall, *, late: bool) -> Record:
    """One line of the blob that a diagnostic setting writes into a storage account."""
    issuer = f"https://sts.windows.net/{tenant.tenant}/"
    return {
        "time": ticks(row.time),
        "resourceId": f"/TENANTS/{str(tenant.tenant).upper()}/PROVIDERS/MICROSOFT.AADIAM",
        "operationName": "Microsoft Graph Activity",
        "operationVersion": "v1.0",
        "category": "MicrosoftGraphActivityLogs",
        "resultSignature": str(row.status),
        "durationMs": "497815",
        "callerIpAddress": row.address,
        "correlationId": str(row.request),
        "level": "Informational",
        "location": "North Europe",
        "properties": {
            "timeGenerated": ticks(row.time),
            "requestId": str(row.request),
            "operationId": str(row.client_request),
            "clientRequestId": str(row.client_request),
            "apiVersion": "v1.0",
            "requestMethod": row.method,
            "responseStatusCode": row.status,
            "tenantId": str(tenant.tenant),
            "durationMs": 497815,
            "responseSizeBytes": 0,
            "signInActivityId": tenant.vintage.graph_id(row.token, late=late),
            "roles": " ".join(tenant.roles),
            "appId": str(tenant.app),
            "scopes": "",
            "identityProvider": issuer,
            "clientAuthMethod": "2",
            "wids": "0997a1d0-0d1d-4acb-b408-d5ca73121e90",
            "C_Idtyp": "app",
            "ipAddress": row.address,
            "userAgent": row.agent,
            "requestUri": row.uri,
            "servicePrincipalId": str(tenant.service_principal),
            "tokenIssuedAt": ticks(row.issued),
        },
        "tenantId": str(tenant.tenant),
    }


def log_analytics(tenant: Tenant, row: GraphCall, *, late: bool) -> Record:
    """One row of the Log Analytics table MicrosoftGraphActivityLogs."""
    return {
        "TenantId": WORKSPACE,
        "TimeGenerated": ticks(row.time),
        "AadTenantId": str(tenant.tenant),
        "ApiVersion": "v1.0",
        "AppId": str(tenant.app),
        "ClientAuthMethod": 2,
        "ClientRequestId": str(row.client_request),
        "DurationMs": 497815,
        "IPAddress": row.address,
        "Location": "North Europe",
        "OperationId": str(row.client_request),
        "RequestId": str(row.request),
        "RequestMethod": row.method,
        "RequestUri": row.uri,
        "ResponseSizeBytes": 0,
        "ResponseStatusCode": row.status,
        "Roles": " ".join(tenant.roles),
        "ServicePrincipalId": str(tenant.service_principal),
        "UniqueTokenId" if tenant.vintage.renamed else "SignInActivityId": tenant.vintage.graph_id(
            row.token, late=late
        ),
        "TokenIssuedAt": ticks(row.issued),
        "Type": "MicrosoftGraphActivityLogs",
        "UserAgent": row.agent,
        "Wids": "0997a1d0-0d1d-4acb-b408-d5ca73121e90",
    }


def defender(tenant: Tenant, row: GraphCall, *, late: bool) -> Record:
    """One row of Defender XDR's GraphAPIAuditEvents: no user agent, size or time of issue."""
    return {
        "Timestamp": ticks(row.time),
        "ApplicationId": str(tenant.app),
        "ApiVersion": "v1.0",
        "ClientRequestId": str(row.client_request),
        "EntityType": "servicePrincipal",
        "IdentityProvider": f"https://sts.windows.net/{tenant.tenant}/",
        "IpAddress": row.address,
        "Location": "North Europe",
        "OperationId": str(row.client_request),
        "RequestDuration": "49",
        "RequestId": str(row.request),
        "RequestMethod": row.method,
        "RequestUri": row.uri,
        "ResponseStatusCode": str(row.status),
        "Scopes": " ".join(tenant.roles),
        "ServicePrincipalId": str(tenant.service_principal),
        "TargetWorkload": "Microsoft.Exchange",
        "UniqueTokenIdentifier": tenant.vintage.graph_id(row.token, late=late),
        "TenantId": str(tenant.tenant),
    }
