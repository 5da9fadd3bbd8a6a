"""Which host does a URL lead to? Browsers (WHATWG URL) and libraries (RFC 3986) do not always agree.

Both answers are given where they differ ("Exploiting URL parsing confusion", Claroty and Snyk, 2022).
"""

import ipaddress
import re
from typing import Final
from urllib.parse import unquote

_SPECIAL: Final = frozenset({"http", "https", "ftp", "ws", "wss", "file"})
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
# What every program reads alike: letters, digits and dots up to a slash or the end, no number as the last label.
_PLAIN = re.compile(
    r"https?://([A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z][A-Za-z0-9-]*)(?:/[^\\\t\r\n]*)?\Z", re.ASCII
)
_WHATWG_REMOVED = re.compile(r"[\t\r\n]")
_GENERIC = re.compile(r"(?:[^:/?#]+:)?//([^/?#]*)")
_ENDS_HOST = re.compile(r"[/?#\\]")


def hosts_of(url: str) -> tuple[str, ...]:
    """Return the hosts that programs may connect to, lower case, a browser's first; ``()`` where there is none."""
    plain = _PLAIN.match(url)
    if plain is not None:
        return (plain[1].lower(),)
    return tuple(dict.fromkeys(host for host in (browser_host(url), generic_host(url)) if host))


def browser_host(url: str) -> str:
    """Return the host as WHATWG's parser sees it: backslashes are slashes, any number of them, tabs are nothing."""
    text = _WHATWG_REMOVED.sub("", url).strip("".join(map(chr, range(33))))
    scheme = _SCHEME.match(text)
    if scheme is None:
        return _host(text.lstrip("/\\")) if text[:2].replace("\\", "/") == "//" or text[:4].lower() == "www." else ""
    rest = text[scheme.end() :]
    if scheme[1].lower() in _SPECIAL:
        return _host(rest.lstrip("/\\"))
    return _host(rest[2:]) if rest.startswith("//") else ""


def generic_host(url: str) -> str:
    """Return the host as RFC 3986 section 3.2 sees it: only a slash ends the authority."""
    match = _GENERIC.match(url.strip())
    return _normal(match[1].rpartition("@")[2]) if match else ""


def _host(text: str) -> str:
    authority = _ENDS_HOST.split(text, maxsplit=1)[0]
    return _normal(authority.rpartition("@")[2])


def _normal(host: str) -> str:
    if host.startswith("["):
        return host.partition("]")[0].lower() + "]"
    host = unquote(host.partition(":")[0]).rstrip(".").lower()
    host = host.replace("\u3002", ".").replace("\uff0e", ".").replace("\uff61", ".")
    return _address(host) or host


def _address(host: str) -> str:
    """Return the dotted address that a numeric host means (``0x7f.1``, ``2130706433``), or ``""``."""
    pieces = host.split(".")
    if len(pieces) > 4 or not all(re.fullmatch(r"0x[0-9a-f]*|[0-9]+", piece) for piece in pieces):
        return ""
    try:
        numbers = [_number(piece) for piece in pieces]
        value = numbers[-1]
        if value >= 256 ** (5 - len(numbers)) or any(number > 255 for number in numbers[:-1]):
            return ""
        for place, number in enumerate(numbers[:-1]):
            value += number * 256 ** (3 - place)
        return str(ipaddress.IPv4Address(value))
    except ValueError:
        return ""


def _number(piece: str) -> int:
    if piece.startswith("0x"):
        return int(piece[2:] or "0", 16)
    return int(piece, 8) if len(piece) > 1 and piece.startswith("0") else int(piece)
