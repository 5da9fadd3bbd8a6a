"""Mailbox audit rows of app-only use, in Management API form.

Office 365 Management Activity API schema; Purview, MailItemsAccessed.

Reads are gathered for two minutes into one MailItemsAccessed row, the same access within an hour
leaves none, and a mailbox that was read too often stops recording for a day.
"""

from dataclasses import dataclass
from typing import Any

from counterfoil.lab import item_ids as ids
from counterfoil.lab import mime
from counterfoil.lab.logs import delivery
from counterfoil.lab.names import GRAPH
from counterfoil.lab.objects import Folder, Gathering, Mailbox, Message, Meter, Tenant
from counterfoil.lab.spelling import bare, request_id_of
from counterfoil.lab.world import World

_DAY = 86400.0
_MOMENT = 0.05


@dataclass(frozen=True, slots=True)
class Use:
    """Who touched a mailbox, and under which token."""

    at: float
    app_id: str
    principal: str
    uti: str
    issued: float
    address: str
    client_request_id: str
    user_agent: str


def _context(world: World, use: Use, mailbox: Mailbox) -> dict[str, Any]:
    """The fields that all rows of app-only REST use have in common."""
    agent = f"[{use.user_agent or 'NoUserAgent'}]"
    uti = request_id_of(use.uti) if world.dial(mailbox.tenant, "exchange_guid_uti") else use.uti
    tenant = world.get(Tenant, mailbox.tenant)
    return {
        "OrganizationId": mailbox.tenant,
        "UserKey": use.app_id,
        "UserType": 5,
        "Version": 1,
        "Workload": "Exchange",
        "ClientIP": use.address,
        "UserId": mailbox.address,
        "AppAccessContext": {
            "APIId": GRAPH,
            "ClientAppId": use.app_id,
            "IssuedAtTime": bare(use.issued),
            "UniqueTokenId": uti,
        },
        "ActorInfoString": f"Client=REST;Client=RESTSystem;UserAgent={agent}[AppId={use.app_id}];",
        "AppId": use.app_id,
        "ClientAppId": use.app_id,
        "ClientIPAddress": use.address,
        "ClientInfoString": "Client=REST;Client=RESTSystem;;",
        "ExternalAccess": False,
        "InternalLogonType": 0,
        "LogonType": 0,
        "LogonUserSid": mailbox.sid,
        "MailboxGuid": mailbox.exchange_guid,
        "MailboxOwnerSid": mailbox.sid,
        "MailboxOwnerUPN": mailbox.address,
        "OrganizationName": tenant.domains[0] if tenant else "",
        "OriginatingServer": "DB9PR01MB0001 (15.20.4200.000)\r\n",
        "TokenTenantId": mailbox.tenant,
        "TokenObjectId": use.principal,
    }


def _write(world: World, tenant: str, at: float, kind: tuple[str, int], body: dict[str, Any]) -> None:
    """Keep one row; ``kind`` is the operation and its record type. Where auditing is off there is none."""
    if not world.dial(tenant, "unified_audit"):
        return
    operation, record_type = kind
    head = {"CreationTime": bare(at), "Id": world.guid(), "Operation": operation, "RecordType": record_type}
    delivery.record(world, tenant, delivery.MAILBOX, at, {**head, "ResultStatus": "Succeeded", **body})


def _place(folder: Folder) -> dict[str, str]:
    return {"Id": ids.folder_entry_id(folder), "Path": folder.path}


def _item(message: Message, folder: Folder) -> dict[str, Any]:
    shown = mime.view(message.mime)
    attachments = "; ".join(mime.summary(part.name, len(part.data)) for part in shown.attachments)
    return {
        **({"Attachments": attachments} if attachments else {}),
        "Id": ids.entry_id(message),
        "ImmutableId": ids.immutable_entry_id(message),
        "InternetMessageId": shown.message_id,
        "IsRecord": False,
        "ParentFolder": {**_place(folder), "Name": folder.name},
        "SizeInBytes": len(message.mime),
        "Subject": shown.subject,
    }


def single(world: World, use: Use, mailbox: Mailbox, operation: str, item: tuple[Message, Folder], **more: Any) -> None:
    """``Create``, ``Update``, ``Send``, ``AttachmentAccess``: record type 2."""
    body = {**_context(world, use, mailbox), "ClientRequestId": use.client_request_id, "Item": _item(*item), **more}
    _write(world, mailbox.tenant, use.at, (operation, 2), body)


def group(
    world: World,
    use: Use,
    mailbox: Mailbox,
    operation: str,
    item: tuple[Message, Folder],
    *,
    destination: Folder | None = None,
) -> None:
    """``Move``, ``MoveToDeletedItems``, ``SoftDelete``, ``HardDelete``: record type 3."""
    affected = _item(*item)
    body = {
        **_context(world, use, mailbox),
        "ClientRequestId": use.client_request_id,
        "CrossMailboxOperations": False,
        "Folder": _place(item[1]),
        **({"DestFolder": _place(destination)} if destination else {}),
        "AffectedItems": [affected],
    }
    _write(world, mailbox.tenant, use.at, (operation, 3), body)


def rule(world: World, use: Use, mailbox: Mailbox, operation: str, *, name: str, parameters: dict[str, str]) -> None:
    """``New-InboxRule``, ``Set-InboxRule``, ``Remove-InboxRule``: record type 1, with a port in ClientIP."""
    context = _context(world, use, mailbox)
    host = f"[{use.address}]" if ":" in use.address else use.address
    organization = context["OrganizationName"]
    body = {
        "OrganizationId": mailbox.tenant,
        "UserKey": use.app_id,
        "UserType": 5,
        "Version": 1,
        "Workload": "Exchange",
        "ClientIP": f"{host}:52344",
        "ObjectId": f"NAMPR01A001.PROD.OUTLOOK.COM/Microsoft Exchange Hosted Organizations/{organization}/"
        f"{mailbox.address.partition('@')[0]}\\{name}",
        "UserId": mailbox.address,
        "AppAccessContext": context["AppAccessContext"],
        "AppId": use.app_id,
        "ClientAppId": use.app_id,
        "ExternalAccess": False,
        "OrganizationName": organization,
        "OriginatingServer": context["OriginatingServer"],
        "SessionId": "",
        "Parameters": [{"Name": key, "Value": value} for key, value in parameters.items()],
        "ResultStatus": "True",
    }
    _write(world, mailbox.tenant, use.at, (operation, 1), body)


def accessed(world: World, use: Use, mailbox: Mailbox, items: list[tuple[Message, Folder]]) -> None:
    """Messages were read: gather them into the open MailItemsAccessed row of this token and address."""
    tenant = world.get(Tenant, mailbox.tenant)
    if not items or tenant is None or not tenant.licensed:
        return
    settle(world, use.at)
    meter = world.get(Meter, mailbox.id) or Meter(mailbox.id)
    fresh = [pair for pair in items if not _repeated(world, meter, use, pair)]
    world.put(meter)
    if not fresh or use.at < meter.paused_until:
        return
    key = f"{mailbox.id}|{use.uti}|{use.address}"
    gathering = world.get(Gathering, key) or Gathering(
        key, mailbox.tenant, mailbox.id, use.at, _context(world, use, mailbox), {}
    )
    for message, folder in fresh:
        item = {
            "Id": ids.entry_id(message),
            "ImmutableId": ids.immutable_entry_id(message),
            "InternetMessageId": mime.view(message.mime).message_id,
            "SizeInBytes": len(message.mime),
            "ClientRequestId": use.client_request_id,
        }
        gathering.folders.setdefault(folder.id, []).append(item)
    world.put(gathering)


def _repeated(world: World, meter: Meter, use: Use, item: tuple[Message, Folder]) -> bool:
    """Whether the same access left a row within the hour; the token plays no part in that."""
    message, folder = item
    mailbox = world.get(Mailbox, message.mailbox)
    window = float(world.dial(mailbox.tenant if mailbox else None, "bind_dedupe_seconds"))
    key = f"{message.id}|{folder.id}|{use.address}|{use.app_id}"
    last = meter.seen.get(key)
    if last is not None and use.at - last < window:
        return True
    meter.seen[key] = use.at
    return False


def settle(world: World, now: float, *, at_once: bool = False) -> None:
    """Write the rows of all gatherings whose two minutes are over; looks again only after a moment, or at once."""
    if 0 <= now - world.settled < _MOMENT and not at_once:
        return
    world.settled = now
    for gathering in world.every(Gathering):
        if now - gathering.opened >= float(world.dial(gathering.tenant, "bind_window_seconds")):
            world.remove(gathering)
            _bind(world, gathering)


def _bind(world: World, gathering: Gathering) -> None:
    mailbox = world.get(Mailbox, gathering.mailbox)
    if mailbox is None:
        return
    meter = world.get(Meter, mailbox.id) or Meter(mailbox.id)
    meter.rows = [at for at in meter.rows if gathering.opened - at < _DAY] + [gathering.opened]
    throttled = len(meter.rows) > int(world.dial(mailbox.tenant, "bind_limit"))
    if throttled:
        meter.paused_until, meter.rows = gathering.opened + _DAY, []
    world.put(meter)
    folders = [
        {**_place(folder), "FolderItems": items}
        for folder, items in ((world.get(Folder, id_), items) for id_, items in gathering.folders.items())
        if folder is not None
    ]
    body = {
        **gathering.context,
        "OperationCount": sum(len(entry["FolderItems"]) for entry in folders),
        "OperationProperties": [
            {"Name": "MailAccessType", "Value": "Bind"},
            {"Name": "IsThrottled", "Value": str(throttled)},
        ],
        "Folders": folders,
    }
    _write(world, mailbox.tenant, gathering.opened, ("MailItemsAccessed", 50), body)
