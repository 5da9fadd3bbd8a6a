"""Files that are there whole or not at all, also after the power fails."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def write(path: Path, octets: bytes, *, mode: int = 0o644) -> None:
    """Write a file so that a reader, now or after a crash, sees the old octets or the new ones.

    Raises:
        OSError: If the disk is full or the directory cannot be written; the old file is untouched.
    """
    write_unsynced(path, octets, mode=mode)
    # If we die here, the directory may still show the old file after a power cut; nobody was told otherwise.
    sync_directory(path.parent)


def write_unsynced(path: Path, octets: bytes, *, mode: int = 0o644) -> None:
    """Write like ``write``, but leave it to the caller to sync the directory, once for many files."""
    make_directory(path.parent)
    draft = path.with_name(f".{path.name}.new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(octets)
            file.flush()
            os.fsync(file.fileno())
        # If we die here, a draft lies about; the next write of this file overwrites it.
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise


def make_directory(path: Path) -> None:
    """Make a directory and its parents, each entry synced."""
    if path.is_dir():
        return
    make_directory(path.parent)
    path.mkdir(exist_ok=True)
    sync_directory(path.parent)


def sync_directory(path: Path) -> None:
    """Make the entries of a directory durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def lock(path: Path, *, wait: bool = True) -> Iterator[None]:
    """Hold a lock file against other processes; the kernel gives it back if we die.

    Raises:
        BlockingIOError: If another process holds it and we do not wait.
    """
    make_directory(path.parent)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)
