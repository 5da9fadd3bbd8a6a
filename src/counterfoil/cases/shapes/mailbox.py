"""Mailbox audit as exports spell it (Office 365 Management Activity API schema; Purview, MailItemsAccessed).

MailItemsAccessed of one token in one mailbox is folded into records of two minutes, as Exchange does.
"""

import json
from collections import defaultdict
from dataclasses import replace

from counterfoil.cases.cast import Tenant
from counterfoil.cases.rows import GRAPH, RESOURCES, Item, MailboxEvent, Record
from counterfoil.cases.spell import plain

GROUPED = frozenset({"HardDelete", "SoftDelete", "Move", "MoveToDeletedItems"})
CMDLETS = frozenset({"New-InboxRule", "Set-Mailbox"})
RECORD_TYPES = {"MailItemsAccessed": 50, **dict.fromkeys(CMDLETS, 1)}


def folded(events: list[MailboxEvent]) -> list[MailboxEvent]:
    """Fold the Bind records of the same token, mailbox and two minutes into one."""
    groups: dict[object, list[MailboxEvent]] = defaultdict(list)
    for event in events:
        window = int(event.time.timestamp() // 120)
        binds = event.access == "Bind" and not event.throttled
        groups[(event.origin, event.mailbox, event.token, event.address, window) if binds else event.record].append(
            event
        )
    return [
        replace(
            group[0],
            items=tuple(replace(item, request=event.client_request) for event in group for item in event.items),
        )
        for group in groups.values()
    ]


def audit_record(tenant: Tenant, event: MailboxEvent, *, late: bool) -> Record:
    """One record in the form of the Management Activity API."""
    vintage = tenant.vintage
    record: Record = {
        "CreationTime": plain(event.time),
        "Id": str(event.record),
        "Operation": event.operation,
        "OrganizationId": str(tenant.tenant),
        "RecordType": RECORD_TYPES.get(event.operation, 3 if event.operation in GROUPED else 2),
        "ResultStatus": "True" if event.operation in CMDLETS else "Succeeded",
        "UserKey": str(tenant.app),
        "UserType": 5,
        "Version": 1,
        "Workload": "Exchange",
        "UserId": event.mailbox,
        "ClientIP": event.address,
        "ClientIPAddress": event.address,
        "AppAccessContext": {
            "ClientAppId": str(tenant.app),
            "IssuedAtTime": plain(event.issued),
            "UniqueTokenId": vintage.audit_id(event.token, late=late),
        },
        "AppId": str(tenant.app),
        "ClientAppId": str(tenant.app),
        "ClientInfoString": "Client=REST;Client=RESTSystem;;",
        "ExternalAccess": False,
        "InternalLogonType": 0,
        "LogonType": 0,
        "MailboxGuid": str(tenant.app)[:-12] + event.mailbox.encode().hex()[:12],
        "MailboxOwnerUPN": event.mailbox,
        "OrganizationName": f"{tenant.name}.onmicrosoft.example",
        "OriginatingServer": "DB9PR01MB0001 (15.20.4200.000)\r\n",
        "TokenTenantId": str(tenant.tenant),
        "TokenObjectId": str(tenant.service_principal),
    }
    if vintage.renamed:
        # Graph's own application and an address with a port, as records of other years have them.
        record |= {"AppId": RESOURCES[GRAPH][0], "ClientIPAddress": "", "ClientIP": f"{event.address}:52344"}
        del record["AppAccessContext"]["ClientAppId"]
    return record | _what(event, request_ids=vintage.request_ids)


def _what(event: MailboxEvent, *, request_ids: bool) -> Record:
    if event.operation == "MailItemsAccessed":
        return _accessed(event, request_ids=request_ids)
    if event.operation in CMDLETS:
        return {
            "ObjectId": f"EURPR01A001/{event.mailbox}\\rule",
            "ClientIP": f"{event.address}:52344",
            "Parameters": [{"Name": name, "Value": value} for name, value in event.detail],
        }
    if event.operation in GROUPED:
        items = [_item(item) | {"ParentFolder": {"Id": "LgAA", "Path": item.folder}} for item in event.items]
        return {"Folder": {"Id": "LgAA", "Path": event.items[0].folder}, "AffectedItems": items}
    return {"Item": _item(event.items[0]), "ClientRequestId": str(event.client_request)}


def _accessed(event: MailboxEvent, *, request_ids: bool) -> Record:
    properties = [
        {"Name": "MailAccessType", "Value": event.access},
        {"Name": "IsThrottled", "Value": str(event.throttled)},
    ]
    if event.access == "Sync":
        folder = {"Id": "LgAA", "Path": event.items[0].folder}
        return {"OperationProperties": properties, "OperationCount": 1, "Item": {"ParentFolder": folder}}
    folders: dict[str, list[Record]] = defaultdict(list)
    for item in event.items:
        more = {"ClientRequestId": str(item.request)} if request_ids else {}
        folders[item.folder].append(_item(item) | more)
    return {
        "OperationProperties": properties,
        "OperationCount": len(event.items),
        "Folders": [{"Id": "LgAA", "Path": path, "FolderItems": items} for path, items in folders.items()],
    }


def _item(item: Item) -> Record:
    return {"Id": "Rg" + item.id[5:], "InternetMessageId": item.message_id, "SizeInBytes": item.size}


def purview(tenant: Tenant, event: MailboxEvent, *, late: bool) -> Record:
    """One line of the CSV that an audit search in the Purview portal exports."""
    record = audit_record(tenant, event, late=late)
    return {
        "RecordId": record["Id"],
        "CreationDate": record["CreationTime"],
        "RecordType": record["RecordType"],
        "Operation": record["Operation"],
        "UserId": record["UserId"],
        "AuditData": json.dumps(record),
        "AssociatedAdminUnits": "",
        "AssociatedAdminUnitsNames": "",
    }


RENAMED = {
    "CreationTime": "TimeGenerated",
    "Workload": "OfficeWorkload",
    "ClientIPAddress": "Client_IPAddress",
    "LogonType": "Logon_Type",
    "Id": "OfficeId",
}
"""Columns that Sentinel's OfficeActivity table names differently."""


def office_activity(tenant: Tenant, event: MailboxEvent, *, late: bool) -> Record:
    """One row of the Log Analytics table OfficeActivity: nested values are JSON text there."""
    row: Record = {"Type": "OfficeActivity", "SourceSystem": "OfficeActivityManager"}
    for name, value in audit_record(tenant, event, late=late).items():
        spelled = json.dumps(value) if isinstance(value, dict | list) else value
        row[RENAMED.get(name, name)] = spelled
    row["TimeGenerated"] = f"{row['TimeGenerated']}Z"
    row["UserType"] = "Application"
    row["SourceRecordId"] = row["OfficeId"]
    return row
