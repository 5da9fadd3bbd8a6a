"""How Microsoft's logs spell ids and times, by vintage (Microsoft Entra, linkable identifiers).

Written from the documents alone: the readers that are tested with these spellings share no code with it.
"""

import base64
from datetime import UTC, datetime
from uuid import UUID


def uti(request: UUID) -> str:
    """The 22 characters that tokens and current logs carry: base64url of the GUID in .NET order."""
    return base64.urlsafe_b64encode(request.bytes_le).decode("ascii")[:22]


def uti_of_2022(request: UUID) -> str:
    """The 48 characters of the Graph API of 2022: base64 of the GUID's text."""
    return base64.b64encode(str(request).encode("ascii")).decode("ascii")


def instant(moment: datetime) -> str:
    """RFC 3339 with microseconds and ``Z``, as our stubs have it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def ticks(moment: datetime) -> str:
    """Seven digits of a second and ``Z``, as diagnostic settings write it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f0Z")


def plain(moment: datetime) -> str:
    """Whole seconds without ``Z``, as the audit records have it, though they mean UTC."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")
