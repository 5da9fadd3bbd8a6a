"""Coming back from a backup: the gap is known, named and bounded; the tree never forks."""

import shutil
import sqlite3
from contextlib import closing
from datetime import timedelta

import pytest
import sqlalchemy as sa

from counterfoil.ledger import rows as tables
from counterfoil.ledger.audit import audit
from counterfoil.ledger.high_water import FOLDER
from counterfoil.ledger.stubs import stub_at
from counterfoil.model.errors import Misconfigured
from counterfoil.model.instant import rfc3339
from tests.ledger.conftest import NOW
from tests.ledger.test_publish import verify


def back_up_then_lose(opened, *, kept: int, lost: int):
    """Back the database up at ``kept`` stubs, publish ``kept + lost``, and put the backup back."""
    house = opened()
    house.fill(kept)
    house.ledger.checkpoint()
    house.close()
    for name in ("counterfoil.db",):
        shutil.copy(house.data / name, house.data / f"{name}.backup")
    house = opened()
    house.fill(lost, kept)
    house.close()
    shutil.copy(house.data / "ledger" / "checkpoint", house.data / "before")
    for name in ("counterfoil.db-wal", "counterfoil.db-shm"):
        (house.data / name).unlink(missing_ok=True)
    shutil.move(house.data / "counterfoil.db.backup", house.data / "counterfoil.db")


@pytest.mark.parametrize(("kept", "lost"), [(0, 1), (5, 3), (250, 20), (256, 256), (10, 800)])
def test_a_restored_database_knows_its_gap(opened, kept, lost):
    """Behind the published checkpoint, the ledger takes the lost entries back and names the time it cannot judge."""
    back_up_then_lose(opened, kept=kept, lost=lost)
    house = opened()
    rows = list(house.ledger.stubs())
    gap = rows[-1].stub
    assert gap.kind == "gap"
    assert (gap.body["first"], gap.body["last"], gap.body["reason"]) == (kept, kept + lost - 1, "restored-from-backup")
    assert gap.body["since"] <= gap.body["until"]
    assert [row.stub for row in rows[kept:-1]] == [None] * lost
    house.fill(5, 10_000)
    house.ledger.checkpoint()
    code, words = verify("log", house.data / "ledger", house.ledger.publication.key, "--old", house.data / "before")
    assert (code, words) == (0, f"{kept + lost + 6} entries verified, grown from {kept + lost}")
    found = audit(house.engine, house.ledger.publication)
    assert (found.wrong, found.gaps, found.without_stub) == ((), (gap,), lost)


def test_the_gap_is_recorded_once(opened):
    """Opening again after the gap was recorded finds nothing new."""
    back_up_then_lose(opened, kept=3, lost=4)
    opened().close()
    house = opened()
    assert sum(row.stub is not None and row.stub.kind == "gap" for row in house.ledger.stubs()) == 1


def test_a_gap_whose_tiles_are_damaged_is_not_papered_over(opened, tmp_path):
    """If the lost entries cannot be taken back as they were signed, the ledger does not open, and changes nothing."""
    back_up_then_lose(opened, kept=3, lost=4)
    bundle = tmp_path / "ledger" / "tile" / "entries" / "000.p" / "7"
    octets = bytearray(bundle.read_bytes())
    octets[-1] ^= 1
    bundle.write_bytes(octets)
    with pytest.raises(Misconfigured, match="are not the tree that was signed"):
        opened()
    bundle.unlink()
    with pytest.raises(Misconfigured, match="published entries cannot be read back"):
        opened()


DATABASE = ("counterfoil.db", "counterfoil.db-wal", "counterfoil.db-shm")


def saved(house, *but):
    """Save a data folder while its ledger is open: files as they are, the database by SQLite's own backup."""
    aside = house.data.with_name(f"{house.data.name}-aside")
    shutil.rmtree(aside, ignore_errors=True)
    shutil.copytree(house.data, aside, ignore=shutil.ignore_patterns(*DATABASE, *but))
    with (
        closing(sqlite3.connect(house.data / DATABASE[0])) as here,
        closing(sqlite3.connect(aside / DATABASE[0])) as to,
    ):
        here.backup(to)
    return aside


def the_database_alone(data, aside):
    """Put the database back and nothing else."""
    for name in DATABASE:
        (data / name).unlink(missing_ok=True)
    shutil.copy(aside / DATABASE[0], data)


def database_and_tiles(data, aside):
    """Put the database and what was published back."""
    the_database_alone(data, aside)
    shutil.rmtree(data / "ledger")
    shutil.copytree(aside / "ledger", data / "ledger")


def the_whole_folder(data, aside):
    """Put all of it back in the place of what was there."""
    shutil.rmtree(data)
    shutil.copytree(aside, data)


def all_of_it_laid_over(data, aside):
    """Lay the copy over what is there, as ``cp -a aside/. data/`` does."""
    for name in DATABASE:
        (data / name).unlink(missing_ok=True)
    shutil.copytree(aside, data, dirs_exist_ok=True)


def a_copy_without_the_mark(data, aside):
    """Put all of it back from a backup that leaves the mark out."""
    shutil.rmtree(aside / FOLDER, ignore_errors=True)
    the_whole_folder(data, aside)


EVERY_WAY = [
    the_database_alone,
    database_and_tiles,
    the_whole_folder,
    all_of_it_laid_over,
    a_copy_without_the_mark,
]


def gaps_of(house):
    """The gap stubs of a ledger."""
    return [row.stub for row in house.ledger.stubs(kinds=frozenset({"gap"}))]


@pytest.mark.parametrize("restore", EVERY_WAY)
@pytest.mark.parametrize(("behind", "lost"), [(0, 1), (0, 300), (7, 3)])
def test_stubs_that_were_never_published_leave_a_gap(opened, restore, behind, lost):
    """Saved at a checkpoint or behind one, written on and put back: the gap begins at the last stub that is left.

    Nothing was published after the backup, as while the signer is away, so that no tile and no signer tells of it.
    """
    house = opened()
    house.fill(5)
    house.ledger.checkpoint()
    house.fill(behind, 5)
    aside = saved(house)
    house.ledger.append_all([stub_at("message", NOW + timedelta(minutes=1), id=f"lost{n}") for n in range(lost)])
    house.stop_without_publishing()
    restore(house.data, aside)
    house = opened()
    (gap,) = gaps_of(house)
    assert gap.body["since"] == rfc3339(NOW)
    assert gap.body["until"] > rfc3339(NOW)
    assert "first" not in gap.body, "no place in the tree was promised to them"
    house.stop_without_publishing()
    house = opened()
    assert len(gaps_of(house)) == 1, "it is written once"
    house.ledger.checkpoint()
    assert audit(house.engine, house.ledger.publication).wrong == ()


def test_a_crash_is_no_restore(opened):
    """Left without a word, between two checkpoints, before or after a commit: no gap, however often."""
    for n in range(4):
        house = opened()
        house.fill(n, 10 * n)
        house.stop_without_publishing()
    assert gaps_of(opened()) == []


def test_a_crash_between_a_commit_and_its_mark_is_no_restore(opened, monkeypatch):
    """The mark is never ahead of the database, and behind it nothing is missing."""
    house = opened()
    house.fill(2)
    monkeypatch.setattr(house.ledger._high_water, "advance", lambda *_, **__: None)
    house.fill(2, 2)
    house.stop_without_publishing()
    assert gaps_of(opened()) == []


def test_an_older_installation_has_no_gap_when_it_first_gets_a_mark(opened):
    """A data folder from before there was a mark is taken as it is."""
    house = opened()
    house.fill(3)
    with house.engine.begin() as connection:
        connection.execute(sa.delete(tables.facts))
    house.stop_without_publishing()
    shutil.rmtree(house.data / FOLDER)
    house = opened()
    assert gaps_of(house) == []
    house.stop_without_publishing()
    shutil.rmtree(house.data / FOLDER)
    assert [gap.body["reason"] for gap in gaps_of(opened())] == ["copied-data-folder"]


def test_a_clock_that_was_ahead_hides_nothing(opened):
    """The gap begins at the last stub, though an earlier one carries a later time."""
    house = opened()
    house.ledger.append(stub_at("message", NOW + timedelta(hours=5), id="ahead"))
    house.fill(1)
    aside = saved(house)
    house.fill(1, 1)
    house.stop_without_publishing()
    the_database_alone(house.data, aside)
    assert [gap.body["since"] for gap in gaps_of(opened())] == [rfc3339(NOW)]


def test_a_mark_that_cannot_be_moved_is_said_and_stops_nothing(opened, caplog):
    """Stubs are written all the same; the log says that a loss of them would not be seen."""
    house = opened()
    shutil.rmtree(house.data / FOLDER)
    (house.data / FOLDER).write_text("in the way")
    house.fill(2)
    assert house.ledger.size() == 2
    assert "the high-water mark was not moved on" in caplog.text
    (house.data / FOLDER).unlink()
