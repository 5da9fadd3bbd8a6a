"""Delete change notifications that a stranger left: they tell his address of mail, and need no token for it.

Only the application that made one may delete it (Microsoft Graph, "Delete subscription"), so the connection's own
token does it. We make none ourselves; whoever shares the application with us may, so a person names each.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from counterfoil.app.campaigning import is_control
from counterfoil.app.house import Books
from counterfoil.gateway.store.tenants import Operator
from counterfoil.ledger.stubs import stub_at
from counterfoil.model.errors import Refused
from counterfoil.model.mail import Json
from counterfoil.model.trust import Connection
from counterfoil.tenant.door import Door
from counterfoil.tenant.registration import Registration

ACTION = "subscription-removed"


def unsubscribe(books: Books, tenant: str, ids: Collection[str], by: Operator, why: str) -> tuple[tuple[str, str], ...]:
    """Delete the named subscriptions of a tenant's connections; return their ids and the addresses that they told.

    Raises:
        Refused: If no reason is given, or one of them is not there; nothing is deleted then.
    """
    if not why.strip():
        raise Refused("nothing is deleted without a reason", "say it: --why WORDS")
    found = [
        (connection, entry)
        for connection in books.connections.all(tenant)
        if not is_control(connection)
        for entry in _listed(books, connection, by.now)
        if entry["id"] in ids
    ]
    if missing := set(ids) - {entry["id"] for _, entry in found}:
        raise Refused(f"{tenant} has no subscription {min(missing)}", "see: counterfoil connection pull, status")
    for connection, entry in found:
        detail: dict[str, Json] = {"id": entry["id"], "address": _address(entry), "why": why}
        said = {"actor": by.who, "action": ACTION, "subject": connection.stem}
        books.ledger.append(stub_at("action", by.now, connection.tenant_id, **said, detail=detail))
        with books.at_work(connection, "contain", by.now) as (tokens, job):
            Registration(Door(tokens), connection).remove_subscription(entry["id"], job)
    return tuple((entry["id"], _address(entry)) for _, entry in found)


def _listed(books: Books, connection: Connection, now: datetime) -> tuple[dict[str, Any], ...]:
    with books.at_work(connection, "contain", now) as (tokens, job):
        return Registration(Door(tokens), connection).subscriptions(job)


def _address(entry: dict[str, Any]) -> str:
    return str(entry.get("notificationUrl"))
