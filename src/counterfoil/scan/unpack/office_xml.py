"""XML as a stream of start tags and text, without entities: a document type declaration is refused."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.parsers import expat


class BadXml(ValueError):
    """The bytes are no XML, or XML that we will not read."""


@dataclass(slots=True)
class Element:
    """An element by its local name; attributes by their local names too; the text up to its first child or end."""

    name: str
    attributes: dict[str, str]
    text: str = ""
    path: tuple[str, ...] = field(default=())


def elements(data: bytes) -> Iterator[Element]:
    """Return every element in document order.

    Raises:
        BadXml: If the bytes are not well-formed, or declare a document type.
    """
    found: list[Element] = []
    path: list[Element] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        local = {key.rpartition(":")[2]: value for key, value in attributes.items()}
        element = Element(name.rpartition(":")[2], local, path=tuple(outer.name for outer in path))
        found.append(element)
        path.append(element)

    def text(content: str) -> None:
        if path:
            path[-1].text += content

    def refuse(*_: object) -> None:
        raise BadXml("it declares a document type")

    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.EndElementHandler = lambda _: path.pop() and None
    parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(data, True)  # noqa: FBT003 - expat takes no keywords
    except (expat.ExpatError, ValueError) as error:
        raise BadXml(str(error)) from error
    return iter(found)
