"""BIFF, the record stream of Excel 5 to 2003 ([MS-XLS] section 2.1.4)."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

BOF = 0x0809
EOF = 0x000A
FILE_PASS = 0x002F
BOUND_SHEET = 0x0085
CODE_PAGE = 0x0042
BIFF8 = 0x0600

STREAMS = ("Workbook", "Book")
"""The workbook stream of BIFF8 and of BIFF5; a file may hold both."""


@dataclass(frozen=True, slots=True)
class Record:
    """One record; ``offset`` is where its data begins in the stream."""

    type: int
    offset: int
    data: bytes


def records(stream: bytes, start: int = 0) -> Iterator[Record]:
    """Yield the records from ``start`` on, up to the end of the stream or a record that runs over it."""
    position = start
    while position + 4 <= len(stream):
        kind, size = struct.unpack_from("<HH", stream, position)
        data = stream[position + 4 : position + 4 + size]
        if len(data) < size:
            return
        yield Record(kind, position + 4, data)
        position += 4 + size


def version(stream: bytes) -> int:
    """Return the BIFF version of the first record, or 0 where it is no BOF (section 2.4.21)."""
    first = next(records(stream), None)
    if first is None or first.type != BOF or len(first.data) < 2:
        return 0
    return int.from_bytes(first.data[:2], "little")
