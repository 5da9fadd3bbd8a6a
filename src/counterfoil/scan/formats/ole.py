"""Compound files (MS-CFB), read with olefile, whose exceptions all become one."""

import io
from collections.abc import Iterator
from dataclasses import dataclass

import olefile

MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


class Broken(ValueError):
    """The compound file cannot be read; ``str()`` says why."""


@dataclass(frozen=True, slots=True)
class Root:
    """What the root storage says: names of its direct children in lower case, and its class id (or ``""``)."""

    names: frozenset[str]
    class_id: str


@dataclass(frozen=True, slots=True)
class Stream:
    """One stream: its path, and the class id of the storage that holds it."""

    path: tuple[str, ...]
    data: bytes
    class_id: str


def root(data: bytes) -> Root:
    """Read the root storage; a file that cannot be read has no children."""
    try:
        file = _open(data)
    except Broken:
        return Root(frozenset(), "")
    with file:
        return Root(frozenset(kid.name.lower() for kid in file.root.kids), file.root.clsid or "")


def streams(data: bytes) -> Iterator[Stream]:
    """Yield every stream.

    Raises:
        Broken: If the file is not a compound file, or is too damaged to go on.
    """
    file = _open(data)
    with file:
        try:
            for path in file.listdir(streams=True, storages=False):
                holder = path[:-1]
                class_id = file.getclsid(holder) if holder else file.root.clsid
                with file.openstream(path) as handle:
                    yield Stream(tuple(path), handle.read(), class_id or "")
        except (OSError, ValueError, IndexError, AttributeError, TypeError, RecursionError, MemoryError) as error:
            raise Broken(f"damaged compound file: {error}") from error


def _open(data: bytes) -> "olefile.OleFileIO":
    if not data.startswith(MAGIC) or len(data) < olefile.MINIMAL_OLEFILE_SIZE:
        raise Broken("no compound file, or one that is cut short")
    try:
        return olefile.OleFileIO(io.BytesIO(data))
    except Exception as error:
        raise Broken(f"damaged compound file: {error}") from error
