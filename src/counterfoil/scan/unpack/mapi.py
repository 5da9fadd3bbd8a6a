"""The encapsulated MAPI properties of TNEF (MS-OXTNEF 2.1.3.4)."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

EMBEDDED: Final = bytes.fromhex("0703020000000000c000000000000046")
"""IID_IMessage: in front of an embedded message."""

_FIXED: Final = {0x0002: 4, 0x0003: 4, 0x0004: 4, 0x0005: 8, 0x0006: 8, 0x0007: 8, 0x000A: 4, 0x000B: 4}
_FIXED_LONG: Final = {0x0014: 8, 0x0040: 8, 0x0048: 16}
_SIZES: Final = _FIXED | _FIXED_LONG
_UNICODE = 0x001F
_VARIABLE: Final = frozenset({0x001E, _UNICODE, 0x000D, 0x0102})
_MULTIPLE = 0x1000


@dataclass(frozen=True, slots=True)
class Property:
    """One property; ``values`` are octets as they lie there, more than one for multi-valued types."""

    id: int
    type: int
    values: tuple[bytes, ...]

    def text(self) -> str:
        """Return the first value as text."""
        if not self.values:
            return ""
        if self.type & ~_MULTIPLE == _UNICODE:
            return self.values[0].decode("utf-16-le", "replace").rstrip("\0")
        return self.values[0].decode("latin-1").rstrip("\0")


def properties(data: bytes) -> Iterator[Property]:
    """Yield the properties up to the first that cannot be read.

    Raises:
        ValueError: If a property cannot be read: what follows it is unknown.
    """
    (count,) = _unpack("<I", data, 0)
    at = 4
    for _ in range(count):
        kind, identity = _unpack("<HH", data, at)
        at += 4
        if identity >= 0x8000:
            at = _skip_name(data, at)
        base = kind & ~_MULTIPLE
        if base in _VARIABLE or kind & _MULTIPLE:
            (number,) = _unpack("<I", data, at)
            at += 4
        else:
            number = 1
        values: list[bytes] = []
        for _ in range(number):
            value, at = _value(data, at, base)
            values.append(value)
        yield Property(identity, kind, tuple(values))


def _value(data: bytes, at: int, base: int) -> tuple[bytes, int]:
    if base in _VARIABLE:
        (length,) = _unpack("<I", data, at)
        if at + 4 + length > len(data):
            raise ValueError("a MAPI property is cut short")
        return data[at + 4 : at + 4 + length], at + 4 + -(-length // 4) * 4
    size = _SIZES.get(base)
    if size is None or at + size > len(data):
        raise ValueError(f"MAPI property type 0x{base:04x} cannot be read")
    return data[at : at + size], at + size


def _skip_name(data: bytes, at: int) -> int:
    (kind,) = _unpack("<I", data, at + 16)
    if kind == 0:
        return at + 24
    (length,) = _unpack("<I", data, at + 20)
    return at + 24 + -(-length // 4) * 4


def _unpack(layout: str, data: bytes, at: int) -> tuple[int, ...]:
    if at + struct.calcsize(layout) > len(data):
        raise ValueError("the MAPI properties are cut short")
    return struct.unpack_from(layout, data, at)
