"""Isolation degrades in steps: what a kernel refuses is reported, and the rest still holds."""

import json
import os
import subprocess
import sys

import pytest

from counterfoil.bounded.isolation import Isolation

# Run in a process of its own, for what is shut there stays shut.
SCRIPT = """
import json, os, sys
from counterfoil.bounded import isolation
from counterfoil.bounded.frames import Bounds
from counterfoil.bounded.seccomp import Unsupported

def refuse(name):
    def means(*arguments, **named):
        raise Unsupported(f"{name} is not here")
    return means

for name in json.loads(sys.argv[1]):
    setattr(isolation, name, refuse(name))
os.write(1, isolation.shut_in(Bounds(memory=64 << 20), 10).to_json())
"""


def shut_in(*missing: str) -> Isolation:
    """Shut a process in without some of the means, and return its own report."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, json.dumps(missing)], capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    return Isolation.from_json(done.stdout)


def test_everything_that_is_in_force_is_named():
    """With nothing refused the report names no more missing than the kernel itself refuses."""
    isolation = shut_in()

    assert isolation.memory
    assert isolation.file_writes
    assert "rlimits" in isolation.in_force
    assert "no_new_privs" in isolation.in_force
    assert len(isolation.in_force) + len(isolation.missing) == 7


def test_without_landlock_files_can_be_read_and_still_not_written():
    """The filter of system calls opens nothing for writing; the report says that reading is open."""
    isolation = shut_in("restrict_files")

    assert not isolation.file_reads
    assert isolation.file_writes
    assert "restrict_files is not here" in isolation.missing


@pytest.mark.skipif(os.geteuid() != 0, reason="not here: root, whom the process limit does not bind")
def test_without_seccomp_and_namespaces_the_open_doors_are_reported():
    """What nothing shuts is reported as open, although its means was meant to be there."""
    isolation = shut_in("restrict_calls", "_leave_namespaces")

    assert not isolation.network
    assert not isolation.sockets
    assert not isolation.processes
    assert not isolation.programs
    assert isolation.file_writes, "Landlock or the limit of file sizes still holds"


def test_without_landlock_and_seccomp_a_limit_of_file_sizes_is_left():
    """A file may be made, and not one octet written into it."""
    isolation = shut_in("restrict_calls", "restrict_files")

    assert isolation.file_writes
    assert not isolation.file_reads


def test_without_a_limit_of_memory_that_is_said():
    """The report finds out by asking for memory that the limit was not set."""
    isolation = shut_in("_limit_memory")

    assert not isolation.memory


def test_a_worker_with_a_folder_and_threads_has_every_other_door_shut(tmp_path):
    """It writes below its folder, reads what it was given, has threads, and no other file, process or socket."""
    mine, given, other = tmp_path / "mine", tmp_path / "given.txt", tmp_path / "other.txt"
    mine.mkdir()
    given.write_text("given")
    other.write_text("other")
    script = f"""
import json, os, sys, threading
from counterfoil.bounded import isolation
from counterfoil.bounded.frames import Bounds

told = isolation.shut_in(
    Bounds(memory=512 << 20, output=1 << 20, reads=({str(given)!r},), writes={str(mine)!r}, threads=True), 10
)

def attempt(work):
    try:
        return work()
    except OSError:
        return "refused"

heard = []
thread = threading.Thread(target=lambda: heard.append("ran"))
thread.start()
thread.join()
open({str(mine / "new")!r}, "w").write("mine")
found = [
    attempt(lambda: open({str(given)!r}).read()),
    attempt(lambda: open({str(other)!r}).read()),
    attempt(lambda: open({str(other)!r}, "w")),
    attempt(lambda: open({str(given)!r}, "w")),
    attempt(os.fork),
]
os.write(1, json.dumps([json.loads(told.to_json()), heard, found]).encode())
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr.decode()
    told, heard, found = json.loads(done.stdout)
    if any("andlock" in words or "seccomp" in words for words in told["missing"]):
        pytest.skip("not here: Landlock and seccomp together")

    assert heard == ["ran"]
    assert (mine / "new").read_text() == "mine"
    assert found == ["given", "refused", "refused", "refused", "refused"]
    assert all(told[door] for door in ("memory", "file_writes", "file_reads", "sockets", "processes", "programs"))
