"""Standard (ECMA-376) encryption of OOXML: AES in ECB mode ([MS-OFFCRYPTO] section 2.3.4.5 and following)."""

import hashlib
import struct

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from counterfoil.scan.unpack.office_passwords import NotOpened
from counterfoil.scan.unpack.office_rc4 import read_cryptoapi

SPIN = 50_000
AES_IDS = {0x660E: 128, 0x660F: 192, 0x6610: 256}


def decrypt(header: bytes, package: bytes, password: str) -> bytes:
    """Return the package as the password decrypts it, right or wrong.

    Args:
        header: The EncryptionInfo stream after its version: flags, header size, header, verifier.
        package: The EncryptedPackage stream: the size (8 octets), then the package.
        password: The password.

    Raises:
        NotOpened: If the header asks for what we cannot do.
    """
    try:
        info = read_cryptoapi(header)
    except ValueError as error:
        raise NotOpened(f"standard encryption, {error}") from error
    if info.algorithm not in AES_IDS:
        raise NotOpened(f"standard encryption, algorithm {info.algorithm:#x}")
    key = _key(password, info.verifier.salt, AES_IDS[info.algorithm] // 8)
    size = int.from_bytes(package[:8], "little")
    body = package[8:]
    decryptor = Cipher(algorithms.AES(key), modes.ECB()).decryptor()  # noqa: S305 - what the format prescribes
    return decryptor.update(body[: len(body) // 16 * 16])[:size]


def _sha1(data: bytes) -> bytes:
    return hashlib.sha1(data, usedforsecurity=False).digest()


def _key(password: str, salt: bytes, size: int) -> bytes:
    """Derive the key (section 2.3.4.7)."""
    value = _sha1(salt + password.encode("utf-16-le"))
    for number in range(SPIN):
        value = _sha1(struct.pack("<I", number) + value)
    value = _sha1(value + bytes(4)).ljust(64, b"\0")
    inner = _sha1(bytes(octet ^ 0x36 for octet in value))
    outer = _sha1(bytes(octet ^ 0x5C for octet in value))
    return (inner + outer)[:size]
