"""How Microsoft's logs spell ids and times, by vintage (Microsoft Entra, linkable identifiers).

Written from the documents alone: the readers that are tested with these spellings share no code with it.
"""

import base64
from collections.abc import Callable
from dataclasses import dataclass
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


def portal(moment: datetime) -> str:
    """The American spelling of the Azure portal's CSV, whose columns say ``[UTC]``."""
    moment = moment.astimezone(UTC)
    return f"{moment.month}/{moment.day}/{moment.year}, {moment:%I:%M:%S.%f}"[:-3] + f" {moment:%p}"


@dataclass(frozen=True, slots=True)
class Vintage:
    """How one tenant's logs spell what they say.

    Attributes:
        sign_in: The token's id in sign-ins: ``uti``, ``text`` (48 characters) or ``padded``.
        graph: The same in Graph activity, which has no ``text``.
        audit: The same in mailbox audit: ``uti``, ``guid``, or ``guid-big`` for the GUID in the other byte order.
        thumbprint: ``hex``, ``none`` where that year had no such field, or ``base64url``.
        nothing: What is written where there is nothing.
        request_ids: Whether each item of a mailbox record has its client-request-id.
        renamed: Whether the exporter has names of its own for some fields.
        broken: ``unknown`` or ``unfilled``: what key fields are in the second half of the time.
    """

    sign_in: str = "uti"
    graph: str = "uti"
    audit: str = "uti"
    thumbprint: str = "hex"
    nothing: str = ""
    request_ids: bool = False
    renamed: bool = False
    broken: str = ""

    def sign_in_id(self, request: UUID, *, late: bool) -> str:
        """Spell a token's id as a sign-in has it; ``late`` says that the row is of the second half."""
        return self._broken(request, late=late) or _SPELLINGS[self.sign_in](request)

    def graph_id(self, request: UUID, *, late: bool) -> str:
        """Spell it as Graph activity has it."""
        return self._broken(request, late=late) or _SPELLINGS[self.graph](request)

    def audit_id(self, request: UUID, *, late: bool) -> str:
        """Spell it as mailbox audit has it."""
        return self._broken(request, late=late) or _SPELLINGS[self.audit](request)

    def print_of(self, sha1: str, *, late: bool) -> str:
        """Spell a thumbprint."""
        if self.broken == "unfilled" and late:
            return self.nothing
        if self.thumbprint == "base64url" and sha1:
            return base64.urlsafe_b64encode(bytes.fromhex(sha1)).decode("ascii")
        return sha1 if sha1 and self.thumbprint == "hex" else self.nothing

    def key_id(self, key_id: UUID, *, late: bool) -> str:
        """Spell a key id."""
        return self.nothing if self.broken == "unfilled" and late else str(key_id)

    def _broken(self, request: UUID, *, late: bool) -> str | None:
        if self.broken == "unknown" and late:
            return f"urn:token:{request.hex[::-1]}"
        return "none" if self.broken == "unfilled" and late else None


_SPELLINGS: dict[str, Callable[[UUID], str]] = {
    "uti": uti,
    "text": uti_of_2022,
    "padded": lambda request: uti(request) + "==",
    "guid": str,
    "guid-big": lambda request: str(UUID(bytes=request.bytes_le)),
}

CURRENT = Vintage()
VINTAGES = {
    "spelling": Vintage(sign_in="text", audit="guid", thumbprint="none"),
    "spelling-none": Vintage(nothing="none", thumbprint="none"),
    "spelling-padded": Vintage(sign_in="padded", graph="padded", thumbprint="base64url"),
    "spelling-guid-order": Vintage(audit="guid-big", nothing="00000000-0000-0000-0000-000000000000"),
    "spelling-items": Vintage(request_ids=True),
    "spelling-fields": Vintage(renamed=True),
    "unknown-spelling": Vintage(broken="unknown"),
    "unfilled-key": Vintage(broken="unfilled"),
}
"""The vintage of a tenant with the fault of that name; else it is ``CURRENT``."""
