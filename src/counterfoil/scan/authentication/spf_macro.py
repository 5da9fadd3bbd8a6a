"""Macros of SPF (RFC 7208 section 7), and the names of the client that the DNS confirms (section 5.5)."""

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import quote

from counterfoil.model.dns import Asking, Question, RecordType, Status
from counterfoil.scan.authentication.spf_record import MACRO, PermError

MAX_NAMES = 10
"""Names of one ``mx`` or ``ptr`` that are looked at (section 4.6.4)."""

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True)
class Values:
    """What macros may stand for."""

    address: Address
    sender: str
    helo: str
    domain: str


def expand(spec: str, values: Values) -> Asking[str]:
    """Expand the macros of a well-formed macro-string; ``p`` asks the DNS.

    Raises:
        PermError: If a transformer keeps nothing.
    """
    pieces = []
    end = 0
    for macro in MACRO.finditer(spec):
        pieces.append(spec[end : macro.start()])
        end = macro.end()
        letter, digits, reverse, delimiters, literal = macro.groups()
        if literal:
            pieces.append({"%": "%", "_": " ", "-": "%20"}[literal])
            continue
        value = (yield from _confirmed(values)) if letter in "pP" else _value(letter.lower(), values)
        value = _transform(value, digits, reverse, delimiters)
        pieces.append(quote(value, safe="-._~") if letter.isupper() else value)
    return "".join([*pieces, spec[end:]])


def _value(letter: str, values: Values) -> str:
    local, _, domain = values.sender.rpartition("@")
    address = values.address
    dotted = str(address) if address.version == 4 else ".".join(address.exploded.replace(":", ""))
    return {
        "s": values.sender,
        "l": local,
        "o": domain,
        "d": values.domain,
        "i": dotted,
        "v": "in-addr" if address.version == 4 else "ip6",
        "h": values.helo,
    }[letter]


def _transform(value: str, digits: str, reverse: str, delimiters: str) -> str:
    """Section 7.3: split, reverse, keep the right-hand parts, join by dots."""
    parts = re.split(f"[{re.escape(delimiters or '.')}]", value)
    if reverse:
        parts.reverse()
    if digits:
        # 128 parts are more than any value that fits into a name has.
        kept = min(int(digits[-9:]) if len(digits.lstrip("0")) < 9 else 128, 128)
        if kept == 0:
            raise PermError("a macro keeps no part of its value")
        parts = parts[-kept:]
    return ".".join(parts)


def validated_names(address: Address) -> Asking[tuple[str, ...]]:
    """Return the names that the client's address has and that have it in turn; errors make no name."""
    (answer,) = yield (Question(address.reverse_pointer, RecordType.PTR),)
    if answer.status is not Status.OK:
        return ()
    names = tuple(name.rstrip(".").lower() for name in answer.records[:MAX_NAMES])
    kind = RecordType.A if address.version == 4 else RecordType.AAAA
    answers = yield tuple(Question(name, kind) for name in names)
    return tuple(
        name
        for name, found in zip(names, answers, strict=True)
        if found.status is Status.OK and address in map(_address, found.records)
    )


def _confirmed(values: Values) -> Asking[str]:
    """Section 7.3, ``p``: the domain itself before a name below it before any name, else ``unknown``."""
    names = yield from validated_names(values.address)
    if values.domain in names:
        return values.domain
    below = [name for name in names if name.endswith(f".{values.domain}")]
    return (below or list(names) or ["unknown"])[0]


def _address(text: str) -> Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
