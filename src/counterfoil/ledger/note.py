"""Signed notes and checkpoints: C2SP signed-note and tlog-checkpoint, Ed25519 (type 0x01). Pure.

Everything is parsed strictly: what we accept has exactly one spelling. Sources:
https://c2sp.org/signed-note and https://c2sp.org/tlog-checkpoint.
"""

import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from counterfoil.ledger.tree import EMPTY_ROOT

ED25519 = b"\x01"
COSIGNER = b"\x04"
"""A witness: Ed25519 over the note's text with a time (C2SP tlog-cosignature)."""
_DASH = "\N{EM DASH} "
_MOST_SIGNATURES = 100
_MOST_OCTETS = 1_000_000


class NoteError(ValueError):
    """A note, key or checkpoint that is not spelt as it must be, or is not signed by whom it must be."""


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line: ``octets`` are those after the four of the key id."""

    name: str
    key_id: bytes
    octets: bytes


@dataclass(frozen=True, slots=True)
class Note:
    """A parsed note, nothing verified: ``text`` ends in a newline."""

    text: bytes
    signatures: tuple[Signature, ...]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The state of a log: its name, its size, its root hash (32 octets), and any extension lines."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    @property
    def body(self) -> bytes:
        """The text that is signed."""
        lines = (self.origin, str(self.size), base64.b64encode(self.root).decode(), *self.extensions)
        return "".join(f"{line}\n" for line in lines).encode()


Prover = Callable[[int], list[bytes]]
"""Takes the size of an older tree, returns the proof that the checkpoint's tree grew out of it."""

CheckpointSigner = Callable[[Checkpoint, Prover], bytes]
"""Signs a checkpoint and returns the whole note; may ask for a proof of what it has signed before."""


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A name and an Ed25519 public key (32 octets); ``kind`` says what it signs, notes or cosignatures."""

    name: str
    public: bytes
    kind: bytes = ED25519

    @property
    def key_id(self) -> bytes:
        """SHA-256(name || 0x0A || kind || public key), the first four octets."""
        return hashlib.sha256(self.name.encode() + b"\n" + self.kind + self.public).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(self.kind + self.public).decode()}"

    @classmethod
    def parse(cls, text: str, kind: bytes = ED25519) -> "VerifierKey":
        """Read ``name+hexid+base64``.

        Raises:
            NoteError: If it is spelt otherwise, is no Ed25519 key of that kind, or its id does not fit.
        """
        name, plus, rest = text.partition("+")
        key_id, plus2, encoded = rest.partition("+")
        octets = strict_base64(encoded)
        if not plus or not plus2 or not valid_name(name):
            message = "a verifier key is name+id+base64"
            raise NoteError(message)
        if octets[:1] != kind or len(octets) != 33:
            message = f"not an Ed25519 verifier key (type 0x{kind.hex()}, 32 octets)"
            raise NoteError(message)
        key = cls(name, octets[1:], kind)
        if key_id != key.key_id.hex():
            message = f"the verifier key says its id is {key_id!r}, and it is {key.key_id.hex()}"
            raise NoteError(message)
        return key


def valid_name(name: str) -> bool:
    """Say whether a key name has no space and no plus sign, and is not empty."""
    return bool(name) and "+" not in name and not any(c.isspace() or not c.isprintable() for c in name)


def strict_base64(text: str) -> bytes:
    """Decode base64 that is spelt in the one canonical way.

    Raises:
        NoteError: If it is not: wrong alphabet, padding, or stray bits in the last letter.
    """
    try:
        octets = base64.b64decode(text.encode("ascii"), validate=True)
    except ValueError as error:
        message = "not base64"
        raise NoteError(message) from error
    if base64.b64encode(octets).decode() != text:
        message = "base64 that is not spelt canonically"
        raise NoteError(message)
    return octets


def sign_note(text: bytes, name: str, key: Ed25519PrivateKey) -> bytes:
    """Sign a text that ends in a newline, and return the whole note."""
    verifier = VerifierKey(name, key.public_key().public_bytes_raw())
    if not valid_name(name) or not text.endswith(b"\n"):
        message = "a note ends in a newline and its key has a name without space or plus sign"
        raise NoteError(message)
    encoded = base64.b64encode(verifier.key_id + key.sign(text)).decode()
    return text + f"\n{_DASH}{name} {encoded}\n".encode()


def parse_note(octets: bytes) -> Note:
    """Split a note into its text and its signature lines.

    Raises:
        NoteError: If it is not spelt as a note must be.
    """
    if len(octets) > _MOST_OCTETS:
        message = "the note is too long"
        raise NoteError(message)
    try:
        whole = octets.decode("utf-8")
    except UnicodeDecodeError as error:
        message = "the note is not UTF-8"
        raise NoteError(message) from error
    if any(ord(c) < 0x20 and c != "\n" for c in whole):
        message = "the note holds a control character"
        raise NoteError(message)
    cut = whole.rfind("\n\n")
    if cut < 0 or not whole.endswith("\n"):
        message = "the note has no empty line before its signatures, or no newline at its end"
        raise NoteError(message)
    text, lines = whole[: cut + 1], whole[cut + 2 :].split("\n")[:-1]
    if not lines or len(lines) > _MOST_SIGNATURES:
        message = f"a note has 1 to {_MOST_SIGNATURES} signatures, not {len(lines)}"
        raise NoteError(message)
    return Note(text.encode(), tuple(read_signature(line) for line in lines))


def read_signature(line: str) -> Signature:
    """Read one signature line, without its newline.

    Raises:
        NoteError: If it is none.
    """
    name, space, encoded = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not space or not valid_name(name):
        message = "a signature line is an em dash, a key name and base64"
        raise NoteError(message)
    octets = strict_base64(encoded)
    if len(octets) < 5:
        message = "a signature is shorter than its key id"
        raise NoteError(message)
    return Signature(name, octets[:4], octets[4:])


def signed_by_one(note: Note, key: VerifierKey) -> bytes:
    """Return the note with the signature lines of one key alone, whether they verify or not."""
    lines = (
        f"{_DASH}{s.name} {base64.b64encode(s.key_id + s.octets).decode()}\n"
        for s in note.signatures
        if (s.name, s.key_id) == (key.name, key.key_id)
    )
    return note.text + b"\n" + "".join(lines).encode()


def verify_note(note: Note, key: VerifierKey) -> None:
    """See that a note is signed by a key; lines of keys we do not know are passed over.

    Raises:
        NoteError: If no line is by this key, or one that says it is does not verify.
    """
    mine = [s for s in note.signatures if s.name == key.name and s.key_id == key.key_id]
    if not mine:
        message = f"the note is not signed by {key.name}+{key.key_id.hex()}"
        raise NoteError(message)
    for signature in mine:
        try:
            Ed25519PublicKey.from_public_bytes(key.public).verify(signature.octets, note.text)
        except InvalidSignature as error:
            message = f"the signature of {key.name}+{key.key_id.hex()} does not verify"
            raise NoteError(message) from error


def parse_checkpoint(text: bytes) -> Checkpoint:
    """Read the text of a checkpoint.

    Raises:
        NoteError: If it is not spelt as one, or its size and root cannot be true together.
    """
    lines = text.decode("utf-8", "strict").split("\n")
    if len(lines) < 4 or lines[-1] or any(not line for line in lines[:-1]):
        message = "a checkpoint is an origin, a size and a root, a line each"
        raise NoteError(message)
    origin, digits, encoded, *extensions = lines[:-1]
    if not (digits.isascii() and digits.isdigit()) or str(int(digits[:20])) != digits or int(digits) >= 2**63:
        message = f"not the size of a tree: {digits[:40]!r}"
        raise NoteError(message)
    root = strict_base64(encoded)
    if len(root) != 32:
        message = f"a root hash has 32 octets, not {len(root)}"
        raise NoteError(message)
    if digits == "0" and root != EMPTY_ROOT:
        message = "a tree of size 0 has the root SHA-256 of nothing"
        raise NoteError(message)
    return Checkpoint(origin, int(digits), root, tuple(extensions))


def open_checkpoint(octets: bytes, key: VerifierKey, origin: str | None = None) -> Checkpoint:
    """Parse and verify a signed checkpoint; its origin must be the one asked for, else the name of the key.

    Raises:
        NoteError: If anything about it is not right.
    """
    note = parse_note(octets)
    verify_note(note, key)
    checkpoint = parse_checkpoint(note.text)
    if checkpoint.origin != (origin or key.name):
        message = f"the checkpoint is of {checkpoint.origin!r}, not of {origin or key.name!r}"
        raise NoteError(message)
    return checkpoint
