"""The laboratory's own certificate authority: a file that clients trust, and certificates for loopback.

The keys of the authority and of the server stay in the data directory (0600); whoever has them can pose
as the laboratory towards programs that were told to trust it, and as nobody else.
"""

import datetime as dt
import ipaddress
import os
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_LIFE = dt.timedelta(days=825)


@dataclass(frozen=True, slots=True)
class Identity:
    """A certificate and its key, in PEM files."""

    certificate: Path
    key: Path


def open_authority(directory: Path, now: dt.datetime) -> tuple[Identity, Identity, Identity]:
    """Return the authority, the server's certificate and the token-signing one; made where they are new."""
    authority = Identity(directory / "ca.pem", directory / "ca-key.pem")
    server = Identity(directory / "server.pem", directory / "server-key.pem")
    signing = Identity(directory / "signing.pem", directory / "signing-key.pem")
    if not authority.key.exists():
        _make_authority(authority, now)
    if not server.key.exists():
        issue(authority, server, ["localhost", "127.0.0.1", "::1"], now)
    if not signing.key.exists():
        issue(authority, signing, ["accounts.accesscontrol.windows.net"], now)
    return authority, server, signing


def trusted_file(directory: Path, ours: Identity) -> Path:
    """Return the PEM of authorities whose client certificates connectors believe: ours, and any appended by hand."""
    trusted = directory / "client-ca.pem"
    if not trusted.exists():
        trusted.write_bytes(ours.certificate.read_bytes())
    return trusted


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _write(identity: Identity, certificate: x509.Certificate, key: rsa.RSAPrivateKey) -> None:
    """The key file comes last, so that its being there means that both are."""
    identity.certificate.write_bytes(certificate.public_bytes(Encoding.PEM))
    data = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    handle = os.open(identity.key, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(data)


def _make_authority(identity: Identity, now: dt.datetime) -> None:
    key = rsa.generate_private_key(65537, 2048)
    name = _name("Counterfoil laboratory CA")
    usage = x509.KeyUsage(
        digital_signature=True, key_cert_sign=True, crl_sign=True, content_commitment=False, key_encipherment=False,
        data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + _LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    _write(identity, certificate, key)


def issue(authority: Identity, identity: Identity, names: list[str], now: dt.datetime) -> None:
    """Issue a certificate for DNS names and addresses, good for TLS servers and clients."""
    ca = x509.load_pem_x509_certificate(authority.certificate.read_bytes())
    ca_key = load_pem_private_key(authority.key.read_bytes(), None)
    assert isinstance(ca_key, rsa.RSAPrivateKey)
    key = rsa.generate_private_key(65537, 2048)
    purposes = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(_name(names[0]))
        .issuer_name(ca.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + _LIFE)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([_general(name) for name in names]), critical=False)
        .add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    _write(identity, certificate, key)


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
