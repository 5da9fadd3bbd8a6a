"""Three ways in which Office wraps files: ActiveMime, flat XML documents, OneNote sections.

A OneNote section is searched for its embedded files only ([MS-ONESTORE] section 2.6.13, FileDataStoreObject);
its pages are not read, so that it stays uninspectable besides.

``ODDITIES``: ``onenote:embedded-file`` (a section carries a file that opens on a double click).
"""

import base64
import binascii
import zlib
from collections.abc import Iterator

from counterfoil.scan.formats.elements import BadXml, elements
from counterfoil.scan.limits import Budget, Exhausted
from counterfoil.scan.unpack.member import Member, Oddity, Refusal

FILE_DATA = bytes.fromhex("e716e3bd65261145a4c48d4d0b7a9eac")
"""guidHeader of a FileDataStoreObject; its length and twelve octets follow, then the file."""

BINARY_ELEMENTS = frozenset({"binData", "binaryData"})
"""Word 2003's element for objects and macros, and the one of flat OPC (ISO/IEC 29500-2)."""


def unpack_activemime(data: bytes, budget: Budget) -> Iterator[Member | Refusal | Oddity]:
    """Yield the compound file of an ActiveMime document (``editdata.mso``), which holds the macros.

    Raises:
        Exhausted: If it is larger than the budget.
    """
    text = data
    if not data.startswith(b"ActiveMime"):
        at = data.find(b"QWN0aXZlTWltZQ")
        try:
            encoded = b"".join(data[at:].split())
            text = base64.b64decode(encoded[: len(encoded) // 4 * 4]) if at >= 0 else b""
        except binascii.Error as error:
            yield Refusal(f"ActiveMime: {error}")
            return
    start = text.find(b"\x78\x9c")
    if start < 0:
        start = 0x32
    inflate = zlib.decompressobj()
    try:
        content = inflate.decompress(text[start:], budget.room() + 1)
    except zlib.error as error:
        yield Refusal(f"ActiveMime: {error}")
        return
    if len(content) > budget.room():
        raise Exhausted(f"more than {budget.limits.output} octets when unpacked")
    if not inflate.eof:
        yield Refusal("ActiveMime: cut short")
    yield Member("activemime", content)


def unpack_flat_xml(data: bytes, budget: Budget) -> Iterator[Member | Refusal | Oddity]:
    """Yield what a document in one XML file carries as base64: macros, objects, pictures, with their names."""
    del budget  # what comes out is shorter than what went in
    text = data.replace(b"\0", b"")  # UTF-16 too, which Office reads
    if b"binData" not in text and b"binaryData" not in text:
        return
    name = ""
    try:
        for element in elements(data):
            if element.name == "part":
                name = element.attributes.get("name", "")
            elif element.name in BINARY_ELEMENTS:
                own = element.attributes.get("name", name)
                yield Member("xml:binary", base64.b64decode(element.text), (own.lstrip("/"),) if own else ())
    except (BadXml, binascii.Error) as error:
        yield Refusal(f"XML document: {error}")


def unpack_onenote(data: bytes, budget: Budget) -> Iterator[Member | Refusal | Oddity]:
    """Yield the files that a OneNote section carries."""
    del budget  # they lie in the section as they are
    at = data.find(FILE_DATA)
    while at >= 0:
        start = at + 36
        size = int.from_bytes(data[at + 16 : at + 24], "little")
        content = data[start : start + size]
        if content:
            yield Oddity("onenote:embedded-file", f"{len(content)} octets")
            yield Member("onenote", content)
        if len(content) < size:
            yield Refusal("OneNote: an embedded file is cut short")
        at = data.find(FILE_DATA, start)
