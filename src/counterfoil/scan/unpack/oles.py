"""Compound files: their streams, and the files that a person can open in them.

The streams that only describe (summary information, document text without objects) are parts as well: a reader
of the report sees what is in there, and checks look at raw bytes.
"""

import re
import struct
from collections.abc import Iterator
from typing import Final

from counterfoil.scan.formats import ole
from counterfoil.scan.limits import Budget
from counterfoil.scan.unpack.member import Member, Oddity, Refusal

ODDITIES: Final = {
    "ole:embedded-file": "a document carries a file that opens on a double click",
    "ole:command": "a document carries a command that runs on a double click",
}
_PROPERTY = re.compile(r"__substg1\.0_([0-9A-Fa-f]{4})([0-9A-Fa-f]{4})")
_NAMES: Final = frozenset({"3707", "3704", "3001"})
_ATTACHMENT: Final = "3701"
_TYPES: Final = {"1013": "text/html"}
_TEXTS: Final = {"001F": "text/plain", "001E": "text/plain"}
_NATIVE = "\x01ole10native"
_CONTENTS = ("package", "contents", "embedpdf", "embeddedodf")
_QUIET = frozenset(
    {"\x01compobj", "\x05summaryinformation", "\x05documentsummaryinformation", "\x01ole", "\x03objinfo"}
)


def unpack(data: bytes, budget: Budget) -> Iterator[Member | Refusal | Oddity]:
    """Yield the streams with their paths as names, and the embedded files with their own names."""
    del budget  # streams lie in the file as they are; the caller counts them
    streams: list[ole.Stream] = []
    try:
        streams.extend(ole.streams(data))
    except ole.Broken as error:
        yield Refusal(f"ole: {error}")
    names = _attachment_names(streams)
    for stream in streams:
        yield from _stream(stream, names.get(stream.path[:-1], ()))


def _attachment_names(streams: list[ole.Stream]) -> dict[tuple[str, ...], tuple[str, ...]]:
    """Return the file names that an Outlook message gives its attachments, by storage (MS-OXMSG 2.2.2)."""
    found: dict[tuple[str, ...], tuple[str, ...]] = {}
    for stream in streams:
        match = _PROPERTY.fullmatch(stream.path[-1])
        if match and match[1].upper() in _NAMES and len(stream.path) > 1:
            name = stream.data.decode("utf-16-le" if match[2].upper() == "001F" else "latin-1", "replace")
            found[stream.path[:-1]] = (*found.get(stream.path[:-1], ()), name.rstrip("\0"))
    return found


def _stream(stream: ole.Stream, attachment: tuple[str, ...]) -> Iterator[Member | Oddity]:
    name = stream.path[-1].lower()
    if not stream.data or name in _QUIET:
        return
    path = "/".join(stream.path).replace("\x01", "").replace("\x03", "").replace("\x05", "")
    if name == _NATIVE:
        embedded = native(stream.data)
        if embedded is not None:
            yield Oddity("ole:embedded-file", embedded.names[0] if embedded.names else path)
            yield embedded
            return
        run = command(stream.data)
        if run:
            yield Oddity("ole:command", run)
    if name in _CONTENTS:
        yield Oddity("ole:embedded-file", path)
    match = _PROPERTY.fullmatch(stream.path[-1])
    if match is None:
        yield Member("ole", stream.data, (path,))
    elif match[1].upper() == _ATTACHMENT:
        yield Member("ole:attachment", stream.data, (*attachment, path))
    else:
        yield Member("ole", stream.data, (path,), _TYPES.get(match[1].upper(), _TEXTS.get(match[2].upper(), "")))


def native(data: bytes) -> Member | None:
    """Read an Ole10Native stream of the Packager (MS-OLEDS 2.3.6): label, source path, temporary path, contents."""
    if len(data) < 8:
        return None
    at = 6 if data[4:6] == b"\x02\x00" else 4
    label, at = _ansi(data, at)
    source, at = _ansi(data, at)
    at += 4  # two words, always 0 and 3
    if at + 4 > len(data):
        return None
    (length,) = struct.unpack_from("<I", data, at)
    at += 4
    if length > 4096:
        return None
    temporary = data[at : at + length].rstrip(b"\0").decode("latin-1")
    at += length
    if at + 4 > len(data):
        return None
    (size,) = struct.unpack_from("<I", data, at)
    contents = data[at + 4 : at + 4 + size]
    if not contents:
        return None
    names = dict.fromkeys(_base(name) for name in (label, source, temporary) if name)
    return Member("ole:package", contents, tuple(names))


def command(data: bytes) -> str:
    """Read what an Ole10Native stream of the Packager runs where it holds no file: label, icon's path and number, 1.

    The Packager marks an embedded file with 3 at that place (MS-OLEDS does not describe it; read off its output).
    Returns the command line, or an empty string where the stream holds none.
    """
    at = 6 if data[4:6] == b"\x02\x00" else 4
    _, at = _ansi(data, at)
    _, at = _ansi(data, at)
    if data[at + 2 : at + 4] != b"\x01\x00":
        return ""
    line, _ = _ansi(data, at + 6)
    return line


def _ansi(data: bytes, at: int) -> tuple[str, int]:
    end = data.find(b"\0", at)
    if end < 0:
        return "", len(data)
    return data[at:end].decode("latin-1"), end + 1


def _base(name: str) -> str:
    return name.replace("\\", "/").rpartition("/")[2] or name
