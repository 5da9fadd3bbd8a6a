"""Write the parts of a message to a folder, by the name of what they are and never by a name they bear."""

import hashlib
import os
from pathlib import Path

from counterfoil.model.errors import Misconfigured, Unavailable
from counterfoil.model.mail import Scan


def prepare(folder: Path) -> None:
    """Make the folder, for its owner's eyes alone, where it is not there.

    Raises:
        Misconfigured: If it cannot be made or is no folder.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise Misconfigured(
            f"the folder {folder} cannot be made: {error.strerror}", "give --extract a folder"
        ) from error


def extract(scan: Scan, folder: Path) -> None:
    """Write every distinct part to ``folder/<sha256>``; one that is already there is left alone.

    The digest is computed here: the one in the scan comes from a process that has read hostile bytes.

    Raises:
        Unavailable: If a part cannot be written, because the disk is full for instance.
    """
    for part in scan.parts:
        place = folder / hashlib.sha256(part.data).hexdigest()
        if place.exists():
            continue
        try:
            _write(place, part.data)
        except OSError as error:
            raise Unavailable(
                f"{place} cannot be written: {error.strerror}", "make room, or choose another folder"
            ) from error


def _write(place: Path, data: bytes) -> None:
    # Under a name of its own first: what bears a digest is always whole.
    unfinished = place.with_suffix(f".{os.getpid()}")
    unfinished.unlink(missing_ok=True)
    try:
        with unfinished.open("xb") as file:
            unfinished.chmod(0o600)
            file.write(data)
        unfinished.replace(place)
    finally:
        unfinished.unlink(missing_ok=True)
