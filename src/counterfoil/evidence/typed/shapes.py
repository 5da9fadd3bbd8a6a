"""The shapes that are read by type: which columns, how they are spelled, and what they mean.

A shape is data. ``columns`` are read with these types and nothing is inferred; ``values`` say in SQL over
those columns what each thing is that its source needs (:mod:`counterfoil.evidence.typed.sources`);
``plain`` is what must hold of every row besides, or the file is refused. Shapes: Azure Monitor's tables
and diagnostic settings, Microsoft Graph ``signIn``, Office 365 Management Activity API schema.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from counterfoil.evidence.uses import GRAPH, MAILBOX, SIGN_INS


@dataclass(frozen=True, slots=True)
class Shape:
    """One spelling of one log. ``marks`` are keys that every record has, ``label`` one of them and its value."""

    name: str
    source: str
    marks: frozenset[str]
    label: tuple[str, str] | None
    columns: Mapping[str, str]
    values: Mapping[str, str]
    plain: tuple[str, ...] = ()
    first: Mapping[str, str] = field(default_factory=dict)
    opened: Mapping[str, str] = field(default_factory=dict)
    """For shapes with JSON inside text: the columns they are read with first, and the SQL that opens them, by
    the name of the column it gives; the result is written as JSON and read again with ``columns``."""


_TEXT: Final = "VARCHAR"
_PATH_TENANT: Final = "lower(regexp_extract({0}, '(?i)/tenants/([0-9a-f-]{{36}})', 1))"
_SUMMARY: Final = {"signInCount": _TEXT, "aggregatedSignInCount": _TEXT, "firstSignInDateTime": _TEXT}
_DETAILS: Final = "STRUCT(key VARCHAR, value VARCHAR)[]"
_DETAILS_JSON: Final = '[{"key":"VARCHAR","value":"VARCHAR"}]'


def _columns(names: str, **others: str) -> dict[str, str]:
    return {**dict.fromkeys(names.split(), _TEXT), **others}


def _inside(value: str) -> str:
    """Say the same of the columns of ``record``: they are the capitalised names."""
    return re.sub(r"(?<![A-Za-z_.])([A-Z][A-Za-z]+)(?![A-Za-z(])", r"record.\1", value)


def _struct(columns: Mapping[str, str]) -> str:
    return "STRUCT(" + ", ".join(f'"{name}" {kind}' for name, kind in columns.items()) + ")"


_HUB_SIGN_IN: Final = _columns(
    "id originalRequestId createdDateTime appId ipAddress correlationId servicePrincipalCredentialKeyId"
    " servicePrincipalCredentialThumbprint clientCredentialType federatedCredentialId uniqueTokenIdentifier"
    " resourceDisplayName resourceId resourceTenantId servicePrincipalId userAgent",
    status="STRUCT(errorCode VARCHAR)",
    authenticationProcessingDetails=_DETAILS,
    **_SUMMARY,
)
_NOT_SUMMARY: Final = ("{0}signInCount IS NULL", "{0}aggregatedSignInCount IS NULL", "{0}firstSignInDateTime IS NULL")

HUB_SIGN_IN: Final = Shape(
    "sign-in of a diagnostic setting",
    SIGN_INS,
    frozenset({"time", "category", "properties", "tenantId", "resourceId"}),
    ("category", "ServicePrincipalSignInLogs"),
    _columns(
        "time resourceId category type tenantId resultType callerIpAddress correlationId",
        properties=_struct(_HUB_SIGN_IN),
    ),
    {
        "tenant": "coalesce(lower(said(properties.resourceTenantId)), nullif("
        + _PATH_TENANT.format("resourceId")
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
    _columns(
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
    _columns(
        "CreatedDateTime Type Category AADTenantId Id CorrelationId AppId ServicePrincipalId"
        " ServicePrincipalCredentialKeyId ServicePrincipalCredentialThumbprint ClientCredentialType"
        " FederatedCredentialId IPAddress ResourceDisplayName ResourceIdentity ResourceTenantId ResultType"
        " UniqueTokenIdentifier UserAgent SignInCount AggregatedSignInCount Status",
        AuthenticationProcessingDetails=_TEXT,
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
        "details": f"from_json(AuthenticationProcessingDetails, '{_DETAILS_JSON}')",
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

_HUB_CALL: Final = _columns(
    "timeGenerated requestId clientRequestId operationId requestMethod requestUri responseStatusCode"
    " signInActivityId appId clientAuthMethod ipAddress userAgent servicePrincipalId tenantId aadTenantId"
    " resourceTenantId"
)
HUB_CALL: Final = Shape(
    "Graph activity of a diagnostic setting",
    GRAPH,
    frozenset({"time", "category", "properties", "tenantId", "resourceId"}),
    ("category", "MicrosoftGraphActivityLogs"),
    _columns("time resourceId category type callerIpAddress", properties=_struct(_HUB_CALL)),
    {
        "tenant": "coalesce(lower(said(properties.aadTenantId)), lower(said(properties.resourceTenantId)), nullif("
        + _PATH_TENANT.format("resourceId")
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
    _columns(
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
    _columns(
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

_FOLDER: Final = "Path VARCHAR, Name VARCHAR, Id VARCHAR"
_ITEM: Final = "Id VARCHAR, ImmutableId VARCHAR, InternetMessageId VARCHAR, ClientRequestId VARCHAR"
_PAIRS: Final = "STRUCT(Name VARCHAR, Value VARCHAR)[]"
_PARENTED: Final = f"STRUCT({_ITEM}, ParentFolder STRUCT({_FOLDER}))"
_PARTS: Final = {
    "AppAccessContext": "STRUCT(ClientAppId VARCHAR, UniqueTokenId VARCHAR, CorrelationId VARCHAR)",
    "OperationProperties": _PAIRS,
    "Parameters": _PAIRS,
    "Folders": f"STRUCT({_FOLDER}, FolderItems STRUCT({_ITEM})[])[]",
    "Folder": f"STRUCT({_FOLDER})",
    "Item": _PARENTED,
    "AffectedItems": f"{_PARENTED}[]",
}
"""What is nested in a mailbox row; the table OfficeActivity holds it as text."""

_AUDIT_NAMES: Final = (
    "Id Operation OrganizationId RecordType ResultStatus UserId ClientIPAddress ClientIP ActorInfoString"
    " ClientInfoString AppId ClientAppId ClientRequestId MailboxGuid MailboxOwnerUPN TokenObjectId TokenTenantId"
    " ObjectId CreationTime Workload"
)
_TABLE_NAMES: Final = (
    "OfficeId Operation OrganizationId RecordType ResultStatus UserId ClientIPAddress Client_IPAddress ClientIP"
    " ActorInfoString ClientInfoString AppId ClientAppId ClientRequestId MailboxGuid MailboxOwnerUPN TokenObjectId"
    " TokenTenantId ObjectId TimeGenerated OfficeWorkload Type Messages"
)
_AUDIT: Final = _columns(_AUDIT_NAMES, **_PARTS)
_AUDIT_VALUES: Final = {
    "tenant": "OrganizationId",
    "time": "CreationTime",
    "record": "Id",
    "operation": "Operation",
    "result": "ResultStatus",
    "client_app": "coalesce(said(AppAccessContext.ClientAppId), said(ClientAppId))",
    "any_app": "AppId",
    "token": "AppAccessContext.UniqueTokenId",
    "correlation": "said(AppAccessContext.CorrelationId)",
    "client_request": "ClientRequestId",
    "address": "coalesce(said(ClientIPAddress), said(ClientIP))",
    "agent": "coalesce(said(ActorInfoString), said(ClientInfoString))",
    "rest": "coalesce(said(ClientInfoString), said(ActorInfoString))",
    "owner": "MailboxOwnerUPN",
    "mailbox_id": "MailboxGuid",
    "user": "UserId",
    "principal": "TokenObjectId",
    "object": "ObjectId",
    "record_type": "RecordType",
    "workload": "Workload",
    "properties": "OperationProperties",
    "parameters": "Parameters",
    "folders": "Folders",
    "folder": "Folder",
    "item": "Item",
    "affected": "AffectedItems",
}
AUDIT: Final = Shape(
    "audit record of the Management Activity API",
    MAILBOX,
    frozenset({"CreationTime", "Id", "Operation", "OrganizationId", "RecordType", "Workload"}),
    None,
    _columns("type category Messages", **_AUDIT),
    _AUDIT_VALUES,
    ("type IS NULL", "category IS NULL", "Messages IS NULL"),
)
SEARCHED: Final = Shape(
    "audit search with AuditData",
    MAILBOX,
    frozenset({"AuditData", "Operation"}),
    None,
    {"record": _struct(AUDIT.columns)},
    {name: f"record.{value}" if value.isidentifier() else _inside(value) for name, value in _AUDIT_VALUES.items()},
    tuple(f"record.{condition}" for condition in AUDIT.plain),
    {"AuditData": _TEXT},
    {"record": "CAST(AuditData AS JSON)"},
)
TABLE_AUDIT: Final = Shape(
    "OfficeActivity",
    MAILBOX,
    frozenset({"TimeGenerated", "Type", "OfficeWorkload", "OfficeId", "OrganizationId"}),
    ("Type", "OfficeActivity"),
    _columns(_TABLE_NAMES, **_PARTS),
    {
        **_AUDIT_VALUES,
        "time": "TimeGenerated",
        "record": "OfficeId",
        "workload": "OfficeWorkload",
        "address": "coalesce(said(Client_IPAddress), said(ClientIP))",
    },
    ("Type = 'OfficeActivity'", "said(ClientIPAddress) IS NULL", "Messages IS NULL"),
    _columns(_TABLE_NAMES + " " + " ".join(_PARTS)),
    {
        **{name: name for name in _TABLE_NAMES.split()},
        **{name: f"CAST(nullif({name}, '') AS JSON)" for name in _PARTS},
    },
)

SHAPES: Final = (
    HUB_SIGN_IN,
    HUB_CALL,
    TABLE_SIGN_IN,
    TABLE_CALL,
    DEFENDER_CALL,
    API_SIGN_IN,
    SEARCHED,
    TABLE_AUDIT,
    AUDIT,
)
"""Every shape; a record belongs to the first whose marks it has and whose ``plain`` its source confirms."""
