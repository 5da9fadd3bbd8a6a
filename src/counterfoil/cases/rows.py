"""What happened in an invented tenant, before any log spells it: sign-ins, Graph calls, mailbox events.

Every row knows its ``origin``; only the truth and the faults look at it, no export ever shows it.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

Record = dict[str, Any]
"""A JSON object on its way into a file."""

OURS = "ours"
THIEF = "thief"

GRAPH = "https://graph.microsoft.com"
EXCHANGE = "https://outlook.office365.com"
MANAGEMENT = "https://manage.office.com"
RESOURCES = {
    GRAPH: ("00000003-0000-0000-c000-000000000000", "Microsoft Graph"),
    EXCHANGE: ("00000002-0000-0ff1-ce00-000000000000", "Office 365 Exchange Online"),
    MANAGEMENT: ("c5393580-f805-4401-95e8-94b7a6ef2fc2", "Office 365 Management APIs"),
}
"""Application id and display name of each resource (Microsoft Graph permissions reference)."""


@dataclass(frozen=True, slots=True)
class Key:
    """A certificate on an application: ``key_id`` differs for each tenant, the thumbprints do not."""

    key_id: UUID
    sha1: str
    sha256: str
    name: str


@dataclass(frozen=True, slots=True)
class SignIn:
    """One row of the service-principal sign-in log; ``request`` is the token's ``uti`` as a GUID."""

    origin: str
    time: datetime
    request: UUID
    correlation: UUID
    key: Key
    audience: str
    address: str
    error: int = 0


@dataclass(frozen=True, slots=True)
class GraphCall:
    """One row of the Graph activity log."""

    origin: str
    time: datetime
    token: UUID
    issued: datetime
    request: UUID
    client_request: UUID
    method: str
    uri: str
    status: int
    address: str
    agent: str


@dataclass(frozen=True, slots=True)
class Item:
    """A message as mailbox audit names it: the store's id, RFC 5322 Message-ID, folder and size."""

    id: str
    message_id: str
    folder: str
    size: int


@dataclass(frozen=True, slots=True)
class MailboxEvent:
    """One record of mailbox audit; ``access`` is Bind or Sync for MailItemsAccessed, else ``""``."""

    origin: str
    time: datetime
    record: UUID
    operation: str
    mailbox: str
    token: UUID
    issued: datetime
    address: str
    items: tuple[Item, ...]
    access: str = ""
    throttled: bool = False
    client_request: UUID | None = None
    detail: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class DirectoryEvent:
    """One record of the directory audit: keys that an application had before and after."""

    origin: str
    time: datetime
    correlation: UUID
    activity: str
    actor: str
    before: tuple[Key, ...]
    after: tuple[Key, ...]


@dataclass(slots=True)
class Books:
    """All that was written about one tenant: its logs, and our stubs in the exchange form."""

    sign_ins: list[SignIn] = field(default_factory=list)
    graph: list[GraphCall] = field(default_factory=list)
    mailbox: list[MailboxEvent] = field(default_factory=list)
    directory: list[DirectoryEvent] = field(default_factory=list)
    stubs: list[Record] = field(default_factory=list)
