"""The wrapping key that seals ``file:`` keys and the signer's own: where it comes from, and sealing with it.

In this order: a systemd credential (``LoadCredentialEncrypted=``, bound to TPM or host), a passphrase,
a 0600 key file. What an attacker gains from the key file together with the sealed keys: the keys.
"""

import os
import secrets
import stat
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from counterfoil.ledger import durable
from counterfoil.model.errors import Misconfigured

SYSTEMD_NAME = "counterfoil-wrapping-key"
_NONCE = 12
_MAGIC = b"counterfoil sealed v1\n"


@dataclass(frozen=True, slots=True)
class Wrapping:
    """A 256-bit key and where it came from: ``systemd-credential``, ``passphrase`` or ``key-file``."""

    key: bytes = field(repr=False)
    source: str

    def seal(self, secret: bytes, name: bytes) -> bytes:
        """Encrypt with AES-256-GCM; ``name`` is authenticated, so a sealed thing cannot pass for another."""
        nonce = secrets.token_bytes(_NONCE)
        return _MAGIC + nonce + AESGCM(self.key).encrypt(nonce, secret, _MAGIC + name)

    def open(self, sealed: bytes, name: bytes) -> bytes:
        """Decrypt what ``seal`` made under the same name.

        Raises:
            Misconfigured: If the wrapping key is another, or the octets were changed.
        """
        magic, body = sealed[: len(_MAGIC)], sealed[len(_MAGIC) :]
        try:
            # The first octets are authenticated too: other ones than ours do not open.
            return AESGCM(self.key).decrypt(body[:_NONCE], body[_NONCE:], magic + name)
        except (InvalidTag, ValueError) as error:
            raise Misconfigured(
                f"{name.decode()} does not open with the wrapping key from the {self.source}",
                "the wrapping key or passphrase is another one, or the file was changed: restore it from a backup",
            ) from error


def find_wrapping(home: Path, *, passphrase: bytes | None = None) -> Wrapping:
    """Find the wrapping key, or make a key file in ``home`` where there is no other source.

    Raises:
        Misconfigured: If a source is there and not fit for use.
    """
    directory = os.environ.get("CREDENTIALS_DIRECTORY")
    if directory and (Path(directory) / SYSTEMD_NAME).exists():
        return Wrapping(_whole((Path(directory) / SYSTEMD_NAME).read_bytes(), SYSTEMD_NAME), "systemd-credential")
    if passphrase is not None:
        return Wrapping(_stretch(home, passphrase), "passphrase")
    path = home / "wrapping.key"
    if not path.exists():
        if (home / "wrapping.salt").exists():
            raise Misconfigured("the keys are sealed with a passphrase, and none was given", "give --passphrase-file")
        durable.write(path, secrets.token_bytes(32), mode=0o600)
    status = path.stat()
    if stat.S_IMODE(status.st_mode) & 0o077 or status.st_uid != os.geteuid():
        raise Misconfigured(f"{path} may be read by others", f"chmod 600 {path}, and chown it to who runs the signer")
    return Wrapping(_whole(path.read_bytes(), str(path)), "key-file")


def _whole(octets: bytes, where: str) -> bytes:
    if len(octets) != 32:
        raise Misconfigured(
            f"the wrapping key {where} has {len(octets)} octets, not 32", "make one of 32 random octets"
        )
    return octets


def _stretch(home: Path, passphrase: bytes) -> bytes:
    if len(passphrase) < 8:
        raise Misconfigured("the passphrase is shorter than 8 octets", "use a long one: it alone guards the keys")
    path = home / "wrapping.salt"
    if not path.exists():
        durable.write(path, secrets.token_bytes(32), mode=0o600)
    # RFC 7914 section 2 for interactive use, doubled twice: 128 MiB, some tenths of a second, once at start.
    return Scrypt(salt=path.read_bytes(), length=32, n=2**17, r=8, p=1).derive(passphrase)
