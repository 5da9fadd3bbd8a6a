"""Ids of folders and items: Graph's two forms and Exchange's, each made from our GUIDs and read back.

A normal id changes with every move; an immutable one does not. None of them says more than that the
object exists, and all look like Microsoft's (url-safe base64 of opaque bytes).
"""

import base64
import uuid

from counterfoil.lab.objects import Folder, Message
from counterfoil.lab.spelling import b64url, from_b64url

_ITEM = b"\x00\x03\x24\x00"  # in base64: AAMkA
_IMMUTABLE = b"\x00\x09\x24\x00"  # in base64: AAkkA
_FOLDER = b"\x01\x03\x24\x00"  # in base64: AQMkA


def _bytes(guid: str) -> bytes:
    return uuid.UUID(guid).bytes


def _mailbox_part(mailbox: str) -> bytes:
    """Microsoft's ids hold the mailbox GUID as text."""
    return mailbox.encode() + b"\x00\x46\x00\x00\x00\x00\x00"


def item_id(message: Message, *, immutable: bool = False) -> str:
    """Return Graph's id of a message."""
    moves = 0 if immutable else message.moves
    data = _mailbox_part(message.mailbox) + _bytes(message.id) + moves.to_bytes(4, "big")
    return b64url((_IMMUTABLE if immutable else _ITEM) + data)


def immutable(rest_id: str) -> str:
    """Return the immutable id of the message that a normal one names."""
    data = from_b64url(rest_id)
    return b64url(_IMMUTABLE + data[len(_ITEM) : -4] + b"\x00" * 4)


def folder_id(folder: Folder) -> str:
    """Return Graph's id of a mail folder."""
    return b64url(_FOLDER + _mailbox_part(folder.mailbox) + _bytes(folder.id) + b"\x00" * 4)


def guid_in(text: str) -> str | None:
    """Return the GUID of the object that an id names, or ``None`` if it is no id of ours."""
    try:
        data = from_b64url(text)
    except ValueError:
        return None
    start = 4 + 36 + 7
    if len(data) != start + 20 or data[:4] not in (_ITEM, _IMMUTABLE, _FOLDER):
        return None
    return str(uuid.UUID(bytes=data[start : start + 16]))


def entry_id(message: Message) -> str:
    """Return the ``Id`` that an Exchange audit record has for a message."""
    data = (
        b"F\x00\x00\x00" + _bytes(message.mailbox) + _bytes(message.id) + message.moves.to_bytes(4, "big") + b"\x00" * 5
    )
    return base64.b64encode(data).decode()


def immutable_entry_id(message: Message) -> str:
    """Return the ``ImmutableId`` that an Exchange audit record has for a message."""
    data = b".\x00\x00\x00\x00" + _bytes(message.mailbox) + _bytes(message.id) + b"\x00" * 5
    return base64.b64encode(data).decode()


def folder_entry_id(folder: Folder) -> str:
    """Return the ``Id`` that an Exchange audit record has for a folder."""
    data = b".\x00\x00\x00\x00" + _bytes(folder.mailbox) + _bytes(folder.id) + b"\x01\x00\x00"
    return base64.b64encode(data).decode()
