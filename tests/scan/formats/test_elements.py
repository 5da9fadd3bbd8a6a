"""XML in bounded memory, without entities."""

import pytest

from counterfoil.scan.formats.elements import BadXml, Element, elements


def test_elements_come_in_document_order_with_local_names():
    """Prefixes are dropped; text is what stands before the first child or the end."""
    found = list(elements(b'<a:x xmlns:a="n" a:k="1">one<b>two</b>three</a:x>'))
    assert found == [Element("x", {"k": "1"}, "one"), Element("b", {}, "two")]


def test_text_over_chunk_borders_is_whole():
    """A text longer than a chunk is one text."""
    assert next(elements(b"<a>" + b"x" * 200_000 + b"</a>")).text == "x" * 200_000


@pytest.mark.parametrize(
    "data",
    [b"", b"no xml", b"<a>", b"<a></b>", b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', b"<a>&b;</a>"],
    ids=["empty", "text", "unclosed", "wrong end", "document type", "unknown entity"],
)
def test_what_is_no_plain_xml_is_refused(data):
    """Damage and document types are refused with a reason."""
    with pytest.raises(BadXml, match=r"\w"):
        list(elements(data))


def test_what_came_before_the_damage_has_been_given():
    """Elements before the damage are yielded, so that a check sees them."""
    walk = elements(b"<a><b/>" + b" " * 70_000 + b"<c")
    assert [next(walk).name, next(walk).name] == ["a", "b"]
    with pytest.raises(BadXml, match="unclosed token"):
        next(walk)
