"""What became of a message: the stub and the rows that say it."""

from datetime import datetime

import sqlalchemy as sa

from counterfoil.gateway.store.tables import dispositions, messages, sortable, storable
from counterfoil.model.errors import Refused
from counterfoil.model.mail import Json, Outcome
from counterfoil.model.trust import Stub

# Values go in as parameters, here and beside: a statement built anew for each message costs more than it does.
_TOLD = sa.insert(dispositions)
_SETTLED = sa.update(messages).where(messages.c.id == sa.bindparam("settled"))


def disposition(message: str, tenant: str | None, outcome: Outcome, *, words: str, actor: str, now: datetime) -> Stub:
    """Make the stub of what became of a message."""
    body: dict[str, Json] = {"id": message, "outcome": outcome, "words": storable(words), "actor": actor}
    return Stub("disposition", now, tenant, body)


def not_held(connection: sa.Connection, message: str, tenant: str | None) -> Refused:
    """Say why a message cannot be taken out of the quarantine; another tenant's is not told apart from none."""
    known = sa.select(messages.c.outcome).where(messages.c.id == message)
    if tenant is not None:
        known = known.where(messages.c.tenant == tenant)
    row = connection.execute(known).first()
    if row is None:
        return Refused(f"there is no held message {message}", "see: counterfoil quarantine list")
    became = "it is under way" if row.outcome is None else f"it was {row.outcome.replace('-', ' ')}"
    if row.outcome == Outcome.UNKNOWN:
        became = "whether the next hop has it is unknown"
    return Refused(f"{message} is not held: {became}", f"its story: counterfoil track {message}")


def tell(connection: sa.Connection, stub: Stub) -> None:
    """Add a disposition to the message's story."""
    body = stub.body
    row = {"message": body["id"], "outcome": body["outcome"], "words": body["words"], "actor": body["actor"]}
    connection.execute(_TOLD, row | {"time": sortable(stub.time)})


def settle(connection: sa.Connection, stub: Stub, known: dict[str, Json]) -> None:
    """Write the rows that belong to a disposition stub; ``known`` are further columns of the message."""
    tell(connection, stub)
    connection.execute(_SETTLED, known | {"outcome": stub.body["outcome"], "settled": stub.body["id"]})
