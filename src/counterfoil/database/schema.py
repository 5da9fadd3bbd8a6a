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
        declared: The tables as the packages declare them: a database without a number may have none of that name.
        place: The database in words.
        to: Another revision than the newest, for tests.

    Raises:
        Misconfigured: If a newer counterfoil made it, or an older one that never was released, or none at all.
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
        if current is None:
            _see_free(connection, declared, place)
        elif current not in revisions():
            raise _unknown(current, place)
        if current != wanted:
            _run(connection, wanted)
        connection.commit()


def _unknown(current: str, place: str) -> Misconfigured:
    if current.isdecimal() and current > revisions()[-1]:
        return Misconfigured(
            f"the database {place} was made by a newer counterfoil (its schema is {current}, ours {revisions()[-1]})",
            "run that version or a later one, or restore the backup from before the upgrade",
        )
    return Misconfigured(
        f"the database {place} has the schema {current!r}, which is none of counterfoil's",
        "see that the path or URL is right; restore a backup of counterfoil's, or begin with a database of its own",
    )


def _current(connection: sa.Connection) -> str | None:
    """Return the revision that a database is at, or ``None`` where it has none.

    Several, which one line of revisions never leaves, are named together and so are none of ours.
    """
    if not sa.inspect(connection).has_table(_VERSION.name):
        return None
    return ", ".join(connection.execute(sa.select(_VERSION.c.version_num)).scalars()) or None


def _see_free(connection: sa.Connection, declared: sa.MetaData, place: str) -> None:
    """See that a database without a number has no table under a name of ours: it is new, or shared with others."""
    taken = declared.tables.keys() & set(sa.inspect(connection).get_table_names())
    if taken:
        raise Misconfigured(
            f"the database {place} has a table {min(taken)} and no number of its schema: "
            "it is from before the first release, or none of counterfoil's",
            "see that the path or URL is right; restore a backup, or begin with a new data folder",
        )


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
