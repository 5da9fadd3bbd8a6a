"""The laboratory's Graph described in OpenAPI 3.0, made from the table of routes."""

import re
from typing import Any

from counterfoil.lab.graph.routes import ROUTES, Route

_TEXT: dict[str, Any] = {"type": "string"}
_OBJECT: dict[str, Any] = {"type": "object"}
_ERROR: dict[str, Any] = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message", "innerError"],
            "properties": {
                "code": _TEXT,
                "message": _TEXT,
                "innerError": {
                    "type": "object",
                    "required": ["date", "request-id", "client-request-id"],
                    "properties": dict.fromkeys(("date", "request-id", "client-request-id"), _TEXT),
                },
            },
        }
    },
}
_LIST: dict[str, Any] = {
    "type": "object",
    "required": ["@odata.context", "value"],
    "properties": {"value": {"type": "array", "items": _OBJECT}, "@odata.nextLink": _TEXT, "@odata.deltaLink": _TEXT},
}
_OPTIONS = ("$select", "$top", "$skip", "$filter", "$orderby")
_LISTS = re.compile(
    r"/(messages|delta|mailFolders|attachments|messageRules|subscriptions|applications|servicePrincipals|users|organization"
    r"|appRoleAssignments|federatedIdentityCredentials|signIns|directoryAudits)$"
)
_SUCCESS = {
    "addKey": "200", "removeKey": "204", "addPassword": "200", "removePassword": "204", "sendMail": "202",
    "permanentDelete": "204", "reauthorize": "200",
}  # fmt: skip
"""What actions answer; a move, a copy and everything that is made answer 201."""


def describe() -> dict[str, Any]:
    """Return the document; its server is ``/v1.0``, so operations that exist in beta only are left out."""
    paths: dict[str, dict[str, Any]] = {}
    for route in ROUTES:
        if not route.beta:
            paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.0.3",
        "info": {"title": "Counterfoil laboratory: Microsoft Graph", "version": "v1.0"},
        "servers": [{"url": "https://graph.microsoft.com/v1.0"}],
        "paths": paths,
        "components": {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
        "security": [{"token": []}],
    }


def _operation(route: Route) -> dict[str, Any]:
    names = re.findall(r"\{(\w+)\}", route.path)
    parameters = [{"name": name, "in": "path", "required": True, "schema": _TEXT} for name in names]
    if route.method == "GET":
        parameters += [{"name": name, "in": "query", "required": False, "schema": _TEXT} for name in _OPTIONS]
    operation: dict[str, Any] = {
        "operationId": f"{route.method.lower()}{re.sub(r'[^A-Za-z]+', '_', route.path)}",
        "summary": (route.handler.__doc__ or "").splitlines()[0],
        "description": f"Any one of: {', '.join(route.roles)}" if route.roles else "No permission is needed.",
        "parameters": parameters,
        "responses": {
            _status(route): _answer(route),
            "default": {"description": "An error", "content": {"application/json": {"schema": _ERROR}}},
        },
    }
    if route.method in {"POST", "PATCH"}:
        operation["requestBody"] = {"content": {"application/json": {"schema": _OBJECT}}}
    return operation


def _status(route: Route) -> str:
    if route.method == "POST":
        return _SUCCESS.get(route.path.rpartition("/")[2], "201")
    if route.method == "DELETE" or (route.method == "PATCH" and not route.mail and "subscription" not in route.path):
        return "204"
    return "200"


def _answer(route: Route) -> dict[str, Any]:
    if route.path.endswith("$value"):
        return {"description": "The bytes themselves", "content": {"*/*": {}}}
    if _status(route) in {"202", "204"} or route.path.endswith("reauthorize"):
        return {"description": "Done"}
    schema = _LIST if route.method == "GET" and _LISTS.search(route.path) else _OBJECT
    return {"description": "Done", "content": {"application/json": {"schema": schema}}}
