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
CUSTOMER = "customer"

GRAPH = "https://graph.microsoft.com"
EXCHANGE = "https://outlook.office365.com"
MANAGEMENT = "https://manage.office.com"
AZURE = "https://management.azure.com"
RESOURCES = {
    GRAPH: ("00000003-0000-0000-c000-000000000000", "Microsoft Graph"),
    EXCHANGE: ("00000002-0000-0ff1-ce00-000000000000", "Office 365 Exchange Online"),
    MANAGEMENT: ("c5393580-f805-4401-95e8-94b7a6ef2fc2", "Office 365 Management APIs"),
    AZURE: ("797f4846-ba00-4fd7-ba43-dac1f8f63013", "Windows Azure Service Management API"),
}
"""Application id and display name of each resource (Microsoft Graph permissions reference)."""


@dataclass(frozen=True, slots=True)
class Key:
    """A credential on an application; ``kind`` is ``certificate``, ``secret`` or ``federated``.

    ``key_id`` differs for each tenant, the thumbprints of a certificate do not; the other kinds have none.
    """

    key_id: UUID
    sha1: str
    sha256: str
    name: str
    kind: str = "certificate"


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
    """A message as mailbox audit names it: the store's id, RFC 5322 Message-ID, folder and size.

    ``request`` is the client-request-id of the call that read it, where the record says it.
    """

    id: str
    message_id: str
    folder: str
    size: int
    request: UUID | None = None


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
class Change:
    """One property that a change of the directory set; both values are JSON text."""

    name: str
    old: str | None
    new: str | None


@dataclass(frozen=True, slots=True)
class DirectoryEvent:
    """One record of the directory audit; ``actor`` is a person's name, or ``""`` for our application.

    ``target`` is ``Application`` or ``ServicePrincipal``.
    """

    origin: str
    time: datetime
    correlation: UUID
    activity: str
    actor: str
    target: str
    changes: tuple[Change, ...]


@dataclass(slots=True)
class Books:
    """All that was written about one tenant: its logs, and our stubs in the exchange form."""

    sign_ins: list[SignIn] = field(default_factory=list)
    graph: list[GraphCall] = field(default_factory=list)
    mailbox: list[MailboxEvent] = field(default_factory=list)
    directory: list[DirectoryEvent] = field(default_factory=list)
    stubs: list[Record] = field(default_factory=list)
