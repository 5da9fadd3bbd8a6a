"""BIFF, the record stream of Excel 5 to 2003 ([MS-XLS] section 2.1.4)."""

import struct
from collections.abc import Iterator
from typing import NamedTuple

BOF = 0x0809
EOF = 0x000A
FILE_PASS = 0x002F
BOUND_SHEET = 0x0085
CODE_PAGE = 0x0042
BIFF8 = 0x0600

_HEAD = struct.Struct("<HH").unpack_from

STREAMS = ("Workbook", "Book")
"""The workbook stream of BIFF8 and of BIFF5; a file may hold both."""


class Record(NamedTuple):
    """One record; ``offset`` is where its data begins in the stream."""

    type: int
    offset: int
    data: bytes


def records(stream: bytes, start: int = 0) -> Iterator[Record]:
    """Yield the records from ``start`` on, up to the end of the stream or a record that runs over it."""
    position, total = start, len(stream)
    while position + 4 <= total:
        kind, size = _HEAD(stream, position)
        begins = position + 4
        position = begins + size
        if position > total:
            return
        yield Record(kind, begins, stream[begins:position])


def version(stream: bytes) -> int:
    """Return the BIFF version of the first record, or 0 where it is no BOF (section 2.4.21)."""
    first = next(records(stream), None)
    if first is None or first.type != BOF or len(first.data) < 2:
        return 0
    return int.from_bytes(first.data[:2], "little")
