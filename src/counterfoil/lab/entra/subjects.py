"""Subject-name and issuer authentication: a certificate is believed for its name and who issued it.

The chain is in the assertion's header (``x5c``, RFC 7515 section 4.1.6). Microsoft has it for applications of its
own; here for those whose administrator said which names and whose certificates.
"""

from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.x509.oid import ExtensionOID, NameOID

from counterfoil.lab import certificates, jwt
from counterfoil.lab.entra import errors
from counterfoil.lab.objects import Application, Key


def speaks_for(application: Application, token: jwt.Jwt) -> bool:
    """Say whether this application is known by names, and the assertion brings a certificate."""
    return bool(application.subjects and token.header.get("x5c"))


def key_of(application: Application, token: jwt.Jwt) -> Key:
    """Return the key that the assertion brings, if its certificate's issuer and name are believed.

    Raises:
        TokenError: 700027 if the certificate cannot be read or another issued it; 700030 if its name is not allowed.
    """
    leaf = _leaf(application, token.header["x5c"])
    names = _names(leaf)
    if not {name.lower() for name in names} & {name.lower() for name in application.subjects}:
        raise errors.subject_not_allowed(names)
    return certificates.make_key(leaf, "")


def _leaf(application: Application, chain: Any) -> x509.Certificate:
    try:
        leaf = certificates.from_base64(str(chain[0]))
        leaf.verify_directly_issued_by(x509.load_pem_x509_certificate(application.subject_issuer.encode()))
    except (ValueError, TypeError, KeyError, IndexError, InvalidSignature) as error:
        raise errors.key_not_found("", application.app_id) from error
    return leaf


def _names(certificate: x509.Certificate) -> list[str]:
    common = [str(name.value) for name in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    try:
        found = certificate.extensions.get_extension_for_oid(ExtensionOID.SUBJECT_ALTERNATIVE_NAME).value
    except x509.ExtensionNotFound:
        return common
    assert isinstance(found, x509.SubjectAlternativeName)
    return [*dict.fromkeys([*common, *found.get_values_for_type(x509.DNSName)])]
