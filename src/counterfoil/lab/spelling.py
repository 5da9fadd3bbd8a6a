"""How Microsoft spells identifiers and times."""

import base64
import uuid
from datetime import UTC, datetime


def b64url(data: bytes) -> str:
    """Base64url without padding (RFC 7515 section 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def from_b64url(text: str) -> bytes:
    """Decode base64url with or without padding.

    Raises:
        ValueError: If it is not base64url; standard base64 is refused as Entra refuses it.
    """
    if set(text) & set("+/"):
        raise ValueError("standard base64 where base64url is wanted")
    bare = text.rstrip("=")
    return base64.b64decode(bare + "=" * (-len(bare) % 4), altchars=b"-_", validate=True)


def uti_of(request_id: str) -> str:
    """Spell a sign-in's request id as the token's ``uti``: 16 bytes in .NET order, base64url."""
    return b64url(uuid.UUID(request_id).bytes_le)


def graph_form(request_id: str) -> str:
    """Spell a request id as older Graph answers do: base64 of the GUID's text (48 characters)."""
    return base64.b64encode(request_id.encode()).decode()


def request_id_of(uti: str) -> str:
    """Return the request id whose ``uti`` this is."""
    return str(uuid.UUID(bytes_le=from_b64url(uti)))


def utc(at: float) -> datetime:
    """Return seconds since 1970 as an aware datetime."""
    return datetime.fromtimestamp(at, UTC)


def seconds(at: float) -> str:
    """``2026-10-05T09:13:22Z``."""
    return utc(at).strftime("%Y-%m-%dT%H:%M:%SZ")


def ticks(at: float) -> str:
    """``2026-07-16T01:05:09.1234560Z``: seven decimals, as .NET prints them."""
    return utc(at).strftime("%Y-%m-%dT%H:%M:%S.%f0Z")


def bare(at: float) -> str:
    """``2026-10-05T09:14:07``: the audit log's way, UTC without saying so."""
    return utc(at).strftime("%Y-%m-%dT%H:%M:%S")


def spaced(at: float) -> str:
    """``2026-10-05 09:13:22Z``: the token service's way."""
    return utc(at).strftime("%Y-%m-%d %H:%M:%SZ")


def american(at: float) -> str:
    """``06/29/2021 21:13:15``: the way of error texts."""
    return utc(at).strftime("%m/%d/%Y %H:%M:%S")


def parse(text: str) -> float:
    """Read RFC 3339 with up to seven decimals; a time without offset is UTC.

    Raises:
        ValueError: If it is no time.
    """
    text = text.strip().strip("'").replace("z", "Z")
    moment = datetime.fromisoformat(text.replace("Z", "+00:00") if "." not in text else _six_decimals(text))
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _six_decimals(text: str) -> str:
    whole, _, rest = text.partition(".")
    digits = len(rest) - len(rest.lstrip("0123456789"))
    return f"{whole}.{rest[:digits][:6].ljust(6, '0')}{rest[digits:].replace('Z', '+00:00')}"
