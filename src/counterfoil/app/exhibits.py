"""Evidence under legal hold: copies by SHA-256 that no command of ours deletes, changes or lets expire.

They are copies: what becomes of the original (a quarantine that expires, an export that is tidied away) is no matter.
Trust: whoever can write to the folder can take a copy away or change it; ``damaged`` finds both.
"""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Collection, Iterable
from pathlib import Path

from counterfoil.gateway.store.tenants import Operator
from counterfoil.incident.record import Incident, Kind, Said
from counterfoil.incident.store import Incidents
from counterfoil.ledger import durable
from counterfoil.model.errors import Misconfigured, Refused, Unavailable
from counterfoil.model.mail import Json


def hold(
    incidents: Incidents,
    data: Path,
    name: str,
    paths: Iterable[Path],
    by: Operator,
    *,
    only: Collection[str] | None = None,
) -> None:
    """Keep copies of files as they are now; each is named by its SHA-256, and may not be written.

    With ``only``, what lies below the paths is kept where an answer cites it; these are the names that it uses.
    """
    reference = incidents.one(name).reference
    folder = evidence_folder(data, reference)
    for path, cited_as in ((file, _cited(given, file)) for given in paths for file in _files(given)):
        if only is not None and not any(name == cited_as or name.startswith(f"{cited_as}/") for name in only):
            continue
        digest, size = _fingerprint(path)
        kept = folder / digest
        if not kept.exists():
            _copy(path, kept)
            # If we die here, a copy lies there that no entry names; holding the file again finds it.
        if _fingerprint(kept)[0] != digest:
            raise Refused(f"{path} changed while it was copied", "hold it again once nobody writes it")
        detail: dict[str, Json] = {"name": path.name, "sha256": digest, "size": size, "cited_as": cited_as}
        incidents.add(name, Said(Kind.EXHIBIT, f"under hold: {cited_as}", detail=detail), by)


def hold_octets(incidents: Incidents, data: Path, name: str, by: Operator, *, file_name: str, octets: bytes) -> None:
    """Keep octets that are no file yet, such as a report that came over the network or a message in quarantine."""
    with tempfile.TemporaryDirectory(prefix="counterfoil-hold-") as scratch:
        path = Path(scratch) / file_name
        path.write_bytes(octets)
        hold(incidents, data, name, [path], by)


def _copy(path: Path, kept: Path) -> None:
    """Copy a file so that it is there whole, also after the power fails, before anything cites it."""
    draft = kept.with_name(f".{kept.name}.new")
    try:
        durable.make_directory(kept.parent)
        draft.unlink(missing_ok=True)
        with path.open("rb") as source, draft.open("xb") as copy:
            shutil.copyfileobj(source, copy)
            copy.flush()
            os.fsync(copy.fileno())
        draft.chmod(0o400)
        draft.replace(kept)
        durable.sync_directory(kept.parent)
    except OSError as error:
        raise Unavailable(
            f"{path} cannot be kept: {error.strerror}", "free or repair the disk, then hold it"
        ) from error


def evidence_folder(data: Path, reference: str) -> Path:
    """Return where the files under hold are."""
    return data / "incidents" / reference / "evidence"


def damaged(data: Path, incident: Incident) -> list[str]:
    """Return the names of exhibits whose copy is gone or no longer what it was."""
    folder = evidence_folder(data, incident.reference)
    found = []
    for exhibit in incident.exhibits:
        kept = folder / exhibit.sha256
        if not kept.is_file() or _fingerprint(kept)[0] != exhibit.sha256:
            found.append(exhibit.name)
    return found


def _files(path: Path) -> list[Path]:
    if not path.exists():
        raise Misconfigured(f"there is no such file or folder: {path}", "name what is to be kept")
    return sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]


def _cited(given: Path, file: Path) -> str:
    """Name a file as an answer does: by its place below the folder that was given, or by itself."""
    return file.name if file == given else file.relative_to(given).as_posix()


def _fingerprint(path: Path) -> tuple[str, int]:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest(), path.stat().st_size
    except OSError as error:
        raise Misconfigured(f"{path} cannot be read: {error.strerror}", "see that it may be read") from error
