"""The signer's own directory: its wrapping key, its stub key and its checkpoint key, its journal.

``DIR/signer.keys`` is sealed; who has the wrapping key as well can sign stubs and checkpoints as we do.
"""

import json
import secrets
from dataclasses import dataclass, field, replace
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from counterfoil.credential.providers.wrapping import Wrapping, find_wrapping
from counterfoil.ledger import durable
from counterfoil.ledger.keyfile import UNNAMED
from counterfoil.ledger.note import VerifierKey, valid_name
from counterfoil.model.errors import Misconfigured

_NAME = b"signer.keys"


@dataclass(frozen=True, slots=True)
class Former:
    """A log that this signer signed for before the present one; ``note`` is the last checkpoint, if it made one."""

    key: VerifierKey
    note: bytes | None


@dataclass(frozen=True, slots=True)
class Home:
    """An opened home; ``origin`` names the log whose checkpoints it signs, ``stub_name`` its stub key."""

    directory: Path
    origin: str
    stub_name: str
    wrapping: Wrapping = field(repr=False)
    stub_key: Ed25519PrivateKey = field(repr=False)
    checkpoint_key: Ed25519PrivateKey = field(repr=False)
    former_keys: tuple[VerifierKey, ...] = ()

    @property
    def checkpoint_verifier(self) -> VerifierKey:
        """Whom checkpoints are verified against; the name is the origin of the log."""
        return VerifierKey(self.origin, self.checkpoint_key.public_key().public_bytes_raw())

    @property
    def checkpoint_path(self) -> Path:
        """Where the newest checkpoint is remembered; each log has a file of its own."""
        return self._remembered(len(self.former_keys))

    def former(self) -> Former | None:
        """Return the log before this one, if there was one."""
        if not self.former_keys:
            return None
        path = self._remembered(len(self.former_keys) - 1)
        return Former(self.former_keys[-1], path.read_bytes() if path.exists() else None)

    def _remembered(self, number: int) -> Path:
        return self.directory / (f"checkpoint.{number}" if number else "checkpoint")


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
                "origin": origin or f"{UNNAMED}{secrets.token_hex(8)}",
                "stub": secrets.token_hex(32),
                "checkpoint": secrets.token_hex(32),
            }
            durable.write(path, wrapping.seal(json.dumps(made).encode(), _NAME), mode=0o600)
    kept = json.loads(wrapping.open(path.read_bytes(), _NAME))
    if origin not in {None, kept["origin"]} or not valid_name(kept["origin"]):
        raise Misconfigured(f"this signer signs for {kept['origin']!r}", "the origin of a ledger never changes")
    stub, checkpoint = (Ed25519PrivateKey.from_private_bytes(bytes.fromhex(kept[n])) for n in ("stub", "checkpoint"))
    former = tuple(VerifierKey.parse(key) for key in kept.get("former", []))
    # The stub key keeps its name from log to log: the journal is one.
    stub_name = kept.get("stub_name", f"{kept['origin']}/stubs")
    return Home(directory, kept["origin"], stub_name, wrapping, stub, checkpoint, former)


def begin_new_log(home: Home, origin: str) -> Home:
    """Sign for a new log from now on, with a key of its own; the old key signs nothing more.

    For a ledger whose newest part is lost: this signer has signed more than there is, and lets none forget it.

    Raises:
        Misconfigured: If the name is none, or was that of a log before.
    """
    if not valid_name(origin) or origin in {home.origin, *(key.name for key in home.former_keys)}:
        raise Misconfigured(
            f"{origin!r} cannot name a new log", "give a name that no log of this signer had: host/path"
        )
    fresh, former = Ed25519PrivateKey.generate(), (*home.former_keys, home.checkpoint_verifier)
    made = {
        "origin": origin,
        "stub": home.stub_key.private_bytes_raw().hex(),
        "checkpoint": fresh.private_bytes_raw().hex(),
        "stub_name": home.stub_name,
        "former": [str(key) for key in former],
    }
    # One write: before it the signer signs for the old log, after it for the new one.
    durable.write(home.directory / _NAME.decode(), home.wrapping.seal(json.dumps(made).encode(), _NAME), mode=0o600)
    return replace(home, origin=origin, checkpoint_key=fresh, former_keys=former)
