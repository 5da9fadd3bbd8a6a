"""XML as a stream of elements, in bounded memory and without entities: a document type declaration is refused."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.parsers import expat

CHUNK = 1 << 16


class BadXml(ValueError):
    """The bytes are no XML, or XML that we will not read."""


@dataclass(frozen=True, slots=True)
class Element:
    """An element by its local name, attributes by theirs, and its text up to its first child or its end."""

    name: str
    attributes: dict[str, str]
    text: str = ""


@dataclass(slots=True)
class _Handler:
    """Gathers elements as the parser meets them; one is ready when its text is complete."""

    wanted: frozenset[str] | None
    ready: list[Element] = field(default_factory=list)
    started: tuple[str, dict[str, str]] | None = None
    text: list[str] = field(default_factory=list)

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if self.started:
            self.flush()
        own = name.rpartition(":")[2]
        if self.wanted is not None and own not in self.wanted:
            return
        local = {key.rpartition(":")[2]: value for key, value in attributes.items() if not key.startswith("xmlns")}
        self.started = (own, local)

    def end(self, _name: str) -> None:
        if self.started:
            self.flush()

    def characters(self, text: str) -> None:
        if self.started:
            self.text.append(text)

    def refuse(self, *_: object) -> None:
        raise BadXml("it declares a document type")

    def flush(self) -> None:
        if self.started:
            self.ready.append(Element(*self.started, "".join(self.text)))
        self.started = None
        self.text.clear()


def elements(data: bytes, wanted: frozenset[str] | None = None) -> Iterator[Element]:
    """Yield the elements of the wanted local names, or all, in document order.

    Raises:
        BadXml: If the bytes are not well-formed, or declare a document type; what came before has been yielded.
    """
    handler = _Handler(wanted)
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = handler.start
    parser.EndElementHandler = handler.end
    parser.CharacterDataHandler = handler.characters
    parser.StartDoctypeDeclHandler = handler.refuse
    for start in range(0, len(data) + 1, CHUNK):
        chunk = data[start : start + CHUNK]
        try:
            parser.Parse(chunk, start + CHUNK > len(data))
        except (expat.ExpatError, ValueError, LookupError) as error:  # an unknown encoding is a LookupError
            yield from handler.ready
            raise BadXml(str(error)) from error
        yield from handler.ready
        handler.ready.clear()
