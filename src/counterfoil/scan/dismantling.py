"""Takes a message or a file apart until nothing more is inside, within the limits, and never in silence.

A work list instead of recursion: an attacker decides how deep things nest. Every exception of a reader or an unpacker
becomes ``uninspectable`` with its reason (law 3).
"""

from collections import deque
from dataclasses import dataclass, field
from hashlib import sha256

from counterfoil.model.mail import Link, Part, Uninspectable
from counterfoil.scan.features import Ambiguity
from counterfoil.scan.kinds import Kind, kinds_of, second_natures
from counterfoil.scan.kinds.text import named_as_markup, text_kind
from counterfoil.scan.limits import DEFAULT_LIMITS, Budget, Exhausted, Limits
from counterfoil.scan.links import Tangled, html_links, text_links
from counterfoil.scan.mime import inline
from counterfoil.scan.mime.charsets import texts_of
from counterfoil.scan.mime.fields import Field
from counterfoil.scan.mime.readings import Leaf, Reader
from counterfoil.scan.unpack.member import Member, Oddity, Refusal
from counterfoil.scan.unpack.registry import NO_READER, unpackers

MARKUP = frozenset({Kind.HTML, Kind.SVG, Kind.HTA})
FOLDED = frozenset({Kind.CALENDAR, Kind.VCARD})
"""Lines that go on behind a line end and a blank (RFC 5545 section 3.1): a URL may be cut by one."""


@dataclass(slots=True)
class _Item:
    """Bytes to look at: who they are, how we came to them, how deep they lie."""

    id: str
    names: tuple[str, ...]
    declared_type: str
    via: tuple[str, ...]
    data: bytes
    depth: int
    charset: str = ""
    is_message: bool = False


@dataclass(slots=True)
class Dismantling:
    """What has been found so far; call ``message`` or ``file`` once."""

    limits: Limits = DEFAULT_LIMITS
    fields: list[Field] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)
    links: list[Link] = field(default_factory=list)
    ambiguities: list[Ambiguity] = field(default_factory=list)
    uninspectable: list[Uninspectable] = field(default_factory=list)
    _budget: Budget = field(init=False)
    _waiting: deque[_Item] = field(default_factory=deque)
    _opened: set[tuple[str, tuple[Kind, ...], bool]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._budget = Budget(self.limits)

    def message(self, raw: bytes) -> None:
        """Take a message apart."""
        try:
            reader = self._read(raw, "", (), 0)
            self.fields = reader.fields
            self._work()
        except Exhausted as error:
            self.uninspectable.append(Uninspectable("message", str(error)))

    def file(self, name: str, data: bytes) -> None:
        """Take a bare file apart."""
        try:
            self._waiting.append(_Item("1", (name,) if name else (), "", (), data, 0))
            self._work()
        except Exhausted as error:
            self.uninspectable.append(Uninspectable("message", str(error)))

    def _work(self) -> None:
        while self._waiting:
            item = self._waiting.popleft()
            try:
                self._take(item)
            except Exhausted:
                raise
            except Exception as error:  # noqa: BLE001 - law 3, as below
                self.uninspectable.append(Uninspectable(item.id, f"{type(error).__name__}: {error}"))

    def _read(self, raw: bytes, prefix: str, via: tuple[str, ...], depth: int) -> Reader:
        """Read a message; its leaves wait to be looked at."""
        reader = Reader(raw, prefix, self.limits)
        leaves: list[_Item] = []
        try:
            for found in reader.read():
                if isinstance(found, Leaf):
                    # Counted here and not only when it is taken, so that a thousand readings are not piled up first.
                    self._budget.spend(len(found.data))
                    leaves.append(_item(found, via, depth))
                elif isinstance(found, Ambiguity):
                    self.ambiguities.append(found)
                else:
                    self.uninspectable.append(found)
        except Exhausted as error:
            self.uninspectable.append(Uninspectable(prefix or "message", str(error)))
        except Exception as error:  # noqa: BLE001 - law 3: whatever goes wrong is said, and never taken for "clean"
            reason = f"readings: {type(error).__name__}: {error}"
            self.uninspectable.append(Uninspectable(prefix or "message", reason))
        # What lies inside comes right behind what holds it, before the rest of the list.
        self._waiting.extendleft(reversed(leaves))
        return reader

    def _take(self, item: _Item) -> None:
        kinds = kinds_of(item.data, item.names)
        if Kind.TEXT not in kinds and (item.declared_type.startswith("text/") or named_as_markup(item.names)):
            # Whoever shows it goes by the declaration or the name, and does not mind a control character.
            kinds = (*(kind for kind in kinds if kind is not Kind.DATA), *text_kind(item.data, item.names))
            if len(kinds) > 2 and kinds[0] not in MARKUP and Kind.EMPTY not in kinds:
                detail = ", ".join(kind.value for kind in kinds)
                self.ambiguities.append(Ambiguity("content:polyglot", item.id, detail))
        digest = sha256(item.data).hexdigest()
        self.parts.append(Part(item.id, item.names, item.declared_type, kinds[0].value, digest, item.via, item.data))
        # What lies in a compound file is opened by the program that wrote it, not by its looks.
        natures = () if item.via[-1:] == ("ole",) else second_natures(item.data, kinds)
        if natures:
            detail = ", ".join((kinds[0].value, *natures))
            self.ambiguities.append(Ambiguity("content:polyglot", item.id, detail))
        if Kind.TEXT in kinds or Kind.RTF in kinds:
            self._text(item, kinds)
        key = (digest, kinds, item.is_message)
        if key in self._opened:
            return
        self._opened.add(key)
        self._open(item, (*kinds, *natures))

    def _text(self, item: _Item, kinds: tuple[Kind, ...]) -> None:
        readings = texts_of(item.data, item.charset)
        if item.via and item.via[-1].startswith("charset:"):
            readings = readings[:1]  # a reading in another character set is not guessed at once more
        self.texts[item.id] = readings[0].text
        is_markup = bool(MARKUP.intersection(kinds)) or item.declared_type in {"text/html", "application/xhtml+xml"}
        text = readings[0].text
        if FOLDED.intersection(kinds):
            text = text.replace("\r\n ", "").replace("\n ", "")
        self._links(item.id, text, is_markup=is_markup)
        if len(readings) > 1:
            detail = ", ".join(reading.charset for reading in readings)
            self.ambiguities.append(Ambiguity("mime:charset", item.id, detail))
        for reading in readings[1:]:
            data = reading.text.encode("utf-8", "replace")
            self._budget.spend(len(data))
            via = (*item.via, f"charset:{reading.charset}")
            alternative = _Item(f"{item.id}~{reading.charset}", item.names, item.declared_type, via, data, item.depth)
            alternative.charset = "utf-8"
            self._waiting.appendleft(alternative)

    def _links(self, identity: str, text: str, *, is_markup: bool) -> None:
        found = html_links(text) if is_markup else text_links(text)
        try:
            for url, shown in found:
                if len(self.links) >= self.limits.links:
                    self.uninspectable.append(Uninspectable(identity, f"more than {self.limits.links} links"))
                    return
                self.links.append(Link(url, shown, identity))
        except Tangled as error:
            self.uninspectable.append(Uninspectable(identity, str(error)))

    def _open(self, item: _Item, kinds: tuple[Kind, ...]) -> None:
        if item.is_message or Kind.EML in kinds:
            if self._may_go_deeper(item):
                self._read(item.data, item.id, (*item.via, "rfc822"), item.depth + 1)
            return
        for kind in kinds:
            if kind in NO_READER:
                self.uninspectable.append(Uninspectable(item.id, NO_READER[kind]))
        members = _Members(self, item)
        if Kind.TEXT in kinds or kinds == (Kind.DATA,):
            for file in inline.files(item.data):
                self.ambiguities.append(Ambiguity("mime:inline-encoding", item.id, f"{file.step} {file.name}"[:200]))
                members.take(Member(file.step, file.data, (file.name,) if file.name else ()))
        for unpacker in unpackers(kinds):
            if not self._may_go_deeper(item):
                break
            try:
                for found in unpacker(item.data, self._budget):
                    members.take(found)
            except Exhausted:
                raise
            except Exception as error:  # noqa: BLE001 - law 3: whatever goes wrong is said, and never taken for "clean"
                name = unpacker.__module__.rpartition(".")[2]
                reason = f"{name}: {type(error).__name__}: {error}"
                self.uninspectable.append(Uninspectable(item.id, reason))
        self._waiting.extendleft(reversed(members.items))

    def _may_go_deeper(self, item: _Item) -> bool:
        if item.depth < self.limits.depth:
            return True
        self.uninspectable.append(Uninspectable(item.id, f"containers are nested deeper than {self.limits.depth}"))
        return False


@dataclass(slots=True)
class _Members:
    """The members of one container as they come."""

    owner: Dismantling
    container: _Item
    items: list[_Item] = field(default_factory=list)
    _number: int = 0

    def take(self, found: Member | Refusal | Oddity) -> None:
        owner, container = self.owner, self.container
        if isinstance(found, Refusal):
            owner.uninspectable.append(Uninspectable(container.id, found.reason))
        elif isinstance(found, Oddity):
            owner.ambiguities.append(Ambiguity(found.name, container.id, found.detail))
        else:
            owner._budget.spend(len(found.data))  # noqa: SLF001 - one class in two, so that each stays small
            self._number += 1
            identity = f"{container.id}/{self._number}"
            via = (*container.via, found.step)
            self.items.append(_Item(identity, found.names, found.declared_type, via, found.data, container.depth + 1))


def _item(leaf: Leaf, via: tuple[str, ...], depth: int) -> _Item:
    return _Item(
        leaf.id, leaf.names, leaf.declared_type, (*via, *leaf.via), leaf.data, depth, leaf.charset, leaf.is_message
    )
