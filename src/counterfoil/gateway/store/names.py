"""What an operator types, made canonical or refused with a reason: tenant names, domains, ranges, certificate names."""

import ipaddress
import re

from counterfoil.model.errors import Refused

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

MICROSOFT_RANGES: tuple[Network, ...] = tuple(
    ipaddress.ip_network(text)
    for text in (
        "40.92.0.0/15",
        "40.107.0.0/16",
        "52.100.0.0/14",
        "52.238.78.88/32",
        "104.47.0.0/17",
        "2a01:111:f400::/48",
        "2a01:111:f403::/48",
    )
)
"""Exchange Online Protection's addresses, from Microsoft's "Office 365 URLs and IP address ranges", ids 9 and 10."""

MICROSOFT_NAMES = ("outlook.com", "office365.com", "office365.us", "microsoft.com")
"""Domains in which Microsoft's own mail hosts carry certificates."""

_TENANT = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")


def tenant_name(text: str) -> str:
    """Return a tenant's name: lower-case letters, digits and hyphens, at most 63.

    Raises:
        Refused: If it is anything else.
    """
    if not _TENANT.fullmatch(text):
        raise Refused(f"{text!r} is no tenant name", "use lower-case letters, digits and hyphens, at most 63")
    if _GUID.fullmatch(text):
        # The ledger has names and Microsoft's tenant ids in one column: a name must never be another's id.
        raise Refused(f"{text!r} is a tenant id of Microsoft's, not a name", "give it a name of your own")
    return text


def domain_name(text: str) -> str:
    """Return a mail domain in lower case with A-labels (RFC 5891), no trailing dot.

    Raises:
        Refused: If it is no domain name.
    """
    try:
        name = text.strip().rstrip(".").encode("idna").decode("ascii").lower()
    except UnicodeError as error:
        raise Refused(f"{text!r} is no domain name: {error}", "write it as in an address: example.org") from error
    if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in name.split(".")):
        raise Refused(f"{text!r} is no domain name", "write it as in an address: example.org")
    return name


def owned_range(text: str) -> str:
    """Return a network that a tenant may own alone.

    Raises:
        Refused: If it is no network, is wider than /16 (IPv6: /32), or holds addresses of Exchange Online, which
            all of Microsoft's tenants share and which therefore prove nothing.
    """
    try:
        network = ipaddress.ip_network(text)
    except ValueError as error:
        raise Refused(f"{text!r} is no address range: {error}", "write 192.0.2.0/28 or one address") from error
    if network.prefixlen < (16 if network.version == 4 else 32):
        raise Refused(f"{network} is too wide to be one tenant's own", "give the ranges of its mail hosts only")
    if any(network.version == other.version and network.overlaps(other) for other in MICROSOFT_RANGES):
        raise Refused(
            f"{network} holds Exchange Online's addresses, which every Microsoft 365 tenant shares",
            "use a secret header for mail from Microsoft 365: counterfoil tenant sender NAME --new-secret",
        )
    return str(network)


def certificate_name(text: str) -> str:
    """Return a DNS name that a client certificate of the tenant's own host carries.

    Raises:
        Refused: If it is no host name, a wildcard, or a name of Microsoft's.
    """
    name = domain_name(text)
    if any(name == other or name.endswith(f".{other}") for other in MICROSOFT_NAMES):
        raise Refused(
            f"{name} is Microsoft's, and every Microsoft 365 tenant sends with it",
            "use a secret header for mail from Microsoft 365: counterfoil tenant sender NAME --new-secret",
        )
    return name
