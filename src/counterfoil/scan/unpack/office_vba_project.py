"""A VBA project: its modules' names, sources and compiled code ([MS-OVBA] section 2.3.4)."""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from counterfoil.scan.unpack.office_ole import Compound
from counterfoil.scan.unpack.office_vba_compression import BadCompression, decompress

PROJECT_VERSION = 0x0009
CODE_PAGE = 0x0003
MODULE_NAME = 0x0019
MODULE_NAME_UNICODE = 0x0047
STREAM_NAME = 0x001A
STREAM_NAME_UNICODE = 0x0032
SOURCE_OFFSET = 0x0031
MODULE_END = 0x002B

NOT_MODULES = ("dir", "_vba_project", "__srp_")
SOURCE_START = re.compile(rb"\x01[\x00-\xff][\xb0-\xbf]\x00Attribut", re.DOTALL)
"""A compressed container whose first octets are ``Attribut``: what every module's source begins with."""


@dataclass(frozen=True, slots=True)
class Module:
    """One module: ``compiled`` is what stands before the source in its stream; ``fault`` why the source is short."""

    name: str
    source: str
    compiled: bytes
    listed: bool = True
    fault: str = ""


@dataclass(frozen=True, slots=True)
class _Listed:
    name: str
    stream: str
    offset: int


def modules(compound: Compound, root: tuple[str, ...], limit: int) -> Iterator[Module]:
    """Yield the modules of the project whose VBA storage is at ``root``, then streams that look like one unlisted.

    Raises:
        BadCompression: If the ``dir`` stream cannot be read; the unlisted ones have been yielded then.
    """
    fault: BadCompression | None = None
    listed: list[_Listed] = []
    page = 1252
    try:
        directory = decompress(compound.stream(*root, "dir") or b"", limit)
        page, listed = _listed(directory)
    except BadCompression as error:
        fault = error
    seen = set()
    for entry in listed:
        seen.add(entry.stream.lower())
        stream = compound.stream(*root, entry.stream)
        if stream is None:
            yield Module(entry.name, "", b"", fault="its stream is not there")
        else:
            yield _module(entry.name, stream, entry.offset, page, limit)
    for path in compound.paths():
        name = path[-1].lower()
        if path[:-1] == root and name not in seen and not name.startswith(NOT_MODULES):
            stream = compound.stream(*path) or b""
            if found := SOURCE_START.search(stream):
                module = _module(path[-1], stream, found.start(), page, limit)
                yield Module(module.name, module.source, module.compiled, listed=False, fault=module.fault)
    if fault:
        raise fault


def _listed(directory: bytes) -> tuple[int, list[_Listed]]:
    """Read the dir stream (section 2.3.4.2): records of type, size and data."""
    page, listed = 1252, []
    name, stream, offset = "", "", 0
    for kind, data in _records(directory):
        if kind == CODE_PAGE and len(data) >= 2:
            page = int.from_bytes(data[:2], "little")
        elif kind == MODULE_NAME:
            name, stream, offset = text(data, page), text(data, page), 0
        elif kind == MODULE_NAME_UNICODE:
            name = data.decode("utf-16-le", "replace")
        elif kind == STREAM_NAME:
            stream = text(data, page)
        elif kind == STREAM_NAME_UNICODE:
            stream = data.decode("utf-16-le", "replace")
        elif kind == SOURCE_OFFSET:
            offset = int.from_bytes(data[:4], "little")
        elif kind == MODULE_END and stream:
            listed.append(_Listed(name or stream, stream, offset))
            name = stream = ""
    return page, listed


def _records(directory: bytes) -> Iterator[tuple[int, bytes]]:
    position = 0
    while position + 6 <= len(directory):
        kind, size = struct.unpack_from("<HI", directory, position)
        if kind == PROJECT_VERSION:
            size = 6  # the field that looks like a size is a constant 4 (section 2.3.4.2.1.11)
        yield kind, directory[position + 6 : position + 6 + size]
        position += 6 + size


def text(data: bytes, page: int) -> str:
    """Decode by a Windows code page number; unknown ones as Latin-1, so that nothing is lost."""
    encoding = {65001: "utf-8", 10000: "mac-roman", 10001: "shift-jis"}.get(page, f"cp{page}")
    try:
        return data.decode(encoding, "replace")
    except LookupError:
        return data.decode("latin-1")


def _module(name: str, stream: bytes, offset: int, page: int, limit: int) -> Module:
    fault = ""
    try:
        source = decompress(stream[offset:], limit)
    except BadCompression as error:
        source, fault = error.partial, str(error)
        found = SOURCE_START.search(stream)
        if found and found.start() != offset:
            offset = found.start()
            try:
                source, fault = decompress(stream[offset:], limit), "its source is not where the project says"
            except BadCompression as again:
                source = again.partial
    return Module(name, text(source, page), stream[:offset], fault=fault)
