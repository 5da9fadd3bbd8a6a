"""From bytes to kinds: the magic, then what the container's own directory says, then the look of text."""

import struct

from counterfoil.scan.formats import ole, zips
from counterfoil.scan.kinds.kind import Kind
from counterfoil.scan.kinds.magics import ANYWHERE, BY_FIRST_OCTET, CONTAINERS_OF_ANYTHING, FIXED
from counterfoil.scan.kinds.ooxml import package_kind
from counterfoil.scan.kinds.text import looks_like_text, text_kind

_OLE_ROOTS = (
    ("encryptedpackage", Kind.OFFICE_ENCRYPTED),
    ("workbook", Kind.XLS),
    ("book", Kind.XLS),
    ("worddocument", Kind.DOC),
    ("powerpoint document", Kind.PPT),
    ("pp40", Kind.PPT),
    ("__properties_version1.0", Kind.MSG),
    ("visiodocument", Kind.VSD),
    ("quill", Kind.PUB),
)
_MSI_CLASSES = ("000C1084", "000C1086", "000C1082")  # package, patch, transform
# RFC 5652: the content types enveloped-data and signed-data, and data that is enclosed rather than detached.
_ENVELOPED = bytes.fromhex("06092a864886f70d010703")
_SIGNED = bytes.fromhex("06092a864886f70d010702")
_ENCLOSED = bytes.fromhex("06092a864886f70d010701a0")
_END_RECORD_REACH = 22 + 65_535
_SPECIFIC = {Kind.OLE, Kind.ZIP, Kind.PE, Kind.JAVA_CLASS}


def kinds_of(data: bytes, names: tuple[str, ...] = ()) -> tuple[Kind, ...]:
    """Return what the bytes are, the most specific first: ``(DOCM, ZIP)``; at least one kind.

    Args:
        data: The bytes.
        names: All plausible file names. They only tell kinds of text apart, where the program that opens the
            file goes by its extension; without a name no text is called a script.
    """
    if not data:
        return (Kind.EMPTY,)
    kind = _head(data)
    if kind is None:
        return text_kind(data, names) if looks_like_text(data) else (_headless(data),)
    if kind is Kind.OLE:
        return (*_ole_kinds(data), Kind.OLE)
    if kind is Kind.ZIP:
        special = package_kind(data)
        return (special, Kind.ZIP) if special else (Kind.ZIP,)
    return (kind,)


def second_natures(data: bytes, kinds: tuple[Kind, ...]) -> tuple[Kind, ...]:
    """Return what the bytes are besides, for a program that looks elsewhere for its magic."""
    if len(data) < 32 or CONTAINERS_OF_ANYTHING & set(kinds):
        return ()
    found: list[Kind] = []
    end = data.rfind(zips.END, max(0, len(data) - _END_RECORD_REACH))
    if end >= 0 and data.find(zips.CENTRAL) >= 0:
        found.append(Kind.ZIP)
    found.extend(kind for magic, kind in ANYWHERE if data.find(magic, 1) >= 0)
    found.extend(kind for offset, magic, kind in FIXED if offset > 200 and data.startswith(magic, offset))
    if data.find(b"%PDF-", 0, 1029) > 0 and b"obj" in data:
        found.append(Kind.PDF)
    if data.find(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 1) >= 0 and Kind.RTF not in kinds and Kind.PDF not in kinds:
        found.append(Kind.OLE)
    return tuple(dict.fromkeys(kind for kind in found if kind not in kinds))


def _head(data: bytes) -> Kind | None:
    for magic, kind in BY_FIRST_OCTET.get(data[0], ()):
        if data.startswith(magic):
            if kind is Kind.PE:
                return _executable(data)
            if kind is Kind.JAVA_CLASS and len(data) >= 8 and data[7] < 20 and data[4:7] == b"\0\0\0":
                return Kind.MACHO
            return kind
    for offset, magic, kind in FIXED:
        if data.startswith(magic, offset):
            return kind
    if data.startswith(b"BM") and len(data) > 30 and data[6:10] == b"\0\0\0\0":
        return Kind.BMP
    return None


def _executable(data: bytes) -> Kind | None:
    """Tell PE from DOS programs, and both from text that begins with the letters MZ."""
    if len(data) >= 64:
        (offset,) = struct.unpack_from("<I", data, 0x3C)
        if data.startswith(b"PE\0\0", offset):
            return Kind.PE
    return None if looks_like_text(data) else Kind.DOS


def _headless(data: bytes) -> Kind:
    if data[:1] == b"\x30" and (_ENVELOPED in data[:32] or (_SIGNED in data[:32] and _ENCLOSED in data[:128])):
        return Kind.PKCS7
    if data.startswith(b"koly", max(0, len(data) - 512)):
        return Kind.DMG
    if data.startswith(b"conectix", max(0, len(data) - 512)):
        return Kind.VHD
    return Kind.DATA


def _ole_kinds(data: bytes) -> tuple[Kind, ...]:
    directory = ole.root(data)
    if directory.class_id.startswith(_MSI_CLASSES):
        return (Kind.MSI,)
    return tuple(dict.fromkeys(kind for name, kind in _OLE_ROOTS if name in directory.names))
