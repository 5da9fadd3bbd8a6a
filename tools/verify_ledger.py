"""Verify a Counterfoil ledger with nothing of Counterfoil's: Python and an Ed25519 (the package cryptography).

    verify_ledger.py log DIR KEY [--old CHECKPOINT] [--witness KEY]    a published log: checkpoint, tiles, entries
    verify_ledger.py receipt STUB PROOF KEY [--witness KEY]            one stub and its .tlog-proof

KEY is the verifier key of the log, ``name+id+base64``; get it from somewhere other than the log itself.
With ``--witness`` the checkpoint must also be cosigned by that witness, and the time of that is printed.
A log that was begun anew grew out of the old one: give an old checkpoint with --old and its key with --old-key.
Formats: https://c2sp.org/signed-note, /tlog-checkpoint, /tlog-tiles, /tlog-proof, /tlog-cosignature; RFC 6962.
Exit codes: 0 verified; 1 not.
"""

import argparse
import base64
import hashlib
import json
import sys
from datetime import UTC, datetime
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

LOG, WITNESS = b"\1", b"\4"


class Wrong(Exception):
    """What does not verify, in words."""


def b64(text: str) -> bytes:
    """Decode canonical base64."""
    octets = base64.b64decode(text, validate=True)
    if base64.b64encode(octets).decode() != text:
        raise Wrong(f"base64 that is not canonical: {text}")
    return octets


def leaf(entry: bytes) -> bytes:
    """Hash a leaf."""
    return hashlib.sha256(b"\0" + entry).digest()


def node(left: bytes, right: bytes) -> bytes:
    """Hash a node."""
    return hashlib.sha256(b"\1" + left + right).digest()


def root_of(hashes: list[bytes]) -> bytes:
    """Hash a whole tree (RFC 6962 section 2.1), a level at a time; a last one without a partner moves up."""
    if not hashes:
        return hashlib.sha256(b"").digest()
    while len(hashes) > 1:
        odd = [hashes[-1]] if len(hashes) % 2 else []
        hashes = [node(hashes[i], hashes[i + 1]) for i in range(0, len(hashes) - 1, 2)] + odd
    return hashes[0]


def signature(note: bytes, key: str, kind: bytes) -> tuple[str, bytes, Ed25519PublicKey]:
    """Find the signature of a key below a note; return the text, the octets behind the key id, and the public key."""
    name, key_id, encoded = key.split("+", 2)
    public = b64(encoded)
    if public[:1] != kind or hashlib.sha256(name.encode() + b"\n" + public).digest()[:4].hex() != key_id:
        raise Wrong(f"this is no Ed25519 verifier key of type {kind.hex()}: {key}")
    text, _, lines = note.decode().rpartition("\n\n")
    for line in lines.splitlines():
        dash, signer, encoded = line.split(" ")
        if (dash, signer, b64(encoded)[:4].hex()) == ("\N{EM DASH}", name, key_id):
            return f"{text}\n", b64(encoded)[4:], Ed25519PublicKey.from_public_bytes(public[1:])
    raise Wrong(f"the checkpoint is not {'signed' if kind == LOG else 'cosigned'} by {name}")


def checkpoint(note: bytes, key: str) -> tuple[int, bytes]:
    """Verify a signed checkpoint and return size and root."""
    text, octets, public = signature(note, key, LOG)
    origin, size, root = text.split("\n")[:3]
    if origin != key.split("+", maxsplit=1)[0]:
        raise Wrong(f"this is a checkpoint of {origin!r}, not of {key.split('+', maxsplit=1)[0]!r}")
    try:
        public.verify(octets, text.encode())
    except InvalidSignature:
        raise Wrong("the signature of the checkpoint does not verify") from None
    if str(int(size)) != size or len(b64(root)) != 32:
        raise Wrong("the checkpoint has no size or no root")
    return int(size), b64(root)


def witnessed(note: bytes, key: str | None) -> str:
    """Verify a witness's cosignature, eight octets of time and Ed25519 over time and text; say when it was."""
    if key is None:
        return ""
    text, octets, public = signature(note, key, WITNESS)
    time, name = int.from_bytes(octets[:8], "big"), key.split("+")[0]
    try:
        public.verify(octets[8:], f"cosignature/v1\ntime {time}\n{text}".encode())
    except InvalidSignature:
        raise Wrong(f"the cosignature of {name} does not verify") from None
    return f", witnessed by {name} at {datetime.fromtimestamp(time, UTC):%Y-%m-%dT%H:%M:%SZ}"


def tile_path(directory: Path, level: str, number: int, width: int) -> Path:
    """Name a tile; a partial one may be replaced by the full one."""
    groups = f"{number % 1000:03}"
    while number >= 1000:
        number //= 1000
        groups = f"x{number % 1000:03}/{groups}"
    full = directory / "tile" / level / groups
    partial = full.with_name(f"{full.name}.p") / str(width)
    return partial if width < 256 and partial.exists() else full


def tiles(directory: Path, level: str, count: int) -> list[bytes]:
    """Read so many hashes of a tile level, or entries of the bundles."""
    found: list[bytes] = []
    for number in range((count + 255) // 256):
        width = min(256, count - 256 * number)
        path = tile_path(directory, level, number, width)
        octets = path.read_bytes()
        if level == "entries":
            here = []
            while octets:
                length = int.from_bytes(octets[:2], "big")
                here.append(octets[2 : 2 + length])
                octets = octets[2 + length :]
        else:
            here = [octets[i : i + 32] for i in range(0, len(octets), 32)]
        if len(here) < width or any(len(one) not in {32, 33} for one in here):
            raise Wrong(f"{path} is cut short")
        found += here[:width]
    return found


def verify_log(directory: Path, key: str, old: Path | None, old_key: str, witness: str | None) -> str:
    """Verify a published log and, against an older checkpoint, that it only grew."""
    note = (directory / "checkpoint").read_bytes()
    size, root = checkpoint(note, key)
    leaves = [leaf(entry) for entry in tiles(directory, "entries", size)]
    if root_of(leaves) != root:
        raise Wrong("the entries are not those that the checkpoint signs")
    level, hashes = 0, leaves
    while hashes:
        if tiles(directory, str(level), len(hashes)) != hashes:
            raise Wrong(f"the tiles of level {level} are not the hashes of what is below")
        hashes = [root_of(hashes[i : i + 256]) for i in range(0, len(hashes) // 256 * 256, 256)]
        level += 1
    grown = ""
    if old is not None:
        old_size, old_root = checkpoint(old.read_bytes(), old_key)
        if old_size > size or root_of(leaves[:old_size]) != old_root:
            raise Wrong(f"the log of {size} did not grow out of the one of {old_size}: it was rolled back or forked")
        grown = f", grown from {old_size}"
    return f"{size} entries verified{grown}{witnessed(note, witness)}"


def verify_receipt(stub: bytes, proof: bytes, key: str, witness: str | None) -> str:
    """Verify a receipt: the extra line of the proof is the salt, the entry 0x01 and SHA-256(salt, stub)."""
    head, _, note = proof.partition(b"\n\n")
    first, extra, index_line, *steps = head.decode().split("\n")
    if first != "c2sp.org/tlog-proof@v1" or not extra.startswith("extra ") or not index_line.startswith("index "):
        raise Wrong("this is no receipt")
    size, root = checkpoint(note, key)
    index = here = int(index_line[6:])
    result = leaf(b"\1" + hashlib.sha256(b64(extra[6:]) + stub).digest())
    last = size - 1
    for step in map(b64, steps):  # RFC 9162 section 2.1.3.2
        if last == 0:
            raise Wrong("the proof is too long")
        if here & 1 or here == last:
            result = node(step, result)
            while not here & 1 and here:
                here, last = here >> 1, last >> 1
        else:
            result = node(result, step)
        here, last = here >> 1, last >> 1
    if not 0 <= index < size or last or result != root:
        raise Wrong("the stub is not proven to be in the log")
    said = json.loads(stub)
    return f"entry {index} of {size}: {said['kind']} of {said['time']}{witnessed(note, witness)}"


def verify_bundle(directory: Path, key: str, witness: str | None = None) -> str:
    """Verify an unpacked bundle: the log holds the manifest, the manifest every file, the log every stub."""
    manifest = (directory / "manifest.json").read_bytes()
    stub = (directory / "manifest.stub.json").read_bytes()
    sealed = verify_receipt(stub, (directory / "manifest.tlog-proof").read_bytes(), key, witness)
    if json.loads(stub)["detail"]["manifest"] != hashlib.sha256(manifest).hexdigest():
        raise Wrong("the manifest is not the one that the ledger holds")
    named = json.loads(manifest)["files"]
    besides = {"manifest.json", "manifest.stub.json", "manifest.tlog-proof"}
    there = {path.relative_to(directory).as_posix() for path in directory.rglob("*") if path.is_file()} - besides
    if there != set(named):
        raise Wrong(f"not as the manifest says: {', '.join(sorted(there ^ set(named)))}")
    for name, digest in named.items():
        if hashlib.sha256((directory / name).read_bytes()).hexdigest() != digest:
            raise Wrong(f"{name} was changed")
    stubs = [name for name in named if name.endswith(".stub.json")]
    for name in stubs:
        proof = directory / f"{name.removesuffix('.stub.json')}.tlog-proof"
        verify_receipt((directory / name).read_bytes(), proof.read_bytes(), key, witness)
    return f"{len(named)} files and {len(stubs)} stubs verified; sealed as {sealed}"


def main() -> int:
    """Verify what the arguments name."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    log = verbs.add_parser("log")
    log.add_argument("directory", type=Path)
    log.add_argument("key")
    log.add_argument("--old", type=Path)
    log.add_argument("--old-key")
    receipt = verbs.add_parser("receipt")
    receipt.add_argument("stub", type=Path)
    receipt.add_argument("proof", type=Path)
    receipt.add_argument("key")
    bundle = verbs.add_parser("bundle")
    bundle.add_argument("directory", type=Path)
    bundle.add_argument("key")
    for verb in (log, receipt, bundle):
        verb.add_argument("--witness")
    asked = parser.parse_args()
    try:
        if asked.verb == "log":
            print(verify_log(asked.directory, asked.key, asked.old, asked.old_key or asked.key, asked.witness))
        elif asked.verb == "bundle":
            print(verify_bundle(asked.directory, asked.key, asked.witness))
        else:
            print(verify_receipt(asked.stub.read_bytes(), asked.proof.read_bytes(), asked.key, asked.witness))
    except (Wrong, ValueError, KeyError, OSError) as error:
        print(f"NOT VERIFIED: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
