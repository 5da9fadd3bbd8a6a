"""Tag lists (RFC 6376 section 3.2), the common form of signatures, key records and DMARC records."""

import base64
import binascii
import re

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


class Malformed(Exception):
    """A signature or a record breaks its own grammar; ``str()`` says where."""


def parse(text: str) -> dict[str, str]:
    """Read ``a=1; b=2``; blanks and folding around names and values do not count.

    Raises:
        Malformed: If a tag has no name, no ``=``, or stands there twice, as section 3.2 demands.
    """
    tags: dict[str, str] = {}
    pieces = text.split(";")
    if not pieces[-1].strip():
        pieces.pop()
    for piece in pieces:
        name, equals, value = (part.strip(" \t\r\n") for part in piece.partition("="))
        if not equals or not _NAME.fullmatch(name):
            raise Malformed(f"no tag: {piece.strip()[:40]!r}")
        if name in tags:
            raise Malformed(f"{name}= stands there twice")
        tags[name] = value
    return tags


def required(tags: dict[str, str], *names: str) -> None:
    """Raise ``Malformed`` where one of the tags is missing or empty."""
    for name in names:
        if not tags.get(name):
            raise Malformed(f"{name}= is missing or empty")


def number(tags: dict[str, str], name: str) -> int | None:
    """Read a decimal tag; ``None`` where it is absent."""
    text = tags.get(name)
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 20:
        raise Malformed(f"{name}= is no number")
    return int(text)


def octets(tags: dict[str, str], name: str) -> bytes:
    """Read a base64 tag, which may be folded.

    Raises:
        Malformed: If it is no base64.
    """
    try:
        return base64.b64decode("".join(tags[name].split()), validate=True)
    except (binascii.Error, ValueError):
        raise Malformed(f"{name}= is no base64") from None
