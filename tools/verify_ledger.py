"""Verify a Counterfoil ledger with nothing of Counterfoil's: Python and an Ed25519 (the package cryptography).

    verify_ledger.py log DIR KEY [--old CHECKPOINT [--old-key KEY]]    a published log: checkpoint, tiles, entries
    verify_ledger.py receipt STUB PROOF KEY                            one stub and its .tlog-proof
    verify_ledger.py receipts DIR KEY                                  every stub in the folders of DIR
    verify_ledger.py bundle DIR KEY                                    an unpacked bundle of evidence

KEY is the verifier key of the log, ``name+id+base64``; get it from somewhere other than the log itself.
With ``--old`` the log must have grown out of an older checkpoint; one begun anew names the old log's --old-key.
With ``--witness KEY`` the checkpoint must also be cosigned by that witness, and the time of that is printed.
Formats: https://c2sp.org/signed-note, /tlog-checkpoint, /tlog-tiles, /tlog-proof, /tlog-cosignature; RFC 6962.
Exit codes: 0 verified; 1 not verified; 2 nothing of the kind is there, KEY is none, or the words are wrong.
"""

import argparse
import json
import sys
from base64 import b64decode, b64encode
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

LOG, WITNESS = b"\1", b"\4"
HASH, ENTRY, WIDTH = 32, 33, 256  # octets of a hash and of an entry; hashes in a full tile
MANIFEST = ("manifest.json", "manifest.stub.json", "manifest.tlog-proof")
NEEDED = {"log": "checkpoint", "bundle": "manifest.json"}


class Wrong(Exception):
    """What does not verify, in words."""


def b64(text: str) -> bytes:
    """Decode base64 that is spelt in the one canonical way."""
    octets = b64decode(text, validate=True)
    if b64encode(octets).decode() != text:
        raise Wrong(f"base64 that is not canonical: {text}")
    return octets


def root_of(hashes: bytes) -> bytes:
    """Hash a tree over hashes (RFC 6962 section 2.1), a level at a time; a last one without a partner moves up."""
    while len(hashes) > HASH:
        pairs = len(hashes) // 64 * 64
        hashes = b"".join([sha256(b"\1" + hashes[i : i + 64]).digest() for i in range(0, pairs, 64)]) + hashes[pairs:]
    return hashes or sha256(b"").digest()


def key_of(key: str, kind: bytes) -> tuple[str, str, Ed25519PublicKey]:
    """Read a verifier key, ``name+id+base64(type and key)``: its name, its id and the public key."""
    name, key_id, encoded = key.split("+", 2)
    public = b64(encoded)
    if public[:1] != kind or sha256(name.encode() + b"\n" + public).digest()[:4].hex() != key_id:
        raise Wrong("the type or the id is another")
    return name, key_id, Ed25519PublicKey.from_public_bytes(public[1:])


def a_key(kind: bytes, text: str) -> str:
    """See that an argument is a verifier key: a mistyped one must not look like a forged log."""
    try:
        key_of(text, kind)
    except (Wrong, ValueError):
        whose = "a log" if kind == LOG else "a witness"
        raise argparse.ArgumentTypeError(f"{text!r} is no Ed25519 verifier key of {whose}: copy it whole") from None
    return text


def signature(note: bytes, key: str, kind: bytes) -> tuple[str, bytes, Ed25519PublicKey]:
    """Find the signature of a key below a note; return the text, the octets behind the key id, and the public key."""
    name, key_id, public = key_of(key, kind)
    text, _, lines = note.decode().rpartition("\n\n")
    for line in lines.splitlines():
        dash, signer, encoded = line.split(" ")
        if (dash, signer, b64(encoded)[:4].hex()) == ("\N{EM DASH}", name, key_id):
            return f"{text}\n", b64(encoded)[4:], public
    raise Wrong(f"the checkpoint is not {'signed' if kind == LOG else 'cosigned'} by {name}")


def checkpoint(note: bytes, key: str) -> tuple[int, bytes]:
    """Verify a signed checkpoint and return size and root."""
    text, octets, public = signature(note, key, LOG)
    origin, size, root = text.split("\n")[:3]
    if origin != (name := key.partition("+")[0]):
        raise Wrong(f"this is a checkpoint of {origin!r}, not of {name!r}")
    try:
        public.verify(octets, text.encode())
    except InvalidSignature:
        raise Wrong("the signature of the checkpoint does not verify") from None
    if str(int(size)) != size or int(size) < 0 or len(b64(root)) != HASH:
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


def tile(directory: Path, level: str, number: int, length: int, each: int) -> bytes:
    """Read so many octets of a tile with ``each`` for one item; the full tile may stand in for a partial one."""
    name = "/".join(
        [*(f"x{number // 1000**n % 1000:03}" for n in (3, 2, 1) if number >= 1000**n), f"{number % 1000:03}"]
    )
    path = directory / "tile" / level / name
    if length < each * WIDTH and (partial_one := Path(f"{path}.p/{length // each}")).exists():
        path = partial_one
    octets = path.read_bytes()
    if len(octets) < length:
        raise Wrong(f"{path} is cut short")
    return octets[:length]


def leaves_of(directory: Path, size: int, number: int) -> bytes:
    """Hash a bundle of entries (each behind its length in two octets) and hold the lowest tile to it."""
    width = min(WIDTH, size - number * WIDTH)
    bundle = tile(directory, "entries", number, width * (2 + ENTRY), 2 + ENTRY)
    at = range(2, len(bundle), 2 + ENTRY)
    if any(bundle[i - 2 : i] != b"\0\x21" for i in at):
        raise Wrong(f"bundle {number} holds something that is no entry of {ENTRY} octets")
    leaves = b"".join([sha256(b"\0" + bundle[i : i + ENTRY]).digest() for i in at])
    if tile(directory, "0", number, len(leaves), HASH) != leaves:
        raise Wrong(f"tile {number} of level 0 is not the hashes of the entries")
    return leaves


def bottom(directory: Path, size: int, number: int) -> bytes:
    """Return the root over a lowest tile."""
    return root_of(leaves_of(directory, size, number))


def verify_log(directory: Path, key: str, old: Path | None, old_key: str, witness: str | None) -> str:
    """Verify a published log, each hash once, on all processors; and that it grew out of an older checkpoint."""
    note = (directory / "checkpoint").read_bytes()
    size, root = checkpoint(note, key)
    count = -(-size // WIDTH)
    with ProcessPoolExecutor() as pool:  # part by part: a size that is a lie ends at the first tile that is not there
        parts = (range(at, min(at + 4096, count)) for at in range(0, count, 4096))
        lowest = b"".join(h for part in parts for h in pool.map(partial(bottom, directory, size), part, chunksize=64))
    level, hashes = 1, lowest
    while len(hashes) > HASH:  # the roots of full tiles are the hashes of the level above; a last partial one is not
        full = hashes[: (size >> 8 * level) * HASH]
        for at in range(0, len(full), HASH * WIDTH):
            here = full[at : at + HASH * WIDTH]
            if tile(directory, str(level), at // HASH // WIDTH, len(here), HASH) != here:
                raise Wrong(f"tile {at // HASH // WIDTH} of level {level} is not the hashes of what is below")
        hashes = b"".join(root_of(hashes[at : at + HASH * WIDTH]) for at in range(0, len(hashes), HASH * WIDTH))
        level += 1
    if (hashes or root_of(b"")) != root:
        raise Wrong("the entries are not those that the checkpoint signs")
    grown = ""
    if old is not None:
        old_size, old_root = checkpoint(old.read_bytes(), old_key)
        whole, rest = divmod(min(old_size, size), WIDTH)
        before = root_of(leaves_of(directory, size, whole)[: rest * HASH]) if rest else b""
        if old_size > size or root_of(lowest[: whole * HASH] + before) != old_root:
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
    result = sha256(b"\0\1" + sha256(b64(extra[6:]) + stub).digest()).digest()
    last = size - 1
    for step in map(b64, steps):  # RFC 9162 section 2.1.3.2
        if last == 0:
            raise Wrong("the proof is too long")
        if here & 1 or here == last:
            result = sha256(b"\1" + step + result).digest()
            while not here & 1 and here:
                here, last = here >> 1, last >> 1
        else:
            result = sha256(b"\1" + result + step).digest()
        here, last = here >> 1, last >> 1
    if f"index {index}" != index_line or not 0 <= index < size or last or result != root:
        raise Wrong("the stub is not proven to be in the log")
    said = json.loads(stub)
    return f"entry {index} of {size}: {said['kind']} of {said['time']}{witnessed(note, witness)}"


def verify_bundle(directory: Path, key: str, witness: str | None) -> str:
    """Verify an unpacked bundle: the log holds the manifest, the manifest every file, the log every stub."""
    manifest, stub, proof = ((directory / name).read_bytes() for name in MANIFEST)
    sealed = verify_receipt(stub, proof, key, witness)
    if json.loads(stub)["detail"]["manifest"] != sha256(manifest).hexdigest():
        raise Wrong("the manifest is not the one that the ledger holds")
    named = json.loads(manifest)["files"]
    there = {path.relative_to(directory).as_posix() for path in directory.rglob("*") if path.is_file()} - {*MANIFEST}
    if there != set(named):
        raise Wrong(f"not as the manifest says: {', '.join(sorted(there ^ set(named)))}")
    for name, digest in named.items():
        if sha256((directory / name).read_bytes()).hexdigest() != digest:
            raise Wrong(f"{name} was changed")
    return f"{len(named)} files and {verify_receipts(directory, key, witness)}; sealed as {sealed}"


def verify_receipts(directory: Path, key: str, witness: str | None) -> str:
    """Verify the stubs of the folders in a folder, each by the receipt that lies beside it."""
    stubs = list(directory.rglob("*/*.stub.json"))
    if not stubs:
        raise Wrong(f"{directory} holds no stub")
    for path in stubs:
        verify_receipt(path.read_bytes(), path.with_suffix("").with_suffix(".tlog-proof").read_bytes(), key, witness)
    return f"{len(stubs)} stubs verified"


def main() -> int:
    """Verify what the arguments name."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    for verb in ("log", "receipt", "receipts", "bundle"):
        words = verbs.add_parser(verb)
        for path in ("stub", "proof") if verb == "receipt" else ("directory",):
            words.add_argument(path, type=Path)
        words.add_argument("key", type=partial(a_key, LOG))
        words.add_argument("--witness", type=partial(a_key, WITNESS))
    verbs.choices["log"].add_argument("--old", type=Path)
    verbs.choices["log"].add_argument("--old-key", type=partial(a_key, LOG))
    asked = parser.parse_args()
    if asked.verb in NEEDED and not (asked.directory / NEEDED[asked.verb]).is_file():
        words = f"{asked.directory} holds no {NEEDED[asked.verb]}: name the folder that does; a zip is unpacked first"
        print(f"NOTHING TO VERIFY: {words}", file=sys.stderr)
        return 2
    try:
        if asked.verb == "log":
            said = verify_log(asked.directory, asked.key, asked.old, asked.old_key or asked.key, asked.witness)
        elif asked.verb == "bundle":
            said = verify_bundle(asked.directory, asked.key, asked.witness)
        elif asked.verb == "receipts":
            said = verify_receipts(asked.directory, asked.key, asked.witness)
        else:
            said = verify_receipt(asked.stub.read_bytes(), asked.proof.read_bytes(), asked.key, asked.witness)
    except (Wrong, ValueError, KeyError, OSError) as error:
        print(f"NOT VERIFIED: {error}", file=sys.stderr)
        return 1
    print(said)
    return 0


if __name__ == "__main__":
    sys.exit(main())
