"""How far the ledger has come, remembered outside its database: so a copy that is put back is known for one.

A folder holds one file, named by the size of the ledger and its last entry; in it stands which file on this disk it is.
The name moves on after every commit, before any caller is told, and is never ahead of the database. So

* if the database alone goes back, it lacks the entry that the name gives;
* if this folder goes back with it, by whatever copies files, the copy is another file than it says; and a copy laid
  over what is there leaves the newer name standing beside the older.

A file system that goes back as a whole (the snapshot of a machine) takes this along: docs/ledger.md says what is left.
What an attacker who can change the folder gains: he makes a gap known where there is none, or hides that he put an
older database back; who can do that can write the database as well.
"""

import fcntl
import os
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from counterfoil.ledger import durable

FOLDER = "high-water"
"""Name of the folder below a data directory."""

_GETVERSION = 0x80087601
"""FS_IOC_GETVERSION of linux/fs.h, ``_IOR('v', 1, long)`` on 64 bits."""

_NAME = re.compile(r"([0-9]{1,18})-((?:[0-9a-f]{2})*)")


@dataclass(frozen=True, slots=True)
class Mark:
    """The newest that is remembered: size and last entry; ``genuine`` unless the folder is a copy."""

    size: int
    entry: bytes
    genuine: bool


class HighWater:
    """The folder; several processes may move it on.

    Args:
        folder: Made at the first ``restart``.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._at: tuple[int, bytes] | None = None

    def read(self) -> Mark | None:
        """Return what is remembered, or ``None`` where nothing is.

        Raises:
            OSError: If it is there and cannot be read.
        """
        files = self._files()
        if not files:
            return None
        (size, entry), _ = newest = max(files.items())
        return Mark(size, entry, genuine=files.keys() == {newest[0]} and _is_itself(newest[1]))

    def advance(self, size: int, entry: bytes, *, sync: bool) -> None:
        """Move on to a size and its last entry; no further back than where another process has moved it to.

        Args:
            size: Entries that are durable.
            entry: The last of them.
            sync: Be durable on return also if the power fails; without it, if this process or all of them die.

        Raises:
            OSError: If it cannot be moved on.
        """
        if self._at is None or self._at[0] >= size or not self._moved(self._at, (size, entry)):
            # The first time, or another process was here meanwhile.
            with durable.lock(self._folder / ".lock"):
                files = self._files()
                if not files:
                    self._begin(size, entry)
                while files and max(files)[0] < size and not self._moved(max(files), (size, entry)):
                    files = self._files()
        if sync:
            durable.sync_directory(self._folder)

    def _moved(self, here: tuple[int, bytes], there: tuple[int, bytes]) -> bool:
        """Rename the file, unless it is no longer where it was: a rename is whole or not at all, and needs no lock."""
        try:
            os.replace(f"{self._folder}/{_name(*here)}", f"{self._folder}/{_name(*there)}")  # noqa: PTH105 - five times as fast
        except FileNotFoundError:
            return False
        self._at = there
        return True

    def restart(self, size: int, entry: bytes) -> None:
        """Remember this and nothing else, in a file of our own making.

        Raises:
            OSError: If it cannot be written.
        """
        with durable.lock(self._folder / ".lock"):
            before = self._files()
            made = self._begin(size, entry)
            # If we die here, both names stand, and the next start takes the folder for a copy: a gap too many.
            for path in before.values():
                if path != made:
                    path.unlink()
            durable.sync_directory(self._folder)

    def _begin(self, size: int, entry: bytes) -> Path:
        draft, path = self._folder / ".new", self._folder / _name(size, entry)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        try:
            os.write(descriptor, _identity(descriptor))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        draft.replace(path)
        durable.sync_directory(self._folder)
        return path

    def _files(self) -> dict[tuple[int, bytes], Path]:
        try:
            there = sorted(self._folder.iterdir())
        except FileNotFoundError:
            return {}
        named = ((_NAME.fullmatch(path.name), path) for path in there)
        return {(int(match[1]), bytes.fromhex(match[2])): path for match, path in named if match}


def _name(size: int, entry: bytes) -> str:
    return f"{size}-{entry.hex()}"


def _is_itself(path: Path) -> bool:
    """Say whether a file says which file it is: a copy says which the other was."""
    try:
        with path.open("rb") as file:
            return file.read(64) == _identity(file.fileno())
    except FileNotFoundError:
        return True  # another process has moved it on meanwhile, which makes none of it a copy


def _identity(descriptor: int) -> bytes:
    """Return the number of a file's inode and its generation: numbers are given again as soon as they are free."""
    generation = bytearray(8)
    # A file system that keeps no generations (tmpfs, overlayfs) refuses: there the number is all there is.
    with suppress(OSError):
        fcntl.ioctl(descriptor, _GETVERSION, generation)
    return f"{os.fstat(descriptor).st_ino}.{generation.hex()}".encode()
