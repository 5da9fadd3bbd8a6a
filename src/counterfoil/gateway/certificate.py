"""Our own certificate, as the other side sees it, and what speaks against putting a new one in its place.

Connectors and clients know us by the names in it, never by the key, so two certificates of the same names are
valid side by side. Pure: values in, values out; the clock is an argument.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from counterfoil.model.errors import Misconfigured
from counterfoil.model.instant import rfc3339

SERVER = "server-auth"
CLIENT = "client-auth"
_USAGES = {ExtendedKeyUsageOID.SERVER_AUTH: SERVER, ExtendedKeyUsageOID.CLIENT_AUTH: CLIENT}
_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_KEY = re.compile(rb"-----BEGIN ([A-Z ]*)PRIVATE KEY-----.+?-----END \1PRIVATE KEY-----", re.DOTALL)

LEAST = timedelta(days=1)
"""A certificate that ends sooner is not worth a change."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """What matters of a certificate.

    ``fingerprint`` is the SHA-256 of its DER form, lower-case hex. ``names`` are the DNS names of the subject
    alternative names and, where it looks like one, the subject's common name (connectors read both), lower case.
    ``purposes`` are ``server-auth`` and ``client-auth`` as far as it may be used for them (RFC 5280 section
    4.2.1.12: without the extension for both).
    """

    fingerprint: str
    names: tuple[str, ...]
    not_before: datetime
    not_after: datetime
    purposes: tuple[str, ...]
    issuer: str


def read(pem: bytes) -> Certificate:
    """Read the first certificate of a PEM file.

    Raises:
        Misconfigured: If there is none.
    """
    try:
        found = x509.load_pem_x509_certificates(pem)[0]
        return Certificate(
            fingerprint=found.fingerprint(hashes.SHA256()).hex(),
            names=_names(found),
            not_before=found.not_valid_before_utc,
            not_after=found.not_valid_after_utc,
            purposes=_purposes(found),
            issuer=found.issuer.rfc4514_string(),
        )
    except (ValueError, x509.DuplicateExtension) as error:
        raise Misconfigured(
            f"there is no certificate that can be read: {error}", "it is a PEM file, our own certificate first"
        ) from error


def _names(found: x509.Certificate) -> tuple[str, ...]:
    names: list[str] = []
    try:
        extension = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        names = extension.get_values_for_type(x509.DNSName)
    except x509.ExtensionNotFound:
        pass
    common = [str(one.value) for one in found.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    dotted = [name for name in common if re.fullmatch(r"(\*\.)?[A-Za-z0-9.-]+\.[A-Za-z0-9-]+", name)]
    return tuple(dict.fromkeys(name.lower().rstrip(".") for name in (*names, *dotted)))


def _purposes(found: x509.Certificate) -> tuple[str, ...]:
    try:
        usages = found.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return SERVER, CLIENT
    if ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE in usages:
        return SERVER, CLIENT
    return tuple(word for usage, word in _USAGES.items() if usage in usages)


def covers(pattern: str, name: str) -> bool:
    """Match a name as TLS does (RFC 9525 section 6.3): exactly, or one label for a star in front."""
    name = name.lower().rstrip(".")
    return pattern == name or (pattern.startswith("*.") and name.partition(".")[2] == pattern[2:])


def bundle(chain: bytes, key: bytes) -> bytes:
    """Put a key and a certificate with its chain into one PEM file, so that neither is ever without the other.

    Raises:
        Misconfigured: If one of them is missing.
    """
    found = _KEY.search(key)
    certificates = _CERTIFICATE.findall(chain)
    if found is None or not certificates:
        what = "private key" if found is None else "certificate"
        raise Misconfigured(f"there is no {what} in the file", "both are PEM files; an encrypted key cannot be used")
    return b"\n".join([found.group(0), *certificates]) + b"\n"


def objections(
    new: Certificate, old: Certificate, hostname: str, now: datetime, without: Sequence[str] = ()
) -> Iterator[str]:
    """Say what speaks against the new certificate; each with what to do.

    Args:
        new: The certificate that is offered.
        old: The one in use.
        hostname: What we call ourselves.
        now: The time.
        without: Names and purposes of the old one that the new one need not have.
    """
    if new.not_before > now:
        yield f"it is valid only from {rfc3339(new.not_before)}: offer it then"
    if new.not_after < now + LEAST:
        yield f"it ends at {rfc3339(new.not_after)}: get one that lasts"
    elif new.not_after < old.not_after and old.not_before <= now:
        yield from _shorter(new, old, without)
    if not any(covers(pattern, hostname) for pattern in new.names):
        yield f"it is for {', '.join(new.names) or 'no name'}, and we call ourselves {hostname}: get one for that name"
    # A connector with TlsSenderCertificateName mx.example does not match a certificate for *.example, and the
    # other way round, so a name is covered by itself alone.
    dropped = [name for name in old.names if name not in new.names and name not in without]
    if dropped:
        yield (
            f"it lacks {', '.join(dropped)}, by which connectors and clients may know us: get one with every old name,"
            " or change the connectors and say --without NAME"
        )
    for purpose in (SERVER, CLIENT):
        if purpose not in new.purposes and (purpose == SERVER or purpose in old.purposes) and purpose not in without:
            yield (
                f"it may not be used for {purpose}, as its extended key usage says: get one that may, or, where nobody"
                f" asks for that, say --without {purpose}"
            )


def _shorter(new: Certificate, old: Certificate, without: Sequence[str]) -> Iterator[str]:
    if "life" not in without:
        yield (
            f"it ends at {rfc3339(new.not_after)}, before the one in use ({rfc3339(old.not_after)}): is it the older"
            " one? If it is meant, say --without life"
        )
