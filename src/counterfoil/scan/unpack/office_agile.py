"""Agile encryption of OOXML ([MS-OFFCRYPTO] section 2.3.4.10 and following).

The verifier is not asked: files by Excel with SHA-1 are known where checkers of it say no to the right
password. Whoever calls looks at the output instead.
"""

import base64
import binascii
import hashlib
import struct
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from counterfoil.scan.formats.elements import BadXml, elements
from counterfoil.scan.unpack.office_passwords import NotOpened

SEGMENT = 4096
MAX_SPIN = 1_000_000
"""Office writes 100 000; the format allows ten times our limit, which would be work for its own sake."""

HASHES = {"SHA1": "sha1", "SHA-1": "sha1", "SHA256": "sha256", "SHA384": "sha384", "SHA512": "sha512", "MD5": "md5"}
KEY_VALUE = bytes.fromhex("146e0be7abacd0d6")
"""The block key of encryptedKeyValue (section 2.3.4.13)."""


@dataclass(frozen=True, slots=True)
class _Scheme:
    salt: bytes
    block: int
    bits: int
    hash: str

    def digest(self, data: bytes) -> bytes:
        return hashlib.new(self.hash, data, usedforsecurity=False).digest()

    def fitted(self, data: bytes, size: int) -> bytes:
        """Cut to size, or fill with 0x36 (section 2.3.4.11)."""
        return data[:size].ljust(size, b"\x36")


def decrypt(descriptor: bytes, package: bytes, password: str) -> bytes:
    """Return the package as the password decrypts it, right or wrong.

    Args:
        descriptor: The XML of the EncryptionInfo stream.
        package: The EncryptedPackage stream: the size (8 octets), then segments of 4096 octets.
        password: The password.

    Raises:
        NotOpened: If the descriptor asks for what we cannot do.
    """
    try:
        data, lock = _found(descriptor)
        for attributes in (data, lock):
            _check(attributes)
        outer, inner = _scheme(lock), _scheme(data)
        spin = int(lock["spinCount"])
        wrapped = base64.b64decode(lock["encryptedKeyValue"])
    except (BadXml, KeyError, ValueError, binascii.Error) as error:
        raise NotOpened(f"agile encryption, {type(error).__name__}: {error}") from error
    if not 0 <= spin <= MAX_SPIN:
        raise NotOpened(f"agile encryption, spin count {spin}")
    try:
        key = _unwrap(outer, spin, wrapped, password)[: inner.bits // 8]
        return _package(inner, key, package)
    except ValueError as error:
        raise NotOpened(f"agile encryption, {error}") from error


def _found(descriptor: bytes) -> tuple[dict[str, str], dict[str, str]]:
    """Return the attributes of keyData and of the password's key encryptor (certificates have theirs beside it)."""
    data: dict[str, str] = {}
    lock: dict[str, str] = {}
    for element in elements(descriptor):
        if element.name == "keyData":
            data = element.attributes
        elif element.name == "encryptedKey" and "spinCount" in element.attributes:
            lock = element.attributes
    return data, lock


def _check(attributes: Mapping[str, str]) -> None:
    """Refuse what Office does not write (it may read more)."""
    if attributes["cipherAlgorithm"] != "AES" or attributes["cipherChaining"] != "ChainingModeCBC":
        raise ValueError(f"{attributes['cipherAlgorithm']} {attributes['cipherChaining']}")


def _scheme(attributes: Mapping[str, str]) -> _Scheme:
    return _Scheme(
        salt=base64.b64decode(attributes["saltValue"]),
        block=int(attributes["blockSize"]),
        bits=int(attributes["keyBits"]),
        hash=HASHES[attributes["hashAlgorithm"].upper()],
    )


def _cbc(key: bytes, vector: bytes, data: bytes) -> bytes:
    return Cipher(algorithms.AES(key), modes.CBC(vector)).decryptor().update(data)


def _unwrap(scheme: _Scheme, spin: int, wrapped: bytes, password: str) -> bytes:
    """Derive the key of the password (section 2.3.4.11) and open the key of the package with it."""
    value = scheme.digest(scheme.salt + password.encode("utf-16-le"))
    # Nearly all of the time that a locked file takes; the constructors cost half of what ``hashlib.new`` does.
    hashed = getattr(hashlib, scheme.hash)
    for number in range(spin):
        value = hashed(number.to_bytes(4, "little") + value, usedforsecurity=False).digest()
    key = scheme.fitted(scheme.digest(value + KEY_VALUE), scheme.bits // 8)
    return _cbc(key, scheme.fitted(scheme.salt, scheme.block), wrapped)


def _package(scheme: _Scheme, key: bytes, package: bytes) -> bytes:
    """Decrypt the segments, each with an initialisation vector of its own (section 2.3.4.15)."""
    size = int.from_bytes(package[:8], "little")
    body = package[8:]
    body = body[: len(body) // 16 * 16]
    pieces = []
    for number, start in enumerate(range(0, min(len(body), size), SEGMENT)):
        vector = scheme.fitted(scheme.digest(scheme.salt + struct.pack("<I", number)), scheme.block)
        pieces.append(_cbc(key, vector, body[start : start + SEGMENT]))
    return b"".join(pieces)[:size]
