"""Mailbox audit rows: Management API, audit-search CSV and the table ``OfficeActivity``.

An application shows in ``AppAccessContext.ClientAppId``, then ``ClientAppId``, then ``AppId`` (which may be
Graph's own); ``UserType`` and ``LogonType`` do not tell application from owner and are not looked at.
"""

import json
from typing import Any

from counterfoil.evidence.ids import present, token_id
from counterfoil.evidence.readers.fields import Fields, address, as_json, listed
from counterfoil.evidence.readers.signin import tenant_of
from counterfoil.evidence.uses import MAILBOX, Item, Use

READS = frozenset(
    {
        "mailitemsaccessed",
        "attachmentaccess",
        "searchqueryinitiatedexchange",
        "messagebind",
        "folderbind",
        "fileaccessed",
        "filedownloaded",
        "filepreviewed",
    }
)
CHANGES = frozenset(
    {
        "send",
        "sendas",
        "sendonbehalf",
        "create",
        "update",
        "move",
        "copy",
        "movetodeleteditems",
        "softdelete",
        "harddelete",
        "applyrecord",
        "updateinboxrules",
        "updatefolderpermissions",
        "updatecalendardelegation",
        "addfolderpermissions",
        "modifyfolderpermissions",
        "removefolderpermissions",
        "recordDelete".lower(),
    }
)
FAILED = frozenset({"failed", "false", "failure"})
NO_APP = frozenset({"00000003-0000-0000-c000-000000000000", "00000002-0000-0ff1-ce00-000000000000"})


def mailbox_access(fields: Fields) -> Use:
    """Read one audit row; a missing token id, tenant, time or id is said in ``doubt``."""
    context = as_json(fields.raw("appaccesscontext"))
    context = context if isinstance(context, dict) else {}
    doubts: list[str] = []
    given = present(context.get("UniqueTokenId")) or fields.text("uniquetokenid")
    token = token_id(given)
    if token is None:
        doubts.append("unfilled UniqueTokenId" if given is None else "unknown spelling of UniqueTokenId")
    tenant = fields.lower("organizationid", "tokentenantid") or tenant_of(fields)
    time = fields.time("creationtime", "timegenerated", "creationdate", "starttime")
    record = fields.lower("id", "officeid", "sourcerecordid", "recordid", "identity")
    operation = fields.text("operation") or ""
    doubts += [f"unfilled {key}" for key, value in (("tenant", tenant), ("time", time), ("Id", record)) if not value]
    options = {
        str(entry.get("Name", "")).lower(): entry.get("Value") for entry in listed(fields.raw("operationproperties"))
    }
    items, folders = _items(fields)
    return Use(
        record=f"{MAILBOX}:{tenant}:{record}" if record else "",
        source=MAILBOX,
        tenant=tenant,
        time=time,
        app=_app(fields, context),
        uti=token.hex if token else None,
        uti_other=token.other if token else None,
        correlation_id=present(context.get("CorrelationId")),
        request_id=record,
        client_request_id=fields.lower("clientrequestid"),
        success=(fields.lower("resultstatus") or "") not in FAILED,
        error=fields.text("resultstatus") if (fields.lower("resultstatus") or "") in FAILED else None,
        address=address(fields.text("clientipaddress", "clientip", "actoripaddress", "actorip")),
        agent=fields.text("actorinfostring", "clientinfostring"),
        mailbox=_mailbox(fields),
        mailbox_id=fields.lower("mailboxguid"),
        operation=operation,
        effect=effect_of(operation),
        rest="rest" in (fields.lower("clientinfostring", "actorinfostring") or ""),
        access=str(options["mailaccesstype"]) if options.get("mailaccesstype") else None,
        throttled=str(options.get("isthrottled", "")).lower() == "true",
        principal=fields.lower("tokenobjectid"),
        doubt="; ".join(doubts) or None,
        items=items,
        detail=json.dumps({"folders": folders, "parameters": _parameters(fields), "object": fields.text("objectid")}),
    )


def effect_of(operation: str) -> str:
    """Say whether an audited operation reads or changes; what we do not know is taken for a change."""
    low = operation.lower()
    if low in READS:
        return "read"
    if low in CHANGES or low.startswith(("new-", "set-", "add-", "remove-", "enable-", "disable-")):
        return "change"
    return "none" if low in {"mailboxlogin", "login"} or low.startswith("get-") else "change"


def _app(fields: Fields, context: dict[str, Any]) -> str | None:
    own = present(context.get("ClientAppId")) or fields.text("clientappid")
    if own is not None:
        return own.lower()
    app = fields.lower("appid")
    return app if app not in NO_APP else None


def _mailbox(fields: Fields) -> str | None:
    owner = fields.text("mailboxownerupn") or fields.lower("mailboxguid")
    return owner or fields.text("userid")


def _items(fields: Fields) -> tuple[list[Item], list[str]]:
    items: list[Item] = []
    folders: list[str] = []
    for folder in listed(fields.raw("folders")) + listed(fields.raw("folder")):
        path = _path(folder)
        if path:
            folders.append(path)
        items += [_item(entry, path) for entry in listed(folder.get("FolderItems"))]
    single = listed(fields.raw("item"))
    for entry in listed(fields.raw("affecteditems")) + listed(fields.raw("messages")) + single:
        path = _path(entry.get("ParentFolder"))
        if path and path not in folders:
            folders.append(path)
        items.append(_item(entry, path))
    return [item for item in items if item.message or item.item], folders


def _item(entry: dict[str, Any], folder: str | None) -> Item:
    crid = present(entry.get("ClientRequestId"))
    return Item(
        message=present(entry.get("InternetMessageId")),
        item=present(entry.get("Id")) or present(entry.get("ImmutableId")),
        folder=folder,
        crid=crid.lower() if crid else None,
    )


def _path(folder: Any) -> str | None:
    folder = as_json(folder)
    if not isinstance(folder, dict):
        return None
    return present(folder.get("Path")) or present(folder.get("Name")) or present(folder.get("Id"))


def _parameters(fields: Fields) -> dict[str, str]:
    return {
        str(entry.get("Name")): str(entry.get("Value"))
        for entry in listed(fields.raw("parameters")) + listed(fields.raw("operationproperties"))
    }
