"""A certificate made for tests, where none is configured: STARTTLS works, and proves nothing to anybody."""

from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

LIFE = timedelta(days=90)


def own_certificate(place: Path, hostname: str, now: datetime) -> Path:
    """Return a PEM file with a self-signed certificate and its key, made anew when it is missing or runs out."""
    if place.is_file():
        known = x509.load_pem_x509_certificate(place.read_bytes())
        names = known.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        if known.not_valid_after_utc > now + timedelta(days=1) and hostname in names.get_values_for_type(x509.DNSName):
            return place
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, hostname[:64])])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + LIFE)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(hostname)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ) + certificate.public_bytes(serialization.Encoding.PEM)
    place.touch(mode=0o600)
    place.write_bytes(pem)
    return place
