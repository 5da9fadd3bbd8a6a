"""winmail.dat: TNEF (MS-OXTNEF), read attribute by attribute.

Attachments are found whatever the order of their attributes, embedded messages are unpacked where they lie, and
what stands behind the last attribute is a part of its own.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from counterfoil.scan.limits import Budget
from counterfoil.scan.unpack.mapi import EMBEDDED, properties
from counterfoil.scan.unpack.member import Member, Oddity, Refusal

ODDITIES: Final = {
    "tnef:trailing-data": "bytes that are no attribute stand behind the last one",
    "tnef:data-before-name": "an attachment's contents come before its description: some programs lose it",
}
SIGNATURE = b"\x78\x9f\x3e\x22"
_HEADER = 6

_ATTACH_RENDER, _ATTACH_DATA, _ATTACH_TITLE = 0x9002, 0x800F, 0x8010
_ATTACH_PROPERTIES, _BODY, _MESSAGE_PROPERTIES = 0x9005, 0x800C, 0x9003

_LONG_NAME, _FILE_NAME, _DISPLAY_NAME, _MIME_TYPE = 0x3707, 0x3704, 0x3001, 0x370E
_ATTACH_OBJECT = 0x3701
_BODY_TEXT, _BODY_HTML, _BODY_RTF = 0x1000, 0x1013, 0x1009


@dataclass(slots=True)
class _Attachment:
    names: list[str] = field(default_factory=list)
    data: bytes = b""
    objects: list[bytes] = field(default_factory=list)
    declared_type: str = ""


def unpack(data: bytes, budget: Budget) -> Iterator[Member | Refusal | Oddity]:
    """Yield bodies, attachments and embedded messages."""
    del budget  # nothing is compressed but RTF, which is handed on as it is
    if not data.startswith(SIGNATURE):
        yield Refusal("tnef: no signature")
        return
    at = _HEADER
    current: _Attachment | None = None
    while at + 9 <= len(data):
        level, tag, _, length = struct.unpack_from("<BHHI", data, at)
        if level not in {1, 2}:
            break
        body = data[at + 9 : at + 9 + length]
        at += 9 + length + 2
        if len(body) < length:
            yield Refusal(f"tnef: attribute 0x{tag:04x} is cut short")
        if level == 1:
            yield from _message_attribute(tag, body)
            continue
        if tag == _ATTACH_RENDER or current is None:
            if current is not None:
                yield from _members(current)
            elif tag != _ATTACH_RENDER:
                yield Oddity("tnef:data-before-name", f"attribute 0x{tag:04x}")
            current = _Attachment()
        _attachment_attribute(current, tag, body)
    if current is not None:
        yield from _members(current)
    rest = data[at:]
    if rest.strip(b"\0"):
        yield Oddity("tnef:trailing-data", f"{len(rest)} octets")
        yield Member("tnef:trailing", rest)


def _message_attribute(tag: int, body: bytes) -> Iterator[Member]:
    if tag == _BODY:
        yield Member("tnef", body.rstrip(b"\0"), declared_type="text/plain")
    elif tag == _MESSAGE_PROPERTIES:
        for prop in properties(body):
            if prop.id == _BODY_HTML and prop.values:
                yield Member("tnef", prop.values[0], declared_type="text/html")
            elif prop.id == _BODY_TEXT and prop.values:
                yield Member("tnef", prop.text().encode("utf-8", "replace"), declared_type="text/plain")
            elif prop.id == _BODY_RTF and prop.values:
                yield Member("tnef", prop.values[0], declared_type="application/x-compressed-rtf")


def _attachment_attribute(attachment: _Attachment, tag: int, body: bytes) -> None:
    if tag == _ATTACH_TITLE:
        attachment.names.append(body.rstrip(b"\0").decode("latin-1"))
    elif tag == _ATTACH_DATA:
        attachment.data += body
    elif tag == _ATTACH_PROPERTIES:
        for prop in properties(body):
            if prop.id in {_LONG_NAME, _FILE_NAME, _DISPLAY_NAME}:
                attachment.names.append(prop.text())
            elif prop.id == _MIME_TYPE:
                attachment.declared_type = prop.text()
            elif prop.id == _ATTACH_OBJECT:
                attachment.objects.extend(prop.values)


def _members(attachment: _Attachment) -> Iterator[Member]:
    names = tuple(dict.fromkeys(name for name in attachment.names if name))
    if attachment.data:
        yield Member("tnef", attachment.data, names, attachment.declared_type)
    for value in attachment.objects:
        # An object starts with its interface id; behind IMessage stands another TNEF (MS-OXTNEF 2.1.3.4).
        contents = value[16:] if value.startswith(EMBEDDED) else value
        if contents:
            yield Member("tnef:object", contents, names, attachment.declared_type)
