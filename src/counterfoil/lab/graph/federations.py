"""Federated identity credentials of an application: another issuer's tokens as a way in."""

from dataclasses import replace
from typing import Any

from counterfoil.lab.graph import odata
from counterfoil.lab.graph.applications import find, may_write
from counterfoil.lab.graph.context import Context, bad_request, field, not_found
from counterfoil.lab.objects import Federation
from counterfoil.lab.wire import Reply, json_reply


def _document(federation: Federation) -> dict[str, Any]:
    shown = {name: getattr(federation, name) for name in ("id", "name", "issuer", "subject", "audiences")}
    return {**shown, "description": ""}


def listing(context: Context) -> Reply:
    """``GET /applications/{id}/federatedIdentityCredentials``."""
    items = find(context).federations
    return json_reply(
        200, odata.page(context, items, _document, size=100, most=999, path="federatedIdentityCredentials")
    )


def create(context: Context) -> Reply:
    """``POST /applications/{id}/federatedIdentityCredentials``."""
    application = find(context)
    may_write(context, application)
    body = context.body()
    missing = [name for name in ("name", "issuer", "subject", "audiences") if not body.get(name)]
    if missing:
        raise bad_request(f"Property {missing[0]} is required.", "Request_BadRequest")
    federation = Federation(
        context.world.guid(),
        str(body["name"]),
        str(body["issuer"]),
        str(body["subject"]),
        [str(item) for item in field(body, "audiences", list, [])],
    )
    application.federations.append(replace(federation))
    context.world.put(application)
    return json_reply(201, _document(federation))


def delete(context: Context) -> Reply:
    """``DELETE /applications/{id}/federatedIdentityCredentials/{id}``."""
    application = find(context)
    may_write(context, application)
    kept = [item for item in application.federations if item.id != context.params["federation"]]
    if len(kept) == len(application.federations):
        raise not_found(context.params["federation"])
    application.federations = kept
    context.world.put(application)
    return Reply(204)
