"""Programs, ports, folders and processes that a bench needs, and their end: by process id, whatever happens."""

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

CORPORA = Path(__file__).resolve().parents[2] / "shared" / "corpora"
TICK = os.sysconf("SC_CLK_TCK")


class NotHere(Exception):
    """Something the bench measures against is not installed; ``str()`` is its name."""


def program(name: str) -> str:
    """Return the path of a program.

    Raises:
        NotHere: If there is none.
    """
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if found is None:
        raise NotHere(f"the program {name} (bench/debian-packages.txt)")
    return found


def account(name: str) -> str:
    """Return the name of an account that a server runs as; we must be root to start it so."""
    try:
        pwd.getpwnam(name)
    except KeyError:
        raise NotHere(f"the account {name}, which a package of bench/debian-packages.txt makes") from None
    if os.geteuid() != 0:
        raise NotHere(f"root, to start a server as {name}")
    return name


def corpus(name: str) -> list[Path]:
    """Return the files of one of the shared corpora."""
    files = sorted(path for path in (CORPORA / name).rglob("*") if path.is_file())
    if not files:
        raise NotHere(f"the corpus {name} beside the checkout")
    return files


def free_port() -> int:
    """Return a port that was free a moment ago, for servers that cannot bind port 0 and say which."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextlib.contextmanager
def folder(owner: str = "") -> Iterator[Path]:
    """Yield a folder of its own; it is gone afterwards."""
    place = Path(tempfile.mkdtemp(prefix="bench-"))
    try:
        place.chmod(0o755)
        if owner:
            shutil.chown(place, owner)
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


@contextlib.contextmanager
def running(command: Sequence[str], log: Path, **more: object) -> Iterator[int]:
    """Start a server; yield its process id; end it."""
    with log.open("ab") as out:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, start_new_session=True, **more
        )
    try:
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(40)
        except subprocess.TimeoutExpired:
            for pid in (*descendants(process.pid), process.pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            process.wait()


def wait_for_port(port: int, pid: int, log: Path, seconds: float = 60) -> None:
    """Wait until somebody listens.

    Raises:
        NotHere: If the server went away instead; with the end of its log.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        if not alive(pid):
            break
        time.sleep(0.1)
    raise NotHere(f"a server on port {port}: {log.read_text(errors='replace')[-800:]}")


def alive(pid: int) -> bool:
    """Tell whether a process runs (a zombie does not)."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def descendants(pid: int) -> list[int]:
    """Return the process ids below a process, at any depth."""
    found: list[int] = []
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                found += [int(child), *descendants(int(child))]
    return found


def processor_seconds(pid: int) -> float:
    """Return what a process and everything below it have used of the processor, children that ended included."""
    total = 0
    for each in (pid, *descendants(pid)):
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
            total += sum(map(int, fields[11:15]))  # utime, stime, cutime, cstime
    return total / TICK


def peak_memory(pid: int) -> int:
    """Return the most octets of memory a process has held (VmHWM); 0 if it has gone."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1]) * 1024
    return 0
