"""Mailboxes and paths as SMTP spells them (RFC 5321 section 4.1.2, RFC 6531 section 3.3)."""

import ipaddress
import re

_ATEXT = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\-\u0080-\U0010ffff]+"
_DOT_STRING = rf"{_ATEXT}(?:\.{_ATEXT})*"
_QUOTED = r'"(?:[ !#-\[\]-~\u0080-\U0010ffff]|\\[ -~])*"'
_LABEL = r"[A-Za-z0-9_\u0080-\U0010ffff](?:[A-Za-z0-9_\-\u0080-\U0010ffff]*[A-Za-z0-9_\u0080-\U0010ffff])?"
_DOMAIN = rf"{_LABEL}(?:\.{_LABEL})*"
_LITERAL = r"\[[!-Z^-~]+\]"
_ROUTE = re.compile(rf"(?:@{_DOMAIN}(?:,@{_DOMAIN})*:)?")
_MAILBOX = re.compile(rf"(?P<local>{_DOT_STRING}|{_QUOTED})@(?P<domain>{_DOMAIN}|{_LITERAL})")
POSTMASTER = "postmaster"
"""The one recipient that needs no domain (RFC 5321 section 4.5.1), in any case of letters."""
_LONGEST = 320  # 64 + @ + 255 octets (RFC 5321 section 4.5.3.1); longer local parts are seen, and pass within it


class BadAddress(ValueError):
    """Not an address; the text says why."""


def mailbox(text: str, *, utf8: bool) -> str:
    """Check ``local@domain`` and return it as it is written.

    Args:
        text: The mailbox, without angle brackets.
        utf8: Whether SMTPUTF8 was asked for; characters outside ASCII are refused otherwise.

    Raises:
        BadAddress: If it is no mailbox.
    """
    if not utf8 and not text.isascii():
        raise BadAddress("characters outside ASCII need SMTPUTF8")
    if len(text.encode()) > _LONGEST:
        raise BadAddress(f"longer than {_LONGEST} octets")
    if any(c < " " or "\x7f" <= c <= "\x9f" for c in text):
        raise BadAddress("a control character in it")
    found = _MAILBOX.fullmatch(text)
    if found is None:
        raise BadAddress("no mailbox as in RFC 5321 section 4.1.2")
    domain = found["domain"]
    if domain.startswith("["):
        _literal(domain[1:-1])
    elif len(domain.encode()) > 255 or any(len(label) > 63 for label in domain.split(".")):
        raise BadAddress("a domain or a label too long")
    return text


def domain_of(address: str) -> str:
    """Return the domain of an address in lower-case A-labels (``""`` if it has none).

    U-labels are put into the form that DNS and our tables use (IDNA); what cannot be is left as it is.
    """
    domain = address.rpartition("@")[2].rstrip(".").lower() if "@" in address else ""
    if domain.isascii():
        return domain
    try:
        return domain.encode("idna").decode("ascii")
    except UnicodeError:
        return domain


def path(text: str) -> tuple[str, str]:
    """Split ``<mailbox> parameters`` into what is within the angle brackets and what follows.

    A source route is dropped, as RFC 5321 appendix C asks. Quoted strings may hold ``>``.

    Raises:
        BadAddress: If the brackets do not close.
    """
    text = text.lstrip(" ")
    if not text.startswith("<"):
        raise BadAddress("an address stands in angle brackets")
    quoted = escaped = False
    for index, c in enumerate(text[1:], 1):
        if escaped:
            escaped = False
        elif c == "\\" and quoted:
            escaped = True
        elif c == '"':
            quoted = not quoted
        elif c == ">" and not quoted:
            inside = text[1:index]
            route = _ROUTE.match(inside)
            return inside[route.end() if route else 0 :], text[index + 1 :]
    raise BadAddress("an angle bracket that does not close")


def _literal(text: str) -> None:
    try:
        if text.lower().startswith("ipv6:"):
            ipaddress.IPv6Address(text[5:])
        else:
            ipaddress.IPv4Address(text)
    except ValueError as error:
        raise BadAddress("no address literal as in RFC 5321 section 4.1.3") from error
