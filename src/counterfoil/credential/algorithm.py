"""The two signature algorithms that Microsoft Entra takes: PS256 and RS256 (RFC 7518 section 3.1). Pure."""

from enum import StrEnum

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa


class Algorithm(StrEnum):
    """PS256 is the default; RS256 is still accepted."""

    PS256 = "PS256"
    RS256 = "RS256"

    @property
    def padding(self) -> padding.AsymmetricPadding:
        """PSS with MGF1-SHA-256 and a salt of 32 octets (RFC 7518 section 3.5), or PKCS #1 v1.5."""
        if self is Algorithm.RS256:
            return padding.PKCS1v15()
        return padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=32)


def verifies(public: rsa.RSAPublicKey, algorithm: Algorithm, message: bytes, signature: bytes) -> bool:
    """Say whether a signature over a message is by the private half of ``public``."""
    try:
        public.verify(signature, message, algorithm.padding, hashes.SHA256())
    except InvalidSignature:
        return False
    return True
