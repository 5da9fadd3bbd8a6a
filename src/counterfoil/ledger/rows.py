"""The tables of the ledger, and reading them: entries, roots of full tiles, what the signer has signed."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

import sqlalchemy as sa

from counterfoil.database import metadata
from counterfoil.ledger.stubs import read
from counterfoil.ledger.tiles import HEIGHT, WIDTH, Tile, node_reader
from counterfoil.ledger.tree import Frontier, NodeReader, leaf_hash, peaks_of
from counterfoil.model.trust import Stub

entries = sa.Table(
    "ledger_entry",
    metadata,
    sa.Column("leaf_index", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("time", sa.BigInteger, nullable=False, comment="microseconds since 1970, UTC"),
    sa.Column("tenant", sa.Text),
    sa.Column("subject", sa.Text),
    sa.Column("salt", sa.LargeBinary, comment="32 octets; null once erased or lost"),
    sa.Column("stub", sa.LargeBinary, comment="the canonical octets; null once erased or lost"),
    sa.Column("entry", sa.LargeBinary, nullable=False, comment="what the tree commits to, 33 octets"),
)
sa.Index("ledger_entry_subject", entries.c.subject, sqlite_where=entries.c.subject.is_not(None))

nodes = sa.Table(
    "ledger_node",
    metadata,
    sa.Column("level", sa.Integer, primary_key=True, comment="of tiles: 1 is the root of 256 leaves"),
    sa.Column("number", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
    sa.Column("hash", sa.LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

signers = sa.Table(
    "ledger_signer",
    metadata,
    sa.Column("id", sa.Text, primary_key=True, comment="the verifier key of the signer's stubs"),
    sa.Column("since", sa.BigInteger, nullable=False),
)

signed = sa.Table(
    "ledger_signed",
    metadata,
    sa.Column("signer", sa.Text, primary_key=True),
    sa.Column("sequence", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
    sa.Column("credential", sa.Text, nullable=False),
    sa.Column("counter", sa.BigInteger, nullable=False),
    sa.Column("leaf_index", sa.BigInteger, nullable=False),
    sa.UniqueConstraint("signer", "credential", "counter"),
)

facts = sa.Table(
    "ledger_fact",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)

witnesses = sa.Table(
    "ledger_witness",
    metadata,
    sa.Column("id", sa.Text, primary_key=True, comment="the key of the witness, type 0x04"),
    sa.Column("url", sa.Text, nullable=False, comment="its submission prefix"),
    sa.Column("since", sa.BigInteger, nullable=False),
)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NEWEST = sa.select(sa.func.max(entries.c.leaf_index))


def microseconds(instant: datetime) -> int:
    """Microseconds since 1970, exact."""
    since = instant - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def instant(value: int) -> datetime:
    """The point in time that ``microseconds`` gave."""
    return _EPOCH + timedelta(microseconds=value)


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the ledger; ``salt`` and ``stub`` are ``None`` where the stub was erased or lost."""

    index: int
    salt: bytes | None
    stub: Stub | None
    octets: bytes | None
    entry: bytes


def insert(connection: sa.Connection, table: sa.Table, new: list[dict[str, object]]) -> None:
    """Insert rows that have a value for every column, without SQLAlchemy's work for each of them."""
    if not new:
        return
    statement, order = _compiled(table, connection.dialect)
    rows = new if order is None else [tuple([row[name] for name in order]) for row in new]
    connection.exec_driver_sql(statement, rows)


@lru_cache(maxsize=16)
def _compiled(table: sa.Table, dialect: sa.Dialect) -> tuple[str, list[str] | None]:
    compiled = sa.insert(table).compile(dialect=dialect)
    return compiled.string, compiled.positiontup if compiled.positional else None


def size(connection: sa.Connection) -> int:
    """Return the number of entries."""
    newest = connection.execute(_NEWEST).scalar()
    return 0 if newest is None else newest + 1


def last_entry(connection: sa.Connection) -> bytes:
    """Return the newest entry; no octets where there is none."""
    newest = sa.select(entries.c.entry).order_by(entries.c.leaf_index.desc()).limit(1)
    return connection.execute(newest).scalar() or b""


def begin_writing(connection: sa.Connection) -> None:
    """Begin a transaction in which nobody else writes."""
    if connection.dialect.name == "sqlite":
        # The driver would begin only before the first write, and then without the write lock.
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        connection.execute(sa.text("LOCK TABLE ledger_entry IN EXCLUSIVE MODE"))


def tile(connection: sa.Connection, wanted: Tile) -> bytes:
    """Return the hashes of a tile from the rows.

    Raises:
        ValueError: If rows are missing.
    """
    start, end = wanted.number * WIDTH, wanted.number * WIDTH + wanted.width
    if wanted.level == 0:
        found = connection.execute(_span(entries.c.entry, start, end)).scalars()
        hashes = [leaf_hash(entry) for entry in found]
    else:
        at_level = nodes.c.level == wanted.level
        query = sa.select(nodes.c.hash).where(at_level, nodes.c.number >= start, nodes.c.number < end)
        hashes = list(connection.execute(query.order_by(nodes.c.number)).scalars())
    if len(hashes) != wanted.width:
        message = f"the ledger holds {len(hashes)} of the {wanted.width} hashes of {wanted.path}"
        raise ValueError(message)
    return b"".join(hashes)


def bundle(connection: sa.Connection, start: int, end: int) -> list[bytes]:
    """Return the entries from ``start`` up to but not including ``end``."""
    return list(connection.execute(_span(entries.c.entry, start, end)).scalars())


def _span(column: sa.Column[bytes], start: int, end: int) -> sa.Select[bytes]:
    return (
        sa.select(column)
        .where(entries.c.leaf_index >= start, entries.c.leaf_index < end)
        .order_by(entries.c.leaf_index)
    )


def reader(connection: sa.Connection, leaves: int) -> NodeReader:
    """Read nodes of the tree of the first ``leaves`` entries."""
    return node_reader(leaves, lambda wanted: tile(connection, wanted))


def frontier(connection: sa.Connection, leaves: int) -> Frontier:
    """Build the frontier of the tree of the first ``leaves`` entries out of a few tiles."""
    node = reader(connection, leaves)
    return Frontier(leaves, [node(level, number) for level, number in peaks_of(leaves)])


def node_rows(level: int, number: int, node: bytes) -> Iterator[dict[str, object]]:
    """Yield the row for a node that has just been completed, if it is the root of a full tile."""
    if level % HEIGHT == 0:
        yield {"level": level // HEIGHT, "number": number, "hash": node}


def select(
    connection: sa.Connection,
    *,
    kinds: frozenset[str] | None = None,
    tenant: str | None = None,
    subject: str | None = None,
    start: int = 0,
) -> Iterator[Row]:
    """Yield rows in the order of their index; ``tenant`` shows that tenant's rows and no other's."""
    query = sa.select(entries).where(entries.c.leaf_index >= start).order_by(entries.c.leaf_index)
    if kinds is not None:
        query = query.where(entries.c.kind.in_(sorted(kinds)))
    if tenant is not None:
        query = query.where(entries.c.tenant == tenant)
    if subject is not None:
        query = query.where(entries.c.subject == subject)
    for row in connection.execute(query.execution_options(yield_per=1000)):
        stub = None if row.stub is None else read(row.stub)
        yield Row(row.leaf_index, row.salt, stub, row.stub, row.entry)
