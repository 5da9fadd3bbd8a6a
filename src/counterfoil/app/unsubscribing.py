"""Delete change notifications that a stranger left: they tell his address of mail, and need no token for it.

Only the application that made one may delete it (Microsoft Graph, "Delete subscription"), so the connection's own
token does it. We make none ourselves; whoever shares the application with us may, so a person names each.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

from counterfoil.app.campaigning import is_control
from counterfoil.app.house import Books
from counterfoil.gateway.store.tenants import Operator
from counterfoil.ledger.stubs import stub_at
from counterfoil.model.errors import Refused
from counterfoil.model.mail import Json
from counterfoil.model.trust import Connection, Job
from counterfoil.tenant.door import Door
from counterfoil.tenant.registration import Registration
from counterfoil.tenant.token import Tokens

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
        for entry in _listed(books, connection)
        if entry["id"] in ids
    ]
    if missing := set(ids) - {entry["id"] for _, entry in found}:
        raise Refused(f"{tenant} has no subscription {min(missing)}", "see: counterfoil connection pull, status")
    for connection, entry in found:
        detail: dict[str, Json] = {"id": entry["id"], "address": _address(entry), "why": why}
        said = {"actor": by.who, "action": ACTION, "subject": f"{connection.tenant_id}/{connection.app}"}
        books.ledger.append(stub_at("action", by.now, connection.tenant_id, **said, detail=detail))
        with _registration(books, connection) as (registration, job):
            registration.remove_subscription(entry["id"], job)
    return tuple((entry["id"], _address(entry)) for _, entry in found)


def _listed(books: Books, connection: Connection) -> tuple[dict[str, Any], ...]:
    with _registration(books, connection) as (registration, job):
        return registration.subscriptions(job)


def _address(entry: dict[str, Any]) -> str:
    return str(entry.get("notificationUrl"))


@contextmanager
def _registration(books: Books, connection: Connection) -> Iterator[tuple[Registration, Job]]:
    """Open the connection's own door for one job, which a rotation waits for."""
    job, current = books.new_job("contain", connection.tenant), books.connections.current(connection)
    books.connections.begin_use(job.id, current, books.means.clock())
    try:
        door = Door(Tokens(connection, current, books.through.for_use, books.means))
        yield Registration(door, connection), job
    finally:
        books.connections.end_use(job.id)
