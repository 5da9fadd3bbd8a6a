"""Parts and relationships of an OOXML package (ISO/IEC 29500-2), read only as far as somebody asks."""

import posixpath
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from counterfoil.scan.formats import zips
from counterfoil.scan.formats.elements import BadXml, elements


@dataclass(frozen=True, slots=True)
class Relationship:
    """One relationship; ``source`` is the part that it starts from (``""`` for the package), ``target`` resolved."""

    source: str
    id: str
    type: str
    target: str
    external: bool


def parts(data: bytes, wanted: Callable[[str], bool], room: int) -> Iterator[tuple[str, bytes]]:
    """Yield the wanted parts by their name in lower case without leading slash; broken ones are left to others.

    Args:
        data: The package.
        wanted: Tells by the name whether to unpack a part.
        room: How many octets may be unpacked in all.
    """
    entries = [entry for directory in zips.directories(data) for entry in directory]
    for entry in entries or zips.stream(data, room):
        name = entry.name.decode("utf-8", "replace").replace("\\", "/").lstrip("/").lower()
        if not wanted(name) or entry.encrypted:
            continue
        start = zips.data_start(data, entry)
        packed = data[start : start + entry.compressed] if entry.compressed else data[start:]
        try:
            content, _ = zips.expand(packed, entry.method, room)
        except zips.Broken:
            continue
        room -= len(content)
        yield name, content


def relationships(name: str, content: bytes) -> Iterator[Relationship]:
    """Yield what a ``.rels`` part says; nothing if it is no XML.

    Args:
        name: The name of the ``.rels`` part, from which the source follows.
        content: Its bytes.
    """
    folder, _, file = name.rpartition("_rels/")
    source = folder + file.removesuffix(".rels")
    try:
        found = list(elements(content))
    except BadXml:
        return
    for element in found:
        if element.name == "Relationship" and "Target" in element.attributes:
            target = element.attributes["Target"]
            external = element.attributes.get("TargetMode", "").lower() == "external"
            yield Relationship(
                source=source,
                id=element.attributes.get("Id", ""),
                type=element.attributes.get("Type", ""),
                target=target if external else resolved(folder, target),
                external=external,
            )


def resolved(folder: str, target: str) -> str:
    """Return the name of the part that a target means, in lower case without leading slash."""
    path = target.replace("\\", "/")
    joined = path if path.startswith("/") else posixpath.join(folder, path)
    return posixpath.normpath(joined).lstrip("/").lower()
