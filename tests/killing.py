"""Kill a program at its Nth durable step, before or after: ``python -m tests.killing AT WHEN COUNTS MODULE …``.

Steps are what leaves the process or reaches the disk: write, fsync, rename, truncate, send, commit. ``AT`` 0 kills
nowhere; the number of steps that were taken is written to ``COUNTS`` at the end.
"""

import atexit
import functools
import os
import runpy
import signal
import socket
import sys
import threading
from pathlib import Path


class Killer:
    """Counts steps, and kills this process at one of them."""

    def __init__(self, at: int, when: str, counts: Path) -> None:
        self.at, self.when, self.counts = at, when, counts
        self.taken = 0
        self.lock = threading.Lock()
        atexit.register(lambda: counts.write_text(str(self.taken)))

    def step(self, function):
        """Return the function with a step around it."""

        @functools.wraps(function)
        def stepped(*arguments, **named):
            with self.lock:
                self.taken += 1
                mine = self.taken == self.at
            if mine and self.when == "before":
                os.kill(os.getpid(), signal.SIGKILL)
            result = function(*arguments, **named)
            if mine:
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        return stepped


def main() -> None:
    """Patch, then run the module named on the command line as ``python -m`` would."""
    at, when, counts, module, *rest = sys.argv[1:]
    killer = Killer(int(at), when, Path(counts))
    import sqlalchemy as sa

    for name in ("write", "fsync", "replace", "ftruncate", "unlink"):
        setattr(os, name, killer.step(getattr(os, name)))
    socket.socket.sendall = killer.step(socket.socket.sendall)
    sa.Connection.commit = killer.step(sa.Connection.commit)
    sys.argv = [module, *rest]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
