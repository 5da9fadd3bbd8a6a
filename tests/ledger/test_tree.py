"""The Merkle tree against the vectors of RFC 6962's authors, a plain recursive reading, and sigstore-python."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sigstore._internal import merkle

from counterfoil.ledger import tree

LEAVES = [
    bytes.fromhex(h)
    for h in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def plain_root(entries: list[bytes]) -> bytes:
    """RFC 6962 section 2.1, word for word and slow."""
    if not entries:
        return hashlib.sha256().digest()
    if len(entries) == 1:
        return hashlib.sha256(b"\0" + entries[0]).digest()
    k = 1
    while k * 2 < len(entries):
        k *= 2
    return hashlib.sha256(b"\1" + plain_root(entries[:k]) + plain_root(entries[k:])).digest()


def entries(size: int) -> list[bytes]:
    """Distinct entries."""
    return [n.to_bytes(4, "big") for n in range(size)]


def reader(kept: list[bytes]):
    """Read complete subtrees out of the entries."""
    return lambda level, number: plain_root(kept[number << level : (number + 1) << level])


def grown(kept: list[bytes]) -> tree.Frontier:
    """A frontier that has taken these entries."""
    frontier = tree.Frontier()
    frontier.extend(tree.leaf_hash(entry) for entry in kept)
    return frontier


@pytest.mark.parametrize("size", range(9))
def test_roots_are_those_of_the_certificate_transparency_project(size):
    """Size by size, the frontier's root is the published one."""
    assert grown(LEAVES[:size]).root().hex() == ROOTS[size]


@given(st.integers(0, 600))
def test_a_frontier_agrees_with_the_recursive_definition(size):
    """For any size the incremental root is the recursive one."""
    assert grown(entries(size)).root() == plain_root(entries(size))


def test_a_frontier_names_every_complete_node_once():
    """Appending yields each inner node of a full tree exactly once, with its right hash."""
    kept, seen = entries(64), {}
    frontier = tree.Frontier()
    for entry in kept:
        for level, number, node in frontier.append(tree.leaf_hash(entry)):
            assert (level, number) not in seen
            seen[level, number] = node
    assert seen == {(lv, n): reader(kept)(lv, n) for lv in range(1, 7) for n in range(64 >> lv)}


@given(st.data())
def test_inclusion_proofs_verify_here_and_in_sigstore(data):
    """Every proof verifies with our check and with sigstore-python's, which shares no code with it."""
    size = data.draw(st.integers(1, 300))
    index = data.draw(st.integers(0, size - 1))
    kept = entries(size)
    proof = tree.inclusion_proof(index, size, reader(kept))
    leaf, root = tree.leaf_hash(kept[index]), plain_root(kept)
    tree.verify_inclusion(leaf, index, size, proof, root)
    inner, border = merkle._decomp_inclusion_proof(index, size)
    assert len(proof) == inner + border
    assert merkle._chain_border_right(merkle._chain_inner(leaf, proof[:inner], index), proof[inner:]) == root


@given(st.data())
def test_consistency_proofs_verify(data):
    """From any size to any larger one the proof verifies."""
    new = data.draw(st.integers(0, 300))
    old = data.draw(st.integers(0, new))
    kept = entries(new)
    proof = tree.consistency_proof(old, new, reader(kept))
    tree.verify_consistency(old, new, proof, plain_root(kept[:old]), plain_root(kept))


@given(st.data())
def test_a_changed_proof_never_verifies(data):
    """Flip, drop, repeat or swap a step, or claim another index, size or leaf: the proof is refused."""
    size = data.draw(st.integers(2, 200))
    index = data.draw(st.integers(0, size - 1))
    kept = entries(size)
    proof = tree.inclusion_proof(index, size, reader(kept))
    at = data.draw(st.integers(0, len(proof) - 1))
    leaf, root = tree.leaf_hash(kept[index]), plain_root(kept)
    lies = [
        (leaf, index, [*proof[:at], bytes([proof[at][0] ^ 1]) + proof[at][1:], *proof[at + 1 :]]),
        (leaf, index, proof[:at] + proof[at + 1 :]),
        (leaf, index, [*proof, proof[at]]),
        (tree.leaf_hash(b"other"), index, proof),
        (leaf, (index + 1) % size, proof),
        (leaf, size, proof),
        (leaf, -1, proof),
    ]
    for other, where, steps in lies:
        with pytest.raises(tree.ProofError):
            tree.verify_inclusion(other, where, size, steps, root)


@pytest.mark.parametrize(
    ("old", "new", "change", "why"),
    [
        (5, 3, None, "rollback"),
        (4, 4, "fork", "forked"),
        (3, 7, "fork", "another old root"),
        (4, 7, "new", "another new root"),
        (3, 7, "short", "too short"),
        (3, 7, "long", "too long"),
        (0, 7, "long", "is empty"),
    ],
)
def test_rollbacks_and_forks_are_named(old, new, change, why):
    """Each way in which a tree did not just grow is refused for its own reason."""
    kept = entries(max(old, new))
    proof = tree.consistency_proof(min(old, new), new, reader(kept)) if old <= new else []
    old_root, new_root = plain_root(kept[:old]), plain_root(kept[:new])
    if change == "fork":
        old_root = plain_root([b"forked", *kept[1:old]])
    elif change == "new":
        new_root = plain_root([b"other", *kept[1:new]])
    elif change == "short":
        proof = proof[:-1]
    elif change == "long":
        proof = [*proof, b"x" * 32]
    with pytest.raises(tree.ProofError, match=why):
        tree.verify_consistency(old, new, proof, old_root, new_root)


def test_there_is_no_proof_for_a_leaf_that_is_not_there():
    """Asking beyond the end is an error, not a wrong proof."""
    with pytest.raises(ValueError, match="a tree of 3 leaves has no leaf 3"):
        tree.inclusion_proof(3, 3, reader(entries(3)))
