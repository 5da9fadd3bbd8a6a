"""ZIP: the members of every directory and of every local header, with what the two views disagree about."""

import contextlib
import zlib
from collections.abc import Iterator
from typing import Final

from counterfoil.scan.formats import zips
from counterfoil.scan.formats.zips import Entry
from counterfoil.scan.limits import Budget, Exhausted
from counterfoil.scan.unpack.member import Member, Oddity, Refusal

ODDITIES: Final = {
    "zip:two-directories": "several end records: programs choose different directories",
    "zip:not-in-directory": "a member that only a reader of local headers sees",
    "zip:not-in-stream": "a member that only a reader of the directory sees",
    "zip:views-differ": "local header and directory describe a member differently",
    "zip:overlap": "members share bytes",
    "zip:forged-size": "the size that is stated is not the size of the contents",
    "zip:stored-deflate": "contents said to be stored are deflated",
    "zip:bad-checksum": "the contents do not have the checksum that is stated",
    "zip:nul-in-name": "a name holds NUL, where some programs end it",
    "zip:path-traversal": "a name points out of the folder it is unpacked to",
    "zip:surrounded": "bytes that are no part of the archive stand before or behind it",
}
_SLACK = 64  # octets around an archive that nobody would hide anything in


def unpack(data: bytes, budget: Budget) -> Iterator[Member | Refusal | Oddity]:
    """Yield the members that any reader would see, each distinct reading once."""
    views = zips.directories(data)
    start, stop = _reach(data, views)
    streamed = zips.stream(data, budget.room(), start, stop)
    if len(views) > 1:
        yield Oddity("zip:two-directories", f"{len(views)} directories")
    yield from _compare([entry for view in views for entry in view], streamed)
    yield from _surroundings(data, streamed)
    seen: set[tuple[bytes, int, int]] = set()
    # A reader that believes the directory may take a method, a size or a name that the stream has not.
    for entry in (*(entry for view in views for entry in view), *streamed):
        key = (entry.name, entry.offset, entry.method if not entry.encrypted else zips.AES)
        if key in seen or (entry.name.endswith(b"/") and not entry.size):
            continue
        seen.add(key)
        yield from _extract(data, entry, budget)
    if not seen and not views and not streamed:
        yield Refusal("zip: neither a directory nor a local header can be read")


def _reach(data: bytes, views: list[list[Entry]]) -> tuple[int, int]:
    """Return where a reader of the stream begins and ends: in a file of another kind, only where its archive lies."""
    offsets = [entry.offset for view in views for entry in view]
    if data.startswith(b"PK") or not offsets:
        return 0, len(data)
    return min(offsets), data.rfind(zips.END)


def _compare(directory: list[Entry], streamed: list[Entry]) -> Iterator[Oddity]:
    here = {entry.offset: entry for entry in streamed}
    there: dict[int, Entry] = {}
    for entry in directory:
        there.setdefault(entry.offset, entry)
        local = here.get(entry.offset)
        shown = name_of(entry)[0]
        if local is None:
            yield Oddity("zip:not-in-stream", shown)
        elif difference := _difference(entry, local):
            yield Oddity("zip:views-differ", f"{shown}: {difference}")
    for entry in streamed:
        if directory and entry.offset not in there:
            yield Oddity("zip:not-in-directory", name_of(entry)[0])
    end = -1
    for entry in sorted(there.values(), key=lambda entry: entry.offset):
        if entry.offset < end:
            yield Oddity("zip:overlap", name_of(entry)[0])
            break
        end = entry.offset + 30 + len(entry.name) + entry.compressed


def _difference(entry: Entry, local: Entry) -> str:
    pairs = [("name", entry.name, local.name), ("method", entry.method, local.method)]
    pairs.append(("encryption", entry.encrypted, local.encrypted))
    if not local.described_later:
        pairs.append(("checksum", entry.crc, local.crc))
        pairs.append(("packed size", entry.compressed, local.compressed))
        pairs.append(("size", entry.size, local.size))
    return ", ".join(f"{what} {one!r} or {other!r}" for what, one, other in pairs if one != other)


def _surroundings(data: bytes, streamed: list[Entry]) -> Iterator[Oddity]:
    before = data.find(zips.LOCAL)
    if before > _SLACK and data[:2] == b"PK":
        yield Oddity("zip:surrounded", f"{before} octets before the first member")
    end = data.rfind(zips.END)
    if end >= 0 and streamed:
        behind = len(data) - end - 22 - int.from_bytes(data[end + 20 : end + 22], "little")
        if behind > _SLACK:
            yield Oddity("zip:surrounded", f"{behind} octets behind the end")


def _extract(data: bytes, entry: Entry, budget: Budget) -> Iterator[Member | Refusal | Oddity]:
    names = name_of(entry)
    if b"\0" in entry.name:
        yield Oddity("zip:nul-in-name", names[0])
    if _leaves_folder(names[0]):
        yield Oddity("zip:path-traversal", names[0])
    if zips.local(data, entry.offset) is None:
        if data.startswith(b"PK"):
            yield Refusal(f"zip: {names[0]!r} is not where the directory says")
    elif entry.encrypted:
        yield Refusal(f"zip: {names[0]!r} is encrypted")
    elif entry.method not in zips.METHODS:
        yield Refusal(f"zip: no reader for method {entry.method} of {names[0]!r}")
    else:
        yield from _contents(data, entry, names, budget)


def _contents(data: bytes, entry: Entry, names: tuple[str, ...], budget: Budget) -> Iterator[Member | Refusal | Oddity]:
    start = zips.data_start(data, entry)
    packed = data[start : start + entry.compressed]
    room = budget.room()
    try:
        output, complete = zips.expand(packed, entry.method, room + 1)
        if not complete and len(output) <= room:
            # The packed size is forged or missing; a reader of the stream goes on until the stream ends.
            output, complete = zips.expand(data[start:], entry.method, room + 1)
    except zips.Broken as error:
        yield Refusal(f"zip: {names[0]!r} cannot be unpacked: {error}")
        if packed:
            yield Member("zip:packed", packed, names)
        return
    if len(output) > room:
        raise Exhausted(f"more than {budget.limits.output} octets when unpacked")
    if not complete:
        yield Refusal(f"zip: {names[0]!r} is cut short")
    yield from _doubts(entry, output, names[0])
    yield Member("zip", output, names)
    if entry.method == zips.STORED:
        yield from _zombie(entry, packed, names, room)


def _doubts(entry: Entry, output: bytes, name: str) -> Iterator[Oddity]:
    if len(output) != entry.size and not (entry.described_later and not entry.size):
        yield Oddity("zip:forged-size", f"{name}: {entry.size} stated, {len(output)} found")
    elif zlib.crc32(output) != entry.crc and entry.crc:
        yield Oddity("zip:bad-checksum", name)


def _zombie(entry: Entry, packed: bytes, names: tuple[str, ...], room: int) -> Iterator[Member | Oddity]:
    """Inflate what is said to be stored but does not have the stated size or checksum (CVE-2026-0866)."""
    if entry.size == len(packed) and zlib.crc32(packed) == entry.crc:
        return
    try:
        output, complete = zips.expand(packed, zips.DEFLATED, room + 1)
    except zips.Broken:
        return
    if complete and output:
        if len(output) > room:
            raise Exhausted("a stored member inflates beyond the room for output")
        yield Oddity("zip:stored-deflate", names[0])
        yield Member("zip:inflate", output, names)


def name_of(entry: Entry) -> tuple[str, ...]:
    """Return the plausible names of a member: as its flags say, and where NUL would end it."""
    if entry.flags & 0x800 or entry.name.isascii():
        name = entry.name.decode("utf-8", "replace")
    else:
        name = entry.name.decode("cp437")
        with contextlib.suppress(UnicodeDecodeError):
            name = entry.name.decode("utf-8")
    cut = name.partition("\0")[0]
    return (name,) if cut == name else (name.replace("\0", "\ufffd"), cut)


def _leaves_folder(name: str) -> bool:
    path = name.replace("\\", "/")
    return path.startswith("/") or ".." in path.split("/") or path[1:2] == ":"
