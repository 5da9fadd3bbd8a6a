"""A checkpoint key in the data directory, for a gateway that runs without a signer process.

Who can read the file can sign another history; with a signer process the key lives there instead.
"""

import os
import secrets
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from counterfoil.ledger import durable
from counterfoil.ledger.note import CheckpointSigner, VerifierKey, sign_note, valid_name
from counterfoil.model.errors import Misconfigured

UNNAMED = "counterfoil.invalid/"
"""How the name of a ledger begins that nobody gave one; ``.invalid`` is nobody's domain (RFC 2606 section 2)."""


def embedded_key(path: Path, origin: str | None = None) -> tuple[VerifierKey, CheckpointSigner]:
    """Open the key file, or make one (mode 0600) with a random origin if none is given.

    Raises:
        Misconfigured: If others may read it, or it is no key of ours.
    """
    with durable.lock(path.with_name(f".{path.name}.lock")):
        if not path.exists():
            name = origin or f"{UNNAMED}{secrets.token_hex(8)}"
            key = Ed25519PrivateKey.generate()
            durable.write(path, f"{name} {key.private_bytes_raw().hex()}\n".encode(), mode=0o600)
    status = path.stat()
    if status.st_mode & 0o077 or status.st_uid != os.geteuid():
        raise Misconfigured(f"{path} may be read by others", f"chmod 600 {path}, and chown it to who runs counterfoil")
    name, _, seed = path.read_text("utf-8").strip().partition(" ")
    try:
        key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(seed))
    except ValueError as error:
        raise Misconfigured(f"{path} is no checkpoint key", "restore it from a backup") from error
    if not valid_name(name) or (origin is not None and origin != name):
        raise Misconfigured(f"{path} is the key of {name!r}", "the origin of a ledger never changes")
    return VerifierKey(name, key.public_key().public_bytes_raw()), lambda checkpoint, _: sign_note(
        checkpoint.body, name, key
    )
