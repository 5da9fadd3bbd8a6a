"""The message as DKIM and ARC sign it: header fields, and the canonical forms (RFC 6376 section 3.4)."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

SIMPLE, RELAXED = "simple", "relaxed"

_BARE_LF = re.compile(rb"(?<!\r)\n")
_EMPTY_LINE = re.compile(rb"\n\r?\n")


@dataclass(frozen=True, slots=True)
class Field:
    """One header field; ``name`` in lower case, ``raw`` with its folding and line end."""

    name: str
    raw: bytes

    @property
    def value(self) -> bytes:
        """What follows the colon, folding included, without the line end."""
        return self.raw.partition(b":")[2].removesuffix(b"\r\n")


@dataclass(frozen=True, slots=True)
class Message:
    """Header fields from top to bottom, and what stands behind the empty line, as it came."""

    fields: tuple[Field, ...]
    octets: bytes = field(repr=False)

    @property
    def body(self) -> bytes:
        """The body with CRLF line ends; made each time, because most messages are never asked for it."""
        return _with_crlf(self.octets)

    def named(self, name: str) -> list[Field]:
        """Return the fields of one name, given in lower case, from top to bottom."""
        return [one for one in self.fields if one.name == name]


def split(raw: bytes) -> Message:
    """Take a message apart; line ends that are no CRLF (a file on disk) are made CRLF first."""
    if raw.startswith((b"\r\n", b"\n")):
        return Message((), raw[raw.index(b"\n") + 1 :])
    end = _EMPTY_LINE.search(raw)
    head, body = (raw[: end.start() + 1], raw[end.end() :]) if end else (raw, b"")
    head = _with_crlf(head)
    return Message(tuple(_fields(head.removesuffix(b"\r\n") if end else head)), body)


def _with_crlf(text: bytes) -> bytes:
    if text.count(b"\n") == text.count(b"\r\n"):
        return text
    return _BARE_LF.sub(b"\r\n", text)


def _fields(head: bytes) -> Iterable[Field]:
    lines: list[bytes] = []
    for line in head.split(b"\r\n"):
        if line[:1] in {b" ", b"\t"} and lines:
            lines.append(line)
            continue
        if lines:
            yield _field(lines)
        lines = [line]
    yield _field(lines)


def _field(lines: list[bytes]) -> Field:
    raw = b"\r\n".join(lines) + b"\r\n"
    name, colon, _ = raw.partition(b":")
    return Field(name.rstrip(b" \t").decode("latin-1").lower() if colon else "", raw)


def header(one: Field, form: str) -> bytes:
    """Bring a header field to its canonical form, line end included (sections 3.4.1 and 3.4.2)."""
    if form == SIMPLE:
        return one.raw
    # Unfolding removes line ends alone; what stood around them is a run of blanks like any other.
    value = _one_blank(one.value.replace(b"\r\n", b"")).strip(b" ")
    return one.name.encode("latin-1") + b":" + value + b"\r\n"


def body(text: bytes, form: str) -> bytes:
    """Bring a body to its canonical form (sections 3.4.3 and 3.4.4)."""
    if form == RELAXED:
        # Runs become one blank first, so that cutting at line ends is a plain replacement: linear in any case.
        text = _one_blank(text).replace(b" \r\n", b"\r\n").removesuffix(b" ")
    end = _end_of_text(text)
    if end == 0:
        return b"" if form == RELAXED else b"\r\n"
    return text[:end] + b"\r\n"


def _one_blank(text: bytes) -> bytes:
    """Put one space for each run of spaces and tabs, by as many plain replacements as the longest run has bits."""
    text = text.replace(b"\t", b" ")
    while b"  " in text:
        text = text.replace(b"  ", b" ")
    return text


def _end_of_text(text: bytes) -> int:
    """Return where the empty lines at the end begin, the line end of the last line among them.

    Every LF follows a CR here, so that what is no pair of both is a CR before another.
    """
    kept = len(text.rstrip(b"\r\n"))
    if text.endswith(b"\r"):
        return len(text)
    return max(kept, text.rfind(b"\r\r", kept) + 1)


def signed_header(message: Message, names: Sequence[str], signature: Field, form: str) -> bytes:
    """Return what a signature over header fields covers (section 3.7).

    Of fields that occur several times the lowest is taken first (section 5.4.2); a name beyond those
    that are there covers nothing, which is how a signer forbids another. The signature's own field
    comes last, its ``b=`` emptied and without the line end.
    """
    left: dict[str, list[Field]] = {}
    for one in message.fields:
        if one is not signature:
            left.setdefault(one.name, []).append(one)
    pieces = [header(left[name].pop(), form) for name in names if left.get(name)]
    return b"".join([*pieces, header(without_signature(signature), form).removesuffix(b"\r\n")])


def without_signature(one: Field) -> Field:
    """Empty the value of the ``b=`` tag, the blanks around it included (section 3.5)."""
    start, colon, value = one.raw.partition(b":")
    tags = value.removesuffix(b"\r\n").split(b";")
    for place, tag in enumerate(tags):
        name, equals, _ = tag.partition(b"=")
        if name.strip(b" \t\r\n") == b"b":
            tags[place] = name + equals
    return Field(one.name, start + colon + b";".join(tags) + b"\r\n")
