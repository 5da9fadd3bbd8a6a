"""Every spelling of the identifiers that join two ledgers, brought to one: bytes as hex.

A small library of its own: pure, standard library only. Sources: Microsoft's linkable identifiers
(``how-to-authentication-track-linkable-identifiers``), MSIdentityTools
``ConvertFrom-MsIdUniqueTokenIdentifier``, RFC 7515 section 4.1.7 and 4.1.8 (``x5t``, ``x5t#S256``).

BUGS: A textual GUID in an application-only Exchange record has never been seen beside its token, so
its byte order is not certain; :class:`TokenId` therefore carries both.
"""

import base64
import binascii
import re
import uuid
from dataclasses import dataclass
from functools import lru_cache

ABSENT = frozenset({"", "none", "null", "-", "n/a", "undefined", "00000000-0000-0000-0000-000000000000"})
"""Texts that logs print where there is nothing (elastic/integrations 12833)."""

_GUID = re.compile(r"\{?([0-9a-fA-F]{8})-?([0-9a-fA-F]{4})-?([0-9a-fA-F]{4})-?([0-9a-fA-F]{4})-?([0-9a-fA-F]{12})\}?")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]+={0,2}")
_HEX = re.compile(r"[0-9a-fA-F]+")


@dataclass(frozen=True, slots=True)
class TokenId:
    """The 16 bytes that name one issued token, and how they were spelled.

    ``hex`` is the GUID's text order without dashes; ``other`` is the same text read in the other byte
    order, only for the spelling ``guid``. ``spelling`` is ``uti``, ``uti-padded``, ``text`` or ``guid``.
    """

    hex: str
    spelling: str
    other: str | None = None


@dataclass(frozen=True, slots=True)
class Thumbprint:
    """A certificate's digest: ``algorithm`` is ``sha1`` or ``sha256``, ``hex`` is upper case."""

    algorithm: str
    hex: str


def present(value: object) -> str | None:
    """Return the text of a field, or ``None`` where the log only says that there is nothing."""
    if value is None:
        return None
    text = str(value).strip()
    return None if text.lower() in ABSENT else text


def guid(value: object) -> str | None:
    """Read a textual GUID (dashes, braces, any case) as 32 lower-case hex digits; else ``None``."""
    text = present(value)
    if text is None:
        return None
    found = _GUID.fullmatch(text)
    return "".join(found.groups()).lower() if found else None


def dashed(hex32: str) -> str:
    """Spell 32 hex digits as a GUID with dashes."""
    return str(uuid.UUID(hex32))


def swapped(hex32: str) -> str:
    """Read the same 16 bytes in the other byte order (.NET ``Guid.ToByteArray`` or RFC 4122)."""
    return uuid.UUID(bytes_le=bytes.fromhex(hex32)).hex


def token_id(value: object) -> TokenId | None:
    """Read a ``uti``, a sign-in id or a ``UniqueTokenId`` in any known spelling; else ``None``.

    A value that is present and answers ``None`` is an unknown spelling: the reader has to count it.
    """
    text = present(value)
    return None if text is None else _token_id(text)


@lru_cache(maxsize=65536)
def _token_id(text: str) -> TokenId | None:
    if (hex32 := guid(text)) is not None:
        return TokenId(hex32, "guid", swapped(hex32))
    if not _BASE64.fullmatch(text):
        return None
    if len(text) == 48:
        raw = _unbase64(text)
        inner = guid(raw.decode("ascii", "replace")) if raw is not None and len(raw) == 36 else None
        return TokenId(inner, "text") if inner is not None else None
    if len(text) == 22 or (len(text) == 24 and text.endswith("==")):
        raw = _unbase64(text)
        if raw is not None and len(raw) == 16:
            return TokenId(uuid.UUID(bytes_le=raw).hex, "uti" if len(text) == 22 else "uti-padded")
    return None


def uti(hex32: str) -> str:
    """Spell a token id as the 22-character claim of the access token."""
    return base64.urlsafe_b64encode(uuid.UUID(hex32).bytes_le).rstrip(b"=").decode()


def text_form(hex32: str) -> str:
    """Spell a token id as the Graph API did in 2022: base64 of the GUID's text, 48 characters."""
    return base64.b64encode(dashed(hex32).encode()).decode()


def thumbprint(value: object) -> Thumbprint | None:
    """Read a certificate thumbprint: hex (colons and blanks allowed), base64, base64url, base64 of hex.

    The bare 40-digit hex of a ``customKeyIdentifier`` is also valid base64 of 30 bytes; hex wins.
    """
    text = present(value)
    return None if text is None else _thumbprint(text)


@lru_cache(maxsize=4096)
def _thumbprint(text: str) -> Thumbprint | None:
    bare = text.replace(":", "").replace(" ", "").replace("\u200e", "")
    if _HEX.fullmatch(bare) and len(bare) in (40, 64):
        return _digest(bytes.fromhex(bare))
    raw = _unbase64(bare) if _BASE64.fullmatch(bare) else None
    if raw is None:
        return None
    if len(raw) in (40, 64) and _HEX.fullmatch(inner := raw.decode("ascii", "replace")):
        return _digest(bytes.fromhex(inner))
    return _digest(raw) if len(raw) in (20, 32) else None


def base64url(hex_digits: str) -> str:
    """Spell hex as base64url without padding, as in ``x5t`` and ``x5t#S256``."""
    return base64.urlsafe_b64encode(bytes.fromhex(hex_digits)).rstrip(b"=").decode()


def spellings(value: str) -> dict[str, dict[str, str]]:
    """Every meaning that a value can have, and for each meaning every spelling.

    Meanings: ``token-id``, ``token-id-other-order`` (textual GUIDs only), ``key-id``, ``thumbprint-sha1``,
    ``thumbprint-sha256``. An empty answer means that the value is in no spelling we know.
    """
    meanings: dict[str, dict[str, str]] = {}
    if token := token_id(value):
        meanings["token-id"] = _token_spellings(token.hex) | {"given_as": token.spelling}
        if token.other is not None:
            meanings["token-id-other-order"] = _token_spellings(token.other) | {"given_as": token.spelling}
            meanings["key-id"] = {"guid": dashed(token.hex), "hex": token.hex}
    if print_ := thumbprint(value):
        raw = bytes.fromhex(print_.hex)
        meanings[f"thumbprint-{print_.algorithm}"] = {
            "hex": print_.hex,
            "colons": ":".join(print_.hex[i : i + 2] for i in range(0, len(print_.hex), 2)),
            "base64url": base64url(print_.hex),
            "base64": base64.b64encode(raw).decode(),
            "header": "x5t" if print_.algorithm == "sha1" else "x5t#S256",
        }
    return meanings


def _token_spellings(hex32: str) -> dict[str, str]:
    return {
        "uti": uti(hex32),
        "uti_padded": uti(hex32) + "==",
        "sign_in_id": dashed(hex32),
        "text_form": text_form(hex32),
        "hex": hex32,
        "plausible": "yes" if hex32.endswith("00") or hex32[12] == "4" else "no",
    }


def _digest(raw: bytes) -> Thumbprint:
    return Thumbprint("sha1" if len(raw) == 20 else "sha256", raw.hex().upper())


def _unbase64(text: str) -> bytes | None:
    """Decode either alphabet, padded or not; ``None`` for what no encoder writes (stray low bits)."""
    body = text.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        raw = base64.b64decode(body + "=" * (-len(body) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None
    return raw if base64.b64encode(raw).rstrip(b"=").decode() == body else None
