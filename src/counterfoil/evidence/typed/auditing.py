"""Mailbox audit: Management Activity API, audit searches, and the table OfficeActivity."""

from typing import Final

from counterfoil.evidence.typed.shape import TEXT, Shape, columns_of, inside_of, struct_of
from counterfoil.evidence.uses import MAILBOX

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
_AUDIT: Final = columns_of(_AUDIT_NAMES, **_PARTS)
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
    columns_of("type category Messages", **_AUDIT),
    _AUDIT_VALUES,
    ("type IS NULL", "category IS NULL", "Messages IS NULL"),
)
SEARCHED: Final = Shape(
    "audit search with AuditData",
    MAILBOX,
    frozenset({"AuditData", "Operation"}),
    None,
    {"record": struct_of(AUDIT.columns)},
    {name: f"record.{value}" if value.isidentifier() else inside_of(value) for name, value in _AUDIT_VALUES.items()},
    tuple(f"record.{condition}" for condition in AUDIT.plain),
    {"AuditData": TEXT},
    {"record": "CAST(AuditData AS JSON)"},
)
TABLE_AUDIT: Final = Shape(
    "OfficeActivity",
    MAILBOX,
    frozenset({"TimeGenerated", "Type", "OfficeWorkload", "OfficeId", "OrganizationId"}),
    ("Type", "OfficeActivity"),
    columns_of(_TABLE_NAMES, **_PARTS),
    {
        **_AUDIT_VALUES,
        "time": "TimeGenerated",
        "record": "OfficeId",
        "workload": "OfficeWorkload",
        "address": "coalesce(said(Client_IPAddress), said(ClientIP))",
    },
    ("Type = 'OfficeActivity'", "said(ClientIPAddress) IS NULL", "Messages IS NULL"),
    columns_of(_TABLE_NAMES + " " + " ".join(_PARTS)),
    {
        **{name: name for name in _TABLE_NAMES.split()},
        **{name: f"CAST(nullif({name}, '') AS JSON)" for name in _PARTS},
    },
)
