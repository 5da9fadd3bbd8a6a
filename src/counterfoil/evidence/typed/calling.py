"""Sign-ins and Graph calls: Azure Monitor's tables and diagnostic settings, Graph ``signIn``, Defender."""

from typing import Final

from counterfoil.evidence.typed.shape import (
    DETAILS,
    DETAILS_JSON,
    PATH_TENANT,
    SUMMARY,
    TEXT,
    Shape,
    columns_of,
    struct_of,
)
from counterfoil.evidence.uses import GRAPH, SIGN_INS

_HUB_SIGN_IN: Final = columns_of(
    "id originalRequestId createdDateTime appId ipAddress correlationId servicePrincipalCredentialKeyId"
    " servicePrincipalCredentialThumbprint clientCredentialType federatedCredentialId uniqueTokenIdentifier"
    " resourceDisplayName resourceId resourceTenantId servicePrincipalId userAgent",
    status="STRUCT(errorCode VARCHAR)",
    authenticationProcessingDetails=DETAILS,
    **SUMMARY,
)
_NOT_SUMMARY: Final = ("{0}signInCount IS NULL", "{0}aggregatedSignInCount IS NULL", "{0}firstSignInDateTime IS NULL")

HUB_SIGN_IN: Final = Shape(
    "sign-in of a diagnostic setting",
    SIGN_INS,
    frozenset({"time", "category", "properties", "tenantId", "resourceId"}),
    ("category", "ServicePrincipalSignInLogs"),
    columns_of(
        "time resourceId category type tenantId resultType callerIpAddress correlationId",
        properties=struct_of(_HUB_SIGN_IN),
    ),
    {
        "tenant": "coalesce(lower(said(properties.resourceTenantId)), nullif("
        + PATH_TENANT.format("resourceId")
        + ", ''))",
        "time": "properties.createdDateTime",
        "app": "properties.appId",
        "token": "properties.uniqueTokenIdentifier",
        "request": "properties.id",
        "thumbprint": "properties.servicePrincipalCredentialThumbprint",
        "key_id": "properties.servicePrincipalCredentialKeyId",
        "credential": "properties.clientCredentialType",
        "federated": "properties.federatedCredentialId",
        "code": "properties.status.errorCode",
        "correlation": "coalesce(said(properties.correlationId), lower(said(correlationId)))",
        "client_request": "said(correlationId)",
        "address": "coalesce(said(properties.ipAddress), said(callerIpAddress))",
        "agent": "properties.userAgent",
        "resource": "properties.resourceId",
        "resource_name": "properties.resourceDisplayName",
        "principal": "properties.servicePrincipalId",
        "details": "properties.authenticationProcessingDetails",
    },
    ("category = 'ServicePrincipalSignInLogs'", "type IS NULL", *(p.format("properties.") for p in _NOT_SUMMARY)),
)

API_SIGN_IN: Final = Shape(
    "signIn of Microsoft Graph",
    SIGN_INS,
    frozenset({"id", "createdDateTime", "appId", "signInEventTypes", "resourceTenantId"}),
    None,
    columns_of(
        "category type",
        signInEventTypes="VARCHAR[]",
        **_HUB_SIGN_IN,
    ),
    {
        "tenant": "lower(said(resourceTenantId))",
        "time": "createdDateTime",
        "app": "appId",
        "token": "uniqueTokenIdentifier",
        "request": "id",
        "thumbprint": "servicePrincipalCredentialThumbprint",
        "key_id": "servicePrincipalCredentialKeyId",
        "credential": "clientCredentialType",
        "federated": "federatedCredentialId",
        "code": "status.errorCode",
        "correlation": "lower(said(correlationId))",
        "client_request": "said(correlationId)",
        "address": "said(ipAddress)",
        "agent": "userAgent",
        "resource": "resourceId",
        "resource_name": "resourceDisplayName",
        "principal": "servicePrincipalId",
        "details": "authenticationProcessingDetails",
    },
    (
        "type IS NULL",
        "category IS NULL",
        "list_contains(signInEventTypes, 'servicePrincipal')",
        "(said(servicePrincipalCredentialKeyId) IS NOT NULL OR said(servicePrincipalCredentialThumbprint) IS NOT NULL)",
        *(p.format("") for p in _NOT_SUMMARY),
    ),
)

TABLE_SIGN_IN: Final = Shape(
    "AADServicePrincipalSignInLogs",
    SIGN_INS,
    frozenset({"TimeGenerated", "CreatedDateTime", "AADTenantId", "Type", "UniqueTokenIdentifier"}),
    ("Type", "AADServicePrincipalSignInLogs"),
    columns_of(
        "CreatedDateTime Type Category AADTenantId Id CorrelationId AppId ServicePrincipalId"
        " ServicePrincipalCredentialKeyId ServicePrincipalCredentialThumbprint ClientCredentialType"
        " FederatedCredentialId IPAddress ResourceDisplayName ResourceIdentity ResourceTenantId ResultType"
        " UniqueTokenIdentifier UserAgent SignInCount AggregatedSignInCount Status",
        AuthenticationProcessingDetails=TEXT,
    ),
    {
        "tenant": "lower(said(AADTenantId))",
        "time": "CreatedDateTime",
        "app": "AppId",
        "token": "UniqueTokenIdentifier",
        "request": "Id",
        "thumbprint": "ServicePrincipalCredentialThumbprint",
        "key_id": "ServicePrincipalCredentialKeyId",
        "credential": "ClientCredentialType",
        "federated": "FederatedCredentialId",
        "code": "ResultType",
        "correlation": "lower(said(CorrelationId))",
        "client_request": "said(CorrelationId)",
        "address": "said(IPAddress)",
        "agent": "UserAgent",
        "resource": "ResourceIdentity",
        "resource_name": "ResourceDisplayName",
        "principal": "ServicePrincipalId",
        "details": f"from_json(AuthenticationProcessingDetails, '{DETAILS_JSON}')",
    },
    (
        "(said(AuthenticationProcessingDetails) IS NULL OR json_type(AuthenticationProcessingDetails) = 'ARRAY')",
        "Type = 'AADServicePrincipalSignInLogs'",
        "SignInCount IS NULL",
        "AggregatedSignInCount IS NULL",
        "Status IS NULL",
        "said(ResourceIdentity) IS NOT NULL",
    ),
)

_HUB_CALL: Final = columns_of(
    "timeGenerated requestId clientRequestId operationId requestMethod requestUri responseStatusCode"
    " signInActivityId appId clientAuthMethod ipAddress userAgent servicePrincipalId tenantId aadTenantId"
    " resourceTenantId"
)
HUB_CALL: Final = Shape(
    "Graph activity of a diagnostic setting",
    GRAPH,
    frozenset({"time", "category", "properties", "tenantId", "resourceId"}),
    ("category", "MicrosoftGraphActivityLogs"),
    columns_of("time resourceId category type callerIpAddress", properties=struct_of(_HUB_CALL)),
    {
        "tenant": "coalesce(lower(said(properties.aadTenantId)), lower(said(properties.resourceTenantId)), nullif("
        + PATH_TENANT.format("resourceId")
        + ", ''))",
        "time": "properties.timeGenerated",
        "app": "properties.appId",
        "token": "properties.signInActivityId",
        "request": "properties.requestId",
        "client_request": "properties.clientRequestId",
        "operation": "properties.operationId",
        "method": "properties.requestMethod",
        "uri": "properties.requestUri",
        "status": "properties.responseStatusCode",
        "auth": "properties.clientAuthMethod",
        "address": "coalesce(said(properties.ipAddress), said(callerIpAddress))",
        "agent": "properties.userAgent",
        "principal": "properties.servicePrincipalId",
    },
    ("category = 'MicrosoftGraphActivityLogs'", "type IS NULL"),
)
TABLE_CALL: Final = Shape(
    "MicrosoftGraphActivityLogs",
    GRAPH,
    frozenset({"TimeGenerated", "AadTenantId", "Type", "SignInActivityId", "RequestUri"}),
    ("Type", "MicrosoftGraphActivityLogs"),
    columns_of(
        "TimeGenerated AadTenantId AppId ClientAuthMethod ClientRequestId IPAddress OperationId RequestId RequestMethod"
        " RequestUri ResponseStatusCode ServicePrincipalId SignInActivityId Type UserAgent"
    ),
    {
        "tenant": "lower(said(AadTenantId))",
        "time": "TimeGenerated",
        "app": "AppId",
        "token": "SignInActivityId",
        "request": "RequestId",
        "client_request": "ClientRequestId",
        "operation": "OperationId",
        "method": "RequestMethod",
        "uri": "RequestUri",
        "status": "ResponseStatusCode",
        "auth": "ClientAuthMethod",
        "address": "said(IPAddress)",
        "agent": "UserAgent",
        "principal": "ServicePrincipalId",
    },
    ("Type = 'MicrosoftGraphActivityLogs'",),
)
DEFENDER_CALL: Final = Shape(
    "GraphAPIAuditEvents",
    GRAPH,
    frozenset({"Timestamp", "ApplicationId", "UniqueTokenIdentifier", "RequestUri", "IdentityProvider"}),
    None,
    columns_of(
        "Timestamp ApplicationId TenantId ClientRequestId IdentityProvider IpAddress OperationId RequestId"
        " RequestMethod RequestUri ResponseStatusCode ServicePrincipalId UniqueTokenIdentifier Type TimeGenerated"
        " UserAgent"
        " AadTenantId ClientAuthMethod SignInActivityId UniqueTokenId AppId"
    ),
    {
        "tenant": "lower(said(TenantId))",
        "time": "Timestamp",
        "app": "ApplicationId",
        "token": "UniqueTokenIdentifier",
        "request": "RequestId",
        "client_request": "ClientRequestId",
        "operation": "OperationId",
        "method": "RequestMethod",
        "uri": "RequestUri",
        "status": "ResponseStatusCode",
        "auth": "ClientAuthMethod",
        "address": "said(IpAddress)",
        "agent": "UserAgent",
        "principal": "ServicePrincipalId",
    },
    (
        "Type IS NULL",
        "TimeGenerated IS NULL",
        "AadTenantId IS NULL",
        "SignInActivityId IS NULL",
        "UniqueTokenId IS NULL",
        "AppId IS NULL",
    ),
)
