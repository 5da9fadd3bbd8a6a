"""Writes compound files ([MS-CFB]) for tests: streams by path, small ones in the mini stream as Office does."""

import struct

SECTOR, MINI, CUTOFF = 512, 64, 4096
FREE, END, FAT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD


def compound(streams: dict[str, bytes]) -> bytes:
    """Return a compound file with the streams; ``/`` in a name makes storages."""
    tree: dict = {}
    for path, content in streams.items():
        *storages, name = path.split("/")
        here = tree
        for storage in storages:
            here = here.setdefault(storage, {})
        here[name] = content
    entries: list[list] = [["Root Entry", 5, FREE, FREE, FREE, END, 0, b""]]
    _add(entries, 0, tree)
    sectors: list[bytes] = []
    fat: list[int] = []
    mini = bytearray()
    minifat: list[int] = []
    for entry in entries[1:]:
        content = entry[7]
        if entry[1] != 2:
            continue
        entry[6] = len(content)
        if not content:
            entry[5] = END
        elif len(content) < CUTOFF:
            entry[5] = len(minifat)
            count = -(-len(content) // MINI)
            minifat += [*range(entry[5] + 1, entry[5] + count), END]
            mini += content.ljust(count * MINI, b"\0")
        else:
            entry[5] = _chain(sectors, fat, content)
    entries[0][5], entries[0][6] = _chain(sectors, fat, bytes(mini)), len(mini)
    minifat_start = _chain(sectors, fat, b"".join(struct.pack("<I", number) for number in minifat), b"\xff")
    directory = b"".join(_entry(entry) for entry in entries)
    directory_start = _chain(sectors, fat, directory.ljust(-(-len(directory) // SECTOR) * SECTOR, b"\0"))
    return _assembled(sectors, fat, directory_start, minifat_start, -(-len(minifat) // 128))


def _add(entries: list[list], parent: int, tree: dict) -> None:
    previous = 0
    for name, content in tree.items():
        number = len(entries)
        is_storage = isinstance(content, dict)
        entries.append([name, 1 if is_storage else 2, FREE, FREE, FREE, 0, 0, b"" if is_storage else content])
        if previous:
            entries[previous][3] = number
        else:
            entries[parent][4] = number
        previous = number
        if is_storage:
            _add(entries, number, content)


def _entry(entry: list) -> bytes:
    name, kind, left, right, child, start, size, _ = entry
    encoded = name.encode("utf-16-le")
    head = encoded.ljust(64, b"\0") + struct.pack("<HBB", len(encoded) + 2, kind, 1)
    return head + struct.pack("<III", left, right, child) + bytes(36) + struct.pack("<IQ", start, size)


def _chain(sectors: list[bytes], fat: list[int], content: bytes, fill: bytes = b"\0") -> int:
    if not content:
        return END
    start = len(sectors)
    for at in range(0, len(content), SECTOR):
        sectors.append(content[at : at + SECTOR].ljust(SECTOR, fill))
        fat.append(len(sectors))
    fat[-1] = END
    return start


def _assembled(sectors: list[bytes], fat: list[int], directory: int, minifat: int, minifat_count: int) -> bytes:
    count = 1
    while count * 128 < len(fat) + count:
        count += 1
    assert count <= 109
    places = list(range(len(sectors), len(sectors) + count))
    table = struct.pack("<128I", *([*fat, *[FAT] * count] + [FREE] * (128 * count))[:128]) if count == 1 else b""
    if count > 1:
        numbers = ([*fat, *[FAT] * count] + [FREE] * (128 * count))[: 128 * count]
        table = struct.pack(f"<{128 * count}I", *numbers)
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16)
    header += struct.pack(
        "<HHHHH6xIIIIIIIII", 0x3E, 3, 0xFFFE, 9, 6, 0, count, directory, 0, CUTOFF, minifat, minifat_count, END, 0
    )
    header += struct.pack("<109I", *(places + [FREE] * 109)[:109])
    return header + b"".join(sectors) + table
