"""Objects that PowerPoint 97 to 2003 keeps inside its document stream: OLE objects and the VBA project.

ExOleObjStg records ([MS-PPT] section 2.10.34 and following) hold a compound file each, mostly zlib-compressed
behind its size.
"""

import re
import struct
import zlib
from collections.abc import Iterator

from counterfoil.scan.limits import Budget, Exhausted
from counterfoil.scan.unpack.member import Member, Oddity, Refusal
from counterfoil.scan.unpack.office_ole import MAGIC, Compound

STEP = "ppt:object"
RECORD = re.compile(rb"[\x00\x10]\x00\x11\x10(.{4})", re.DOTALL)
"""The header of an ExOleObjStg record: version 0, instance 0 (as it is) or 1 (compressed), its type, its length."""

DOCUMENT = "PowerPoint Document"


def unpack(data: bytes, budget: Budget) -> Iterator[Member | Refusal | Oddity]:
    """Yield every object storage of a presentation; nothing where the file is none.

    Every record that looks like one is taken, whether or not the persist directory still leads to it.

    Raises:
        OSError: If the compound file's structure is broken.
        Exhausted: If an object is larger than the budget.
    """
    document = memoryview(Compound(data).stream(DOCUMENT) or b"")
    position = 0
    while match := RECORD.search(document, position):
        start = match.end()
        body = document[start : start + int.from_bytes(match.group(1), "little")]
        position = match.start() + 4
        if bytes(body[:8]) == MAGIC:
            yield Member(STEP, bytes(body))
        elif len(body) > 6 and body[4] == 0x78 and int.from_bytes(body[4:6]) % 31 == 0:  # RFC 1950 section 2.2
            yield from _inflated(body, budget)


def _inflated(body: memoryview, budget: Budget) -> Iterator[Member | Refusal]:
    (size,) = struct.unpack_from("<I", body)
    inflate = zlib.decompressobj()
    try:
        content = inflate.decompress(body[4:], budget.room() + 1)
    except zlib.error as error:
        yield Refusal(f"an object of {size} octets cannot be inflated: {error}")
        return
    if len(content) > budget.room():
        raise Exhausted(f"more than {budget.limits.output} octets when unpacked")
    if not inflate.eof and len(content) < size:
        yield Refusal(f"an object of {size} octets is cut short")
    yield Member(STEP, content)
