"""Verify a ledger from the inside; what is found is said in words.

Rows against their entries, entries against the tree, the tree against its checkpoint, tiles against rows,
the signer's numbers, the mail equation, and stubs that came late.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from counterfoil.ledger import admission, rows
from counterfoil.ledger.equation import Balance, balance
from counterfoil.ledger.publish import Publication
from counterfoil.ledger.stubs import entry_of
from counterfoil.ledger.tiles import WIDTH, Tile, pack_entries, tiles_between
from counterfoil.ledger.tree import Frontier, leaf_hash
from counterfoil.ledger.witnesses import testify
from counterfoil.model.errors import Misconfigured
from counterfoil.model.instant import rfc3339
from counterfoil.model.trust import Stub

LATE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Audit:
    """What verifying found: ``wrong`` must be empty; ``notes`` are for a person to judge."""

    size: int
    published: int
    without_stub: int
    gaps: tuple[Stub, ...]
    late: int
    mail: Balance
    wrong: tuple[str, ...]
    notes: tuple[str, ...]


def audit(engine: sa.Engine, publication: Publication) -> Audit:
    """Verify everything there is."""
    wrong: list[str] = []
    notes: list[str] = []
    with engine.connect() as connection:
        walk = _Walk(wrong)
        latest = None
        try:
            latest = publication.latest()
        except Misconfigured as error:
            wrong.append(error.message)
        stop = latest[0].size if latest is not None else 0
        for row in rows.select(connection):
            walk.take(row, stop)
        if walk.tree.size < stop:
            wrong.append(f"{stop} stubs were published and the database has {walk.tree.size}: it is an older copy")
        elif latest is not None and walk.root_at_stop != latest[0].root:
            wrong.append(f"the first {stop} rows are not the tree that the checkpoint signs")
        if latest is not None and not wrong:
            wrong += _tiles(connection, publication, stop)
        for signer, ranges in admission.missing(connection).items():
            notes.append(f"stubs of the signer {signer} are missing: {ranges}")
        faults, words = testify(connection, publication, walk.tree.size)
        wrong, notes = [*wrong, *faults], [*notes, *words]
    if latest is None:
        notes.append("no checkpoint has been published yet")
    if walk.late:
        notes.append(f"{walk.late} stubs were written more than {LATE} behind a later one")
    return Audit(
        size=walk.tree.size,
        published=stop,
        without_stub=walk.without_stub,
        gaps=tuple(walk.gaps),
        late=walk.late,
        mail=balance(walk.mail),
        wrong=tuple(wrong),
        notes=tuple(notes),
    )


class _Walk:
    """Goes over the rows once, in order."""

    def __init__(self, wrong: list[str]) -> None:
        self.tree = Frontier()
        self.wrong = wrong
        self.without_stub = 0
        self.late = 0
        self.gaps: list[Stub] = []
        self.mail: list[Stub] = []
        self.root_at_stop = self.tree.root()
        self._newest: datetime | None = None

    def take(self, row: rows.Row, stop: int) -> None:
        """Check one row and grow the tree by it."""
        if row.index != self.tree.size:
            self.wrong.append(f"row {self.tree.size} is missing")
        if row.stub is None or row.salt is None or row.octets is None:
            self.without_stub += 1
        else:
            if entry_of(row.salt, row.octets) != row.entry:
                self.wrong.append(f"the stub in row {row.index} is not the one that was written")
            self._time(row.stub)
        self.tree.extend([leaf_hash(row.entry)])
        if self.tree.size == stop:
            self.root_at_stop = self.tree.root()

    def _time(self, stub: Stub) -> None:
        if self._newest is not None and self._newest - stub.time > LATE:
            self.late += 1
        self._newest = max(self._newest or stub.time, stub.time)
        if stub.kind == "gap":
            self.gaps.append(stub)
        elif stub.kind in {"message", "disposition"}:
            self.mail.append(stub)


def _tiles(connection: sa.Connection, publication: Publication, size: int) -> list[str]:
    wrong = []
    for tile in tiles_between(0, size):
        try:
            found = publication.read(tile)
        except (OSError, ValueError) as error:
            wrong.append(f"{tile.path}: {error}")
            continue
        if found[: len(_wanted(connection, tile))] != _wanted(connection, tile):
            wrong.append(f"{tile.path} is not what the rows say")
    return wrong


def _wanted(connection: sa.Connection, tile: Tile) -> bytes:
    if tile.level >= 0:
        return rows.tile(connection, tile)
    start = tile.number * WIDTH
    return pack_entries(rows.bundle(connection, start, start + tile.width))


def gap_text(gap: Stub) -> str:
    """Say of a gap between when it lies and why."""
    return f"{gap.body['since']} to {gap.body['until']}, known at {rfc3339(gap.time)}: {gap.body['reason']}"
