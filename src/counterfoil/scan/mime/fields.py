"""Where a header ends, and which fields are in it (RFC 5322 section 2.2), for every reader that we know of.

Well-formed headers take a fast path. Damaged ones are read line by line, with and without a lone CR as line end,
and yield the union: every field that some program sees, and every place where some program lets the body begin.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

MIME_FIELDS: Final = frozenset({"content-type", "content-transfer-encoding", "content-disposition"})

_CLEAN = re.compile(rb"(?:[!-9;-~]++:[^\r\n\0]*+\r?\n(?:[ \t]++[^\s\0][^\r\n\0]*+\r?\n)*+)*+")
_FIELD = re.compile(rb"([!-9;-~]+):([^\r\n]*\r?\n(?:[ \t]+[^\r\n]*\r?\n)*)")
_END = re.compile(rb"\n\r?\n")
_LINE = re.compile(rb"[^\r\n]*(?:\r\n|\n|\r|\Z)")
_LINE_LF = re.compile(rb"[^\n]*(?:\n|\Z)")
_NAME = re.compile(rb"[ \t\x0b\x0c\0\r]{0,80}([^:\s\0][^:\n]{0,200}):")
_MIME_LIKE = re.compile(rb"[\s\x0b\0]{0,80}content-(?:type|transfer-encoding|disposition)[^\n:]{0,40}:", re.IGNORECASE)
# A DKIM signature lists names of fields in its continuation lines; a hidden field has a value.
_MIME_IN_FOLD = re.compile(
    rb"\n[ \t]+content-(?:type[ \t]{0,20}:[^:\n]{0,80}/|disposition[ \t]{0,20}:[^:\n]{0,20}(?:attachment|inline)"
    rb"|transfer-encoding[ \t]{0,20}:[^:\n]{0,20}(?:base64|quoted|[78]bit|binary|x-|uu|=\?))",
    re.IGNORECASE,
)
_SECOND_NAME = re.compile(rb"content-(?:type|transfer-encoding|disposition)(?=[ \t]+[^ \t:;])", re.IGNORECASE)
_NO_LETTERS = re.compile(r"[^a-z-]")
_BOM: Final = b"\xef\xbb\xbf"
_MAX_ODD_LINES: Final = 60
_MAX_RESUMED: Final = 3


@dataclass(frozen=True, slots=True)
class Field:
    """One header field: its name as written and the octets behind the colon, folding included."""

    name: str
    raw: bytes

    @property
    def key(self) -> str:
        """The name in lower case; that of a MIME field where the name is only damaged."""
        plain = self.name.lower()
        bare = _NO_LETTERS.sub("", plain)
        return bare if bare in MIME_FIELDS else plain


@dataclass(slots=True)
class Head:
    """The fields of an entity, the offsets at which its body may begin (the first is the usual one), and doubts."""

    fields: list[Field] = field(default_factory=list)
    bodies: list[int] = field(default_factory=list)
    doubts: dict[str, str] = field(default_factory=dict)


def head_of(entity: bytes) -> Head:
    """Read the header of a message or a part."""
    start = 0
    if entity.startswith((b"\n", b"\r\n")):
        end = 1 + (entity[:1] == b"\r")
        head = Head(bodies=[end])
        if _MIME_LIKE.match(entity, end):
            return _damaged(entity, 0)
        return head
    match = _END.search(entity)
    end, body = (match.start() + 1, match.end()) if match else (len(entity), len(entity))
    clean = _CLEAN.match(entity, start, end)
    if clean is not None and clean.end() == end and not _MIME_LIKE.match(entity, body, body + 200):
        block = entity[start:end]
        if not _MIME_IN_FOLD.search(block):
            return Head([Field(name.decode("latin-1"), raw) for name, raw in _FIELD.findall(block)], [body])
    return _damaged(entity, start)


def _damaged(entity: bytes, start: int) -> Head:
    head = Head()
    if entity.startswith(_BOM, start):
        head.doubts["mime:bom"] = ""
        start += len(_BOM)
    for number, pattern in enumerate((_LINE, _LINE_LF)):
        if number and b"\r" not in entity.replace(b"\r\n", b""):
            break
        if number:
            head.doubts["mime:bare-cr"] = ""
        _read_lines(entity, start, pattern, head)
    if not head.bodies:
        head.bodies.append(len(entity))
    known: dict[tuple[str, bytes], Field] = {}
    for item in head.fields:
        known.setdefault((item.key, item.raw.strip()), item)
        if item.key in MIME_FIELDS and item.key != item.name.lower():
            head.doubts["mime:damaged-field-name"] = item.name
    head.fields = list(known.values())
    if any(b"\0" in item.raw or "\0" in item.name for item in head.fields):
        head.doubts["mime:nul"] = ""
    return head


def _read_lines(entity: bytes, start: int, pattern: re.Pattern[bytes], head: Head) -> None:
    """Add what one way of ending lines sees to ``head``."""
    fields: list[tuple[bytes, list[bytes]]] = []
    odd = resumed = 0
    for match in pattern.finditer(entity, start):
        line = match.group()
        if not line:
            break
        if not line.strip(b"\r\n"):
            _body(head, match.end())
            if resumed >= _MAX_RESUMED or not _MIME_LIKE.match(entity, match.end(), match.end() + 300):
                break
            resumed += 1
            head.doubts["mime:body-before-header"] = "a blank line before a MIME field"
            continue
        odd += _take_line(line, match, fields, head)
        if odd > _MAX_ODD_LINES:
            head.doubts["mime:body-before-header"] = f"more than {_MAX_ODD_LINES} lines that are no fields"
            break
    head.fields.extend(Field(name.decode("latin-1"), b"".join(pieces)) for name, pieces in fields)


def _take_line(line: bytes, match: re.Match[bytes], fields: list[tuple[bytes, list[bytes]]], head: Head) -> int:
    """Take one line of a header; return 1 where it is no regular field or continuation."""
    named = _NAME.match(line)
    folded = line[:1] in b" \t" and bool(fields)
    if folded:
        fields[-1][1].append(line)
        if not line.strip():
            _body(head, match.end())
            return 1
        if not _MIME_IN_FOLD.match(b"\n" + line):
            return 0
        head.doubts["mime:folded-field"] = _shown(line)
    if named is None:
        for second in _SECOND_NAME.finditer(line):
            fields.append((second.group(), [line[second.end() :]]))
            head.doubts["mime:damaged-field-name"] = _shown(line)
        _body(head, match.start())
        if not line.strip(b" \t\x0b\x0c:\r\n\0"):
            _body(head, match.end())
        return 1
    name = named.group(1).rstrip()
    if folded and fields and name == fields[-1][0]:
        return 0
    if len(name) != named.end() - 1 and name.lower().decode("latin-1") in MIME_FIELDS:
        head.doubts["mime:damaged-field-name"] = _shown(line)
    value = line[named.end() :]
    fields.append((name, [value.lstrip(b":")]))
    return int(b" " in name)


def _body(head: Head, at: int) -> None:
    if at not in head.bodies and len(head.bodies) < 8:
        head.bodies.append(at)


def _shown(line: bytes) -> str:
    return line.strip()[:80].decode("latin-1")


def values_of(fields: list[Field], key: str) -> Iterator[bytes]:
    """Yield the octets of every field that some program takes for this one."""
    return (item.raw for item in fields if item.key == key)
