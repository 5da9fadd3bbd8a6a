"""Opening a database brings it to the newest schema, from every older one, and refuses what it cannot know."""

import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from tools.revision import import_tables

from counterfoil.database import metadata, open_database
from counterfoil.database.schema import revisions, upgrade
from counterfoil.model.errors import Misconfigured


@pytest.fixture(params=["sqlite", "postgresql"])
def place(tmp_path: Path, request: pytest.FixtureRequest) -> Path | str:
    """Where an empty database is, on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        return tmp_path / "counterfoil.db"
    return str(request.getfixturevalue("postgresql_database"))


def bare(place: Path | str) -> sa.Engine:
    """An engine that knows nothing of ours."""
    return sa.create_engine(str(place) if "://" in str(place) else f"sqlite:///{place}")


def version(engine: sa.Engine) -> str | None:
    """The revision that a database is at."""
    with engine.connect() as connection:
        return connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()


def test_the_revisions_make_what_the_packages_declare(place: Path | str):
    """Tables, columns and indexes of a new database are those of the code: else `python tools/revision.py "what"`."""
    import_tables()
    engine = bare(place)
    upgrade(engine, metadata, "here")
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()


@pytest.mark.parametrize("old", revisions())
def test_every_older_schema_is_brought_up_to_date(place: Path | str, old: str):
    """A database of each released schema opens, has the newest schema then, and keeps its rows."""
    engine = bare(place)
    upgrade(engine, metadata, "here", to=old)
    with engine.begin() as connection:
        connection.execute(sa.text("INSERT INTO ledger_fact (name, value) VALUES ('kept', 'yes')"))
    engine.dispose()
    opened = open_database(place)
    assert version(opened) == revisions()[-1]
    with opened.connect() as connection:
        assert connection.execute(sa.text("SELECT value FROM ledger_fact WHERE name = 'kept'")).scalar() == "yes"
    opened.dispose()


def test_a_newer_schema_is_refused_with_what_to_do(place: Path | str):
    """A database that a newer version has upgraded is not touched, and the hint names the two ways out."""
    engine = open_database(place)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(Misconfigured, match=r"made by a newer counterfoil \(its schema is 9999") as refused:
        open_database(place)
    assert "restore the backup from before the upgrade" in refused.value.hint
    assert version(engine) == "9999"
    engine.dispose()


def test_a_database_from_before_the_first_number_is_taken_or_refused(place: Path | str):
    """An unnumbered database is taken for the first schema if its tables are those, and else refused by name."""
    engine = open_database(place)
    with engine.begin() as connection:
        connection.execute(sa.text("DROP TABLE alembic_version"))
    open_database(place).dispose()
    assert version(engine) == revisions()[-1]
    with engine.begin() as connection:
        connection.execute(sa.text("DROP TABLE alembic_version"))
        connection.execute(sa.text("ALTER TABLE ledger_fact DROP COLUMN value"))
    with pytest.raises(Misconfigured, match="ledger_fact has no value"):
        open_database(place)
    engine.dispose()


def test_two_processes_may_open_a_new_database_at_once(place: Path | str):
    """The first makes the schema, the others wait for it; nobody meets half of one."""
    code = "import sys; from counterfoil.database import open_database; open_database(sys.argv[1]).dispose()"
    started = [
        subprocess.Popen(
            [sys.executable, "-c", f"import counterfoil.app.state; {code}", str(place)], stderr=subprocess.PIPE
        )
        for _ in range(3)
    ]
    for process in started:
        _, words = process.communicate(timeout=60)
        assert process.returncode == 0, words.decode()


def test_a_step_that_fails_leaves_the_database_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Dying within an upgrade undoes all of it: no table is there, and the next start begins anew."""
    engine = bare(tmp_path / "x.db")
    real = sa.Connection.commit

    def die(connection: sa.Connection) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(sa.Connection, "commit", die)
    with pytest.raises(KeyboardInterrupt):
        upgrade(engine, metadata, "here")
    monkeypatch.setattr(sa.Connection, "commit", real)
    assert sa.inspect(engine).get_table_names() == []
    open_database(tmp_path / "x.db").dispose()
    engine.dispose()
