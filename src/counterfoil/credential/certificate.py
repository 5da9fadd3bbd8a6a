"""Certificates of credentials: making them for a key that never leaves its provider, reading them, naming them.

Pure but for the ``sign`` that is handed in. Thumbprints are spelt as Microsoft prints them: upper-case
hex in logs and portals, base64url without padding in the header of an assertion.
"""

import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NoReturn, cast

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key, pkcs12
from cryptography.x509.oid import NameOID

from counterfoil.model.errors import Misconfigured

Sign = Callable[[bytes], bytes]
"""Signs with RS256 and the private half of the key in question."""


@dataclass(frozen=True, slots=True)
class Thumbprints:
    """Both thumbprints of a DER certificate, upper-case hex."""

    sha1: str
    sha256: str

    @property
    def x5t(self) -> str:
        """The header ``x5t``: base64url of SHA-1, no padding (RFC 7515 section 4.1.7)."""
        return base64url(bytes.fromhex(self.sha1))

    @property
    def x5t_s256(self) -> str:
        """The header ``x5t#S256``: base64url of SHA-256, no padding (RFC 7515 section 4.1.8)."""
        return base64url(bytes.fromhex(self.sha256))

    @property
    def custom_key_identifier(self) -> str:
        """What Graph shows for the certificate: base64 of SHA-1 (Edm.Binary)."""
        return base64.b64encode(bytes.fromhex(self.sha1)).decode()


def base64url(octets: bytes) -> str:
    """Spell octets as base64url without padding (RFC 7515 appendix C)."""
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def thumbprints(der: bytes) -> Thumbprints:
    """Compute both thumbprints of a DER certificate."""
    sha1 = hashlib.sha1(der, usedforsecurity=False)  # an identifier that Microsoft prints, no defence
    return Thumbprints(sha1.hexdigest().upper(), hashlib.sha256(der).hexdigest().upper())


class _ProviderKey(rsa.RSAPrivateKey):
    """Stands for a key that stays in its provider, so that the X.509 builder can use it. It only signs."""

    def __init__(self, public: rsa.RSAPublicKey, sign: Sign) -> None:
        self._public = public
        self._sign = sign

    def sign(self, data: Any, padding: Any, algorithm: Any) -> bytes:  # noqa: ARG002 - as the builder calls it
        return self._sign(bytes(data))

    def public_key(self) -> rsa.RSAPublicKey:
        return self._public

    @property
    def key_size(self) -> int:
        return self._public.key_size

    def _stays(self, *_: Any, **__: Any) -> NoReturn:
        message = "the key stays in its provider"
        raise TypeError(message)

    decrypt = private_numbers = private_bytes = __copy__ = __deepcopy__ = _stays


def make_certificate(
    public: rsa.RSAPublicKey,
    sign: Sign,
    *,
    name: str,
    serial: int,
    not_before: datetime,
    not_after: datetime,
) -> bytes:
    """Make a self-signed certificate for a key, and return its DER.

    Args:
        public: The public half.
        sign: Signs with the private half.
        name: Common name, at most 64 characters (RFC 5280 appendix A.1).
        serial: Positive, at most 20 octets, from a random source (RFC 5280 section 4.1.2.2).
        not_before: Start of validity, aware.
        not_after: End of validity, aware; keep lives short.
    """
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    builder = (
        x509.CertificateBuilder(subject, subject, public, serial, not_before, not_after)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )
    key = cast("rsa.RSAPrivateKey", _ProviderKey(public, sign))
    return builder.sign(key, hashes.SHA256(), rsa_padding=padding.PKCS1v15()).public_bytes(Encoding.DER)


def read_certificate(octets: bytes) -> x509.Certificate:
    """Read one certificate, PEM or DER, with an RSA key of at least 2048 bits.

    Raises:
        Misconfigured: If it is none, or Microsoft Entra would not take its key.
    """
    try:
        pem = b"-----BEGIN" in octets
        certificate = x509.load_pem_x509_certificate(octets) if pem else x509.load_der_x509_certificate(octets)
        public = certificate.public_key()
    except ValueError as error:
        raise Misconfigured("this is no certificate", "give a PEM or DER file with one certificate in it") from error
    if not isinstance(public, rsa.RSAPublicKey) or public.key_size < 2048:
        raise Misconfigured(
            "the certificate is not for an RSA key of at least 2048 bits",
            "Microsoft Entra takes RSA certificates for client assertions; make a new one",
        )
    return certificate


def read_key_and_certificate(octets: bytes, passphrase: bytes | None) -> tuple[rsa.RSAPrivateKey, bytes]:
    """Read what is to be imported: PKCS #12, or PEM with a private key and its certificate.

    Returns:
        The private key and the DER of the certificate that belongs to it.

    Raises:
        Misconfigured: If key or certificate is not there, does not open, or they do not belong together.
    """
    try:
        if b"-----BEGIN" in octets:
            key: Any = load_pem_private_key(octets, passphrase)
            certificate: Any = read_certificate(octets[octets.index(b"-----BEGIN CERTIFICATE-----") :])
        else:
            key, certificate, _ = pkcs12.load_key_and_certificates(octets, passphrase)
    except (ValueError, TypeError) as error:
        raise Misconfigured(
            f"key and certificate cannot be read: {error}",
            "give a PKCS #12 file, or PEM with the private key and its certificate, and the right passphrase",
        ) from error
    if key is None or certificate is None or not isinstance(key, rsa.RSAPrivateKey):
        raise Misconfigured("the file must hold an RSA private key and its certificate", "export both into one file")
    read_certificate(certificate.public_bytes(Encoding.DER))
    if certificate.public_key().public_numbers() != key.public_key().public_numbers():
        raise Misconfigured("the certificate does not belong to the private key", "export both from the same place")
    return key, certificate.public_bytes(Encoding.DER)
