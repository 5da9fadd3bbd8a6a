"""RC4 as Office 97 to 2003 used it: the keys of [MS-OFFCRYPTO] section 2.3.5 and 2.3.6, block by block.

MD5, SHA-1 and RC4 are what the format prescribes; nothing here protects anything.
"""

import hashlib
import struct
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.hazmat.decrepit.ciphers.algorithms import ARC4
from cryptography.hazmat.primitives.ciphers import Cipher

Key = Callable[[int], bytes]
"""From a block number to that block's RC4 key."""


@dataclass(frozen=True, slots=True)
class Verifier:
    """Salt, encrypted verifier and the encrypted hash of it (sections 2.3.3 and 2.3.6.1)."""

    salt: bytes
    verifier: bytes
    digest: bytes


def rc4(key: bytes, data: bytes) -> bytes:
    """Encrypt or decrypt, which are the same.

    Raises:
        ValueError: If RC4 takes no key of that length.
    """
    return Cipher(ARC4(key), mode=None).decryptor().update(data)


def binary_key(password: str, salt: bytes) -> Key:
    """Return the keys of Office binary document RC4 (section 2.3.6.2)."""
    first = hashlib.md5(password.encode("utf-16-le"), usedforsecurity=False).digest()[:5]
    second = hashlib.md5((first + salt) * 16, usedforsecurity=False).digest()[:5]
    return lambda block: hashlib.md5(second + struct.pack("<I", block), usedforsecurity=False).digest()


def cryptoapi_key(password: str, salt: bytes, bits: int) -> Key:
    """Return the keys of RC4 CryptoAPI (section 2.3.5.2); 40-bit keys are filled up to 128 bits with zeros."""
    first = hashlib.sha1(salt + password.encode("utf-16-le"), usedforsecurity=False).digest()

    def key(block: int) -> bytes:
        full = hashlib.sha1(first + struct.pack("<I", block), usedforsecurity=False).digest()
        return full[:5] + bytes(11) if bits == 40 else full[: bits // 8]

    return key


def verifies(key: Key, verifier: Verifier, algorithm: str) -> bool:
    """Tell whether a password's key opens the verifier (sections 2.3.5.6 and 2.3.6.4)."""
    plain = rc4(key(0), verifier.verifier + verifier.digest)
    digest = hashlib.new(algorithm, plain[:16], usedforsecurity=False).digest()
    return plain[16 : 16 + len(digest)] == digest


def decrypt_blocks(key: Key, data: bytes, size: int) -> bytes:
    """Decrypt a stream whose key changes every ``size`` octets."""
    blocks = range(0, len(data), size)
    return b"".join(rc4(key(number), data[start : start + size]) for number, start in enumerate(blocks))


@dataclass(frozen=True, slots=True)
class CryptoApi:
    """The EncryptionHeader and EncryptionVerifier of CryptoAPI (sections 2.3.2 and 2.3.3)."""

    algorithm: int
    bits: int
    verifier: Verifier

    @property
    def is_rc4(self) -> bool:
        """Tell whether the algorithm is RC4 (0 leaves it to the flags, which only RC4 does in binary files)."""
        return self.algorithm in {0, 0x6801}


def read_cryptoapi(info: bytes) -> CryptoApi:
    """Read what follows the version: flags, header size, header, verifier.

    Raises:
        ValueError: If it is cut short, or asks for a salt that is not 16 octets.
    """
    try:
        _flags, header_size = struct.unpack_from("<II", info, 0)
        _, _, algorithm, _hash, bits = struct.unpack_from("<IIIII", info, 8)
        start = 8 + header_size
        (salt_size,) = struct.unpack_from("<I", info, start)
    except struct.error as error:
        raise ValueError("the encryption header is cut short") from error
    if salt_size != 16:
        raise ValueError(f"a salt of {salt_size} octets")
    salt, verifier = info[start + 4 : start + 20], info[start + 20 : start + 36]
    digest = info[start + 40 : start + 72]
    return CryptoApi(algorithm, bits or 40, Verifier(salt, verifier, digest))
