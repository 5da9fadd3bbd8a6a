"""Opening the data folder: made where it may be, refused with what to do where it cannot be used."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from counterfoil.__main__ import main
from counterfoil.app.lock import alone, is_served
from counterfoil.app.state import DATABASE, INSTANCE, open_state
from counterfoil.config.settings import Config, Database
from counterfoil.model.errors import Misconfigured


def test_a_new_folder_is_made_for_us_alone(tmp_path: Path):
    """The folder is created with no access for others, because it holds mail."""
    data = tmp_path / "data"
    with open_state(data, Config(), create=True):
        assert (data.stat().st_mode & 0o777, (data / "held").stat().st_mode & 0o777) == (0o700, 0o700)
        assert {place.stat().st_mode & 0o077 for place in data.glob(f"{DATABASE}*")} == {0}


def test_a_mistyped_folder_is_not_made(tmp_path: Path):
    """A command that reads refuses a folder that is not there, and leaves nothing behind."""
    with pytest.raises(Misconfigured, match="there is no data in"), open_state(tmp_path / "x", Config(), create=False):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("url", ["", "postgresql+psycopg://127.0.0.1:1/cf"])
def test_what_reads_begins_nothing(tmp_path: Path, url: str):
    """An empty folder is no installation, wherever its database were: it is refused with the hint and stays empty."""
    config = Config(database=Database(url=url))
    with (
        pytest.raises(Misconfigured, match="there is no data in") as refusal,
        open_state(tmp_path, config, create=False),
    ):
        pass
    assert "counterfoil tenant add" in str(refusal.value.hint)
    assert list(tmp_path.iterdir()) == []


def test_a_forgotten_configuration_is_no_second_database(tmp_path: Path):
    """A folder whose database is on a server is not given a file of SQLite: the hint names --config."""
    (tmp_path / INSTANCE).write_text("0123456789abcdef")
    with (
        pytest.raises(Misconfigured, match="there is no data in") as refusal,
        open_state(tmp_path, Config(), create=False),
    ):
        pass
    assert "--config" in str(refusal.value.hint)
    assert [place.name for place in tmp_path.iterdir()] == [INSTANCE]


@pytest.mark.parametrize("damage", ["all", "a page"])
def test_a_corrupt_database_is_refused_with_what_to_do(tmp_path: Path, damage: str):
    """A database that is no database, or has a broken page, stops us at once with a hint that saves the file."""
    with open_state(tmp_path, Config(), create=True):
        pass
    place = tmp_path / DATABASE
    octets = bytearray(place.read_bytes())
    if damage == "all":
        octets[:] = b"not a database" * 1000
    else:
        octets[4096:8192] = b"\xff" * 4096
    place.write_bytes(octets)
    with (
        pytest.raises(Misconfigured, match=r"cannot be used|is damaged") as refusal,
        open_state(tmp_path, Config(), create=False),
    ):
        pass
    assert "keep a copy" in str(refusal.value.hint)


@pytest.mark.parametrize(("table", "words"), [("tenants", ["tenant", "list"]), ("ledger_entry", ["ledger", "verify"])])
def test_damage_that_a_command_meets_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str], table: str, words):
    """A page that is broken where a command reads is told as damage, with the hint; so it is by what looks at all."""
    with open_state(tmp_path, Config(), create=True):
        pass
    assert main(["tenant", "add", "acme", "--data", str(tmp_path)]) == 0
    place = tmp_path / DATABASE
    with closing(sqlite3.connect(place)) as database:
        (page,) = database.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()
    octets = bytearray(place.read_bytes())
    octets[4096 * (page - 1) : 4096 * page] = b"\xff" * 4096
    place.write_bytes(octets)
    assert main([*words, "--data", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert f"the database {place} " in said
    assert "malformed" in said
    assert "keep a copy of the file" in said
    assert "Traceback" not in said
    for more in ({"create": True}, {"create": False, "examine": True}):
        with pytest.raises(Misconfigured, match=r"is damaged|malformed"), open_state(tmp_path, Config(), **more):
            pass


def test_one_serve_a_folder(tmp_path: Path):
    """A second ``serve`` on the same folder is refused: it would call the first one's work ``unknown``."""
    assert not is_served(tmp_path)
    with alone(tmp_path):
        assert is_served(tmp_path)
        with pytest.raises(Misconfigured, match="another counterfoil serve runs on"), alone(tmp_path):
            pass
    assert not is_served(tmp_path)


@pytest.mark.parametrize("name", ["a?b", "a#b", "a%20b", "a b"])
def test_odd_folder_names(tmp_path: Path, name: str):
    """The database is made in the folder that was named, whatever a URL would make of the name."""
    with open_state(tmp_path / name, Config(), create=True):
        assert (tmp_path / name / DATABASE).stat().st_size > 0


def test_a_server_that_does_not_answer_keeps_its_password(tmp_path: Path):
    """Where PostgreSQL cannot be reached the error says what to see to, and does not print the password."""
    config = Config(database=Database(url="postgresql+psycopg://cf:hunter2@127.0.0.1:1/cf"))
    with (
        pytest.raises(Misconfigured, match=r"cf:\*\*\*@127\.0\.0\.1:1/cf cannot be used") as refusal,
        open_state(tmp_path, config, create=True),
    ):
        pass
    assert "see that the server runs" in str(refusal.value.hint)
    assert "hunter2" not in refusal.value.message


def test_a_folder_that_cannot_be_made(tmp_path: Path):
    """A folder below a file is refused with a sentence by both ways in, not with a traceback."""
    (tmp_path / "file").touch()
    with (
        pytest.raises(Misconfigured, match=r"file/data cannot be used: Not a directory"),
        alone(tmp_path / "file/data"),
    ):
        pass
    with (
        pytest.raises(Misconfigured, match=r"file/data cannot be used: Not a directory"),
        open_state(tmp_path / "file/data", Config(), create=True),
    ):
        pass
