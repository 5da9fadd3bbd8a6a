"""One ``serve`` a data folder: what restart recovery calls ``unknown`` must not be another process's work."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from counterfoil.model.errors import Misconfigured

_NAME = "serve.lock"


@contextmanager
def alone(data: Path) -> Iterator[None]:
    """Hold the folder for as long as the block runs; the system lets go of it if we die.

    Raises:
        Misconfigured: If another process holds it, or the folder may not be written.
    """
    try:
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = (data / _NAME).open("a")
    except OSError as error:
        raise Misconfigured(f"{data} cannot be used: {error.strerror}", "give --data a folder of your own") from error
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Misconfigured(
                f"another counterfoil serve runs on {data}", "stop it first, or give --data another folder"
            ) from error
        yield


def is_served(data: Path) -> bool:
    """Tell whether a ``serve`` runs on the folder."""
    try:
        with alone(data):
            return False
    except Misconfigured:
        return True
