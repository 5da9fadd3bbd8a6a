"""A real PostgreSQL of its own in a temporary folder, on a Unix socket only."""

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.missing import missing

QUIET = ("-c", "listen_addresses=", "-c", "fsync=off", "-c", "log_destination=stderr")


def binaries() -> Path:
    """Return the folder of the newest server that Debian's packages put there."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    if not found:
        missing("postgresql")
    return found[-1].parent


@contextlib.contextmanager
def postgres() -> Iterator[str]:
    """Start a server; yield the URL of an empty database, and stop the server by its id."""
    programs, home = binaries(), Path(tempfile.mkdtemp(prefix="pg-"))
    user: dict[str, object] = {}
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        try:
            user = {"user": "postgres", "cwd": "/"}
            shutil.chown(home, pwd.getpwnam("postgres").pw_uid)
        except KeyError:
            missing("the user postgres, which Debian's postgresql makes")
    process = None
    try:
        make = [programs / "initdb", "-D", home / "data", "-U", "counterfoil", "-A", "trust", "--no-sync", "-E", "UTF8"]
        subprocess.run([*map(str, make)], check=True, capture_output=True, timeout=60, **user)
        line = [str(programs / "postgres"), "-D", str(home / "data"), "-k", str(home), *QUIET]
        with (home / "log").open("wb") as log:
            process = subprocess.Popen(line, stdout=log, stderr=log, **user)
        wait = [str(programs / "pg_isready"), "-q", "-h", str(home), "-d", "postgres", "-U", "counterfoil"]
        for _ in range(300):
            if subprocess.run(wait, check=False, timeout=10).returncode == 0:
                break
            assert process.poll() is None, (home / "log").read_text()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.1)
        yield f"postgresql+psycopg://counterfoil@/postgres?host={home}"
    finally:
        if process is not None:
            process.terminate()
            process.wait(30)
        shutil.rmtree(home)
