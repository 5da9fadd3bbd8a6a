"""What is read of our own certificate, and what speaks against a new one: each reason alone."""

import datetime as dt

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from counterfoil.gateway.certificate import Certificate, bundle, covers, objections, read
from counterfoil.model.errors import Misconfigured

NOW = dt.datetime(2026, 5, 1, tzinfo=dt.UTC)
USAGES = {"server-auth": ExtendedKeyUsageOID.SERVER_AUTH, "client-auth": ExtendedKeyUsageOID.CLIENT_AUTH}


def made(names=("mx.example",), *, common="mx.example", start=-1, days=90, usages=("server-auth", "client-auth")):
    """A self-signed certificate and its key as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(NOW + dt.timedelta(days=start))
    builder = builder.not_valid_after(NOW + dt.timedelta(days=days))
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName([*map(x509.DNSName, names)]), critical=False)
    if usages is not None:
        builder = builder.add_extension(x509.ExtendedKeyUsage([USAGES[one] for one in usages]), critical=False)
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return builder.sign(key, hashes.SHA256()).public_bytes(form[0]), key.private_bytes(*form)


def seen(*names, **more) -> Certificate:
    """A certificate as it is read."""
    return read(made(names or ("mx.example",), **more)[0])


def test_what_is_read():
    """Names come from both places and once, lower case; without the extension a key may be used for everything."""
    found = seen("MX.example", "*.mail.example", common="Mx.Example", usages=None)
    assert found.names == ("mx.example", "*.mail.example")
    assert found.purposes == ("server-auth", "client-auth")
    assert found.not_after == NOW + dt.timedelta(days=90)
    assert seen("a.example", common="Example Ltd").names == ("a.example",)


@pytest.mark.parametrize(
    ("new", "without", "words"),
    [
        ({}, (), None),
        ({"start": 1}, (), "valid only from 2026-05-02"),
        ({"days": 0}, (), "it ends at 2026-05-01T00:00:00Z: get one that lasts"),
        ({"days": 30}, (), "before the one in use"),
        ({"days": 30}, ("life",), None),
        ({"usages": ("client-auth",)}, (), "may not be used for server-auth"),
        ({"usages": ("server-auth",)}, (), "may not be used for client-auth"),
        ({"usages": ("server-auth",)}, ("client-auth",), None),
    ],
)
def test_what_speaks_against_a_new_one(new, without, words):
    """Dates and purposes: each is refused for its own reason alone, and not where the operator says so."""
    found = [*objections(seen(**new), seen(), "mx.example", NOW, without)]
    assert len(found) == (words is not None)
    assert words is None or words in found[0]


@pytest.mark.parametrize(
    ("new", "hostname", "without", "words"),
    [
        (("mx.example", "out.example", "more.example"), "mx.example", (), None),
        (("mx.example",), "mx.example", (), "it lacks out.example"),
        (("mx.example",), "mx.example", ("out.example",), None),
        (("*.example",), "mx.example", (), "it lacks mx.example, out.example"),
        (("mx.example", "out.example"), "other.example", (), "we call ourselves other.example"),
    ],
)
def test_every_old_name_must_be_there(new, hostname, without, words):
    """A connector knows us by one exact name, so a star covers none of them; our own name must be in it too."""
    old = seen("mx.example", "out.example")
    found = [*objections(seen(*new, common="x"), old, hostname, NOW, without)]
    assert len(found) == (words is not None)
    assert words is None or words in found[0]


def test_a_star_stands_for_one_label():
    """As TLS matches names (RFC 9525 section 6.3)."""
    assert covers("*.example", "mx.example")
    assert not covers("*.example", "a.mx.example")
    assert not covers("*.example", "example")


def test_a_bundle_holds_both():
    """A key and a chain become one file; text around them is left out, and neither may be missing."""
    chain, key = made()
    whole = bundle(b"subject: x\n" + chain + chain, b"junk\n" + key)
    assert (whole.count(b"BEGIN CERTIFICATE"), whole.count(b"BEGIN PRIVATE KEY"), b"junk" in whole) == (2, 1, False)
    assert bundle(whole, whole) == whole
    for chain_file, key_file, words in ((b"", key, "no certificate"), (chain, chain, "no private key")):
        with pytest.raises(Misconfigured, match=words):
            bundle(chain_file, key_file)


@pytest.mark.parametrize("pem", [b"", b"text", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_no_certificate(pem):
    """What cannot be read is said to be no certificate."""
    with pytest.raises(Misconfigured, match="no certificate that can be read"):
        read(pem)
