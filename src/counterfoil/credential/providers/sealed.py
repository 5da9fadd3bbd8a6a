"""``file:`` keys: PKCS #8 sealed with AES-256-GCM, one file a key. The honest default.

The private half is in the memory of the signer while it signs; that is why the signer is a process of its own.
"""

from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)

from counterfoil.credential.algorithm import Algorithm
from counterfoil.credential.providers.provider import Protection, checked_label
from counterfoil.credential.providers.wrapping import Wrapping
from counterfoil.ledger import durable
from counterfoil.model.errors import Misconfigured, Refused, Unavailable

_SCHEME = "file:"
_SUFFIX = ".key"


class SealedFiles:
    """A directory of sealed keys.

    Args:
        directory: Mode 0700; made if it is not there.
        wrapping: What seals them.
    """

    def __init__(self, directory: Path, wrapping: Wrapping) -> None:
        durable.make_directory(directory)
        directory.chmod(0o700)
        self._directory = directory
        self._wrapping = wrapping
        self._open: dict[str, rsa.RSAPrivateKey] = {}

    def create(self, label: str) -> str:
        """Make an RSA-2048 key and seal it durably."""
        return self.adopt(label, rsa.generate_private_key(65537, 2048))

    def adopt(self, label: str, key: rsa.RSAPrivateKey) -> str:
        """Seal a key durably."""
        path = self._path(_SCHEME + label)
        if path.exists():
            raise Refused(f"there is a key {label} already", "every key has a label of its own")
        secret = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        try:
            # If we die inside, a draft is left that ``clear_halves`` removes; the key is there whole or not at all.
            durable.write(path, self._wrapping.seal(secret, label.encode()), mode=0o600)
        except OSError as error:
            raise Unavailable(f"the key {label} could not be kept: {error}", "free or repair the disk") from error
        return _SCHEME + label

    def public(self, reference: str) -> rsa.RSAPublicKey:
        """Return the public half."""
        return self._key(reference).public_key()

    def sign(self, reference: str, algorithm: Algorithm, message: bytes) -> bytes:
        """Sign with the opened key."""
        return self._key(reference).sign(message, algorithm.padding, hashes.SHA256())

    def references(self) -> list[str]:
        """Return the references of the keys in the directory."""
        return sorted(_SCHEME + path.name.removesuffix(_SUFFIX) for path in self._directory.glob(f"[!.]*{_SUFFIX}"))

    def destroy(self, reference: str) -> None:
        """Remove the file; sealed octets may survive on the disk, useless without the wrapping key."""
        self._open.pop(reference, None)
        path = self._path(reference)
        self._see_there()
        path.unlink(missing_ok=True)
        durable.sync_directory(self._directory)

    def clear_halves(self) -> list[str]:
        """Remove drafts that a crash left."""
        drafts = sorted(self._directory.glob(f".*{_SUFFIX}.new"))
        for draft in drafts:
            draft.unlink()
        return [draft.name.removeprefix(".").removesuffix(f"{_SUFFIX}.new") for draft in drafts]

    def describe(self) -> Protection:
        """Say how well keys are kept."""
        level = "sealed file, AES-256-GCM; in the memory of the signer while in use"
        return Protection("file", level, exportable=True, location=str(self._directory), wrapping=self._wrapping.source)

    def close(self) -> None:
        """Forget the opened keys."""
        self._open.clear()

    def _path(self, reference: str) -> Path:
        if not reference.startswith(_SCHEME):
            raise Refused(f"{reference} is no file: key")
        return self._directory / f"{checked_label(reference.removeprefix(_SCHEME))}{_SUFFIX}"

    def _see_there(self) -> None:
        if not self._directory.is_dir():
            raise Unavailable(f"the keys in {self._directory} are not there", "bring its disk back")

    def _key(self, reference: str) -> rsa.RSAPrivateKey:
        if reference not in self._open:
            path = self._path(reference)
            try:
                sealed = path.read_bytes()
            except FileNotFoundError as error:
                self._see_there()
                raise Refused(f"there is no key {reference}") from error
            except OSError as error:
                raise Unavailable(f"the key {reference} cannot be read: {error}", "repair the disk") from error
            label = reference.removeprefix(_SCHEME)
            key = load_der_private_key(self._wrapping.open(sealed, label.encode()), None)
            if not isinstance(key, rsa.RSAPrivateKey):
                raise Misconfigured(f"{reference} is no RSA key", "restore it from a backup")
            self._open[reference] = key
        return self._open[reference]
