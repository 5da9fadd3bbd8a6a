"""What became of a message: the stub and the rows that say it."""

from datetime import datetime

import sqlalchemy as sa

from counterfoil.gateway.store.tables import dispositions, messages, sortable, storable
from counterfoil.model.mail import Json, Outcome
from counterfoil.model.trust import Stub

# Values go in as parameters, here and beside: a statement built anew for each message costs more than it does.
_TOLD = sa.insert(dispositions)
_SETTLED = sa.update(messages).where(messages.c.id == sa.bindparam("settled"))


def disposition(message: str, tenant: str | None, outcome: Outcome, *, words: str, actor: str, now: datetime) -> Stub:
    """Make the stub of what became of a message."""
    body: dict[str, Json] = {"id": message, "outcome": outcome, "words": storable(words), "actor": actor}
    return Stub("disposition", now, tenant, body)


def tell(connection: sa.Connection, stub: Stub) -> None:
    """Add a disposition to the message's story."""
    body = stub.body
    row = {"message": body["id"], "outcome": body["outcome"], "words": body["words"], "actor": body["actor"]}
    connection.execute(_TOLD, row | {"time": sortable(stub.time)})


def settle(connection: sa.Connection, stub: Stub, known: dict[str, Json]) -> None:
    """Write the rows that belong to a disposition stub; ``known`` are further columns of the message."""
    tell(connection, stub)
    connection.execute(_SETTLED, known | {"outcome": stub.body["outcome"], "settled": stub.body["id"]})
