"""kill -9 at every numbered durable step of the ledger, before and after: never a broken tree, never a lost stub."""

import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from counterfoil.database import open_database
from counterfoil.ledger.audit import audit
from counterfoil.ledger.ledger import open_ledger
from counterfoil.ledger.tree import leaf_hash
from tests.ledger.conftest import House, message
from tests.ledger.test_publish import verify
from tests.ledger.test_restore import EVERY_WAY, a_copy_without_the_mark, saved, the_database_alone, the_whole_folder
from tests.ledger.test_tree import plain_root

ROUNDS = 3


def killed_at(data: Path, at: int, when: str) -> tuple[list[list[str]], int | None]:
    """Run the appender until it dies at one step; return what it said, and the steps taken if it lived."""
    data.mkdir()
    counts = data / "counts"
    command = [sys.executable, "-m", "tests.killing", str(at), when, str(counts), "tests.ledger.appending"]
    done = subprocess.run([*command, str(data), str(ROUNDS)], capture_output=True, text=True, check=False)
    assert not done.stderr, done.stderr
    return [line.split() for line in done.stdout.splitlines()], int(counts.read_text()) if counts.exists() else None


def check_after(data: Path, said: list[list[str]]) -> int:
    """Open again and compare with what was acknowledged; then go on, and verify from outside."""
    engine = open_database(data / "counterfoil.db")
    ledger = open_ledger(engine, data, interval=3600)
    kept = [row.stub.body["id"] for row in ledger.stubs()]
    given = max((int(words[2]) + 1 for words in said if words[0] == "given"), default=0)
    assert len(kept) >= given, "an acknowledged stub is lost"
    assert kept == [f"m{n}" for n in range(len(kept))]
    entries = [row.entry for row in ledger.stubs()]
    for size, root in ((int(words[1]), words[2]) for words in said if words[0] == "published"):
        assert plain_root(entries[:size]).hex() == root, "history changed under a published checkpoint"
    older = data / "older"
    if (data / "ledger" / "checkpoint").exists():
        shutil.copy(data / "ledger" / "checkpoint", older)
    ledger.append(message(len(kept)))
    ledger.checkpoint()
    assert audit(engine, ledger.publication).wrong == ()
    old = ("--old", older) if older.exists() else ()
    assert verify("log", data / "ledger", ledger.publication.key, *old)[0] == 0
    ledger.close()
    engine.dispose()
    return len(kept)


@pytest.mark.parametrize("share", [5, pytest.param(0, marks=[pytest.mark.long, pytest.mark.timeout(1800)])])
def test_crash_at_durable_steps_breaks_no_tree_and_loses_no_stub(tmp_path, capsys, share):
    """Killed at a step, the ledger opens again with every acknowledged stub and the same history."""
    said, steps = killed_at(tmp_path / "dry", 0, "before")
    assert len(said) == 2 * ROUNDS
    assert steps is not None
    every = [(step, when) for step in range(1, steps + 1) for when in ("before", "after")]
    chosen = random.Random(3).sample(every, share) if share else every
    given = 0
    for number, (at, when) in enumerate(chosen):
        said, _ = killed_at(tmp_path / str(number), at, when)
        given += check_after(tmp_path / str(number), said)
    with capsys.disabled():
        sys.stdout.write(f"\nledger: killed at {len(chosen)} of {len(every)} places, {given} stubs kept, 0 lost\n")


class AnyOrder(RuleBasedStateMachine):
    """Appends, checkpoints, crashes, tidy ends and restores from backup, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.data = Path(_places.pop())
        self.backup: Path | None = None
        self.backed_up = (0, (0, plain_root([])))
        self.model: list[str] = []
        self.published = (0, plain_root([]))
        self.house = self._open()

    def _open(self) -> House:
        engine = open_database(self.data / "counterfoil.db")
        return House(self.data, engine, open_ledger(engine, self.data, interval=3600))

    @rule(count=st.integers(1, 300))
    def append(self, count):
        """Append so many stubs."""
        start = len(self.model)
        self.house.fill(count, start)
        self.model += [f"m{n}" for n in range(start, start + count)]

    @rule()
    def checkpoint(self):
        """Publish."""
        found = self.house.ledger.checkpoint()
        assert found.size == len(self.model)
        self.published = (found.size, found.root)

    @rule()
    def crash(self):
        """Go away between checkpoints, and come back."""
        self.house.stop_without_publishing()
        self.house = self._open()

    @rule()
    def back_up(self):
        """Keep a copy of everything, taken while it is open."""
        self.backup = saved(self.house)
        self.backed_up = (len(self.model), self.published)

    @precondition(lambda self: self.backup is not None)
    @rule(restore=st.sampled_from(EVERY_WAY))
    def restore(self, restore):
        """Put the copy back in some way: what was published comes back without its stub, and what is gone is a gap.

        Where the mark is another file, or none, that is a gap even if nothing is gone.
        """
        self.house.stop_without_publishing()
        restore(self.data, self.backup)
        size, published = self.backed_up
        gone = len(self.model) > size or restore in {the_whole_folder, a_copy_without_the_mark}
        lost = 0
        if restore is the_database_alone:
            lost = max(0, self.published[0] - size)
        else:
            self.published = published
        self.house = self._open()
        self.model = self.model[:size] + ["lost"] * lost + ["gap"] * gone

    @invariant()
    def rows_are_the_model(self):
        """Every stub is where it was put, and history under the newest checkpoint never changes."""
        rows = list(self.house.ledger.stubs())
        names = ["lost" if r.stub is None else r.stub.body.get("id", r.stub.kind) for r in rows]
        assert names == self.model
        size, root = self.published
        assert _root(rows[:size]) == root

    def teardown(self):
        """Leave, and verify all of it from the inside."""
        self.house.ledger.checkpoint()
        assert audit(self.house.engine, self.house.ledger.publication).wrong == ()
        self.house.stop_without_publishing()


def _root(rows) -> bytes:
    from counterfoil.ledger.tree import Frontier

    frontier = Frontier()
    frontier.extend(leaf_hash(row.entry) for row in rows)
    return frontier.root()


_places: list[str] = []


def test_any_order_of_appends_crashes_checkpoints_and_restores(tmp_path_factory):
    """Hypothesis finds no order of events that loses a stub, changes history, or hides a gap."""
    from hypothesis.stateful import run_state_machine_as_test

    class Placed(AnyOrder):
        def __init__(self) -> None:
            _places.append(str(tmp_path_factory.mktemp("order")))
            super().__init__()

    run_state_machine_as_test(Placed, settings=settings(max_examples=12, stateful_step_count=12, deadline=None))
