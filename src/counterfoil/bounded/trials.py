"""Try every door from inside the worker; each trial says whether it stayed shut.

A trial does the harmless smallest of what an attacker would do, and undoes it where it succeeds.
"""

import contextlib
import errno
import mmap
import os
import socket
import tempfile
from collections.abc import Callable
from pathlib import Path

DENIED = frozenset({errno.EPERM, errno.EACCES, errno.ENOSYS, errno.EAGAIN, errno.EFBIG})


def network_is_unreachable() -> bool:
    """Say whether even loopback is out of reach, as in a network namespace of one's own.

    It has to be asked before sockets as such are denied.
    """
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect(("127.0.0.1", 9))  # a datagram socket: nothing is sent
    except OSError:
        return True
    return False


def memory_is_bounded(memory: int) -> bool:
    """Say whether an allocation above the bound fails; nothing is touched where it succeeds."""
    try:
        mmap.mmap(-1, memory + mmap.PAGESIZE).close()
    except (OSError, MemoryError):
        return True
    return False


def denied(trial: Callable[[], None]) -> bool:
    """Say whether a trial met a refusal, and not merely another mishap."""
    try:
        trial()
    except OSError as error:
        return error.errno in DENIED
    return False


def write_a_file() -> None:
    """Make a file with one octet in the directory for temporary files."""
    path = Path(TEMPORARY) / f"counterfoil-trial-{os.getpid()}"
    place = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(place, b"x")
    finally:
        os.close(place)
        path.unlink()


def read_a_file() -> None:
    """Open a file that every Unix has and no parser needs."""
    os.close(os.open("/etc/passwd", os.O_RDONLY))


def open_a_socket() -> None:
    """Make a socket."""
    socket.socket(socket.AF_INET, socket.SOCK_STREAM).close()


def fork() -> None:
    """Make a process, which ends at once."""
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)


def run_a_program() -> None:
    """Ask the kernel to run a program that does not exist: only a refusal is EPERM."""
    with contextlib.suppress(FileNotFoundError):
        os.execv("/nonexistent/counterfoil-trial", ["trial"])  # noqa: S606 - it cannot run, that is the trial


def signal_the_parent() -> None:
    """Send the parent no signal, which still asks for the right to send one."""
    os.kill(os.getppid(), 0)


# Found before the doors are shut: looking for it writes a file.
TEMPORARY = tempfile.gettempdir()
