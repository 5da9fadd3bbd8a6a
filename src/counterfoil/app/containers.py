"""Pull what a customer's diagnostic settings export into containers, going on where the last pull ended.

    DATA/evidence/<tenant id>/storage/<name>-<digest>.json    a blob as it was last listed
    DATA/evidence/<tenant id>/storage/.seen.json              the etag of each, so that one is fetched once

The URLs come from a file that only its owner may read, a line a container: TENANT (id or name) and URL with SAS.
"""

import hashlib
import json
import os
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from counterfoil.app.standing import GOOD, NOT_POSSIBLE, Standing, failure
from counterfoil.config.settings import Evidence
from counterfoil.ledger import durable
from counterfoil.model.errors import CounterfoilError, Misconfigured, Unavailable
from counterfoil.model.trust import Connection
from counterfoil.tenant.containers import Blob, Container, Store, container_of
from counterfoil.tenant.token import Means

STORAGE = "storage"
LARGEST_BLOB = 1 << 30
MOST_AT_ONCE = 8 << 30
"""Octets that one pull fetches; the rest comes with the next."""

SOON = timedelta(days=7)
"""How long before a SAS ends it is said."""

Containers = Mapping[str, tuple[Container, ...]]
NONE: Containers = {}


def read_containers(settings: Evidence) -> Containers:
    """Read the file of containers that the configuration names, by tenant (id or name, in lower case).

    Raises:
        Misconfigured: If others can read the file, or a line cannot be used; no part of a URL is quoted.
    """
    path = settings.containers
    if path is None:
        return NONE
    found: dict[str, list[Container]] = defaultdict(list)
    try:
        if path.stat().st_mode & 0o077:
            raise Misconfigured(f"others can read {path}, which holds secrets", f"chmod 600 {path}")
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(f"{path} cannot be read", "write a line a container: TENANT URL") from error
    for number, line in enumerate(lines, 1):
        tenant, _, url = line.strip().partition(" ")
        if tenant and not tenant.startswith("#"):
            try:
                found[tenant.lower()].append(container_of(url, settings.storage_host))
            except Misconfigured as error:
                raise Misconfigured(f"{path}, line {number}: {error.message}", error.hint) from None
    return {tenant: tuple(containers) for tenant, containers in found.items()}


def containers_of(containers: Containers, connection: Connection) -> tuple[Container, ...]:
    """Return the containers of a connection's tenant."""
    names = dict.fromkeys((connection.tenant_id.lower(), connection.tenant.lower()))
    return tuple(dict.fromkeys(container for name in names for container in containers.get(name, ())))


@dataclass(slots=True)
class _Progress:
    came: int = 0
    here: int = 0
    octets: int = 0
    too_large: int = 0


def pull_containers(containers: Iterable[Container], means: Means, folder: Path, now: datetime) -> Standing:
    """Fetch every blob that is new or changed; one container that fails keeps none of the others back.

    Returns:
        How it went; the first failure, if there was one.
    """
    progress = _Progress()
    failed: Standing | None = None
    notes: list[str] = []
    for container in containers:
        if container.ends is not None and container.ends - now < SOON:
            notes.append(f"the SAS of {container} ends {container.ends:%Y-%m-%d %H:%M}")
        try:
            _container(Store(container, means), folder, progress)
        except CounterfoilError as error:
            failed = failed or _said(failure(error, now), container)
        except OSError as error:
            words = f"what came cannot be kept: {error.strerror}"
            failed = failed or failure(Unavailable(words, f"make room for {folder}; it is fetched again"), now)
    if failed is not None:
        return failed
    if progress.too_large:
        words = (
            f"{progress.too_large} blobs of more than {LARGEST_BLOB >> 20} MiB were not fetched: export them by hand"
        )
        return Standing(NOT_POSSIBLE, words, now)
    words = "; ".join((f"{progress.came} blobs came, {progress.here} were here", *notes))
    # What did not fit into this pull is not whole yet.
    return Standing(GOOD, words, now, now if progress.octets < MOST_AT_ONCE else None)


def _said(standing: Standing, container: Container) -> Standing:
    return Standing(standing.state, f"{container}: {standing.words}", standing.at)


def _container(store: Store, folder: Path, progress: _Progress) -> None:
    index = folder / ".seen.json"
    seen = _seen(index)
    for blob in store.blobs():
        path = folder / _name(store.container, blob)
        if seen.get(path.name) == blob.etag and path.exists():
            progress.here += 1
        elif blob.size > LARGEST_BLOB:
            progress.too_large += 1
        elif progress.octets + blob.size <= MOST_AT_ONCE:
            _fetch(store, blob, path)
            # If we die here, the blob is fetched once more: its etag was not noted.
            seen[path.name] = blob.etag
            durable.write(index, json.dumps(seen).encode(), mode=0o600)
            progress.came += 1
            progress.octets += blob.size


def _fetch(store: Store, blob: Blob, path: Path) -> None:
    """Write a blob piece by piece beside its place, and put it there once it is whole."""
    durable.make_directory(path.parent)
    draft = path.with_name(f".{path.name}.part")
    with draft.open("wb") as out:
        for piece in store.pieces(blob):
            out.write(piece)
        out.flush()
        os.fsync(out.fileno())
    draft.chmod(0o600)
    draft.replace(path)
    durable.sync_directory(path.parent)


def _name(container: Container, blob: Blob) -> str:
    """Name a blob's file: readable, and never a path of its own; the digest tells names apart that look alike."""
    digest = hashlib.sha256(f"{container.base}/{blob.name}".encode("utf-8", "replace")).hexdigest()[:16]
    readable = re.sub(r"[^A-Za-z0-9=-]+", "_", blob.name.removesuffix(".json"))[-90:].strip("_")
    return f"{readable}-{digest}.json"


def _seen(index: Path) -> dict[str, str]:
    """Read which blobs are here; without the note they are all fetched once more, which is nothing wrong."""
    try:
        found = json.loads(index.read_text(encoding="utf-8"))
        return {str(name): str(etag) for name, etag in found.items()}
    except (OSError, ValueError, AttributeError):
        return {}
