"""A worker whose parent is gone ends by itself, idle or busy."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

SCRIPT = """
import sys, threading
sys.path.insert(0, sys.argv[1])
from counterfoil.bounded.pool import Bounds, Pool
pool = Pool("hostile:misbehave", 1, Bounds(seconds=1))
pool.ready_sync()
print(*pool.pids(), flush=True)
if sys.argv[2] == "busy":
    pool.run_sync(b"hang")
sys.stdin.read()
"""


def lives(pid: int) -> bool:
    """Say whether a process runs; one that nobody has reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("state", ["idle", "busy"])
def test_a_worker_outlives_its_parent_by_seconds_at_most(state):
    """SIGKILL of the parent hangs up on an idle worker, and a busy one meets its own alarm."""
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(Path(__file__).parent), state],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as parent:
        pid = int(parent.stdout.readline())
        assert lives(pid)
        time.sleep(0.5)  # long enough for the job to be under way
        parent.kill()
        parent.wait()
    for _ in range(300):
        if not lives(pid):
            return
        time.sleep(0.1)
    os.kill(pid, 9)
    pytest.fail("the worker lives on without its parent")
