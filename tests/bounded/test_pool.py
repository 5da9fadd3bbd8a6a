"""The pool against functions that do what hostile bytes could make a parser do."""

import asyncio
import os
import threading
from pathlib import Path

import pytest

from counterfoil.bounded.pool import Bounds, Died, Exceeded, Isolation, Pool, Raised

BOUNDS = Bounds(seconds=30, memory=192 << 20, output=8 << 20, questions=5)


@pytest.fixture(autouse=True)
def _hostile_on_the_path(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parent))


@pytest.fixture(scope="module")
def misbehaving():
    """One worker that lives through every deed that is merely refused."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(Path(__file__).parent))
        with Pool("hostile:misbehave", 1, BOUNDS) as pool:
            yield pool


def holds(pool: Pool, means: str) -> bool:
    """Say whether a means is in force here; where it is not, a trial of it proves nothing."""
    return any(means in word for word in pool.ready_sync().in_force)


@pytest.mark.parametrize("size", [0, 1, 6_000, 3 << 20])
def test_an_argument_comes_back_whole(size):
    """What goes in comes out, from nothing to megabytes."""
    argument = os.urandom(size)
    with Pool("hostile:echo", 1, BOUNDS) as pool:
        assert argument == pool.run_sync(argument)


async def test_jobs_of_many_tasks_share_the_workers():
    """Forty tasks on two workers each get their own result."""
    async with Pool("hostile:echo", 2, BOUNDS) as pool:
        arguments = [b"%d" % number for number in range(40)]

        assert arguments == await asyncio.gather(*(pool.run(argument) for argument in arguments))


def test_jobs_of_many_threads_share_the_workers():
    """Eight threads on two workers each get their own result."""
    results = {}
    with Pool("hostile:echo", 2, BOUNDS) as pool:
        threads = [
            threading.Thread(target=lambda n=n: results.__setitem__(n, pool.run_sync(b"%d" % n))) for n in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert {n: b"%d" % n for n in range(8)} == results


async def test_a_worker_asks_its_parent():
    """Questions reach the parent in order and the answers reach the worker."""

    async def answer(question: bytes) -> bytes:
        return question.upper()

    async with Pool("hostile:converse", 1, BOUNDS) as pool:
        assert await pool.run(b"2", answer) == b"QUESTION 0,QUESTION 1"


def test_a_worker_asks_its_parent_from_a_thread():
    """The blocking form answers questions too."""
    with Pool("hostile:converse", 1, BOUNDS) as pool:
        assert pool.run_sync(b"1", bytes.upper) == b"QUESTION 0"


def test_too_many_questions_end_the_worker():
    """The sixth question of five is not answered."""
    with Pool("hostile:converse", 1, BOUNDS) as pool, pytest.raises(Exceeded, match="more than 5 questions"):
        pool.run_sync(b"6")


async def test_a_parent_that_cannot_answer_costs_the_worker_and_says_why():
    """An exception of the answering side is passed on, and the worker that waits for it is replaced."""

    async def answer(question: bytes) -> bytes:
        raise LookupError("no resolver")

    async with Pool("hostile:converse", 1, BOUNDS) as pool:
        before = pool.pids()
        with pytest.raises(LookupError, match="no resolver"):
            await pool.run(b"1", answer)
        assert before != pool.pids()
        assert await pool.run(b"0") == b""


def test_a_worker_is_used_again_and_replaced_after_its_jobs():
    """Three jobs meet one process; the fourth meets a fresh one."""
    with Pool("hostile:remember", 1, BOUNDS, jobs=3) as pool:
        assert [pool.run_sync(b"x") for _ in range(4)] == [b"1", b"2", b"3", b"1"]


@pytest.mark.parametrize(
    ("deed", "bounds", "error", "reason"),
    [
        ("hang", Bounds(0.5, BOUNDS.memory, BOUNDS.output), Exceeded, "more than 0.5 s"),
        ("hang-without-signals", Bounds(0.5, BOUNDS.memory, BOUNDS.output), Exceeded, "more than 0.5 s"),
        ("eat", BOUNDS, Exceeded, "octets of memory"),
        ("spew", BOUNDS, Exceeded, "octets of output"),
        ("vanish", BOUNDS, Died, "ended with code 7"),
        ("crash", BOUNDS, Died, "ended by signal 11"),
        ("raise", BOUNDS, Raised, "ValueError: the bytes made no sense at hostile:"),
    ],
)
async def test_a_job_that_breaks_out_of_its_bounds_is_named_and_the_pool_goes_on(deed, bounds, error, reason):
    """Each way to fail has its own reason, in both forms, and the next job is served."""
    async with Pool("hostile:misbehave", 1, bounds) as pool:
        await pool.ready()
        with pytest.raises(error, match=reason):
            await pool.run(deed.encode())
        with pytest.raises(error, match=reason):
            await asyncio.to_thread(pool.run_sync, deed.encode())
        assert await pool.run(b"print") == b"printed"


def test_a_killed_worker_is_gone():
    """After a job that hangs, no process of it is left, and after closing none at all."""
    with Pool("hostile:misbehave", 1, Bounds(0.3)) as pool:
        (before,) = pool.pids()
        with pytest.raises(Exceeded):
            pool.run_sync(b"hang")
        (after,) = pool.pids()
    for pid in (before, after):
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_a_killed_from_outside_worker_is_replaced():
    """SIGKILL from the kernel (as by the OOM killer) is a death with its signal, and the pool goes on."""
    with Pool("hostile:misbehave", 1, BOUNDS) as pool:
        pool.ready_sync()
        os.kill(pool.pids()[0], 9)
        with pytest.raises(Died, match="signal 9"):
            pool.run_sync(b"print")
        assert pool.run_sync(b"print") == b"printed"


async def test_a_cancelled_job_costs_its_worker():
    """Cancelling the waiting task ends the worker, so that its late result cannot meet the next message."""
    async with Pool("hostile:misbehave", 1, BOUNDS) as pool:
        await pool.ready()
        before = pool.pids()
        task = asyncio.create_task(pool.run(b"hang"))
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert before != pool.pids()
        assert await pool.run(b"print") == b"printed"


def test_a_function_that_is_not_there_is_named():
    """A worker that cannot load its function says so."""
    with Pool("hostile:nothing", 1, BOUNDS) as pool, pytest.raises(Died, match="no attribute 'nothing'"):
        pool.run_sync(b"")


def test_a_closed_pool_says_so():
    """A job after closing is refused, and starts no process."""
    pool = Pool("hostile:echo", 1, BOUNDS)
    pool.close()
    with pytest.raises(Died, match="pool is closed"):
        pool.run_sync(b"")
    assert pool.pids() == ()


@pytest.mark.parametrize("deed", ["fork", "thread", "exec", "kill-parent", "trace", "socket", "unix-socket", "chmod"])
def test_a_deed_beyond_computing_is_refused(misbehaving, deed):
    """The filter of system calls leaves nothing but computing, and the worker lives on to say so."""
    if not holds(misbehaving, "seccomp"):
        pytest.skip("not here: seccomp")
    assert misbehaving.run_sync(deed.encode()) in {b"PermissionError", b"RuntimeError"}


@pytest.mark.parametrize("deed", ["read-password", "list-root", "write", "write-library", "unlink"])
def test_files_are_out_of_reach(misbehaving, deed):
    """No file is read but the Python library, and none is written or removed."""
    if not holds(misbehaving, "landlock"):
        pytest.skip("not here: Landlock")
    assert misbehaving.run_sync(deed.encode()) == b"PermissionError"


def test_codecs_are_still_loaded_when_a_message_needs_one(misbehaving):
    """A codec that nothing has imported yet is loaded behind the closed doors."""
    assert misbehaving.run_sync(b"lazily").decode("utf-16-le") == "häßlich"


def test_no_secret_of_the_parent_is_inherited(monkeypatch):
    """Neither the environment nor an open file of the parent reaches the worker."""
    monkeypatch.setenv("COUNTERFOIL_SECRET", "hunter2")
    with Path(__file__).open("rb") as file, Pool("hostile:misbehave", 1, BOUNDS) as pool:
        os.set_inheritable(file.fileno(), True)  # noqa: FBT003 - it takes no keyword
        names = pool.run_sync(b"environment").split()
        descriptors = pool.run_sync(b"descriptors").split(b",")

    assert b"COUNTERFOIL_SECRET" not in names
    assert len(descriptors) == 4, "the three standard ones and the channel"


def test_isolation_is_what_was_tried(misbehaving):
    """The report names what holds; here memory always does, and it survives its own spelling."""
    isolation = misbehaving.ready_sync()

    assert isolation.memory
    assert isolation == misbehaving.isolation()
    assert isolation == Isolation.from_json(isolation.to_json())
