"""After a restore from backup: stubs that were there are gone, and the ledger says so.

1. Behind the published checkpoint: the tree must never fork, so the entries that were published and are gone come back
   as entries without a stub, out of the published bundles.
2. Behind the high-water mark, or the data folder is a copy: what is gone may never have been published.

In both cases a ``gap`` stub names the time that cannot be judged: from the last stub that is left to now, the first
start after the restore. A reconciliation then says "cannot say" for it and never takes our own lost stubs for a theft.
"""

from contextlib import nullcontext
from datetime import datetime

import sqlalchemy as sa

from counterfoil.ledger import durable, rows
from counterfoil.ledger.high_water import HighWater, Mark
from counterfoil.ledger.note import Checkpoint
from counterfoil.ledger.publish import Publication, agree
from counterfoil.ledger.stubs import canonical, entry_of, stub_at
from counterfoil.ledger.tree import leaf_hash
from counterfoil.model.instant import rfc3339
from counterfoil.model.mail import Json
from counterfoil.model.trust import Stub

RESTORED, COPIED = "restored-from-backup", "copied-data-folder"
"""Why there is a gap: stubs are known to be gone; or the folder is a copy, and nobody knows from when."""

_LOST = "lost"
_KEPT = "high-water"
"""Name of the fact that there is a high-water mark: a database without one beside it was put there alone."""


def continue_after_restore(
    engine: sa.Engine, publication: Publication | None, high_water: HighWater | None, now: datetime
) -> Stub | None:
    """Compare the rows with what is known outside the database; write a gap and return it, ``None`` if all is well.

    Raises:
        Misconfigured: If the rows were changed, or rows and tiles together are not what was signed.
        OSError: If what is known cannot be read or written.
    """
    locked = nullcontext() if publication is None else durable.lock(publication.directory / ".lock")
    with locked, engine.connect() as connection:
        mark = None if high_water is None else high_water.read()  # before the rows: they are never behind it
        rows.begin_writing(connection)
        size = rows.size(connection)
        published = _published(connection, publication, size)
        lost: list[bytes] = []
        if publication is not None and published is not None and published.size > size:
            lost = publication.lost_entries(connection, published, size)
        why = RESTORED if lost else None
        if high_water is not None and why is None:
            why = _doubt(connection, mark, published)
        gap = None if why is None else _gap(connection, now, why, published, len(lost))
        if gap is not None:
            _fill(connection, size, lost, gap)
        if high_water is not None and mark is None and gap is None:
            high_water.restart(size, rows.last_entry(connection))
            # If we die here, it is there before anything says that it must be.
        if high_water is not None and not _is_kept(connection):
            connection.execute(sa.insert(rows.facts).values(name=_KEPT, value="beside the database"))
        # If we die before this commit, the next start finds the same; after it, at worst a gap more that says the same.
        connection.commit()
        if high_water is not None and gap is not None:
            high_water.restart(rows.size(connection), rows.last_entry(connection))
        return gap


def _published(connection: sa.Connection, publication: Publication | None, size: int) -> Checkpoint | None:
    latest = None if publication is None else publication.latest()
    if latest is None:
        return None
    if latest[0].size <= size:
        agree(connection, latest[0], size)
    return latest[0]


def _doubt(connection: sa.Connection, mark: Mark | None, published: Checkpoint | None) -> str | None:
    """Say why stubs may be gone that were never published, ``None`` if all that were acknowledged are there."""
    if mark is None:
        # On a shared server a gateway may be new where others have kept a mark for long.
        ours = connection.dialect.name == "sqlite" or published is not None
        return COPIED if ours and _is_kept(connection) else None
    if mark.size and rows.bundle(connection, mark.size - 1, mark.size) != [mark.entry]:
        return RESTORED
    return None if mark.genuine else COPIED


def _is_kept(connection: sa.Connection) -> bool:
    return connection.execute(sa.select(rows.facts.c.name).where(rows.facts.c.name == _KEPT)).first() is not None


def _gap(connection: sa.Connection, now: datetime, why: str, published: Checkpoint | None, lost: int) -> Stub:
    certain = size = rows.size(connection)
    if connection.dialect.name != "sqlite":
        # Other gateways may have written since the restore, and theirs is no sign of when it was.
        certain = 0 if published is None else min(size, published.size)
    since = min(now, _written(connection, certain))
    said: dict[str, Json] = {"since": rfc3339(since), "until": rfc3339(now), "reason": why}
    if lost:
        said |= {"first": size, "last": size + lost - 1}
    return stub_at("gap", now, None, **said)


def _written(connection: sa.Connection, size: int) -> datetime:
    """The time of the last of the first ``size`` stubs: what happened after it may be lost.

    Not the latest time there is: a clock that was once ahead would hide what was lost behind it.
    """
    last = sa.select(rows.entries.c.time).where(rows.entries.c.leaf_index == size - 1)
    return rows.instant(connection.execute(last).scalar() or 0)


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
