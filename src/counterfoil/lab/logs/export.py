"""Exports in the shapes that customers have: what a tenant can see of its logs, as files."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from counterfoil.lab.logs import activity, delivery, directory_audit, signin
from counterfoil.lab.objects import Row, Tenant
from counterfoil.lab.spelling import bare, utc
from counterfoil.lab.world import World

SHAPES = ("storage", "analytics", "graph", "purview", "management")
"""Storage blobs of diagnostic settings; Log Analytics (JSON, CSV); Graph pages; Purview CSV; Management API blobs."""

_PAGE = 1000
_NO_LICENCE = {
    "error": {
        "code": "Authentication_RequestFromNonPremiumTenantOrB2CTenant",
        "message": "Neither tenant is B2C or tenant doesn't have premium license",
    }
}


def export(world: World, tenant: Tenant, now: float, shapes: Sequence[str]) -> dict[str, bytes]:
    """Return files by relative path; a tenant without a licence has no sign-in and no Graph activity export."""
    seen = {log: delivery.seen(world, tenant.id, log, now) for log in _LOGS}
    makers: dict[str, Callable[[Tenant, dict[str, list[Row]]], dict[str, bytes]]] = {
        "storage": _storage,
        "analytics": _analytics,
        "graph": lambda place, rows: _graph(world, place, rows),
        "purview": _purview,
        "management": _management,
    }
    files: dict[str, bytes] = {}
    for shape in shapes:
        files |= {f"{tenant.id}/{path}": data for path, data in makers[shape](tenant, seen).items()}
    return files


_LOGS = (delivery.SIGNIN, delivery.ACTIVITY, delivery.DIRECTORY, delivery.MAILBOX)


def _lines(documents: Iterable[Any]) -> bytes:
    """JSON lines ended by CRLF, as storage accounts have them."""
    return b"".join(
        json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode() + b"\r\n" for document in documents
    )


def _storage(tenant: Tenant, seen: dict[str, list[Row]]) -> dict[str, bytes]:
    """One blob an hour and category, by event time, rows in the order of arrival."""
    files: dict[str, list[dict[str, Any]]] = {}
    kinds = (
        (delivery.SIGNIN, "serviceprincipalsigninlogs", signin.storage),
        (delivery.ACTIVITY, "microsoftgraphactivitylogs", activity.storage),
    )
    for log, category, shape in kinds:
        if not tenant.licensed:
            continue
        for row in seen[log]:
            hour = utc(row.at).strftime("y=%Y/m=%m/d=%d/h=%H/m=00")
            path = f"insights-logs-{category}/tenantId={tenant.id}/{hour}/PT1H.json"
            files.setdefault(path, []).append(shape(row.body))
    return {path: _lines(documents) for path, documents in files.items()}


def _analytics(tenant: Tenant, seen: dict[str, list[Row]]) -> dict[str, bytes]:
    tables = {
        "AADServicePrincipalSignInLogs": [signin.analytics(row.body, row.visible) for row in seen[delivery.SIGNIN]],
        "MicrosoftGraphActivityLogs": [activity.analytics(row.body) for row in seen[delivery.ACTIVITY]],
        "AuditLogs": [directory_audit.analytics(row.body, row.visible) for row in seen[delivery.DIRECTORY]],
    }
    if not tenant.licensed:
        tables = {"AuditLogs": tables["AuditLogs"]}
    files = {}
    for name, documents in tables.items():
        if documents:
            files[f"log-analytics/{name}.json"] = json.dumps(documents, ensure_ascii=False).encode()
            files[f"log-analytics/{name}.csv"] = _csv(documents)
    return files


def _csv(documents: list[dict[str, Any]]) -> bytes:
    """CSV as the portal saves it: a byte order mark, every column quoted."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(documents[0]), quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(documents)
    return b"\xef\xbb\xbf" + text.getvalue().encode()


def _graph(world: World, tenant: Tenant, seen: dict[str, list[Row]]) -> dict[str, bytes]:
    """Pages as a script that follows nextLink saves them; without a licence, the refusal that it got."""
    long_uti = bool(world.dial(tenant.id, "graph_form_uti"))
    audits = [directory_audit.graph(row.body) for row in seen[delivery.DIRECTORY]]
    files = _pages("directoryAudits", "v1.0", audits)
    if tenant.licensed:
        return files | _pages(
            "signIns", "beta", [signin.graph(row.body, long_uti=long_uti) for row in seen[delivery.SIGNIN]]
        )
    return files | {"graph/signIns-error.json": json.dumps(_NO_LICENCE).encode()}


def _pages(name: str, version: str, documents: list[dict[str, Any]]) -> dict[str, bytes]:
    files = {}
    for at in range(0, max(1, len(documents)), _PAGE):
        page: dict[str, Any] = {"@odata.context": f"https://graph.microsoft.com/{version}/$metadata#auditLogs/{name}"}
        if at + _PAGE < len(documents):
            page["@odata.nextLink"] = (
                f"https://graph.microsoft.com/{version}/auditLogs/{name}?$top={_PAGE}&$skiptoken={at + _PAGE}"
            )
        page["value"] = documents[at : at + _PAGE]
        files[f"graph/{name}-{at // _PAGE + 1:04d}.json"] = json.dumps(page, ensure_ascii=False).encode()
    return files


def _unified(seen: dict[str, list[Row]]) -> list[tuple[Row, dict[str, Any]]]:
    mailbox = [(row, row.body) for row in seen[delivery.MAILBOX]]
    directory = [(row, directory_audit.unified(row.body)) for row in seen[delivery.DIRECTORY]]
    return sorted(mailbox + directory, key=lambda pair: pair[0].visible)


def _purview(_tenant: Tenant, seen: dict[str, list[Row]]) -> dict[str, bytes]:
    """The CSV of an audit search: the record itself is JSON in the column AuditData."""
    documents = [
        {
            "RecordId": record["Id"],
            "CreationDate": bare(row.at),
            "RecordType": record["RecordType"],
            "Operation": record["Operation"],
            "UserId": record["UserId"],
            "AuditData": json.dumps(record, ensure_ascii=False, separators=(",", ":")),
            "AssociatedAdminUnits": "",
            "AssociatedAdminUnitsNames": "",
        }
        for row, record in _unified(seen)
    ]
    return {"purview/AuditLog.csv": _csv(documents)} if documents else {}


def _management(_tenant: Tenant, seen: dict[str, list[Row]]) -> dict[str, bytes]:
    """Blobs as the Management Activity API hands them out: a JSON array for a stretch of availability."""
    files: dict[str, list[dict[str, Any]]] = {}
    for row, record in _unified(seen):
        kind = "Audit.AzureActiveDirectory" if row.log == delivery.DIRECTORY else "Audit.Exchange"
        minute = utc(row.visible).strftime("%Y%m%d%H%M00000")
        files.setdefault(f"management/{kind}/{minute}.json", []).append(record)
    return {path: json.dumps(records, ensure_ascii=False).encode() for path, records in files.items()}
