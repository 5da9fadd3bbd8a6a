"""What became of a message: the stub and the rows that say it."""

from datetime import datetime

import sqlalchemy as sa

from counterfoil.gateway.store.tables import dispositions, messages, sortable, storable
from counterfoil.model.mail import Json, Outcome
from counterfoil.model.trust import Stub


def disposition(message: str, tenant: str | None, outcome: Outcome, *, words: str, actor: str, now: datetime) -> Stub:
    """Make the stub of what became of a message."""
    body: dict[str, Json] = {"id": message, "outcome": outcome, "words": storable(words), "actor": actor}
    return Stub("disposition", now, tenant, body)


def tell(connection: sa.Connection, stub: Stub) -> None:
    """Add a disposition to the message's story."""
    body = stub.body
    row = {"message": body["id"], "outcome": body["outcome"], "words": body["words"], "actor": body["actor"]}
    connection.execute(sa.insert(dispositions).values(row | {"time": sortable(stub.time)}))


def settle(connection: sa.Connection, stub: Stub, known: dict[str, Json]) -> None:
    """Write the rows that belong to a disposition stub; ``known`` are further columns of the message."""
    tell(connection, stub)
    mine = messages.c.id == stub.body["id"]
    connection.execute(sa.update(messages).where(mine).values(known | {"outcome": stub.body["outcome"]}))
