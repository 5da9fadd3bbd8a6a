"""Who is shown as the author? The From field read strictly (RFC 5322 section 3.4), for DMARC.

Mail clients differ about a From field that is not plainly one address, and a spoofer chooses the field
that they differ about. So whatever is not plain is refused here, with the reason.
"""

import re

from counterfoil.model.structured import QUOTED, Unended, outside_quotes, without_comments
from counterfoil.scan.authentication.canonical import Field
from counterfoil.scan.authentication.spf import is_domain
from counterfoil.scan.authentication.tags import Malformed
from counterfoil.scan.domains import ascii_host

MAX_FIELD = 2048
MAX_DOMAIN = 253

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\x80-\U0010ffff-]+"
_DOT_ATOM = rf"{_ATOM}(?:\.{_ATOM})*"
_ADDRESS = re.compile(rf"\s*(?:{_DOT_ATOM}|{QUOTED})\s*@\s*({_DOT_ATOM})\s*")
_BARE = re.compile(rf"{_DOT_ATOM}@({_DOT_ATOM})")


def domain(fields: list[Field]) -> str:
    """Return the author's domain, in A-labels and lower case.

    Args:
        fields: Every From field of the message.

    Raises:
        Malformed: If there is not exactly one field with exactly one plain address.
    """
    if len(fields) != 1:
        raise Malformed(f"there are {len(fields)} From fields" if fields else "there is no From field")
    text = fields[0].value.replace(b"\r\n", b"").decode("utf-8", "replace").strip(" \t")
    if len(text) > MAX_FIELD:
        raise Malformed("the From field is out of all measure")
    if any(ord(letter) < 32 and letter != "\t" for letter in text) or "\ufffd" in text:
        raise Malformed("the From field holds control characters or broken UTF-8")
    try:
        plain = without_comments(text)
    except Unended as error:
        raise Malformed(str(error)) from error
    before, bracket, rest = outside_quotes(plain).partition("<")
    if not bracket:
        return _domain_of(plain)
    inside = plain[len(before) + 1 :].rstrip()
    if not inside.endswith(">") or rest.count("<") or rest.count(">") != 1:
        raise Malformed("the From field has no one pair of angle brackets at its end")
    found = _domain_of(inside[:-1])
    _check_phrase(before, found)
    return found


def _domain_of(address: str) -> str:
    match = _ADDRESS.fullmatch(address)
    if match is None or len(match[1]) > MAX_DOMAIN:
        raise Malformed(f"the From field is no plain address: {address.strip()[:60]!r}")
    name = ascii_host(match[1])
    if not is_domain(name):
        raise Malformed(f"the author's domain is none: {name[:60]!r}")
    return name


def _check_phrase(phrase: str, found: str) -> None:
    """Refuse what makes the name before the brackets a list, a group or another domain's address."""
    if set(phrase) & set(",;:>"):
        raise Malformed("the name in the From field holds what separates addresses")
    for address in _BARE.finditer(phrase):
        if address[1].lower() != found:
            raise Malformed("the name in the From field is an address of another domain, unquoted")
