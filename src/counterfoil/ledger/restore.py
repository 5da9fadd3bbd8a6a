"""After a restore from backup: the rows are behind the published checkpoint, and the ledger says so.

The tree must never fork, so the entries that were published and are gone come back as entries without a
stub, out of the published bundles, and a ``gap`` stub behind them names the time that cannot be judged.
A reconciliation then says "cannot say" for that time and never takes our own lost stubs for a theft.
"""

from datetime import datetime

import sqlalchemy as sa

from counterfoil.ledger import durable, rows
from counterfoil.ledger.publish import Publication, agree
from counterfoil.ledger.stubs import canonical, entry_of, stub_at
from counterfoil.ledger.tree import leaf_hash
from counterfoil.model.instant import rfc3339
from counterfoil.model.trust import Stub

_LOST = "lost"


def continue_after_restore(engine: sa.Engine, publication: Publication, now: datetime) -> Stub | None:
    """Compare rows and published checkpoint; fill a known gap and return its stub, or ``None`` where all is well.

    Raises:
        Misconfigured: If the rows were changed, or rows and tiles together are not what was signed.
    """
    with durable.lock(publication.directory / ".lock"), engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        latest = publication.latest()
        size = rows.size(connection)
        if latest is None:
            return None
        if latest[0].size <= size:
            agree(connection, latest[0], size)
            return None
        lost = publication.lost_entries(connection, latest[0], size)
        gap = stub_at(
            "gap",
            now,
            first=size,
            last=latest[0].size - 1,
            since=rfc3339(_newest(connection, now)),
            until=rfc3339(now),
            reason="restored-from-backup",
        )
        _fill(connection, size, lost, gap)
        # If we die before this commit, the next start finds the same gap; after it, none.
        connection.commit()
        return gap


def _newest(connection: sa.Connection, now: datetime) -> datetime:
    """The time of the newest stub that is left: what happened after it may be lost."""
    newest = connection.execute(sa.select(sa.func.max(rows.entries.c.time))).scalar()
    return now if newest is None else rows.instant(newest)


def _fill(connection: sa.Connection, size: int, lost: list[bytes], gap: Stub) -> None:
    octets = canonical(gap)
    salt = b"\0" * 32  # A gap stub hides nothing, and everybody may know it.
    time = rows.microseconds(gap.time)
    blank = {"kind": _LOST, "time": time, "tenant": None, "subject": None, "salt": None, "stub": None}
    new: list[dict[str, object]] = [blank | {"leaf_index": size + n, "entry": entry} for n, entry in enumerate(lost)]
    entry = entry_of(salt, octets)
    known = {"kind": gap.kind, "salt": salt, "stub": octets, "entry": entry, "leaf_index": size + len(lost)}
    new.append(blank | known)
    frontier = rows.frontier(connection, size)
    nodes: list[dict[str, object]] = []
    for row in [*lost, entry]:
        for level, number, node in frontier.append(leaf_hash(row)):
            nodes += rows.node_rows(level, number, node)
    rows.insert(connection, rows.entries, new)
    rows.insert(connection, rows.nodes, nodes)
