"""Parts and relationships of packages."""

import io
import zipfile

import pytest

from counterfoil.scan.formats.package import parts, relationships, resolved


def archive(parts_: dict[str, bytes]) -> bytes:
    """A ZIP of the parts."""
    output = io.BytesIO()
    with zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in parts_.items():
            target.writestr(name, content)
    return output.getvalue()


def test_only_wanted_parts_are_unpacked_and_only_as_far_as_there_is_room():
    """Names are compared in lower case; the room is shared by all parts."""
    data = archive({"XL\\Workbook.xml": b"w" * 100, "other": b"o", "xl/b": b"b" * 100})
    assert dict(parts(data, lambda name: name.startswith("xl/"), 150)) == {
        "xl/workbook.xml": b"w" * 100,
        "xl/b": b"b" * 50,
    }


@pytest.mark.parametrize(
    ("folder", "target", "name"),
    [
        ("xl/", "worksheets/sheet1.xml", "xl/worksheets/sheet1.xml"),
        ("xl/", "/xl/a.xml", "xl/a.xml"),
        ("xl/worksheets/", "..\\Media\\a.png", "xl/media/a.png"),
        ("", "word/document.xml", "word/document.xml"),
    ],
)
def test_targets_are_resolved_against_their_source(folder, target, name):
    """Relative, absolute, and with backslashes."""
    assert resolved(folder, target) == name


def test_relationships_say_where_they_start_and_whether_they_lead_out():
    """External targets stay as written; damage yields nothing."""
    out = b'<Relationship Id="a" Type="t" Target="http://X/" TargetMode="EXTERNAL"/>'
    content = b"<Relationships>" + out + b'<Relationship Target="b"/></Relationships>'
    first, second = relationships("word/_rels/document.xml.rels", content)
    assert (first.source, first.target, first.external) == ("word/document.xml", "http://X/", True)
    assert (second.target, second.external) == ("word/b", False)
    assert list(relationships("_rels/.rels", b"<broken")) == []
