"""C2SP tlog-tiles: paths, partial tiles, entry bundles. Pure.

A tile holds up to 256 hashes of tree level 8 * L; ``tile/entries`` holds the entries themselves, each
behind its length in two octets. Source: https://c2sp.org/tlog-tiles.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from counterfoil.ledger.tree import NodeReader, node_hash

WIDTH = 256
HEIGHT = 8
_MAX_LEVEL = 63
_PATH = re.compile(r"tile/(entries|[0-9]{1,2})((?:/x[0-9]{3})*/[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?")


class Tile(NamedTuple):
    """A tile: ``level`` is -1 for a bundle of entries; ``width`` is 256 for a full tile."""

    level: int
    number: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        """The path below the prefix of the log, ``tile/0/x001/067.p/12``."""
        level = "entries" if self.level < 0 else str(self.level)
        partial = "" if self.width == WIDTH else f".p/{self.width}"
        return f"tile/{level}/{_spell(self.number)}{partial}"


TileReader = Callable[[Tile], bytes]
"""Returns the octets of a tile: width * 32 for hashes."""


def _spell(number: int) -> str:
    groups = [f"{number % 1000:03}"]
    while number >= 1000:
        number //= 1000
        groups.append(f"x{number % 1000:03}")
    return "/".join(reversed(groups))


def parse_path(path: str) -> Tile:
    """Read a path back; only the one right spelling is a path.

    Raises:
        ValueError: If it is none.
    """
    found = _PATH.fullmatch(path)
    if found is None:
        message = f"not the path of a tile: {path!r}"
        raise ValueError(message)
    level = -1 if found[1] == "entries" else int(found[1])
    tile = Tile(level, int(found[2].replace("/x", "").replace("/", "")), int(found[3] or WIDTH))
    if tile.path != path or level > _MAX_LEVEL:
        message = f"not the path of a tile: {path!r}"
        raise ValueError(message)
    return tile


def tiles_between(old: int, new: int) -> Iterator[Tile]:
    """Name the tiles that change when a tree grows from ``old`` to ``new`` leaves, lowest level first."""
    for level in range(-1, _MAX_LEVEL + 1):
        shift = HEIGHT * max(level, 0)
        first, last = old >> shift, new >> shift
        if last == 0:
            return
        for number in range(first // WIDTH, (last + WIDTH - 1) // WIDTH):
            width = min(WIDTH, last - number * WIDTH)
            if number * WIDTH + width > first:
                yield Tile(level, number, width)


def tile_for(level: int, index: int, size: int) -> Tile:
    """Name the tile that holds hash ``index`` of tree level ``8 * level`` in a tree of ``size`` leaves.

    Raises:
        ValueError: If the tree has no such hash.
    """
    here = size >> (HEIGHT * level)
    if not 0 <= index < here:
        message = f"a tree of {size} leaves has no hash {index} at tile level {level}"
        raise ValueError(message)
    number = index // WIDTH
    return Tile(level, number, min(WIDTH, here - number * WIDTH))


def node_reader(size: int, read: TileReader) -> NodeReader:
    """Read the nodes of a tree of ``size`` leaves out of its tiles; each tile is read once.

    The reader raises ValueError where a tile has not the length that the size demands.
    """
    known: dict[Tile, bytes] = {}

    def node(level: int, number: int) -> bytes:
        above, inside = divmod(level, HEIGHT)
        first = number << inside
        tile = tile_for(above, first, size)
        if tile not in known:
            known[tile] = read(tile)
            if len(known[tile]) != tile.width * 32:
                message = f"{tile.path} has {len(known[tile])} octets, not {tile.width * 32}"
                raise ValueError(message)
        start = first % WIDTH
        row = [known[tile][32 * i : 32 * i + 32] for i in range(start, start + (1 << inside))]
        return subtree_root(row)

    return node


def subtree_root(row: list[bytes]) -> bytes:
    """Hash a complete subtree: a power of two of hashes into one."""
    while len(row) > 1:
        row = [node_hash(row[i], row[i + 1]) for i in range(0, len(row), 2)]
    return row[0]


def pack_entries(entries: Iterable[bytes]) -> bytes:
    """Write a bundle: each entry behind its length, two octets, big-endian."""
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


def unpack_entries(octets: bytes) -> list[bytes]:
    """Read a bundle.

    Raises:
        ValueError: If it ends inside an entry.
    """
    entries: list[bytes] = []
    at = 0
    while at < len(octets):
        end = at + 2 + int.from_bytes(octets[at : at + 2], "big")
        if at + 2 > len(octets) or end > len(octets):
            message = f"the bundle ends inside its entry {len(entries)}"
            raise ValueError(message)
        entries.append(octets[at + 2 : end])
        at = end
    return entries
