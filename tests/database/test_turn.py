"""The queue of those who write: nobody who waits is passed twice, and nobody who hangs or dies stops the others."""

import subprocess
import sys
import threading

import pytest
import sqlalchemy as sa

from counterfoil.database import open_database, turn
from counterfoil.database.turn import Turn


@pytest.fixture
def engine(tmp_path):
    """A database in a file."""
    made = open_database(tmp_path / "counterfoil.db")
    yield made
    made.dispose()


def test_who_waits_is_passed_by_nobody_twice(engine):
    """Somebody who writes without a pause lets another in after the turn that is under way, and at most one more."""
    hog, other = Turn(engine), Turn(engine)
    turns, passed, asked, ended = 0, [], threading.Event(), threading.Event()

    def write_on():
        nonlocal turns
        while not ended.is_set():
            with hog:
                turns += 1
                ended.wait(0.002)

    def write_now_and_then():
        for _ in range(50):
            asked.wait(0.003)
            before = turns
            with other:
                passed.append(turns - before)
        ended.set()

    threads = [threading.Thread(target=write_on), threading.Thread(target=write_now_and_then)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # A thread may stand still between looking at the count and taking its place: so nearly all, and not all.
    assert sum(count <= 1 for count in passed) > 45
    assert turns > 50
    hog.close()
    other.close()


def test_a_turn_of_a_process_that_was_killed_is_over(engine, tmp_path):
    """The kernel gives back what a killed writer held."""
    line = (
        "import sys; from pathlib import Path; from counterfoil.database import open_database;"
        "from counterfoil.database.turn import Turn; turn = Turn(open_database(Path(sys.argv[1]))); turn.__enter__();"
        "print('in', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", line, str(tmp_path / "counterfoil.db")]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdout.readline() == b"in\n"
    mine, entered = Turn(engine), threading.Event()

    def enter():
        with mine:
            entered.set()

    waiting = threading.Thread(target=enter)
    waiting.start()
    assert not entered.wait(0.1)
    child.kill()
    child.communicate()
    assert entered.wait(10)
    waiting.join()
    mine.close()


def test_who_hangs_in_a_turn_stops_nobody_for_good(engine, monkeypatch):
    """After a while a writer goes on without one; SQLite's own lock still keeps them apart."""
    monkeypatch.setattr(turn, "PATIENCE", 0.05)
    stuck, other, third = Turn(engine), Turn(engine), Turn(engine)
    with stuck:
        for one in (other, third):
            with one:
                pass
    for one in (stuck, other, third):
        one.close()


def test_where_no_file_can_be_made_nobody_queues(tmp_path):
    """A folder that is not there, or may not be written, changes nothing but the courtesy."""
    one = Turn(sa.create_engine(f"sqlite:///{tmp_path}/nowhere/counterfoil.db"))
    with one, one:
        pass
    one.close()


@pytest.mark.parametrize("url", ["sqlite://", "postgresql+psycopg://host/name"])
def test_only_sqlite_files_are_queued_for(url, tmp_path, monkeypatch):
    """What has locks of its own that are fair, or is nobody else's, needs no queue: nothing is made."""
    monkeypatch.chdir(tmp_path)
    engine = sa.create_engine(url)
    one = Turn(engine)
    with one, one:
        pass
    one.close()
    assert list(tmp_path.iterdir()) == []
