"""Hosts and the domains that somebody registered, by the Public Suffix List that its package carries."""

from functools import cache
from typing import Final

from publicsuffixlist import PublicSuffixList

_LIMIT: Final = 253


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList()


def registrable(host: str) -> str:
    """Return the domain that its owner registered, in ASCII and lower case; the host itself where there is none."""
    name = ascii_host(host)
    if not name.rpartition(".")[2].strip("0123456789"):  # an address has no owner's domain
        return name
    return str(_suffixes().privatesuffix(name) or name)


def ascii_host(host: str) -> str:
    """Return a host name in lower case and as A-labels (RFC 5891), without a trailing dot."""
    name = host.strip().rstrip(".").lower()[:_LIMIT]
    if name.isascii():
        return name
    try:
        return name.encode("idna").decode("ascii")
    except UnicodeError:
        return name


def is_public_suffix(host: str) -> bool:
    """Tell whether the host's last label is a top-level domain on the list, so that text may be taken for a host."""
    label = ascii_host(host).rpartition(".")[2]
    return bool(label) and not label.isdecimal() and _suffixes().publicsuffix(label, accept_unknown=False) == label
