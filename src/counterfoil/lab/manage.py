"""The Office 365 Management Activity API, after its reference: subscriptions and content blobs."""

import json
import re
from typing import Any

from counterfoil.lab import faults
from counterfoil.lab.graph import tokens
from counterfoil.lab.graph.context import Caller, GraphError
from counterfoil.lab.logs import delivery, directory_audit, mailbox_audit
from counterfoil.lab.names import MANAGEMENT, RESOURCES
from counterfoil.lab.objects import Row
from counterfoil.lab.spelling import parse, utc
from counterfoil.lab.wire import Call, Reply
from counterfoil.lab.world import World

CONTENT_TYPES = ("Audit.AzureActiveDirectory", "Audit.Exchange", "Audit.SharePoint", "Audit.General", "DLP.All")
_AUDIENCE = next(resource.audience for resource in RESOURCES if resource.app == MANAGEMENT)
_DAY = 86400.0
_PAGE = 200
_GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_NOBODY = "00000000-0000-0000-0000-000000000000"


class _FeedError(Exception):
    def __init__(self, status: int, code: str, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers or {}


def answer(world: World, call: Call) -> Reply:
    """Answer one request to the host that Microsoft calls manage.office.com."""
    mailbox_audit.settle(world, call.now)
    try:
        return _route(world, call)
    except GraphError as error:
        return _json(error.status, {"error": {"code": "AF10000", "message": error.message}})
    except _FeedError as error:
        return _json(error.status, {"error": {"code": error.code, "message": error.message}}, error.headers)


def _json(status: int, document: Any, headers: dict[str, str] | None = None) -> Reply:
    body = b"" if document is None else json.dumps(document, ensure_ascii=False).encode()
    return Reply(status, body, {"Content-Type": "application/json; charset=utf-8", **(headers or {})})


def _route(world: World, call: Call) -> Reply:
    parts = call.path.strip("/").split("/")
    if len(parts) < 6 or parts[:2] != ["api", "v1.0"] or parts[3:5] != ["activity", "feed"]:
        return Reply(404)
    caller = _caller(world, call, parts[2])
    _struck(world, call, caller)
    rest = "/".join(parts[5:])
    if parts[5] == "audit" and len(parts) == 7 and call.method == "GET":
        return _blob(world, call, caller, parts[6])
    operations = {
        ("POST", "subscriptions/start"): _start,
        ("POST", "subscriptions/stop"): _stop,
        ("GET", "subscriptions/list"): _list,
        ("GET", "subscriptions/content"): _content,
        ("GET", "subscriptions/notifications"): _notifications,
    }
    operation = operations.get((call.method, rest))
    return operation(world, call, caller) if operation else Reply(404)


def _caller(world: World, call: Call, tenant: str) -> Caller:
    caller = tokens.check(world, call, _AUDIENCE)
    if caller.tenant.id != tenant.lower():
        raise _FeedError(
            401,
            "AF20010",
            f"The tenant ID passed in the URL ({tenant}) does not match the tenant ID in the access token.",
        )
    if "ActivityFeed.Read" not in caller.roles:
        raise _FeedError(
            401,
            "AF10001",
            "The permission set () sent in the request did not include the expected permission ActivityFeed.Read.",
        )
    return caller


def _struck(world: World, call: Call, caller: Caller) -> None:
    """Let strike what the dials say: throttling, errors, and a tenant whose unified audit log is off.

    Raises:
        _FeedError: If something does.
    """
    publisher = call.query.get("PublisherIdentifier", "")
    if publisher and _GUID.fullmatch(publisher) is None:
        raise _FeedError(400, "AF20013", f"The tenant ID passed in the URL ({publisher}) is not a valid GUID.")
    wait = faults.throttled(world, call, caller.tenant.id, caller.app_id)
    if wait is not None:
        message = f"Too many requests. Method={call.method}, PublisherId={publisher or _NOBODY}"
        raise _FeedError(429, "AF429", message, {"Retry-After": wait})
    if world.happens(caller.tenant.id, "error_share"):
        raise _FeedError(500, "AF50000", "An internal error occurred. Retry the request.")
    if not world.dial(caller.tenant.id, "unified_audit"):
        raise _FeedError(400, "AF20011", f"The tenant ID passed in the URL ({caller.tenant.id}) does not exist.")


def _content_type(call: Call) -> str:
    name = call.query.get("contentType", "")
    if not name:
        raise _FeedError(400, "AF20001", "Missing parameter: contentType.")
    if name not in CONTENT_TYPES:
        raise _FeedError(400, "AF20020", "The specified content type is not valid.")
    return name


def _subscription(name: str, status: str = "enabled") -> dict[str, Any]:
    return {"contentType": name, "status": status, "webhook": None}


def _start(world: World, call: Call, caller: Caller) -> Reply:
    name, tenant = _content_type(call), caller.tenant
    if call.body.strip():
        raise _FeedError(400, "AF20021", "The webhook endpoint could not be validated.")
    if name in tenant.audit_subscriptions:
        raise _FeedError(400, "AF20024", "The subscription is already enabled. No property change.")
    tenant.audit_subscriptions.append(name)
    world.put(tenant)
    return _json(200, _subscription(name))


def _stop(world: World, call: Call, caller: Caller) -> Reply:
    name, tenant = _content_type(call), caller.tenant
    if name not in tenant.audit_subscriptions:
        raise _FeedError(400, "AF20022", "No subscription found for the specified content type.")
    tenant.audit_subscriptions.remove(name)
    world.put(tenant)
    return Reply(200)


def _list(_world: World, _call: Call, caller: Caller) -> Reply:
    return _json(200, [_subscription(name) for name in caller.tenant.audit_subscriptions])


def _notifications(_world: World, _call: Call, _caller: Caller) -> Reply:
    return _json(200, [])


def _window(call: Call) -> tuple[float, float]:
    """Read startTime and endTime: both or neither, at most a day apart, not older than 7 days."""
    start, end = call.query.get("startTime"), call.query.get("endTime")
    if (start is None) != (end is None):
        raise _FeedError(400, "AF20030", "Start time and end time must both be specified (or both omitted).")
    if start is None or end is None:
        return call.now - _DAY, call.now
    try:
        low, high = parse(start), parse(end)
    except ValueError as error:
        raise _FeedError(400, "AF20002", "Invalid parameter type: startTime or endTime.") from error
    if high <= low or high - low > _DAY or low < call.now - 7 * _DAY:
        message = (
            "Start time and end time must both be specified (or both omitted) and must be less than or equal to 24 "
            "hours apart, with the start time no more than 7 days in the past."
        )
        raise _FeedError(400, "AF20030", message)
    return low, high


def _rows(world: World, tenant: str, content_type: str, now: float) -> list[Row]:
    logs = {"Audit.Exchange": delivery.MAILBOX, "Audit.AzureActiveDirectory": delivery.DIRECTORY}
    log = logs.get(content_type)
    return delivery.seen(world, tenant, log, now) if log else []


def record(row: Row) -> dict[str, Any]:
    """Return a row as the audit record it is."""
    return directory_audit.unified(row.body) if row.log == delivery.DIRECTORY else row.body


def blobs(world: World, tenant: str, content_type: str, now: float) -> dict[float, list[Row]]:
    """Group rows by when they became available; a blob is listed once its stretch of time is over."""
    width = float(world.dial(tenant, "blob_seconds"))
    grouped: dict[float, list[Row]] = {}
    for row in _rows(world, tenant, content_type, now):
        end = (row.visible // width + 1) * width
        if end <= now:
            grouped.setdefault(end, []).append(row)
    return grouped


def content_id(end: float, width: float, content_type: str) -> str:
    """Spell a content id; it says which stretch of time it holds."""
    name = content_type.lower().replace(".", "_")
    stamps = [utc(at).strftime("%Y%m%d%H%M%S%f")[:17] for at in (end - width, end)]
    return f"{stamps[0]}${stamps[1]}${round(end * 1000):x}${name}${content_type.replace('.', '_')}"


def _content(world: World, call: Call, caller: Caller) -> Reply:
    name, tenant = _content_type(call), caller.tenant
    if name not in tenant.audit_subscriptions:
        raise _FeedError(400, "AF20022", "No subscription found for the specified content type.")
    low, high = _window(call)
    width = float(world.dial(tenant.id, "blob_seconds"))
    ends = [end for end in sorted(blobs(world, tenant.id, name, call.now)) if low <= end < high]
    try:
        skip = int(call.query.get("nextPage", "0"))
    except ValueError as error:
        raise _FeedError(400, "AF20031", "Invalid nextPage Input.") from error
    root = f"{call.base}/api/v1.0/{tenant.id}/activity/feed"
    listed = []
    for end in ends[skip : skip + _PAGE]:
        id_ = content_id(end, width, name)
        listed.append(
            {
                "contentType": name,
                "contentId": id_,
                "contentUri": f"{root}/audit/{id_}",
                "contentCreated": _millis(end),
                "contentExpiration": _millis(end + 7 * _DAY),
            }
        )
    more = {}
    if skip + _PAGE < len(ends):
        query = "&".join(f"{key}={value}" for key, value in call.query.items() if key != "nextPage")
        more = {"NextPageUri": f"{root}/subscriptions/content?{query}&nextPage={skip + _PAGE}"}
    return _json(200, listed, more)


def _millis(at: float) -> str:
    return utc(at).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def _blob(world: World, call: Call, caller: Caller, id_: str) -> Reply:
    width = float(world.dial(caller.tenant.id, "blob_seconds"))
    parts = id_.split("$")
    name = parts[-1].replace("_", ".", 1)
    if len(parts) != 5 or name not in CONTENT_TYPES:
        raise _FeedError(400, "AF20052", f"Content ID {id_} in the URL is invalid.")
    for end, rows in blobs(world, caller.tenant.id, name, call.now).items():
        if content_id(end, width, name) == id_:
            if end + 7 * _DAY < call.now:
                raise _FeedError(400, "AF20051", f"Content requested with the key {id_} has already expired.")
            return _json(200, [record(row) for row in rows])
    raise _FeedError(404, "AF20050", "The specified content does not exist.")
