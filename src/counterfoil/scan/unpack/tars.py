"""tar (POSIX.1-2017 ustar and pax, GNU long names), read block by block."""

from collections.abc import Iterator
from typing import Final

from counterfoil.scan.limits import Budget
from counterfoil.scan.unpack.member import Member, Oddity, Refusal

ODDITIES: Final = {
    "tar:link": "a link, which may point out of the folder it is unpacked to",
    "tar:path-traversal": "a name points out of the folder it is unpacked to",
    "tar:trailing-data": "bytes stand behind the end of the archive",
}
_BLOCK = 512
_END = bytes(_BLOCK)


def unpack(data: bytes, budget: Budget) -> Iterator[Member | Refusal | Oddity]:
    """Yield the regular files."""
    del budget  # a tar holds its members as they are; the caller counts them
    at, long_name = 0, ""
    while at + _BLOCK <= len(data):
        block = data[at : at + _BLOCK]
        if block == _END:
            break
        try:
            size = _number(block[124:136])
        except ValueError:
            yield Refusal(f"tar: no readable header at octet {at}")
            return
        body = data[at + _BLOCK : at + _BLOCK + size]
        kind = block[156:157]
        at += _BLOCK + -(-size // _BLOCK) * _BLOCK
        if kind == b"L":
            long_name = _text(body)
        elif kind == b"x":
            long_name = _pax_path(body) or long_name
        elif kind not in b"gK5346":
            name, long_name = long_name or _name(block), ""
            yield from _member(kind, name, body, size)
        else:
            long_name = ""
    rest = data[at:].strip(b"\0")
    if rest:
        yield Oddity("tar:trailing-data", f"{len(rest)} octets")
        yield Member("tar:trailing", rest)


def _member(kind: bytes, name: str, body: bytes, size: int) -> Iterator[Member | Refusal | Oddity]:
    path = name.replace("\\", "/")
    if path.startswith("/") or ".." in path.split("/"):
        yield Oddity("tar:path-traversal", name)
    if kind in b"12":
        yield Oddity("tar:link", name)
        return
    if len(body) < size:
        yield Refusal(f"tar: {name!r} is cut short")
    yield Member("tar", body, (name,))


def _number(field: bytes) -> int:
    """Read an octal or GNU base-256 number.

    Raises:
        ValueError: If it is neither.
    """
    if field[0] & 0x80:
        return int.from_bytes(field[1:], "big")
    digits = field.strip(b" \0")
    return int(digits, 8) if digits else 0


def _name(block: bytes) -> str:
    name = _text(block[:100])
    prefix = _text(block[345:500]) if block[257:263] == b"ustar\0" else ""
    return f"{prefix}/{name}" if prefix else name


def _text(field: bytes) -> str:
    return field.partition(b"\0")[0].decode("utf-8", "replace")


def _pax_path(body: bytes) -> str:
    at = 0
    while at < len(body):
        length, blank, _ = body[at : at + 24].partition(b" ")
        if not blank or not length.isdigit() or int(length) <= len(length):
            return ""
        key, _, value = body[at + len(length) + 1 : at + int(length) - 1].partition(b"=")
        if key == b"path":
            return value.decode("utf-8", "replace")
        at += int(length)
    return ""
