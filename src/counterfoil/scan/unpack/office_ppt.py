"""Objects that PowerPoint 97 to 2003 keeps inside its document stream: OLE objects and the VBA project.

ExOleObjStg records ([MS-PPT] section 2.10.34 and following) hold a compound file each, mostly zlib-compressed
behind its size.
"""

import struct
import zlib
from collections.abc import Iterator

from counterfoil.scan.limits import Budget, Exhausted
from counterfoil.scan.unpack.member import Member, Oddity, Refusal
from counterfoil.scan.unpack.office_ole import MAGIC, Compound

STEP = "ppt:object"
OBJECT = b"\x11\x10"
DOCUMENT = "PowerPoint Document"


def unpack(data: bytes, budget: Budget) -> Iterator[Member | Refusal | Oddity]:
    """Yield every object storage of a presentation; nothing where the file is none.

    Every record that looks like one is taken, whether or not the persist directory still leads to it.

    Raises:
        OSError: If the compound file's structure is broken.
        Exhausted: If an object is larger than the budget.
    """
    document = Compound(data).stream(DOCUMENT) or b""
    position = document.find(OBJECT)
    while position >= 2:
        start = position + 6
        body = document[start : start + int.from_bytes(document[position + 2 : start], "little")]
        position = document.find(OBJECT, position + 2)
        if body.startswith(MAGIC):
            yield Member(STEP, body)
        elif body[4:5] == b"\x78":
            yield from _inflated(body, budget)


def _inflated(body: bytes, budget: Budget) -> Iterator[Member | Refusal]:
    (size,) = struct.unpack_from("<I", body)
    inflate = zlib.decompressobj()
    try:
        content = inflate.decompress(body[4:], budget.room() + 1)
    except zlib.error as error:
        if body[5:6] in {b"\x01", b"\x5e", b"\x9c", b"\xda"}:
            yield Refusal(f"an object of {size} octets cannot be inflated: {error}")
        return
    if len(content) > budget.room():
        raise Exhausted(f"more than {budget.limits.output} octets when unpacked")
    if not inflate.eof and len(content) < size:
        yield Refusal(f"an object of {size} octets is cut short")
    yield Member(STEP, content)
