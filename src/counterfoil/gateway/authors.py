"""The domains that a message claims to be written in, as any reader or signer behind us may take them. Pure."""

import re
from collections.abc import Iterable
from email.errors import HeaderParseError
from email.header import decode_header, make_header

from counterfoil.gateway import headers

MOST = 20
"""Domains in the From of one message; nobody writes in more."""

DEEP = 8
"""Labels of a domain that are looked at."""

_ANGLE = re.compile(r"<[^<>]*@([^<>@\s]+?)\.?\s*>")
_BARE = re.compile(r"@\s*([^\s<>()\[\]@,;:\"]+?)\.?(?=[\s<>()\[\]@,;:\"]|$)")


def domains(fields: Iterable[bytes]) -> frozenset[str]:
    """Return the domains of the authors, lower case, from every From that there is.

    An address in angle brackets counts, wherever it stands; where a field has none, everything behind an ``@``
    does. Encoded words (RFC 2047) are read both ways: which of them a signer believes cannot be known.
    """
    found: set[str] = set()
    for value in headers.values(fields, "From"):
        text = value.decode("utf-8", "replace")
        for reading in {text, _decoded(text)}:
            found.update(domain.lower() for domain in _ANGLE.findall(reading) or _BARE.findall(reading))
    return frozenset(found)


def upwards(domain: str) -> list[str]:
    """Return a domain and those above it, nearest first: a signature of each may stand for it (RFC 7489 3.1)."""
    labels = domain.split(".")[-DEEP:]
    return [".".join(labels[at:]) for at in range(max(len(labels) - 1, 1))]


def _decoded(text: str) -> str:
    try:
        return str(make_header(decode_header(text)))
    except (HeaderParseError, LookupError, ValueError):
        return text
