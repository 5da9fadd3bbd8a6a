"""What a worker may be made to do by the bytes it parses; run only inside a bounded worker."""

import ctypes
import os
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path

SEEN: list[bytes] = []


def echo(argument: bytes, ask: Callable[[bytes], bytes]) -> bytes:
    """Give the argument back."""
    return argument


def remember(argument: bytes, ask: Callable[[bytes], bytes]) -> bytes:
    """Give back how many jobs this very process has seen."""
    SEEN.append(argument)
    return b"%d" % len(SEEN)


def converse(argument: bytes, ask: Callable[[bytes], bytes]) -> bytes:
    """Ask as often as the argument says, and give the answers back."""
    return b",".join(ask(b"question %d" % number) for number in range(int(argument)))


def misbehave(argument: bytes, ask: Callable[[bytes], bytes]) -> bytes:
    """Do the deed that the argument names."""
    return DEEDS[argument.decode()]()


def _raise() -> bytes:
    raise ValueError("the bytes made no sense")


def _hang() -> bytes:
    while True:
        pass


def _hang_without_signals() -> bytes:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.setitimer(signal.ITIMER_REAL, 0)
    while True:
        time.sleep(1)


def _eat() -> bytes:
    hoard = []
    while True:
        hoard.append(bytearray(1 << 24))


def _spew() -> bytes:
    return bytes(64 << 20)


def _vanish() -> bytes:
    os._exit(7)


def _crash() -> bytes:
    return ctypes.string_at(0)


def _print() -> bytes:
    print("a" * 100_000)  # noqa: T201 - that it goes nowhere is the point
    return b"printed"


def _attempt(deed: Callable[[], object]) -> bytes:
    try:
        deed()
    except (OSError, RuntimeError) as error:
        return type(error).__name__.encode()
    return b"done"


def _environment() -> bytes:
    return "\n".join(sorted(os.environ)).encode()


def _descriptors() -> bytes:
    found = []
    for number in range(256):
        try:
            os.fstat(number)
        except OSError:
            continue
        found.append(str(number))
    return ",".join(found).encode()


def _thread() -> None:
    import _thread

    _thread.start_new_thread(time.sleep, (0,))


def _lazily() -> bytes:
    return "häßlich".encode("cp1140").decode("cp1140").encode("utf-16-le")


DEEDS: dict[str, Callable[[], bytes]] = {
    "raise": _raise,
    "hang": _hang,
    "hang-without-signals": _hang_without_signals,
    "eat": _eat,
    "spew": _spew,
    "vanish": _vanish,
    "crash": _crash,
    "print": _print,
    "environment": _environment,
    "descriptors": _descriptors,
    "lazily": _lazily,
    "socket": lambda: _attempt(lambda: socket.create_connection(("127.0.0.1", 25), 1)),
    "unix-socket": lambda: _attempt(lambda: socket.socket(socket.AF_UNIX)),
    "read-password": lambda: _attempt(lambda: Path("/etc/passwd").read_bytes()),
    "list-root": lambda: _attempt(lambda: os.scandir("/")),
    "write": lambda: _attempt(lambda: Path("/tmp/counterfoil-was-here").write_bytes(b"x")),
    "write-library": lambda: _attempt(lambda: Path(os.__file__).with_name("counterfoil_was_here.py").write_bytes(b"x")),
    "unlink": lambda: _attempt(lambda: Path(__file__).unlink()),
    "chmod": lambda: _attempt(lambda: Path(__file__).chmod(0o777)),
    "fork": lambda: _attempt(os.fork),
    "thread": lambda: _attempt(_thread),
    "exec": lambda: _attempt(lambda: os.execv("/bin/true", ["true"])),
    "kill-parent": lambda: _attempt(lambda: os.kill(os.getppid(), signal.SIGTERM)),
    "trace": lambda: _attempt(_ptrace),
}


def _ptrace() -> None:
    library = ctypes.CDLL(None, use_errno=True)
    if library.ptrace(16, os.getppid(), None, None) != 0:
        raise OSError(ctypes.get_errno(), "ptrace")
