"""The held bytes, a file a message: written, synced, renamed, and the folder synced, before anything is promised.

A file is named by the SHA-256 of its bytes and by the message that owns it. The owner is in the name so
that deleting one held message can never race with holding another one of the same bytes, and so that no
tenant can tell from a missing write that another tenant got the same message.
"""

import contextlib
import errno
import hashlib
import os
from pathlib import Path

from counterfoil.model.errors import Refused, Unavailable

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class HeldFiles:
    """The folder of held bytes.

    After a failed fsync nobody knows what is on the disk, and a second fsync may lie (PostgreSQL's lesson of
    2018); so the folder is ``suspect`` from then on and takes nothing more until the process is restarted.

    ``owner`` is the gateway that the folder belongs to, where several gateways share a database.
    """

    def __init__(self, folder: Path, owner: str = "") -> None:
        self._folder = folder
        self.owner = owner
        self.suspect: str | None = None
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def path(self, message: str, sha256: str) -> Path:
        """Return where the bytes of a message are."""
        return self._folder / sha256[:2] / f"{sha256}.{message}"

    def write(self, message: str, raw: bytes) -> str:
        """Make the bytes durable and return their SHA-256 in hex.

        Raises:
            Unavailable: If they are not durable; what was written is taken away again.
        """
        self.require_sound()
        sha256 = hashlib.sha256(raw).hexdigest()
        place = self.path(message, sha256)
        fresh = place.with_name(f"{place.name}.new")
        try:
            if not place.parent.is_dir():
                place.parent.mkdir(exist_ok=True, mode=0o700)
                self._sync(self._folder)
            self._write(fresh, raw)
            fresh.replace(place)
            # Dying before this line leaves a file under either name and no row: the sender has had no 250,
            # and ``sweep`` takes the file away.
            self._sync(place.parent)
        except OSError as error:
            with contextlib.suppress(OSError):
                fresh.unlink(missing_ok=True)
            if error.errno in _FULL:
                raise Unavailable("the disk for held messages is full", "make room; senders try again") from error
            raise Unavailable(f"a message cannot be held: {error.strerror}", "see the system's log") from error
        return sha256

    def read(self, message: str, sha256: str) -> bytes:
        """Return the bytes of a held message.

        Raises:
            Refused: If they are gone or are not those that were held.
        """
        place = self.path(message, sha256)
        try:
            raw = place.read_bytes()
        except OSError as error:
            raise Refused(
                f"the held bytes of {message} cannot be read: {error.strerror}", f"restore {place} from a backup"
            ) from error
        if hashlib.sha256(raw).hexdigest() != sha256:
            raise Refused(
                f"the held bytes of {message} are not those that were held",
                f"keep {place} for the investigation and restore it from a backup",
            )
        return raw

    def remove(self, message: str, sha256: str) -> None:
        """Take the bytes away; a failure leaves a file that ``sweep`` takes later."""
        with contextlib.suppress(OSError):
            self.path(message, sha256).unlink(missing_ok=True)

    def sweep(self, owned: set[str]) -> int:
        """Remove every file whose name is not in ``owned`` (``sha256.message``); return how many.

        Call it only while nothing is being held: a file without a row is one that was never promised.
        """
        count = 0
        for place in self._folder.glob("*/*"):
            if place.name not in owned:
                place.unlink(missing_ok=True)
                count += 1
        return count

    def require_sound(self) -> None:
        """See that no fsync has failed.

        Raises:
            Unavailable: If one has.
        """
        if self.suspect:
            raise Unavailable(f"the store is suspect: {self.suspect}", "check the disk, then restart counterfoil serve")

    def _write(self, place: Path, raw: bytes) -> None:
        handle = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            rest = memoryview(raw)
            while rest:
                rest = rest[os.write(handle, rest) :]
            self._fsync(handle)
        finally:
            os.close(handle)

    def _sync(self, folder: Path) -> None:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            self._fsync(handle)
        finally:
            os.close(handle)

    def _fsync(self, handle: int) -> None:
        try:
            os.fsync(handle)
        except OSError as error:
            # A delayed allocation may report a full disk only here; that too leaves the file unknown, but the
            # file is ours alone and is taken away, so the folder stays sound.
            if error.errno not in _FULL:
                self.suspect = f"fsync failed: {error.strerror}"
            raise
