"""What a value in the file may look like: each reader takes what TOML gave and returns ours, or says what is wrong."""

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

HOST = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*\.?")


class Wrong(ValueError):
    """A value that cannot be taken: ``str()`` is what is wrong, ``hint`` what would be right."""

    def __init__(self, problem: str, hint: str) -> None:
        super().__init__(problem)
        self.hint = hint


@dataclass(frozen=True, slots=True)
class HostPort:
    """A host (a name or an address without brackets) and a TCP port; port 0 lets the system choose."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def loopback(self) -> bool:
        """Say whether it is an address of this machine alone; a name is none, as it may come to mean another."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


Reader = Callable[[object, Path], object]
"""Takes the TOML value and the folder of the file; raises ``Wrong``."""


def read_host_port(text: str, default_port: int | None = None) -> HostPort:
    """Read ``host:port``, ``[v6]:port`` or, where there is a default port, a bare host.

    Raises:
        Wrong: If it is none of these.
    """
    hint = 'write "host:port" or "[::1]:port"'
    bare, bracket, rest = text.partition("]") if text.startswith("[") else ("", "", "")
    host, port_text = (bare[1:], rest.removeprefix(":")) if bracket else _split(text)
    if not port_text and default_port is not None:
        port_text = str(default_port)
    if not port_text.isascii() or not port_text.isdigit() or int(port_text) > 65535:
        raise Wrong(f"{text!r} has no port between 0 and 65535", hint)
    try:
        ipaddress.ip_address(host)
    except ValueError:
        if not HOST.fullmatch(host) or len(host) > 253:
            raise Wrong(f"{host!r} is no host name and no address", hint) from None
    return HostPort(host, int(port_text))


def _split(text: str) -> tuple[str, str]:
    host, _, port = text.rpartition(":")
    return (host, port) if host else (port, "")


def listener(value: object, _folder: Path) -> HostPort | None:
    """Read an address to listen on; ``""`` means do not listen."""
    text = string(value, _folder)
    return read_host_port(text) if text else None


def relay(value: object, _folder: Path) -> HostPort | None:
    """Read a host to hand mail to, port 25 if left out; ``""`` means none."""
    text = string(value, _folder)
    return read_host_port(text, default_port=25) if text else None


def string(value: object, _folder: Path) -> str:
    """Read text."""
    if not isinstance(value, str):
        raise Wrong(f"is {_kind(value)}, not text", 'put it in quotes: "..."')
    return value


def host_name(value: object, folder: Path) -> str:
    """Read a host name, or ``""`` for the machine's own."""
    text = string(value, folder)
    if text and (not HOST.fullmatch(text) or len(text) > 253):
        raise Wrong(f"{text!r} is no host name", 'write it as in DNS: "mx.example.org"')
    return text


def mailbox(value: object, folder: Path) -> str:
    """Read an email address, or ``""`` for none."""
    text = string(value, folder)
    local, at, domain = text.rpartition("@")
    if text and not (re.fullmatch(r"[A-Za-z0-9!#$&'*+./=?^_`{|}~-]{1,64}", local) and at and HOST.fullmatch(domain)):
        raise Wrong(f"{text!r} is no email address", 'write "postmaster@example.org"')
    return text


def header_name(value: object, folder: Path) -> str:
    """Read the name of a header field (RFC 5322 section 2.2) that nothing else uses: it begins with ``X-``."""
    text = string(value, folder)
    if not re.fullmatch(r"[Xx]-[!-9;-~]{1,70}", text):
        raise Wrong(f"{text!r} is no header name of our own", 'write a name that begins with "X-", without the colon')
    return text


def https(value: object, folder: Path) -> str:
    """Read a base URL; the slash at its end is taken off."""
    text = string(value, folder).rstrip("/")
    if not re.fullmatch(r"https://[A-Za-z0-9.-]+(:[0-9]{1,5})?", text):
        raise Wrong(f"{text!r} is no base URL", 'write it as "https://graph.microsoft.com"')
    return text


def https_or_none(value: object, folder: Path) -> str:
    """Read a base URL; ``""`` means none."""
    return https(value, folder) if string(value, folder) else ""


def folder(value: object, base: Path) -> Path | None:
    """Read a path to a folder that is there, relative to the configuration's; ``""`` means none."""
    text = string(value, base)
    if not text:
        return None
    found = base / text
    if not found.is_dir():
        raise Wrong(f"there is no folder {text!r}", "relative paths are taken from the folder of the configuration")
    return found


def local_part(value: object, base: Path) -> str:
    """Read the local part of an address (RFC 5321 section 4.1.2, a dot-string)."""
    text = string(value, base)
    if not re.fullmatch(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*", text):
        raise Wrong(f"{text!r} is no local part of an address", 'write what stands before the @: "heartbeat"')
    return text


def path(value: object, folder: Path) -> Path | None:
    """Read a path to a file that is there, relative to the configuration's folder; ``""`` means none."""
    text = string(value, folder)
    if not text:
        return None
    place = folder / text
    if not place.is_file():
        raise Wrong(f"there is no file {text!r}", "relative paths are taken from the folder of the configuration")
    return place


def addresses(value: object, _folder: Path) -> tuple[str, ...]:
    """Read a list of IP addresses."""
    if not isinstance(value, list):
        raise Wrong(f"is {_kind(value)}, not a list", 'write ["192.0.2.1", "2001:db8::1"]')
    for item in value:
        try:
            ipaddress.ip_address(item if isinstance(item, str) else "")
        except ValueError:
            raise Wrong(f"{item!r} is no IP address", 'write ["192.0.2.1", "2001:db8::1"]') from None
    return tuple(str(item) for item in value)


def whole(least: int, most: int) -> Reader:
    """Make a reader of whole numbers from ``least`` to ``most``."""

    def reader(value: object, _folder: Path) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise Wrong(f"is {_kind(value)}, not a whole number", f"from {least} to {most}")
        if not least <= value <= most:
            raise Wrong(f"{value} is out of range", f"from {least} to {most}")
        return value

    return reader


def flag(value: object, _folder: Path) -> bool:
    """Read true or false."""
    if not isinstance(value, bool):
        raise Wrong(f"is {_kind(value)}", "write true or false, without quotes")
    return value


def one_of(*words: str) -> Reader:
    """Make a reader of one word out of several."""

    def reader(value: object, _folder: Path) -> str:
        if value not in words:
            raise Wrong(f"{value!r} is not known here", f"one of {', '.join(words)}")
        return str(value)

    return reader


def database_url(value: object, folder: Path) -> str:
    """Read an SQLAlchemy URL of PostgreSQL, or ``""`` for SQLite in the data folder."""
    text = string(value, folder)
    if text and not text.startswith(("postgresql://", "postgresql+psycopg://")):
        # The URL itself is not repeated: it may carry a password.
        raise Wrong("is no PostgreSQL URL", 'write "postgresql+psycopg://host/name", or leave it out for SQLite')
    return text


def _kind(value: object) -> str:
    names = {bool: "true or false", int: "a number", float: "a number", str: "text", list: "a list", dict: "a table"}
    return names.get(type(value), "a date or time")
