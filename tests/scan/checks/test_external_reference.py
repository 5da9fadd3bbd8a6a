"""What a document fetches when it opens."""

import pytest
from tests.scan.making import message, part

from counterfoil.scan.checks.external_reference import check

OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"


def rels(kind: str, target: str, mode: str = ' TargetMode="External"'):
    """A message with one relationship."""
    xml = f'<Relationships><Relationship Id="r" Type="{OFFICE}{kind}" Target="{target}"{mode}/></Relationships>'
    return message(part(xml.encode(), "word/_rels/settings.xml.rels"))


@pytest.mark.parametrize(
    ("kind", "target", "severity", "technique"),
    [
        ("attachedTemplate", "http://x.example/a.dotm", "high", "T1221"),
        ("oleObject", "https://x.example/a.doc", "high", "T1221"),
        ("frame", "https://x.example/", "high", "T1221"),
        ("aFChunk", "https://x.example/a.htm", "high", "T1221"),
        ("attachedTemplate", "file://server/share/a.dotm", "high", "T1187"),
        ("image", "\\\\192.0.2.1\\share\\a.png", "high", "T1187"),
        ("hyperlink", "file:///\\\\server\\share", "medium", "T1187"),
        ("oleObject", "mhtml:http://x.example/a!x-usc:http://x.example/a", "high", "T1221"),
        ("hyperlink", "ms-msdt:/id PCWDiagnostic", "high", "T1221"),
        ("image", "http://x.example/pixel.png", "low", "T1221"),
        ("externalLinkPath", "https://x.example/book.xlsx", "low", "T1221"),
        ("somethingNew", "https://x.example/", "low", "T1221"),
    ],
    ids=lambda value: value[:40],
)
def test_an_external_target_has_its_weight(kind, target, severity, technique):
    """By the relationship's type, the scheme and the host."""
    (found,) = check(rels(kind, target))
    assert (str(found.severity), found.techniques[0], found.evidence["target"]) == (severity, technique, target)


def test_a_document_embedded_whole_is_told():
    """An altChunk inside the package is imported when the document opens."""
    (found,) = check(rels("aFChunk", "/word/a.mht", ""))
    assert (str(found.severity), found.evidence["target"]) == ("medium", "word/a.mht")


@pytest.mark.parametrize(
    ("kind", "target", "mode"),
    [
        ("hyperlink", "https://x.example/", ' TargetMode="External"'),
        ("image", "media/a.png", ""),
        ("attachedTemplate", "file:///C:\\Users\\a\\Normal.dotm", ' TargetMode="External"'),
        ("attachedTemplate", "Normal.dotm", ' TargetMode="External"'),
    ],
    ids=["clicked", "inside", "local template", "relative template"],
)
def test_ordinary_relationships_are_left_alone(kind, target, mode):
    """Links that a person clicks are links; what is local is local."""
    assert list(check(rels(kind, target, mode))) == []


@pytest.mark.parametrize(
    ("data", "severity"),
    [
        (rb"{\rtf1{\*\template http://x.example/a.dotm}}", "high"),
        (rb"{\rtf1{\object\objautlink\objupdate{\*\objdata 00}}}", "high"),
        (rb"{\rtf1{\object\objautlink{\*\objdata 00}}}", "medium"),
        (rb"{\rtf1{\*\template C:\\Users\\a.dot}}", None),
        (rb"{\rtf1 hello}", None),
    ],
    ids=["remote template", "update without a click", "linked object", "local template", "plain"],
)
def test_rtf_is_looked_at(data, severity):
    """Templates and objects of RTF files."""
    assert [str(one.severity) for one in check(message(part(data, "a.rtf")))] == ([severity] if severity else [])
