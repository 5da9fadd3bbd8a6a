"""One database: SQLite on one machine (WAL, synchronous=FULL), PostgreSQL when it outgrows that.

The tables are declared by the packages that own them, on the one ``metadata`` below; opening brings the database to
the newest schema (``schema.py``). All writes go through ``counterfoil.ledger``, whose one writer commits a stub and the
rows that depend on it together.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from counterfoil.database.schema import upgrade
from counterfoil.model.errors import Misconfigured

metadata = sa.MetaData()


def open_database(place: Path | str, *, examine: bool = False) -> sa.Engine:
    """Open the database at a path or an SQLAlchemy URL; where it is new or of an older version, bring it up to date.

    Args:
        place: The path or the URL.
        examine: Look at every page of an SQLite file first: its time grows with the file, so ``serve`` and ``doctor``
            do it and not every command. Damage that a command meets is told by ``telling_damage``.

    Raises:
        Misconfigured: If it is no database of ours, is damaged or is of a newer version; the hint says what to do.
    """
    url = sa.make_url(str(place)) if "://" in str(place) else sa.URL.create("sqlite", database=str(place))
    try:
        engine = sa.create_engine(url)
    except (sa.exc.ArgumentError, ModuleNotFoundError) as error:
        raise Misconfigured(
            f"the database {_shown(url)} cannot be used: {error}", "PostgreSQL needs the package psycopg[binary]"
        ) from error
    if engine.dialect.name == "sqlite":
        sa.event.listen(engine, "connect", _durable)
    try:
        if examine and engine.dialect.name == "sqlite":
            _check(engine, place)
        upgrade(engine, metadata, _shown(url))
        metadata.create_all(engine)  # tables so new that they have no revision yet; a test allows none
    except Misconfigured:
        engine.dispose()
        raise
    except sa.exc.DatabaseError as error:
        engine.dispose()
        hint = ROOM if any(words in str(error.orig) for words in FULL) else _hint(url)
        raise Misconfigured(f"the database {_shown(url)} cannot be used: {error.orig}", hint) from error
    return engine


@contextmanager
def telling_damage(engine: sa.Engine) -> Iterator[None]:
    """Turn what a damaged file or a full disk does to the statements within into words.

    Raises:
        Misconfigured: Instead of the error of the driver, where it is one of those; the hint says what to do.
    """
    try:
        yield
    except sa.exc.DatabaseError as error:
        words = str(error.orig)
        if any(text in words for text in DAMAGED):
            hint = _hint(engine.url)
            raise Misconfigured(f"the database {_shown(engine.url)} is damaged: {words}", hint) from error
        if any(text in words for text in OTHER):
            raise Misconfigured(
                f"the tables of the database {_shown(engine.url)} are not those of this version: {words}",
                "it was made by a version that was never released: begin with a new data folder",
            ) from error
        if any(text in words for text in FULL):
            raise Misconfigured(f"the database {_shown(engine.url)} cannot be used: {words}", ROOM) from error
        raise


DAMAGED = ("malformed", "not a database")
OTHER = ("no such column", "no such table", "has no column named", "does not exist")
FULL = ("disk is full", "disk I/O error", "No space left")
ROOM = "make room on its disk, and see that the disk is sound and the files may be written; nothing was changed"


def _shown(url: sa.URL) -> str:
    """Spell a URL for people: a file as its path, a server without its password."""
    return str(url.database) if url.drivername == "sqlite" else url.render_as_string(hide_password=True)


def _hint(url: sa.URL) -> str:
    if url.drivername == "sqlite":
        return "stop every counterfoil process, keep a copy of the file, and restore the newest backup beside it"
    return "see that the server runs, that the database is there, and that its user may create tables in it"


def _durable(connection: DBAPIConnection, _record: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=10000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _check(engine: sa.Engine, place: Path | str) -> None:
    with engine.connect() as connection:
        verdict = connection.execute(sa.text("PRAGMA quick_check(1)")).scalar()
    if verdict != "ok":
        raise Misconfigured(f"the database {place} is damaged: {verdict}", _hint(engine.url))
