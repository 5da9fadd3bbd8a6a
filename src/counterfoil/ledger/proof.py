"""Receipts that verify offline: C2SP tlog-proof@v1. Pure. Source: https://c2sp.org/tlog-proof."""

import base64
from dataclasses import dataclass

from counterfoil.ledger.note import Checkpoint, NoteError, VerifierKey, open_checkpoint, strict_base64
from counterfoil.ledger.tree import ProofError, leaf_hash, verify_inclusion

_HEADER = "c2sp.org/tlog-proof@v1"
_MOST_HASHES = 63


@dataclass(frozen=True, slots=True)
class Proof:
    """A leaf index, its inclusion proof (32 octets each), a signed checkpoint, and opaque extra data."""

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: bytes
    extra: bytes | None = None

    def __bytes__(self) -> bytes:
        lines = [_HEADER]
        if self.extra is not None:
            lines.append(f"extra {base64.b64encode(self.extra).decode()}")
        lines += [f"index {self.index}", *(base64.b64encode(h).decode() for h in self.hashes)]
        return "".join(f"{line}\n" for line in lines).encode() + b"\n" + self.checkpoint

    def verify(self, entry: bytes, key: VerifierKey, origin: str | None = None) -> Checkpoint:
        """See that the entry is in the tree that the checkpoint signs; return the checkpoint.

        Raises:
            NoteError: If the checkpoint is not what it must be.
            ProofError: If the entry is not proven to be in it.
        """
        checkpoint = open_checkpoint(self.checkpoint, key, origin)
        verify_inclusion(leaf_hash(entry), self.index, checkpoint.size, self.hashes, checkpoint.root)
        return checkpoint


def parse_proof(octets: bytes) -> Proof:
    """Read a ``.tlog-proof``.

    Raises:
        ProofError: If it is not spelt as one.
    """
    head, empty, checkpoint = octets.partition(b"\n\n")
    try:
        lines = head.decode("ascii").split("\n")
    except UnicodeDecodeError as error:
        message = "a proof is ASCII up to its checkpoint"
        raise ProofError(message) from error
    if not empty or lines.pop(0) != _HEADER:
        message = f"not a proof: it does not begin with {_HEADER}"
        raise ProofError(message)
    try:
        extra = strict_base64(lines.pop(0).removeprefix("extra ")) if lines and lines[0].startswith("extra ") else None
        index = _index(lines.pop(0) if lines else "")
        hashes = tuple(strict_base64(line) for line in lines)
    except NoteError as error:
        message = f"not a proof: {error}"
        raise ProofError(message) from error
    if len(hashes) > _MOST_HASHES or any(len(h) != 32 for h in hashes):
        message = f"a proof has at most {_MOST_HASHES} hashes of 32 octets"
        raise ProofError(message)
    return Proof(index, hashes, checkpoint, extra)


def _index(line: str) -> int:
    digits = line.removeprefix("index ")
    if not line.startswith("index ") or not digits.isdigit() or len(digits) > 19 or str(int(digits)) != digits:
        message = "not a proof: no line 'index N'"
        raise ProofError(message)
    return int(digits)
