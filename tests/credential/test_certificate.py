"""Certificates: thumbprints by published vectors, certificates that OpenSSL and others accept, imports."""

import subprocess
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)

from counterfoil.credential.certificate import (
    make_certificate,
    read_certificate,
    read_key_and_certificate,
    thumbprints,
)
from counterfoil.model.errors import Misconfigured
from tests.conftest import require_program
from tests.credential.conftest import NOW

VECTOR = """-----BEGIN CERTIFICATE-----
MIICrjCCAZagAwIBAgICEjQwDQYJKoZIhvcNAQELBQAwGjEYMBYGA1UEAwwPZW11
bGF0b3ItdmVjdG9yMB4XDTI2MDEwMTAwMDAwMFoXDTI3MDEwMTAwMDAwMFowGjEY
MBYGA1UEAwwPZW11bGF0b3ItdmVjdG9yMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A
MIIBCgKCAQEA4MlhOM9UQkqvrevWwvu3jTPaHpOBZ+FkasfLKXqTIpNIcUBYCHYO
u/+pSg+gxMKyDpm9e+uwsnC5P+AOkF7a7cA0ziscq9WD8QCWbJajgQ6tqNs0+rQr
IYsbXgb3a0bF/Bp7LsIwU3dsX0ki7nJ2O6HEwWOYdw4L5tNqmSM2pZkfPXOMs6HO
IyRdHJawCLkKg5uQjsnJ92/jGsGE97iNExLsW7oyRVfSq8SbYHKtZu3ysxLOMK1O
FfBYvSzp2mm0ozrOqJhIL0tDLmblT/G2QUWjRt2MuQ1wAzqbt1EYQ4QUf5gERR4z
DWdFkSBc80sTMR5Z3sx73iJ8h4IZiurvnwIDAQABMA0GCSqGSIb3DQEBCwUAA4IB
AQBVROs9NhWa1LBuMKLARHJyb1wPrjmj4HoUMnLFo5wIubEVUuI9icGrBbuZHaNV
nwMVd0/lpRAMbDIxkYVtQDE0USpX9HUC4k+cRR1f8gzD/OENhrv1lu3KzKoUTQKh
jMkRdjAc5OcS9U7XS8GGSwBUUK1Dg035tf2tvEXSYRS6jjyFA43wPbrFw0KSjy8L
9RwpNttZ45Nk45lNEESz3BdkigbMwwExvPUFaQOf4/Rf1SXHsmkupBw59VBtbw++
QUev367IB2ZBWN5Ska4q1Pf+TKG/9yOAwPCx7dA+3OtqtGe6im044uufu2/+Lqao
LmYkoJbyJLZP6NAm6eMzm6pX
-----END CERTIFICATE-----
"""


@pytest.fixture(scope="module")
def key():
    """One RSA-2048 key for the whole file."""
    return rsa.generate_private_key(65537, 2048)


def make(key, *, life=timedelta(days=90)) -> bytes:
    """Make a certificate for a key at hand."""
    return make_certificate(
        key.public_key(),
        lambda message: key.sign(message, padding.PKCS1v15(), hashes.SHA256()),
        name="counterfoil test",
        serial=0x1234,
        not_before=NOW,
        not_after=NOW + life,
    )


def test_thumbprints_are_those_that_microsoft_and_msal_print():
    """Every spelling of the vector certificate's thumbprints is the published one, without padding."""
    marks = thumbprints(read_certificate(VECTOR.encode()).public_bytes(Encoding.DER))
    assert marks.sha1 == "B45A29F60A83B210302B174E58386EFBB612EAA1"
    assert marks.sha256 == "8D9B6721944DC870E9C5B2944259DF5D8B1243844E27B65F6690C621BB9C24A6"
    assert marks.x5t == "tFop9gqDshAwKxdOWDhu-7YS6qE"
    assert marks.x5t_s256 == "jZtnIZRNyHDpxbKUQlnfXYsSQ4ROJ7ZfZpDGIbucJKY"
    assert marks.custom_key_identifier == "tFop9gqDshAwKxdOWDhu+7YS6qE="


def test_openssl_accepts_the_certificate(key, tmp_path):
    """OpenSSL verifies the self-signature and sees a leaf for signatures with the validity that was asked for."""
    path = tmp_path / "c.pem"
    path.write_bytes(x509.load_der_x509_certificate(make(key)).public_bytes(Encoding.PEM))
    openssl = require_program("openssl")
    checked = ["verify", "-check_ss_sig", "-partial_chain", "-attime", str(int(NOW.timestamp()) + 60)]
    subprocess.run([openssl, *checked, "-CAfile", str(path), str(path)], check=True, capture_output=True)
    said = subprocess.run(
        [openssl, "x509", "-in", str(path), "-noout", "-text"], check=True, capture_output=True
    ).stdout
    for words in (
        b"CA:FALSE",
        b"Digital Signature",
        b"CN = counterfoil test",
        b"Mar  1 12:00:00 2026 GMT",
        b"Version: 3",
    ):
        assert words in said


@pytest.mark.parametrize("form", ["pem", "pem-encrypted", "pkcs12"])
def test_what_administrators_have_is_read(key, form):
    """PEM, encrypted PEM and PKCS #12 give the same key and certificate."""
    certificate = x509.load_der_x509_certificate(make(key))
    lock = NoEncryption() if form == "pem" else BestAvailableEncryption(b"passphrase")
    if form == "pkcs12":
        octets = pkcs12.serialize_key_and_certificates(b"n", key, certificate, None, lock)
    else:
        octets = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock) + certificate.public_bytes(Encoding.PEM)
    found, der = read_key_and_certificate(octets, None if form == "pem" else b"passphrase")
    assert found.private_numbers() == key.private_numbers()
    assert der == certificate.public_bytes(Encoding.DER)


def _pem(key, certificate) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + certificate.public_bytes(Encoding.PEM)


def test_key_and_certificate_must_belong_together(key):
    """A certificate of another key is refused before it could go to Microsoft."""
    other = rsa.generate_private_key(65537, 2048)
    with pytest.raises(Misconfigured, match="does not belong to the private key"):
        read_key_and_certificate(_pem(other, x509.load_der_x509_certificate(make(key))), None)


@pytest.mark.parametrize("octets", [b"", b"nonsense", b"-----BEGIN PRIVATE KEY-----\nxx\n-----END PRIVATE KEY-----\n"])
def test_what_is_no_key_is_said(octets):
    """Anything else is Misconfigured and says what to give."""
    with pytest.raises(Misconfigured, match="cannot be read"):
        read_key_and_certificate(octets, None)


def test_a_wrong_passphrase_is_said(key):
    """PKCS #12 with another passphrase does not open, in words."""
    sealed = pkcs12.serialize_key_and_certificates(
        b"n", key, x509.load_der_x509_certificate(make(key)), None, BestAvailableEncryption(b"right")
    )
    with pytest.raises(Misconfigured, match="cannot be read"):
        read_key_and_certificate(sealed, b"wrong")


def test_keys_that_entra_would_not_take_are_refused():
    """An elliptic-curve certificate is refused with the reason."""
    curve = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([])
    certificate = x509.CertificateBuilder(name, name, curve.public_key(), 1, NOW, NOW + timedelta(days=1)).sign(
        curve, hashes.SHA256()
    )
    with pytest.raises(Misconfigured, match="not for an RSA key of at least 2048 bits"):
        read_certificate(certificate.public_bytes(Encoding.DER))
