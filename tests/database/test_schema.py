"""Opening a database brings it to the newest schema, from every older one, and refuses what it cannot know."""

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from tools.revision import import_tables

from counterfoil.database import metadata, open_database, telling_damage
from counterfoil.database.schema import REVISIONS, revisions, upgrade
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


def numbered(place: Path | str, *numbers: str) -> None:
    """Make a database whose revision is another than ours."""
    engine = open_database(place)
    with engine.begin() as connection:
        connection.execute(sa.text("DELETE FROM alembic_version"))
        for number in numbers:
            connection.execute(sa.text("INSERT INTO alembic_version VALUES (:number)"), {"number": number})
    engine.dispose()


@pytest.mark.parametrize(
    ("numbers", "why", "hint"),
    [
        (["9999"], r"made by a newer counterfoil \(its schema is 9999", "restore the backup from before the upgrade"),
        (["0000"], "has the schema '0000', which is none of counterfoil's", "see that the path or URL is right"),
        (["a1b2c3d4e5f6"], "has the schema 'a1b2c3d4e5f6', which is none", "see that the path or URL is right"),
        (["0001", "0002"], r"has the schema '0001, 0002', which is none", "see that the path or URL is right"),
        ([], "has a table account and no number of its schema", "restore a backup"),
    ],
)
def test_a_schema_that_is_not_known_is_refused_with_what_to_do(place: Path | str, numbers, why: str, hint: str):
    """A newer version's, another program's, two at once, or none: it is said which, and nothing is touched."""
    numbered(place, *numbers)
    with pytest.raises(Misconfigured, match=why) as refused:
        open_database(place)
    assert hint in str(refused.value.hint)
    engine = bare(place)
    with engine.connect() as connection:
        assert sorted(connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalars()) == numbers
    engine.dispose()


def test_tables_without_a_number_are_refused(place: Path | str):
    """Tables of ours without ``alembic_version`` are from before the first release: no traceback, and no change."""
    engine = open_database(place)
    with engine.begin() as connection:
        connection.execute(sa.text("DROP TABLE alembic_version"))
    with pytest.raises(Misconfigured, match="has a table account and no number of its schema"):
        open_database(place)
    assert not sa.inspect(engine).has_table("alembic_version")
    engine.dispose()


def test_a_database_may_be_shared_with_tables_of_others(place: Path | str):
    """Somebody else's tables stay as they are, and ours are made beside them; one under our name is refused."""
    engine = bare(place)
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE theirs (n INTEGER)"))
    open_database(place).dispose()
    assert sa.inspect(engine).has_table("theirs")
    engine.dispose()


def test_a_schema_that_was_edited_in_place_is_told(place: Path | str):
    """A column that a development version did not have yet is no traceback: the words say which, and what to do."""
    engine = open_database(place)
    with engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE ledger_fact DROP COLUMN value"))
    with (
        pytest.raises(Misconfigured, match=r"not those of this version:.*value") as told,
        telling_damage(engine),
        engine.connect() as connection,
    ):
        connection.execute(sa.text("SELECT value FROM ledger_fact"))
    assert "data folder" in str(told.value.hint)
    engine.dispose()


RELEASED = Path(__file__).with_name("released.txt")


def test_a_step_that_was_released_is_never_changed():
    """Each revision is the file that it was when it was released: databases of users were made by it."""
    released = dict(reversed(line.split()) for line in RELEASED.read_text().splitlines())
    there = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in REVISIONS.glob("r[0-9]*.py")}
    new = there.keys() - released.keys()
    assert not new, f"add to {RELEASED.name}: " + "; ".join(f"{there[name]}  {name}" for name in sorted(new))
    assert there == released, "write another revision instead: python tools/revision.py"


def test_campaigns_from_before_left_nobody_out(place: Path | str):
    """The second step keeps a campaign, which says now that it passed over nobody."""
    engine = bare(place)
    upgrade(engine, metadata, "here", to="0001")
    old = {"id": "spring", "kind": "routine", "opened": 0, "opened_by": "anna", "waves": "[]"}
    table = sa.Table("campaign", sa.MetaData(), autoload_with=engine)
    with engine.begin() as connection:
        connection.execute(sa.insert(table).values(old))
    engine.dispose()
    opened = open_database(place)
    with opened.connect() as connection:
        row = connection.execute(sa.text("SELECT opened_by, left_out FROM campaign")).one()
    assert tuple(row) == ("anna", "[]")
    opened.dispose()


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
