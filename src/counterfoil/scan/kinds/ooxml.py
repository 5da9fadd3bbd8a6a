"""Which kind of package a ZIP is, by the parts that the programs which open it look for."""

import re
from typing import Final

from counterfoil.scan.formats import zips
from counterfoil.scan.kinds.kind import Kind

_CONTENT_TYPES_LIMIT: Final = 4 * 1024 * 1024

_MAIN_TYPES: Final = (
    (b"ms-word.document.macroenabled.main", Kind.DOCM),
    (b"ms-word.template.macroenabledtemplate.main", Kind.DOTM),
    (b"wordprocessingml.document.main", Kind.DOCX),
    (b"wordprocessingml.template.main", Kind.DOTX),
    (b"ms-excel.sheet.macroenabled.main", Kind.XLSM),
    (b"ms-excel.template.macroenabled.main", Kind.XLTM),
    (b"ms-excel.addin.macroenabled.main", Kind.XLAM),
    (b"ms-excel.sheet.binary.macroenabled.main", Kind.XLSB),
    (b"spreadsheetml.sheet.main", Kind.XLSX),
    (b"spreadsheetml.template.main", Kind.XLTX),
    (b"ms-powerpoint.presentation.macroenabled.main", Kind.PPTM),
    (b"ms-powerpoint.slideshow.macroenabled.main", Kind.PPSM),
    (b"ms-powerpoint.template.macroenabled.main", Kind.POTM),
    (b"ms-powerpoint.addin.macroenabled.main", Kind.PPAM),
    (b"presentationml.presentation.main", Kind.PPTX),
    (b"presentationml.slideshow.main", Kind.PPSX),
    (b"presentationml.template.main", Kind.POTX),
    (b"ms-package.xps-fixeddocumentsequence", Kind.XPS),
)
_SPACE = re.compile(rb"\s+")


def package_kind(data: bytes) -> Kind | None:
    """Return the special kind of a ZIP, or ``None`` for an archive of files."""
    entries = {entry.name.lower(): entry for directory in zips.directories(data) for entry in directory}
    if not entries:
        entries = {entry.name.lower(): entry for entry in zips.stream(data, _CONTENT_TYPES_LIMIT)}
    if b"[content_types].xml" in entries:
        return _by_content_types(_read(data, entries[b"[content_types].xml"]))
    if b"androidmanifest.xml" in entries and b"classes.dex" in entries:
        return Kind.APK
    if b"meta-inf/manifest.mf" in entries and any(name.endswith(b".class") for name in entries):
        return Kind.JAR
    if b"mimetype" in entries and b"opendocument" in _read(data, entries[b"mimetype"]):
        return Kind.OPENDOCUMENT
    return None


def _by_content_types(text: bytes) -> Kind:
    if text.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = text.decode("utf-16", "replace").encode()
    text = _SPACE.sub(b"", text.lower())
    return next((kind for mark, kind in _MAIN_TYPES if mark in text), Kind.OOXML)


def _read(data: bytes, entry: zips.Entry) -> bytes:
    start = zips.data_start(data, entry)
    packed = data[start : start + entry.compressed] if entry.compressed else data[start:]
    try:
        return zips.expand(packed, entry.method, _CONTENT_TYPES_LIMIT)[0]
    except zips.Broken:
        return b""
