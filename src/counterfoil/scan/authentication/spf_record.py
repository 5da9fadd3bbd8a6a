"""The grammar of SPF records (RFC 7208 sections 4.6, 5, 6 and 12): text in, terms out."""

import ipaddress
import re
from dataclasses import dataclass
from enum import StrEnum

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class PermError(Exception):
    """The domain's published record cannot be understood or goes beyond a limit (RFC 7208 section 2.6.7)."""


class Kind(StrEnum):
    """The mechanisms."""

    ALL = "all"
    INCLUDE = "include"
    A = "a"
    MX = "mx"
    PTR = "ptr"
    IP4 = "ip4"
    IP6 = "ip6"
    EXISTS = "exists"


QUALIFIERS = {"+": "pass", "-": "fail", "~": "softfail", "?": "neutral"}


@dataclass(frozen=True, slots=True)
class Directive:
    """One mechanism and the result if it matches.

    ``target`` is the domain-spec before its macros are expanded, ``""`` for the current domain;
    ``network`` is set for ``ip4`` and ``ip6``; the prefix lengths are those of ``a`` and ``mx``.
    """

    result: str
    kind: Kind
    target: str = ""
    network: Network | None = None
    prefix4: int = 32
    prefix6: int = 128


@dataclass(frozen=True, slots=True)
class Record:
    """A whole record; ``redirect`` is a domain-spec, or ``None``."""

    directives: tuple[Directive, ...]
    redirect: str | None


MACRO = re.compile(r"%(?:\{([slodiphv])([0-9]*)(r?)([.\-+,/_=]*)\}|([%_\-]))", re.IGNORECASE)
_MACRO_STRING = re.compile(rf"(?:{MACRO.pattern}|[!-$&-~])*", re.IGNORECASE)
_ENDS_IN_MACRO = re.compile(rf"(?:{MACRO.pattern})\Z", re.IGNORECASE)
_MODIFIER = re.compile(r"([a-z][a-z0-9\-_.]*)=(.*)", re.IGNORECASE | re.DOTALL)
_DIRECTIVE = re.compile(r"([+\-?~]?)([a-z][a-z0-9\-_.]*)(.*)", re.IGNORECASE | re.DOTALL)
_TARGET_AND_PREFIXES = re.compile(r"(?::(?P<target>.*?))?(?:/(?P<four>[0-9]+))?(?://(?P<six>[0-9]+))?", re.DOTALL)
_NUMBER = re.compile(r"0|[1-9][0-9]{0,2}")


def is_record(text: str) -> bool:
    """Say whether a TXT record is an SPF record (section 4.5)."""
    return text[:6].lower() == "v=spf1" and text[6:7] in {"", " "}


def parse(text: str) -> Record:
    """Read a record that ``is_record``.

    Raises:
        PermError: On a syntax error anywhere in it (section 4.6).
    """
    if not text.isascii():
        raise PermError("the record holds octets that are no ASCII")
    directives = []
    modifiers: dict[str, str] = {}
    for term in text[6:].split(" "):
        if not term:
            continue
        if modifier := _MODIFIER.fullmatch(term):
            _add_modifier(modifiers, modifier[1].lower(), modifier[2])
        else:
            directives.append(_directive(term))
    return Record(tuple(directives), modifiers.get("redirect"))


def _add_modifier(modifiers: dict[str, str], name: str, value: str) -> None:
    if name in {"redirect", "exp"}:
        if name in modifiers:
            raise PermError(f"{name}= stands there twice")
        _check_domain_spec(value)
    elif not _MACRO_STRING.fullmatch(value):
        raise PermError(f"the value of {name}= is malformed")
    modifiers[name] = value


def _directive(term: str) -> Directive:
    shape = _DIRECTIVE.fullmatch(term)
    if shape is None or shape[2].lower() not in tuple(Kind):
        raise PermError(f"unknown mechanism: {term[:60]!r}")
    result, kind, rest = QUALIFIERS[shape[1] or "+"], Kind(shape[2].lower()), shape[3]
    if kind in {Kind.IP4, Kind.IP6}:
        return Directive(result, kind, network=_network(kind, rest))
    if kind in {Kind.A, Kind.MX}:
        return _with_prefixes(result, kind, rest)
    target = _target(rest, optional=kind is Kind.PTR, allowed=kind is not Kind.ALL)
    return Directive(result, kind, target)


def _target(rest: str, *, optional: bool, allowed: bool) -> str:
    if not rest and (optional or not allowed):
        return ""
    if not allowed or not rest.startswith(":"):
        raise PermError(f"malformed argument: {rest[:60]!r}")
    _check_domain_spec(rest[1:])
    return rest[1:]


def _with_prefixes(result: str, kind: Kind, rest: str) -> Directive:
    shape = _TARGET_AND_PREFIXES.fullmatch(rest)
    if shape is None:
        raise PermError(f"malformed argument: {rest[:60]!r}")
    if (target := shape["target"]) is not None:
        _check_domain_spec(target)
    four = 32 if shape["four"] is None else _prefix(shape["four"], 32)
    six = 128 if shape["six"] is None else _prefix(shape["six"], 128)
    return Directive(result, kind, target or "", prefix4=four, prefix6=six)


def _network(kind: Kind, rest: str) -> Network:
    version, longest = (4, 32) if kind is Kind.IP4 else (6, 128)
    address, slash, length = rest.removeprefix(":").partition("/")
    if not rest.startswith(":"):
        raise PermError(f"{kind} needs an address")
    prefix = _prefix(length, longest) if slash else longest
    try:
        network = ipaddress.ip_network(f"{address}/{prefix}", strict=False)
    except ValueError:
        raise PermError(f"no address: {rest[:60]!r}") from None
    if network.version != version or "%" in address:
        raise PermError(f"no address for {kind}: {rest[:60]!r}")
    return network


def _prefix(text: str, longest: int) -> int:
    if not _NUMBER.fullmatch(text) or int(text) > longest:
        raise PermError(f"no prefix length: {text[:20]!r}")
    return int(text)


def _check_domain_spec(text: str) -> None:
    """Hold a domain-spec against section 7.1: it ends in a macro, or in a dot and a top label."""
    if not _MACRO_STRING.fullmatch(text):
        raise PermError(f"malformed domain: {text[:60]!r}")
    if _ENDS_IN_MACRO.search(text):
        return
    before, dot, top = text.removesuffix(".").rpartition(".")
    letters = top.replace("-", "a")
    if not dot or not letters.isalnum() or top.isdigit() or top[0] == "-" or top[-1] == "-" or "%" in top:
        raise PermError(f"no domain: {(before + dot + top)[:60]!r}")
