"""The signer's own directory: its wrapping key, its stub key and its checkpoint key, its journal.

``DIR/signer.keys`` is sealed; who has the wrapping key as well can sign stubs and checkpoints as we do.
"""

import json
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from counterfoil.credential.providers.wrapping import Wrapping, find_wrapping
from counterfoil.ledger import durable
from counterfoil.ledger.note import VerifierKey, valid_name
from counterfoil.model.errors import Misconfigured

_NAME = b"signer.keys"


@dataclass(frozen=True, slots=True)
class Home:
    """An opened home; ``origin`` names the log whose checkpoints it signs."""

    directory: Path
    origin: str
    wrapping: Wrapping = field(repr=False)
    stub_key: Ed25519PrivateKey = field(repr=False)
    checkpoint_key: Ed25519PrivateKey = field(repr=False)

    @property
    def stub_name(self) -> str:
        """The name of the stub key."""
        return f"{self.origin}/stubs"

    @property
    def checkpoint_verifier(self) -> VerifierKey:
        """Whom checkpoints are verified against; the name is the origin of the log."""
        return VerifierKey(self.origin, self.checkpoint_key.public_key().public_bytes_raw())


def open_home(directory: Path, *, origin: str | None = None, passphrase: bytes | None = None) -> Home:
    """Open the signer's directory, or set it up.

    Args:
        directory: Mode 0700; made if it is not there.
        origin: The name of the log, for the first time; a random one if ``None``.
        passphrase: What seals the keys, unless systemd gives a credential; ``None`` for a key file.

    Raises:
        Misconfigured: If it is there and cannot be opened.
    """
    durable.make_directory(directory)
    directory.chmod(0o700)
    with durable.lock(directory / ".lock"):
        wrapping = find_wrapping(directory, passphrase=passphrase)
        path = directory / _NAME.decode()
        if not path.exists():
            if (directory / "journal").exists():
                raise Misconfigured(f"{path} is gone and the journal is there", "restore the file from a backup")
            made = {
                "origin": origin or f"counterfoil.invalid/{secrets.token_hex(8)}",
                "stub": secrets.token_hex(32),
                "checkpoint": secrets.token_hex(32),
            }
            durable.write(path, wrapping.seal(json.dumps(made).encode(), _NAME), mode=0o600)
    kept = json.loads(wrapping.open(path.read_bytes(), _NAME))
    if origin not in {None, kept["origin"]} or not valid_name(kept["origin"]):
        raise Misconfigured(f"this signer signs for {kept['origin']!r}", "the origin of a ledger never changes")
    keys = (Ed25519PrivateKey.from_private_bytes(bytes.fromhex(kept[name])) for name in ("stub", "checkpoint"))
    return Home(directory, kept["origin"], wrapping, *keys)
