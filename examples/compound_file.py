"""The least of an OLE compound file (MS-CFB version 3) that holds storages and streams: enough for a VBA project.

Streams under the 4,096-octet cutoff are kept in the mini stream, as the format wants it.
"""

import struct
from dataclasses import dataclass, field

SECTOR, MINI = 512, 64
FREE, END, FAT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
STORAGE, STREAM, ROOT = 1, 2, 5
NONE = 0xFFFFFFFF


@dataclass
class Entry:
    """A directory entry while the file is laid out."""

    name: str
    kind: int
    data: bytes = b""
    children: list["Entry"] = field(default_factory=list)
    number: int = 0
    start: int = END
    right: int = NONE
    child: int = NONE


def compound_file(tree: dict[str, object]) -> bytes:
    """Lay out a file; a dictionary is a storage, bytes are a stream."""
    root = Entry("Root Entry", ROOT, children=_entries(tree))
    entries: list[Entry] = []
    _number(root, entries)
    fat: list[int] = []
    body = bytearray()
    mini_fat: list[int] = []
    mini = bytearray()
    for entry in entries:
        if entry.kind == STREAM and entry.data:
            small = len(entry.data) < 4096
            entry.start = _chain(
                entry.data, mini if small else body, mini_fat if small else fat, MINI if small else SECTOR
            )
    root.data = bytes(mini)
    root.start = _chain(root.data, body, fat, SECTOR) if mini else END
    mini_fat_start = _chain(_longs(mini_fat, SECTOR // 4), body, fat, SECTOR) if mini_fat else END
    directory = b"".join(_record(entry) for entry in entries)
    directory_start = _chain(directory + _record(None) * (-len(entries) % 4), body, fat, SECTOR)
    fat_at = len(fat)
    fat += [FAT]
    assert len(fat) <= SECTOR // 4, "one sector of FAT has to do"
    body += _longs(fat, SECTOR // 4)
    header = struct.pack(
        "<8s16sHHHHH6xIIIIIIIIII",
        bytes.fromhex("d0cf11e0a1b11ae1"), b"", 0x3E, 3, 0xFFFE, 9, 6,
        0, 1, directory_start, 0, 4096, mini_fat_start, (len(mini_fat) + 127) // 128, END, 0, fat_at,
    )  # fmt: skip
    return header + _longs([], 108) + bytes(body)


def _entries(tree: dict[str, object]) -> list[Entry]:
    made = []
    for name, content in tree.items():
        if isinstance(content, bytes):
            made.append(Entry(name, STREAM, content))
        else:
            assert isinstance(content, dict)
            made.append(Entry(name, STORAGE, children=_entries(content)))
    # MS-CFB 2.6.4: shorter names first, then by upper case; a chain to the right is a valid tree.
    return sorted(made, key=lambda entry: (len(entry.name), entry.name.upper()))


def _number(entry: Entry, entries: list[Entry]) -> None:
    entry.number = len(entries)
    entries.append(entry)
    for child in entry.children:
        _number(child, entries)
    for left, right in zip(entry.children, entry.children[1:], strict=False):
        left.right = right.number
    if entry.children:
        entry.child = entry.children[0].number


def _chain(data: bytes, body: bytearray, fat: list[int], size: int) -> int:
    start = len(fat)
    count = -(-len(data) // size)
    body += data + bytes(count * size - len(data))
    fat += [*range(start + 1, start + count), END]
    return start


def _longs(values: list[int], least: int) -> bytes:
    count = max(-(-len(values) // least) * least, least)
    return struct.pack(f"<{count}I", *values, *[FREE] * (count - len(values)))


def _record(entry: Entry | None) -> bytes:
    if entry is None:
        return struct.pack("<64xHBBIII16xI16xIQ", 0, 0, 0, NONE, NONE, NONE, 0, 0, 0)
    name = entry.name.encode("utf-16-le")
    size = len(entry.data) if entry.kind in (STREAM, ROOT) else 0
    start = entry.start if entry.kind in (STREAM, ROOT) else 0
    return name.ljust(64, b"\0") + struct.pack(
        "<HBBIII16xI16xIQ", len(name) + 2, entry.kind, 1, NONE, entry.right, entry.child, 0, start, size
    )
