"""The mark outside the database: it goes forward with every commit, and a copy of it is known for one."""

import shutil
import threading

import pytest

from counterfoil.ledger.high_water import HighWater, Mark

A, B = b"\1" + b"a" * 32, b"\1" + b"b" * 32


@pytest.fixture
def mark(tmp_path):
    """A mark at two entries."""
    made = HighWater(tmp_path / "high-water")
    made.restart(2, A)
    return made


def test_nothing_is_remembered_before_the_first_start(tmp_path):
    """Without a folder there is no mark; an empty ledger has one of size 0."""
    made = HighWater(tmp_path / "high-water")
    assert made.read() is None
    made.restart(0, b"")
    assert made.read() == Mark(0, b"", genuine=True)
    made.advance(1, A, sync=True)
    assert made.read() == Mark(1, A, genuine=True)


def test_it_goes_forward_and_never_back(mark):
    """A slower process that brings an older size moves nothing."""
    mark.advance(7, B, sync=True)
    mark.advance(5, A, sync=False)
    assert mark.read() == Mark(7, B, genuine=True)


def test_a_new_start_takes_it_back_on_purpose(mark):
    """After a restore it begins anew where the database is."""
    mark.restart(1, B)
    assert mark.read() == Mark(1, B, genuine=True)


def test_many_processes_leave_the_greatest(mark, tmp_path):
    """Whoever comes last, the greatest size is what is remembered, in one file."""

    def work(first):
        mine = HighWater(tmp_path / "high-water")
        for size in range(first, 200, 5):
            mine.advance(size, A, sync=False)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert mark.read() == Mark(199, A, genuine=True)


def copied(place):
    """Put a copy in the place of the folder."""
    backup = shutil.copytree(place, place.with_name("backup"))
    shutil.rmtree(place)
    shutil.copytree(backup, place)


def laid_over(place):
    """Lay an older copy over the folder, as ``cp -a backup/. data/`` does."""
    backup = shutil.copytree(place, place.with_name("backup"))
    HighWater(place).advance(9, B, sync=False)
    shutil.copytree(backup, place, dirs_exist_ok=True)


def made_in_its_place(place):
    """Remove the file and write the same under the same name: most file systems give it the same number."""
    (file,) = place.glob("2-*")
    octets = file.read_bytes()
    file.unlink()
    file.write_bytes(octets)


def emptied(place):
    """Empty the file that is there."""
    next(place.glob("2-*")).write_bytes(b"")


@pytest.mark.parametrize("how", [copied, laid_over, made_in_its_place, emptied])
def test_a_copy_is_known_for_one(mark, tmp_path, how):
    """Whatever way a copy came there, it is not genuine; moving on does not make it so, beginning anew does."""
    how(tmp_path / "high-water")
    assert not mark.read().genuine
    mark.advance(11, A, sync=False)
    assert not mark.read().genuine
    mark.restart(11, A)
    assert mark.read() == Mark(11, A, genuine=True)
    assert sorted(path.name for path in (tmp_path / "high-water").iterdir()) == [".lock", f"11-{A.hex()}"]


def test_a_folder_that_is_moved_is_no_copy(mark, tmp_path):
    """Renamed on the same disk it is the same folder, and what else lies in it does not matter."""
    (tmp_path / "high-water").rename(tmp_path / "moved")
    for name in ("notes.txt", f"{'9' * 30}-00", "7-0", "7"):
        (tmp_path / "moved" / name).touch()
    assert HighWater(tmp_path / "moved").read() == Mark(2, A, genuine=True)
