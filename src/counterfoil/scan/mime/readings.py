"""A message taken apart: every leaf that some reader sees (law 4).

Each entity is read as its fields say; where they can be understood in several ways, in each of them. When anything
was in doubt, the whole message is read once more *flat*: divided at every line that looks like a delimiter with a
MIME field behind it, whatever was declared. What that adds are leaves as well.

The work is bounded: depth by ``Limits``, and the octets that all readings together may look at by a multiple
of the message's size, so that the time is linear in it whatever an attacker nests.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final

from counterfoil.model.mail import Uninspectable
from counterfoil.scan.ambiguity import ORDINARY
from counterfoil.scan.features import Ambiguity
from counterfoil.scan.limits import Exhausted, Limits
from counterfoil.scan.mime import multipart, transfer
from counterfoil.scan.mime.entities import Entity, understand
from counterfoil.scan.mime.fields import Field, head_of
from counterfoil.scan.mime.multipart import Delimiter, Split
from counterfoil.scan.mime.names import conflicting
from counterfoil.scan.mime.parameters import Value, candidates

PASSES: Final = 24
_FLOOR: Final = 1 << 20
_MAX_BOUNDARIES = 8
_TRIVIAL = re.compile(rb"[^<\0:]{0,400}\Z")
_FIELD_BEHIND_BLANK = re.compile(rb"[\r\n]+[!-9;-~]{1,80}:")


@dataclass(frozen=True, slots=True)
class Leaf:
    """One reading of a part that is no multipart; ``is_message`` where it is declared to be a message."""

    id: str
    names: tuple[str, ...]
    declared_type: str
    charset: str
    via: tuple[str, ...]
    data: bytes
    is_message: bool


Found = Leaf | Ambiguity | Uninspectable


@dataclass(slots=True)
class Reader:
    """Reads one message; ``fields`` are those of its header once reading has begun.

    Args:
        raw: The message.
        prefix: What the ids of its parts begin with: ``""`` for the outermost message.
        limits: How deep parts may nest.
    """

    raw: bytes
    prefix: str
    limits: Limits
    fields: list[Field] = field(default_factory=list)
    _left: int = 0
    _doubts: dict[tuple[str, str], None] = field(default_factory=dict)
    _seen: set[tuple[bytes, tuple[str, ...]]] = field(default_factory=set)
    _ids: dict[str, int] = field(default_factory=dict)
    _undeclared: bool = False

    def read(self) -> Iterator[Found]:
        """Yield leaves and ambiguities.

        Raises:
            Exhausted: If there are more readings than can be followed.
        """
        self._left = PASSES * len(self.raw) + _FLOOR
        raw = self.raw
        if raw.startswith((b"From ", b">From ")):
            raw = raw[raw.find(b"\n") + 1 :] if b"\n" in raw else b""
        if _FIELD_BEHIND_BLANK.match(raw):
            yield from self._doubt("mime:body-before-header", self.prefix, "the message begins with a blank line")
            raw = raw.lstrip(b"\r\n")
        yield from self._entity(raw, self.prefix, 0, "text/plain")
        if self._undeclared or any(name not in ORDINARY for name, _ in self._doubts):
            yield from self._flat(raw)

    def _entity(self, entity: bytes, identity: str, depth: int, default: str) -> Iterator[Found]:
        self._left -= len(entity) + 64
        if self._left < 0:
            raise Exhausted("more readings of the message than can be followed")
        head = head_of(entity)
        if not self.fields:
            self.fields = head.fields
        for name, detail in head.doubts.items():
            yield from self._doubt(name, identity, detail)
        item, doubts = understand(head, identity, depth, default)
        for name, detail in doubts.items():
            yield from self._doubt(name, identity, detail)
        for number, start in enumerate(head.bodies):
            item.id = identity if number == 0 else f"{identity}~body{number}"
            yield from self._body(entity[start:], item)

    def _body(self, body: bytes, item: Entity) -> Iterator[Found]:
        multiparts = item.multiparts
        if multiparts:
            if item.depth >= self.limits.depth:
                yield Uninspectable(item.id, f"parts are nested deeper than {self.limits.depth}")
                yield from self._leaf(body, item)
                return
            yield from self._multipart(body, item, multiparts)
            if set(item.encoding.names) - transfer.IDENTITY:
                yield from self._doubt("mime:encoded-composite", item.id, ", ".join(item.encoding.names))
                for reading in transfer.decode(body, item.encoding)[0]:
                    if reading.data != body:
                        self._left -= len(reading.data)
                        yield from self._multipart(reading.data, item, multiparts)
        if len(multiparts) < max(1, len(item.types)):
            yield from self._leaf(body, item)

    def _multipart(self, body: bytes, item: Entity, values: list[Value]) -> Iterator[Found]:
        readings = _boundaries(body, values)
        certain = len(values) == 1 and not values[0].odd and bool(readings)
        if not readings:
            what = "declares no boundary" if not any("boundary" in v.text.lower() for v in values) else "is not used"
            yield from self._doubt("mime:missing-boundary", item.id, what)
            yield from self._leaf(body, item)
            return
        if not certain:
            yield from self._doubt("mime:odd-boundary", item.id, values[0].text[:120])
        if len(readings) > 1:
            yield from self._doubt("mime:duplicate-boundary", item.id, ", ".join(readings)[:200])
        if len(readings) >= _MAX_BOUNDARIES:
            yield Uninspectable(item.id or "message", f"{_MAX_BOUNDARIES} or more boundaries are in use at once")
        number = 0
        for marks in readings.values():
            for division in self._divisions(body, marks, item, []):
                if isinstance(division, Split):
                    yield from self._parts(body, division, item, number)
                    number += 1
                else:
                    yield division

    def _divisions(
        self, body: bytes, marks: list[Delimiter], item: Entity, done: list[tuple[tuple[int, int], ...]]
    ) -> Iterator[Split | Ambiguity]:
        """Yield the ways of dividing a body at one boundary, the usual one first."""
        exact = [mark for mark in marks if mark.exact]
        if len(exact) < len(marks):
            yield from self._doubt("mime:boundary-prefix", item.id, f"{len(marks) - len(exact)} lines")
        for chosen in (exact, marks):
            if not chosen:
                continue
            usual = multipart.split(body, chosen)
            if not usual.closed and usual.parts:
                yield from self._doubt("mime:unclosed-multipart", item.id, "")
            divisions = [usual]
            closing = next((number for number, mark in enumerate(chosen) if mark.closing), len(chosen))
            if closing < len(chosen) - 1:
                yield from self._doubt("mime:text-around-parts", item.id, "delimiters behind the closing one")
                divisions.append(multipart.split(body, chosen, to_the_end=True))
            for division in divisions:
                if division.parts not in done:
                    done.append(division.parts)
                    yield division

    def _parts(self, body: bytes, division: Split, item: Entity, reading: int) -> Iterator[Found]:
        default = "message/rfc822" if item.declared == "multipart/digest" else "text/plain"
        suffix = f"~split{reading}" if reading else ""
        for number, (start, stop) in enumerate(division.parts, 1):
            identity = f"{item.id}.{number}{suffix}" if item.id else f"{number}{suffix}"
            yield from self._entity(body[start:stop], identity, item.depth + 1, default)
        for where, (start, stop) in (("preamble", division.preamble), ("epilogue", division.epilogue)):
            text = body[start:stop].strip()
            if text and not _TRIVIAL.match(text):
                identity = f"{item.id}.{where}" if item.id else where
                yield from self._doubt("mime:text-around-parts", identity, f"{len(text)} octets of {where}")
                yield from self._once(
                    Leaf(identity, (), "text/plain", "", (where,), body[start:stop], is_message=False)
                )

    def _leaf(self, body: bytes, item: Entity) -> Iterator[Found]:
        identity = item.id if item.depth else self._root(item.id)
        if conflicting(item.names):
            yield from self._doubt("mime:conflicting-names", identity, ", ".join(item.names)[:300])
        if item.declared == "message/partial":
            yield from self._doubt("mime:partial", identity, item.types[0].text[:200])
        elif item.declared == "message/external-body":
            yield from self._doubt("mime:external-body", identity, item.types[0].text[:200])
        is_message = item.declared in {"message/rfc822", "message/global", "message/news"}
        if is_message and set(item.encoding.names) - transfer.IDENTITY:
            yield from self._doubt("mime:encoded-composite", identity, ", ".join(item.encoding.names))
        readings, doubts = transfer.decode(body, item.encoding)
        for name, detail in doubts.items():
            yield from self._doubt(name, identity, detail)
        charset = next((value.parameters.get("charset", "") for value in item.types), "")
        for number, reading in enumerate(readings):
            via = (reading.step,) if reading.step else ()
            name = identity if number == 0 else f"{identity}~{number}"
            leaf = Leaf(name, item.names, item.declared, charset, via, reading.data, is_message)
            yield from self._once(leaf, certain=number == 0)
        plain = item.encoding.names[0] in transfer.IDENTITY and not is_message
        if plain and not self._undeclared and multipart.undeclared(body):
            self._undeclared = True
            yield from self._doubt("mime:undeclared-boundary", identity, "")

    def _root(self, identity: str) -> str:
        """Return the id of the only part of a message that is no multipart: IMAP calls it 1."""
        first = f"{self.prefix}.1" if self.prefix else "1"
        return first + identity.removeprefix(self.prefix)

    def _flat(self, raw: bytes) -> Iterator[Found]:
        """Divide the message at everything that looks like a delimiter, and at each kind of it alone."""
        found = multipart.undeclared(raw)
        together = sorted((mark for marks in found.values() for mark in marks), key=lambda mark: mark.start)
        alone = list(found.values())[:_MAX_BOUNDARIES] if len(found) > 1 else []
        number = 0
        for marks in (together, *alone):
            for at, mark in enumerate(marks):
                stop = marks[at + 1].start if at + 1 < len(marks) else len(raw)
                number += 1
                yield from self._piece(raw[mark.end : stop], f"{self.prefix}~flat{number}")

    def _piece(self, piece: bytes, identity: str) -> Iterator[Found]:
        """Read one piece of the flat reading, which is no multipart by definition."""
        self._left -= len(piece) + 64
        if self._left < 0:
            raise Exhausted("more readings of the message than can be followed")
        head = head_of(piece)
        item, _ = understand(head, identity, self.limits.depth, "text/plain")
        for at, start in enumerate(head.bodies):
            item.id = identity if at == 0 else f"{identity}~body{at}"
            readings, doubts = transfer.decode(piece[start:], item.encoding)
            for name, detail in doubts.items():
                yield from self._doubt(name, item.id, detail)
            for number, reading in enumerate(readings):
                name = item.id if number == 0 else f"{item.id}~{number}"
                via = ("flat", reading.step) if reading.step else ("flat",)
                is_message = item.declared.startswith("message/")
                leaf = Leaf(name, item.names, item.declared, "", via, reading.data, is_message)
                yield from self._once(leaf, certain=False)

    def _once(self, leaf: Leaf, *, certain: bool = True) -> Iterator[Leaf]:
        """Yield a leaf unless the same bytes under the same names came out of another reading."""
        key = (leaf.data, leaf.names)
        if key in self._seen and (not certain or "~" in leaf.id):
            return
        if not certain and not leaf.data.strip():
            return
        self._seen.add(key)
        yield leaf if leaf.id not in self._ids else replace(leaf, id=self._free(leaf.id))
        self._ids.setdefault(leaf.id, 0)

    def _free(self, identity: str) -> str:
        """Return an id that no leaf of this message has yet."""
        while True:
            self._ids[identity] += 1
            free = f"{identity}~{self._ids[identity]}"
            if free not in self._ids:
                self._ids[free] = 0
                return free

    def _doubt(self, name: str, identity: str, detail: str) -> Iterator[Ambiguity]:
        key = (name, identity or "1")
        if key not in self._doubts:
            self._doubts[key] = None
            yield Ambiguity(name, identity or "1", detail)


def _boundaries(body: bytes, values: list[Value]) -> dict[str, list[Delimiter]]:
    """Return the boundaries that are declared and used, each with its delimiter lines; equal ones once."""
    found: dict[str, list[Delimiter]] = {}
    for value in values:
        declared = value.parameters.get("boundary", "")
        tried = candidates(value.text, "boundary") if value.odd or not declared else [declared]
        for boundary in tried:
            if boundary in found or len(found) >= _MAX_BOUNDARIES:
                continue
            marks = multipart.delimiters(body, boundary.encode("latin-1", "replace"))
            if marks and marks not in found.values():
                found[boundary] = marks
    return found
