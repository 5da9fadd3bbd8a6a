import io
import zipfile

import pytest

from counterfoil.scan.kinds import Kind, kinds_of, second_natures

PE = b"MZ" + bytes(58) + (64).to_bytes(4, "little") + b"PE\0\0" + bytes(20)

BY_CONTENT = {
    "pe": (PE, Kind.PE),
    "dos": (b"MZ" + bytes(range(200)), Kind.DOS),
    "elf": (b"\x7fELF\x02\x01" + bytes(20), Kind.ELF),
    "mach-o": (b"\xcf\xfa\xed\xfe" + bytes(20), Kind.MACHO),
    "fat mach-o": (b"\xca\xfe\xba\xbe\0\0\0\x02" + bytes(20), Kind.MACHO),
    "java class": (b"\xca\xfe\xba\xbe\0\0\0\x34" + bytes(20), Kind.JAVA_CLASS),
    "shortcut": (b"L\0\0\0\x01\x14\x02\0" + bytes(20), Kind.LNK),
    "rtf as Word takes it": (b"{\\rt" + b"1 x", Kind.RTF),
    "pdf": (b"%PDF-1.7\n1 0 obj", Kind.PDF),
    "gzip": (b"\x1f\x8b\x08" + bytes(20), Kind.GZIP),
    "tar": (b"a" + bytes(256) + b"ustar\x0000" + bytes(300), Kind.TAR),
    "iso": (bytes(32_769) + b"CD001" + bytes(20), Kind.ISO),
    "vhd by its foot": (b"\x01\x02\x00" * 400 + b"conectix" + bytes(504), Kind.VHD),
    "onenote": (bytes.fromhex("e4525c7b8cd8a74daeb15378d02996d3"), Kind.ONENOTE),
    "tnef": (b"\x78\x9f\x3e\x22" + bytes(20), Kind.TNEF),
    "html": (b"\xef\xbb\xbf  <!-- x --><HTML><p>x", Kind.HTML),
    "svg": (b"<?xml version='1.0'?><svg xmlns='x'><script>", Kind.SVG),
    "hta": (b"<html><HTA:APPLICATION id=x>", Kind.HTA),
    "xml": (b"<?xml version='1.0'?><office:document><table:table/>", Kind.XML),
    "calendar": (b"BEGIN:VCALENDAR\r\n", Kind.CALENDAR),
    "encoded script": (b"#@~^AAA==x", Kind.JSE),
    "message": (b"Received: x\r\n by y\r\nFrom: a\r\nSubject: b\r\n\r\nc", Kind.EML),
    "text": (b"MZ is how this sentence begins, which is no program.", Kind.TEXT),
    "shell without a name": (b"#!/bin/sh\nls", Kind.TEXT),
    "signed with contents": (
        bytes.fromhex("308206092a864886f70d010702a0820000310030") + bytes.fromhex("06092a864886f70d010701a080"),
        Kind.PKCS7,
    ),
    "detached signature": (bytes.fromhex("308206092a864886f70d010702a0820000310030") + bytes(80), Kind.DATA),
    "empty": (b"", Kind.EMPTY),
    "anything": (bytes(range(256)), Kind.DATA),
}


@pytest.mark.parametrize(("data", "kind"), BY_CONTENT.values(), ids=BY_CONTENT)
def test_kind_by_content(data, kind):
    """The bytes alone tell the kind."""
    assert kinds_of(data)[0] is kind


NAMED = {
    "script by its name": (b"x = 1", "a.js", Kind.JAVASCRIPT),
    "trailing dots and blanks": (b"x = 1", "a.vbs. .", Kind.VBSCRIPT),
    "script by its marks": (
        b'Dim x\nSet y = CreateObject("WScript.Shell")\nOn Error Resume Next\ny.Run "calc"\nEnd Sub',
        "a.txt",
        Kind.VBSCRIPT,
    ),
    "shebang": (b"#!/usr/bin/env python3\nprint()", "a", Kind.PYTHON),
    "page by its name": (b"hello", "a.shtml", Kind.HTML),
    "a letter": (b"Dear all, please see function and var below.", "a.txt", Kind.TEXT),
}


@pytest.mark.parametrize(("data", "name", "kind"), NAMED.values(), ids=NAMED)
def test_named_text(data, name, kind):
    """Text is what the program that opens it makes of it, by name or by the marks of a language."""
    assert kinds_of(data, (name,))[0] is kind


def packed(*names: str, content_types: str = "") -> bytes:
    """A ZIP with the given members, and a content types part if one is given."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
        if content_types:
            archive.writestr("[Content_Types].xml", content_types)
    return buffer.getvalue()


PACKAGES = {
    "zip": (packed("a.txt"), (Kind.ZIP,)),
    "jar": (packed("META-INF/MANIFEST.MF", "A.class"), (Kind.JAR, Kind.ZIP)),
    "docx": (
        packed(content_types="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"),
        (Kind.DOCX, Kind.ZIP),
    ),
    "docm": (packed(content_types="application/vnd.ms-word.document.macroEnabled.main+xml"), (Kind.DOCM, Kind.ZIP)),
    "xlsb": (packed(content_types="application/vnd.ms-excel.sheet.binary.macroEnabled.main"), (Kind.XLSB, Kind.ZIP)),
    "some package": (packed(content_types="x"), (Kind.OOXML, Kind.ZIP)),
}


@pytest.mark.parametrize(("data", "kinds"), PACKAGES.values(), ids=PACKAGES)
def test_packages_by_their_directory(data, kinds):
    """A ZIP is told by what its programs look for, and stays a ZIP."""
    assert kinds_of(data) == kinds


def test_second_natures():
    """What stands behind or inside another type is found; what an archive holds is no second nature of it."""
    archive = packed("a.txt")
    assert second_natures(PE + archive, (Kind.PE,)) == (Kind.ZIP,)
    assert second_natures(b"GIF89a" + bytes(40) + b"Rar!\x1a\x07\x00", (Kind.GIF,)) == (Kind.RAR,)
    assert second_natures(b"\xff\xd8\xff" + bytes(40) + b"%PDF-1.4 1 0 obj", (Kind.JPEG,)) == (Kind.PDF,)
    assert second_natures(archive, (Kind.ZIP,)) == ()
