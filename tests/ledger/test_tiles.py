"""Tiles: the paths of the specification, and reading nodes out of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.ledger import tree
from counterfoil.ledger.tiles import (
    Tile,
    node_reader,
    pack_entries,
    parse_path,
    tile_for,
    tiles_between,
    unpack_entries,
)
from tests.ledger.test_tree import entries, plain_root, reader


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 0), "tile/0/000"),
        (Tile(0, 1234067), "tile/0/x001/x234/067"),
        (Tile(1, 67, 12), "tile/1/067.p/12"),
        (Tile(-1, 1000, 255), "tile/entries/x001/000.p/255"),
        (Tile(63, 999), "tile/63/999"),
    ],
)
def test_paths_are_those_of_the_specification(tile, path):
    """Numbers in groups of three, x before all but the last, .p before a width."""
    assert tile.path == path
    assert parse_path(path) == tile


@pytest.mark.parametrize(
    "path",
    [
        "tile/00/000",
        "tile/64/000",
        "tile/0/x000/067",
        "tile/0/67",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/012",
        "tile/0/001/067",
        "tile/0/x001",
        "tile/0/../000",
        "/tile/0/000",
        "tile/0/000\n",
        "tile/entries/٠٠٠",
    ],
)
def test_other_spellings_are_no_paths(path):
    """Whatever is not the one spelling of a tile is refused, so that no path leaves the directory."""
    with pytest.raises(ValueError, match="not the path of a tile"):
        parse_path(path)


@given(st.integers(0, 3000), st.integers(0, 3000))
def test_every_new_hash_is_in_a_tile_that_is_written(one, other):
    """Growing from any size to any other writes a tile for each new entry and each new full tile's root."""
    old, new = sorted((one, other))
    written = {(t.level, t.number): t.width for t in tiles_between(old, new)}
    for level in (-1, 0, 1):
        shift = 8 * max(level, 0)
        for index in range(old >> shift, new >> shift):
            assert written[level, index // 256] > index % 256
    assert all(width <= 256 for width in written.values())


def tile_octets(kept):
    """Tiles out of a plain tree; each name is read once."""
    read = []

    def octets(tile):
        read.append(tile)
        level = 8 * tile.level
        return b"".join(reader(kept)(level, 256 * tile.number + i) for i in range(tile.width))

    return octets, read


@pytest.mark.parametrize("size", [1, 255, 256, 257, 700])
def test_proofs_come_out_of_tiles(size):
    """Proofs built from tiles alone verify against the recursive root, and no tile is read twice."""
    kept = entries(size)
    for index in {0, size // 2, size - 1}:
        octets, read = tile_octets(kept)
        proof = tree.inclusion_proof(index, size, node_reader(size, octets))
        tree.verify_inclusion(tree.leaf_hash(kept[index]), index, size, proof, plain_root(kept))
        assert len(read) == len(set(read))


def test_a_truncated_tile_is_noticed():
    """A tile one hash short is an error that names it, never a wrong proof."""
    octets, _ = tile_octets(entries(300))
    short = node_reader(300, lambda tile: octets(tile)[:-32])
    with pytest.raises(ValueError, match=r"tile/\d/00\d.* has \d+ octets, not \d+"):
        tree.inclusion_proof(5, 300, short)


def test_there_is_no_tile_beyond_the_end():
    """Hashes that the tree has not got are in no tile."""
    with pytest.raises(ValueError, match="has no hash 300"):
        tile_for(0, 300, 300)


@given(st.lists(st.binary(max_size=80), max_size=20))
def test_bundles_read_back(kept):
    """Entries come out of a bundle as they went in."""
    assert unpack_entries(pack_entries(kept)) == kept


@pytest.mark.parametrize("octets", [b"\0", b"\0\5abcd", b"\0\1a\0"])
def test_a_bundle_that_ends_inside_an_entry_is_refused(octets):
    """A cut bundle is an error."""
    with pytest.raises(ValueError, match="ends inside its entry"):
        unpack_entries(octets)
