"""A storage account over HTTPS, as far as reading exported logs needs it: List Blobs and Get Blob with a SAS.

    https://host/ACCOUNT/CONTAINER?restype=container&comp=list&SAS      XML, markers
    https://host/ACCOUNT/CONTAINER/NAME?SAS                             octets, ranges, If-Match

``ACCOUNT`` is the tenant's id without dashes, ``CONTAINER`` what a diagnostic setting makes. Sources: Azure
Storage REST reference, List Blobs, Get Blob, "Status and error codes", "Create a service SAS".
"""

import hashlib
import hmac
from email.utils import format_datetime
from urllib.parse import quote, urlencode
from xml.sax.saxutils import escape

from counterfoil.lab import places
from counterfoil.lab.logs.export import export
from counterfoil.lab.objects import Tenant
from counterfoil.lab.spelling import parse, utc
from counterfoil.lab.wire import Call, Reply
from counterfoil.lab.world import World
from counterfoil.model.errors import Refused

VERSION = "2024-11-04"
CONTAINERS = ("insights-logs-serviceprincipalsigninlogs", "insights-logs-microsoftgraphactivitylogs")
_LARGEST_PAGE = 5000


def container_sas(
    world: World, now: float, *, tenant: str, container: str = CONTAINERS[0], seconds: float = 86_400.0
) -> dict[str, str]:
    """Give a service SAS that may list and read one container: ``path`` with its query, for the blob host."""
    if container not in CONTAINERS:
        raise Refused(f"there is no container {container}", f"there are: {', '.join(CONTAINERS)}")
    account = places.tenant(world, tenant).id.replace("-", "")
    ends = utc(now + seconds).strftime("%Y-%m-%dT%H:%M:%SZ")
    signed = {"sv": VERSION, "se": ends, "sr": "c", "sp": "rl", "sig": _signature(world, account, container, ends)}
    return {"path": f"/{account}/{container}?{urlencode(signed)}"}


def answer(world: World, call: Call) -> Reply:
    """Answer one request to the host that stands for ``ACCOUNT.blob.core.windows.net``."""
    account, _, rest = call.path.strip("/").partition("/")
    container, _, name = rest.partition("/")
    owner = next((t for t in world.every(Tenant) if t.id.replace("-", "") == account), None)
    if owner is None or not _allowed(world, call, account, container):
        return _error(403, "AuthenticationFailed", f"Signature did not match: {call.query.get('sig', '')}")
    if not call.header("x-ms-version"):
        return _error(400, "MissingRequiredHeader")
    if world.happens(owner.id, "throttle_share"):
        wait = round(float(world.dial(owner.id, "retry_after_seconds")))
        return _error(503, "ServerBusy", headers={"Retry-After": f"{max(1, wait)}"})
    blobs = _blobs(world, owner, container, call.now)
    if not name:
        return _list(call, container, blobs)
    return _get(call, blobs[name]) if name in blobs else _error(404, "BlobNotFound")


def _signature(world: World, account: str, container: str, ends: str) -> str:
    text = f"{account}/{container}/{ends}".encode()
    return hmac.new(hashlib.sha256(world.key).digest(), text, hashlib.sha256).hexdigest()


def _allowed(world: World, call: Call, account: str, container: str) -> bool:
    ends = call.query.get("se", "")
    expected = _signature(world, account, container, ends)
    try:
        alive = parse(ends) > call.now
    except ValueError:
        return False
    return alive and hmac.compare_digest(call.query.get("sig", ""), expected)


def _blobs(world: World, tenant: Tenant, container: str, now: float) -> dict[str, bytes]:
    prefix = f"{tenant.id}/{container}/"
    files = export(world, tenant, now, ["storage"])
    return {path.removeprefix(prefix): data for path, data in sorted(files.items()) if path.startswith(prefix)}


def _list(call: Call, container: str, blobs: dict[str, bytes]) -> Reply:
    """List a page; the marker is the name at which the next begins."""
    if call.query.get("restype") != "container" or call.query.get("comp") != "list":
        return _error(400, "InvalidQueryParameterValue")
    wanted = int(call.query.get("maxresults", _LARGEST_PAGE))
    marker, prefix = call.query.get("marker", ""), call.query.get("prefix", "")
    names = [name for name in blobs if name >= marker and name.startswith(prefix)]
    page, rest = names[: min(wanted, _LARGEST_PAGE)], names[min(wanted, _LARGEST_PAGE) :]
    entries = "".join(
        f"<Blob><Name>{escape(name)}</Name><Properties><Last-Modified>{_date(call.now)}</Last-Modified>"
        f"<Etag>{_etag(blobs[name])}</Etag><Content-Length>{len(blobs[name])}</Content-Length>"
        "<Content-Type>application/octet-stream</Content-Type><BlobType>AppendBlob</BlobType></Properties></Blob>"
        for name in page
    )
    following = f"<NextMarker>{escape(rest[0])}</NextMarker>" if rest else "<NextMarker />"
    text = (
        f'\ufeff<?xml version="1.0" encoding="utf-8"?><EnumerationResults ServiceEndpoint="{call.base}/" '
        f'ContainerName="{container}"><Blobs>{entries}</Blobs>{following}</EnumerationResults>'
    )
    return Reply(200, text.encode(), {"Content-Type": "application/xml", "x-ms-version": VERSION})


def _get(call: Call, data: bytes) -> Reply:
    headers = {"ETag": f'"{_etag(data)}"', "Content-Type": "application/octet-stream", "x-ms-version": VERSION}
    wanted = call.header("if-match").strip('"')
    if wanted and wanted != _etag(data):
        return _error(412, "ConditionNotMet")
    span = call.header("x-ms-range") or call.header("range")
    if not span:
        return Reply(200, data, headers)
    first, _, last = span.removeprefix("bytes=").partition("-")
    start, end = int(first), min(int(last or len(data)), len(data) - 1)
    if start >= len(data):
        return _error(416, "InvalidRange")
    headers["Content-Range"] = f"bytes {start}-{end}/{len(data)}"
    return Reply(206, data[start : end + 1], headers)


def _etag(data: bytes) -> str:
    return f"0x{hashlib.sha256(data).hexdigest()[:15].upper()}"


def _date(now: float) -> str:
    return format_datetime(utc(now), usegmt=True)


def _error(status: int, code: str, detail: str = "", headers: dict[str, str] | None = None) -> Reply:
    """Answer as the service does: the code as a header and in XML, with a detail that may quote the request."""
    text = f"<Error><Code>{code}</Code><AuthenticationErrorDetail>{quote(detail)}</AuthenticationErrorDetail></Error>"
    return Reply(status, text.encode(), {"x-ms-error-code": code, "Content-Type": "application/xml", **(headers or {})})
