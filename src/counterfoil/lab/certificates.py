"""X.509 certificates as credentials: thumbprints, dates, and the keyCredential made of one."""

import base64
import binascii
import hashlib
from functools import lru_cache

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding

from counterfoil.lab.objects import Key
from counterfoil.lab.spelling import b64url


@lru_cache(maxsize=4096)
def from_base64(text: str) -> x509.Certificate:
    """Read base64 of DER, or of PEM, which Microsoft accepts too.

    Raises:
        ValueError: If it is no certificate.
    """
    try:
        data = base64.b64decode(text, validate=False)
    except binascii.Error as error:
        raise ValueError("the key is not base64") from error
    if data.startswith(b"-----BEGIN"):
        return x509.load_pem_x509_certificate(data)
    return x509.load_der_x509_certificate(data)


def to_base64(certificate: x509.Certificate) -> str:
    """Return base64 of the DER form."""
    return base64.b64encode(certificate.public_bytes(Encoding.DER)).decode()


def thumbprints(certificate: x509.Certificate) -> tuple[bytes, bytes]:
    """Return the SHA-1 and the SHA-256 of the DER form."""
    der = certificate.public_bytes(Encoding.DER)
    return hashlib.sha1(der, usedforsecurity=False).digest(), hashlib.sha256(der).digest()


@lru_cache(maxsize=8)
def key_name(pem: bytes) -> str:
    """Return the ``kid`` of a token-signing certificate: its ``x5t``."""
    return b64url(thumbprints(x509.load_pem_x509_certificate(pem))[0])


@lru_cache(maxsize=8)
def public_key(pem: bytes) -> CertificatePublicKeyTypes:
    """Return the public key of a certificate in PEM."""
    return x509.load_pem_x509_certificate(pem).public_key()


def make_key(certificate: x509.Certificate, key_id: str, display_name: str | None = None) -> Key:
    """Make a keyCredential of a certificate; its dates are the certificate's."""
    sha1, sha256 = thumbprints(certificate)
    return Key(
        key_id=key_id,
        certificate=to_base64(certificate),
        thumbprint_sha1=sha1.hex().upper(),
        thumbprint_sha256=sha256.hex().upper(),
        custom_key_identifier=base64.b64encode(sha1).decode(),
        display_name=display_name or certificate.subject.rfc4514_string(),
        start=certificate.not_valid_before_utc.timestamp(),
        end=certificate.not_valid_after_utc.timestamp(),
    )
