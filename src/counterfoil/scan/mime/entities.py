"""What the MIME fields of one part say, and what is doubtful about them."""

from dataclasses import dataclass

from counterfoil.scan.mime import transfer
from counterfoil.scan.mime.fields import Field, Head, values_of
from counterfoil.scan.mime.names import names_of
from counterfoil.scan.mime.parameters import Value, read


@dataclass(slots=True)
class Entity:
    """What the fields of one entity say."""

    id: str
    depth: int
    types: list[Value]
    encoding: transfer.Encoding
    names: tuple[str, ...]
    default: str

    @property
    def declared(self) -> str:
        """The media type by the first Content-Type field."""
        return self.types[0].main if self.types else self.default

    @property
    def multiparts(self) -> list[Value]:
        """The Content-Type fields that some program takes for a multipart."""
        return [
            value for value in self.types if "multipart" in value.main or (value.odd and "multi" in value.text.lower())
        ]


def understand(head: Head, identity: str, depth: int, default: str) -> tuple[Entity, dict[str, str]]:
    """Read the MIME fields of an entity, and say what is doubtful about them."""
    doubts: dict[str, str] = {}
    if not head.fields:
        return Entity(identity, depth, [], transfer.encoding_of([]), (), default), doubts
    types = _distinct(head.fields, "content-type")
    dispositions = _distinct(head.fields, "content-disposition")
    encoding = transfer.encoding_of(list(dict.fromkeys(values_of(head.fields, "content-transfer-encoding"))))
    doubts.update(encoding.doubts)
    if len({value.main for value in types}) > 1 or len({value.parameters.get("boundary") for value in types}) > 1:
        doubts["mime:duplicate-content-type"] = ", ".join(value.text for value in types)[:300]
    if len(dispositions) > 1:
        doubts["mime:duplicate-content-disposition"] = ", ".join(value.text for value in dispositions)[:300]
    for value in types:
        if value.odd and not value.parameters and ("/" not in value.main or "multi" in value.text.lower()):
            doubts["mime:odd-content-type"] = value.text[:200]
        if "," in value.main or (value.odd and "multi" in value.text.lower() and not value.main.startswith("multi")):
            doubts["mime:duplicate-content-type"] = value.text[:300]
    return Entity(identity, depth, types, encoding, names_of(dispositions, types), default), doubts


def _distinct(fields: list[Field], key: str) -> list[Value]:
    found = [read(raw) for raw in values_of(fields, key)]
    return list({value.text: value for value in found}.values()) if len(found) > 1 else found
