"""The header fields that are ours: those that came in are taken off, ours go on top (RFC 5321 section 4.4).

Ours are ``X-Counterfoil-*``, the secret header, and ``Authentication-Results`` with our own authserv-id
(RFC 8601 section 5); ``gateway.ours`` knows how many ways there are to spell them. All of it works on octets:
real mail has 8-bit header fields, and some has none.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from email.header import Header

from counterfoil.gateway.ours import PREFIX, RESULTS, Ours

SECRET_HEADER = "X-Counterfoil-Tenant"  # noqa: S105 - the name of a field, not its value
"""The name of the secret header where none is configured."""

_FIELD = re.compile(rb"[!-9;-~]+[ \t]*:")
_BREAK = re.compile(rb"(?<=\r\n)(?![ \t])")
_SIGNED = re.compile(rb"(?:^|;)\s*h\s*=([^;]*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Stripped:
    """A message without the fields of our names.

    ``removed`` names each that was taken off with its occurrence, counted from 1 among the fields of that
    name as it came (what a milter needs); ``signed`` are our names that a DKIM signature covers, so that
    its result may change at the receiver.
    """

    raw: bytes = field(repr=False)
    removed: tuple[tuple[str, int], ...] = ()
    signed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Dressed:
    """A message that is ready to be handed on: what came, without the fields that were ours, and our own on top.

    ``fields`` are name and value, the topmost first. ``subject`` is the new value of its first Subject field
    (the octets after the colon, folding included), or ``None`` to leave it.
    """

    stripped: Stripped
    fields: tuple[tuple[str, str], ...]
    subject: bytes | None = None

    def octets(self) -> bytes:
        """Return the message as it goes out."""
        top = "".join(f"{name}: {value}\r\n" for name, value in self.fields).encode("ascii", "replace")
        raw = self.stripped.raw
        if self.subject is not None:
            raw = _with_subject(raw, self.subject)
        # Text that is no header field would be read as part of ours if no empty line stood between.
        gap = b"" if raw.startswith(b"\r\n") or _FIELD.match(raw) else b"\r\n"
        return top + gap + raw


MOST_LINES = 10_000
"""Lines of a header; Postfix reads 100 KB of it, and the longest of real mail have some hundred lines."""


def is_measured(raw: bytes) -> bool:
    """Say whether the header of a message ends within measure, so that reading it takes no noticeable time."""
    end = raw.find(b"\r\n\r\n")
    return raw.count(b"\r\n", 0, end + 2 if end >= 0 else len(raw)) <= MOST_LINES or not _FIELD.match(raw)


def split(raw: bytes) -> tuple[list[bytes], bytes]:
    """Split a message into its header fields (each with its line ends) and what follows them."""
    if not _FIELD.match(raw):
        return [], raw
    end = raw.find(b"\r\n\r\n")
    block, rest = (raw[: end + 2], raw[end + 2 :]) if end >= 0 else (raw, b"")
    return [line for line in _BREAK.split(block) if line], rest


def name_of(header: bytes) -> bytes:
    """Return the lower-case name of a field; blanks before the colon do not hide it."""
    return header.partition(b":")[0].strip().lower()


def values(fields: Iterable[bytes], name: str) -> list[bytes]:
    """Return the unfolded values of every field of a name."""
    wanted = name.lower().encode()
    return [header.partition(b":")[2].strip() for header in fields if name_of(header) == wanted]


def strip(raw: bytes, *, authserv: str, secret: str) -> Stripped:
    """Take every field of our names off a message; the octets of all others stay as they are.

    Args:
        raw: The message.
        authserv: Our authserv-id, which is the gateway's host name.
        secret: The name of the secret header.
    """
    fields, rest = split(raw)
    removed: list[tuple[str, int]] = []
    seen: dict[bytes, int] = {}
    kept: list[bytes] = []
    ours = Ours(authserv, secret)
    for header in fields:
        name = name_of(header)
        seen[name] = seen.get(name, 0) + 1
        if ours.wrote(header):
            removed.append((header.partition(b":")[0].strip().decode("ascii", "replace"), seen[name]))
        else:
            kept.append(header)
    signed = tuple(sorted(_signed_names(fields, secret)))
    if not removed:
        return Stripped(raw, (), signed)
    return Stripped(b"".join([*kept, rest]), tuple(removed), signed)


def marked_subject(raw: bytes, prefix: str) -> bytes | None:
    """Return the first Subject field's value with a prefix in front, or ``None`` where there is no such field."""
    for header in split(raw)[0]:
        if name_of(header) == b"subject":
            mark = prefix if prefix.isascii() else Header(prefix, "utf-8").encode() + " "
            return b" " + mark.encode("ascii") + header.partition(b":")[2].strip()
    return None


def hops(fields: Iterable[bytes], hostname: str) -> tuple[int, int]:
    """Count the Received fields of a message, and those among them that this gateway wrote."""
    ours = re.compile(rb"\sby\s+" + re.escape(hostname.encode()) + rb"\s+\(Counterfoil\)", re.IGNORECASE)
    received = [header for header in fields if name_of(header) == b"received"]
    return len(received), sum(1 for header in received if ours.search(header))


def _with_subject(raw: bytes, value: bytes) -> bytes:
    fields, rest = split(raw)
    place = next(number for number, header in enumerate(fields) if name_of(header) == b"subject")
    return b"".join([*fields[:place], b"Subject:" + value + b"\r\n", *fields[place + 1 :], rest])


def _signed_names(fields: Iterable[bytes], secret: str) -> Iterator[str]:
    names: set[bytes] = set()
    for header in fields:
        if name_of(header) == b"dkim-signature":
            for found in _SIGNED.finditer(header.partition(b":")[2]):
                names |= {word.strip().lower() for word in found[1].split(b":")}
    for name in names:
        spelt = name.decode("ascii", "replace")
        if spelt.startswith(PREFIX) or spelt in (secret.lower(), RESULTS):
            yield spelt
