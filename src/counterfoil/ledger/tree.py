"""The Merkle tree of RFC 6962 section 2 (RFC 9162 section 2.1): hashing, frontier, proofs. Pure.

A hash is 32 octets. A node is named (level, number): level 0 holds the leaf hashes, and node
(L, n) covers the leaves from n * 2**L up to but not including (n + 1) * 2**L.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence

NodeReader = Callable[[int, int], bytes]
"""(level, number) -> the hash of a complete subtree."""

EMPTY_ROOT = hashlib.sha256(b"").digest()
"""The root of a tree of size 0 (RFC 6962 section 2.1)."""


class ProofError(ValueError):
    """A proof does not prove what it is said to prove; the message says why."""


def leaf_hash(entry: bytes) -> bytes:
    """Hash a leaf: SHA-256(0x00 || entry)."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash an inner node: SHA-256(0x01 || left || right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Frontier:
    """The right edge of a growing tree: one hash for each set bit of its size, largest subtree first.

    Appending costs one hash on average; the root costs one for each set bit.
    """

    __slots__ = ("peaks", "size")

    def __init__(self, size: int = 0, peaks: Sequence[bytes] = ()) -> None:
        if len(peaks) != size.bit_count():
            message = f"a tree of {size} leaves has {size.bit_count()} peaks, not {len(peaks)}"
            raise ValueError(message)
        self.size = size
        self.peaks = list(peaks)

    def append(self, leaf: bytes) -> Iterator[tuple[int, int, bytes]]:
        """Add a leaf hash; yield every inner node that it completes, lowest first. Exhaust the iterator."""
        node, level, index = leaf, 0, self.size
        self.size += 1
        while index & 1:
            node = node_hash(self.peaks.pop(), node)
            index >>= 1
            level += 1
            yield level, index, node
        self.peaks.append(node)

    def extend(self, leaves: Iterable[bytes]) -> None:
        """Add leaf hashes, caring for nothing but the root: what verifying a million of them rests on."""
        peaks, index = self.peaks, self.size
        for leaf in leaves:
            node, carry = leaf, index
            while carry & 1:
                node = hashlib.sha256(b"\x01" + peaks.pop() + node).digest()
                carry >>= 1
            peaks.append(node)
            index += 1
        self.size = index

    def root(self) -> bytes:
        """Return the root hash of the tree as it stands."""
        if not self.peaks:
            return EMPTY_ROOT
        root = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            root = node_hash(peak, root)
        return root

    def copy(self) -> "Frontier":
        """Return a frontier that grows by itself."""
        return Frontier(self.size, self.peaks)


def peaks_of(size: int) -> list[tuple[int, int]]:
    """Name the complete subtrees that make up a tree of ``size`` leaves, largest first."""
    return _cover(0, size)


def _cover(start: int, end: int) -> list[tuple[int, int]]:
    """Name the complete subtrees of [start, end), left to right, where ``start`` is a tree boundary."""
    nodes = []
    while start < end:
        level = (end - start).bit_length() - 1
        if start:
            level = min(level, (start & -start).bit_length() - 1)
        nodes.append((level, start >> level))
        start += 1 << level
    return nodes


def _range_root(start: int, end: int, read: NodeReader) -> bytes:
    hashes = [read(level, number) for level, number in _cover(start, end)]
    root = hashes.pop()
    while hashes:
        root = node_hash(hashes.pop(), root)
    return root


def inclusion_proof(index: int, size: int, read: NodeReader) -> list[bytes]:
    """Prove that leaf ``index`` is in the tree of ``size`` leaves (RFC 9162 section 2.1.3.1).

    Raises:
        ValueError: If there is no such leaf.
    """
    if not 0 <= index < size:
        message = f"a tree of {size} leaves has no leaf {index}"
        raise ValueError(message)
    proof: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        split = start + (1 << ((end - start - 1).bit_length() - 1))
        if index < split:
            proof.append(_range_root(split, end, read))
            end = split
        else:
            proof.append(_range_root(start, split, read))
            start = split
    return proof[::-1]


def consistency_proof(old: int, new: int, read: NodeReader) -> list[bytes]:
    """Prove that the tree of ``new`` leaves begins with that of ``old`` (RFC 9162 section 2.1.4.1).

    Raises:
        ValueError: Unless 0 <= old <= new.
    """
    if not 0 <= old <= new:
        message = f"no tree of {new} leaves extends one of {old}"
        raise ValueError(message)
    if old in {0, new}:
        return []
    proof: list[bytes] = []
    start, end = 0, new
    while old != end:
        split = start + (1 << ((end - start - 1).bit_length() - 1))
        if old <= split:
            proof.append(_range_root(split, end, read))
            end = split
        else:
            proof.append(_range_root(start, split, read))
            start = split
    if start:
        proof.append(_range_root(start, end, read))
    return proof[::-1]


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Check an inclusion proof for a leaf hash (RFC 9162 section 2.1.3.2).

    Raises:
        ProofError: If it does not lead to ``root``.
    """
    if not 0 <= index < size:
        message = f"leaf {index} cannot be in a tree of {size} leaves"
        raise ProofError(message)
    here, last, node = index, size - 1, leaf
    for step in proof:
        if last == 0:
            message = "the inclusion proof is too long"
            raise ProofError(message)
        if here & 1 or here == last:
            node = node_hash(step, node)
            while here & 1 == 0 and here:
                here, last = here >> 1, last >> 1
        else:
            node = node_hash(node, step)
        here, last = here >> 1, last >> 1
    if last:
        message = "the inclusion proof is too short"
        raise ProofError(message)
    if node != root:
        message = "the inclusion proof leads to another root"
        raise ProofError(message)


def verify_consistency(old: int, new: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes) -> None:
    """Check that a tree only grew (RFC 9162 section 2.1.4.2).

    Raises:
        ProofError: If the new tree does not begin with the old one.
    """
    if not 0 <= old <= new:
        message = f"a tree of {new} leaves cannot extend one of {old}: that is a rollback"
        raise ProofError(message)
    if old in {0, new}:
        if proof:
            message = "a consistency proof for equal or empty trees is empty"
            raise ProofError(message)
        if (old == new and old_root != new_root) or (old == 0 and old_root != EMPTY_ROOT):
            message = "two roots for one size: the tree was forked"
            raise ProofError(message)
        return
    steps = list(proof) if old & (old - 1) else [old_root, *proof]
    if not steps:
        message = "the consistency proof is too short"
        raise ProofError(message)
    _climb(old - 1, new - 1, steps, old_root, new_root)


def _climb(here: int, last: int, steps: list[bytes], old_root: bytes, new_root: bytes) -> None:
    while here & 1:
        here, last = here >> 1, last >> 1
    first = second = steps[0]
    for step in steps[1:]:
        if last == 0:
            message = "the consistency proof is too long"
            raise ProofError(message)
        if here & 1 or here == last:
            first, second = node_hash(step, first), node_hash(step, second)
            while here & 1 == 0 and here:
                here, last = here >> 1, last >> 1
        else:
            second = node_hash(second, step)
        here, last = here >> 1, last >> 1
    if last:
        message = "the consistency proof is too short"
        raise ProofError(message)
    if first != old_root:
        message = "the consistency proof leads to another old root"
        raise ProofError(message)
    if second != new_root:
        message = "the consistency proof leads to another new root"
        raise ProofError(message)
