"""The schema's history: one file in ``revisions`` for each step, the newest applied when a database is opened.

A revision that was released is never changed again. `python tools/revision.py "subject"` writes the next one from
the tables that the packages declare; a test holds the two against each other.
"""

import re
from pathlib import Path

import sqlalchemy as sa

from counterfoil.model.errors import Misconfigured

REVISIONS = Path(__file__).with_name("revisions")
_FILE = re.compile(r"r([0-9]{4})_[a-z0-9_]+\.py")
_LOCK = 4_070_100  # any number, the same for every counterfoil on this PostgreSQL database
_VERSION = sa.table("alembic_version", sa.column("version_num"))


def revisions() -> list[str]:
    """Return the names of all revisions, oldest first."""
    found = (_FILE.fullmatch(path.name) for path in REVISIONS.iterdir())
    return sorted(match[1] for match in found if match)


def upgrade(engine: sa.Engine, declared: sa.MetaData, place: str, *, to: str = "head") -> None:
    """Bring a database to the newest revision in one transaction; a new one gets all of them.

    If we die in here, the database is as it was.

    Args:
        engine: The database.
        declared: The tables as the packages declare them, to tell whether an unnumbered database is ours.
        place: The database in words.
        to: Another revision than the newest, for tests.

    Raises:
        Misconfigured: If a newer counterfoil made it, or an older one that never was released.
    """
    wanted = revisions()[-1] if to == "head" else to
    with engine.connect() as connection:
        if _current(connection) == wanted:
            return
    with engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        current = _current(connection)  # anew: another process may have been faster
        if current is None and sa.inspect(connection).has_table("ledger_entry"):
            _adopt(connection, declared, place)
        elif current is not None and current not in revisions():
            raise Misconfigured(
                f"the database {place} was made by a newer counterfoil (its schema is {current}, ours {wanted})",
                "run that version or a later one, or restore the backup from before the upgrade",
            )
        if current != wanted:
            _run(connection, wanted)
        connection.commit()


def _current(connection: sa.Connection) -> str | None:
    """Return the revision that a database is at, or ``None`` where it has none."""
    if not sa.inspect(connection).has_table(_VERSION.name):
        return None
    return connection.execute(sa.select(_VERSION.c.version_num)).scalar()


def _adopt(connection: sa.Connection, declared: sa.MetaData, place: str) -> None:
    """Take a database from before the first numbered schema for that schema, if it is the same."""
    inspector = sa.inspect(connection)
    there = set(inspector.get_table_names())
    for table in declared.tables.values():
        if table.name in there:
            columns = {column["name"] for column in inspector.get_columns(table.name)}
            if missing := {column.name for column in table.columns} - columns:
                raise Misconfigured(
                    f"the database {place} is from before the first release: {table.name} has no {min(missing)}",
                    "begin with a new data folder",
                )
    connection.execute(sa.text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)"))
    connection.execute(sa.insert(_VERSION).values(version_num=revisions()[0]))


def _run(connection: sa.Connection, wanted: str) -> None:
    """Apply what is missing; the import is late because opening an up-to-date database needs none of it."""
    from alembic.config import Config  # noqa: PLC0415 - see above
    from alembic.runtime.environment import EnvironmentContext  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    scripts = ScriptDirectory(str(REVISIONS.parent), version_locations=[str(REVISIONS)])
    context = EnvironmentContext(
        Config(),
        scripts,
        fn=lambda current, _: scripts._upgrade_revs(wanted, current),  # noqa: SLF001 - as alembic.command
    )
    with context:
        context.configure(connection=connection)
        context.run_migrations()
