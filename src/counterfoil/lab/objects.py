"""The objects of the laboratory: directory, mailboxes, connectors. Times are seconds since 1970.

Each has an ``id`` and is kept as one JSON document; what a caller sees is made from it elsewhere.
"""

from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Tenant:
    """A Microsoft 365 tenant.

    ``licensed``: has Entra ID P1 or P2; without it there are no sign-in reports, no Graph activity
    rows and no MailItemsAccessed. ``settings`` overrides dials by name. ``faults`` likewise holds
    what a fault plan gave to this tenant.
    """

    id: str
    name: str
    domains: list[str]
    created: float
    licensed: bool = True
    region: str = "EU"
    max_key_days: float | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    audit_subscriptions: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Key:
    """A keyCredential: ``certificate`` is base64 of the DER form."""

    key_id: str
    certificate: str
    thumbprint_sha1: str
    thumbprint_sha256: str
    custom_key_identifier: str
    display_name: str
    start: float
    end: float
    type: str = "AsymmetricX509Cert"
    usage: str = "Verify"


@dataclass(slots=True)
class Secret:
    """A passwordCredential; ``digest`` is the SHA-256 of the secret in hex."""

    key_id: str
    digest: str
    hint: str
    display_name: str | None
    start: float
    end: float


@dataclass(slots=True)
class Federation:
    """A federated identity credential: whoever signs for ``issuer`` and ``subject`` may come in."""

    id: str
    name: str
    issuer: str
    subject: str
    audiences: list[str]


@dataclass(slots=True)
class Revision:
    """The credentials of an object from a moment on: what replicas that lag still believe."""

    at: float
    keys: list[Key] = field(default_factory=list)
    secrets: list[Secret] = field(default_factory=list)
    enabled: bool = True
    roles: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Application:
    """An app registration in its home tenant (``id`` is the object id); a ``public`` client has no credentials.

    ``subjects``: names that a certificate of ``subject_issuer`` (PEM) may have to stand for it.
    """

    id: str
    tenant: str
    app_id: str
    name: str
    created: float
    multi_tenant: bool = False
    keys: list[Key] = field(default_factory=list)
    secrets: list[Secret] = field(default_factory=list)
    federations: list[Federation] = field(default_factory=list)
    owners: list[str] = field(default_factory=list)
    lock_principals: bool = False
    public: bool = False
    subjects: list[str] = field(default_factory=list)
    subject_issuer: str = ""
    history: list[Revision] = field(default_factory=list)


@dataclass(slots=True)
class Assignment:
    """An appRoleAssignment: consent to one application permission."""

    id: str
    resource: str
    role: str
    created: float


@dataclass(slots=True)
class ExchangeGrant:
    """RBAC for Applications: a role in Exchange, for all mailboxes (``None``) or those listed."""

    role: str
    mailboxes: list[str] | None


@dataclass(slots=True)
class Principal:
    """A service principal: an application in one tenant (``id`` is its object id there)."""

    id: str
    tenant: str
    app_id: str
    name: str
    created: float
    enabled: bool = True
    keys: list[Key] = field(default_factory=list)
    secrets: list[Secret] = field(default_factory=list)
    assignments: list[Assignment] = field(default_factory=list)
    exchange: list[ExchangeGrant] = field(default_factory=list)
    owners: list[str] = field(default_factory=list)
    allowed_addresses: list[str] | None = None
    revoked_at: float | None = None
    history: list[Revision] = field(default_factory=list)


@dataclass(slots=True)
class Mailbox:
    """A user with a mailbox (``id`` is the user's object id)."""

    id: str
    tenant: str
    address: str
    name: str
    exchange_guid: str
    sid: str
    enabled: bool = True


@dataclass(slots=True)
class Folder:
    """A mail folder; ``well_known`` is Graph's name for it, or empty; ``path`` is Exchange's."""

    id: str
    mailbox: str
    name: str
    path: str
    parent: str
    well_known: str = ""


@dataclass(slots=True)
class Message:
    """A message; ``mime`` is the bytes as Latin-1 text. ``id`` never changes, ``moves`` does."""

    id: str
    mailbox: str
    folder: str
    mime: str
    created: float
    received: float
    modified: float
    moves: int = 0
    change: int = 0
    draft: bool = False
    read: bool = False
    categories: list[str] = field(default_factory=list)
    edits: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Trace:
    """A folder's memory of a message that left it, for delta queries (``rest_id`` as it was)."""

    id: str
    folder: str
    rest_id: str
    change: int


@dataclass(slots=True)
class Rule:
    """An inbox rule, its conditions and actions as Graph spells them."""

    id: str
    mailbox: str
    name: str
    sequence: int
    enabled: bool
    conditions: dict[str, Any]
    actions: dict[str, Any]


@dataclass(slots=True)
class Subscription:
    """A change notification subscription of an application in a tenant."""

    id: str
    tenant: str
    app_id: str
    principal: str
    mailbox: str
    folder: str
    resource: str
    change_types: list[str]
    notification_url: str
    lifecycle_url: str | None
    client_state: str | None
    expires: float
    immutable: bool = False
    reminded: bool = False


@dataclass(slots=True)
class ImportSession:
    """An URL that takes items into a mailbox without any token; ``id`` is the secret in it."""

    id: str
    tenant: str
    mailbox: str
    app_id: str
    expires: float


@dataclass(slots=True)
class Connector:
    """An inbound connector: mail is taken only from who shows this certificate name over TLS."""

    id: str
    tenant: str
    name: str
    certificate_name: str
    sender_domains: list[str]
    enabled: bool = True


@dataclass(slots=True)
class Gathering:
    """Reads that are being gathered into one MailItemsAccessed row."""

    id: str
    tenant: str
    mailbox: str
    opened: float
    context: dict[str, Any]
    folders: dict[str, list[dict[str, Any]]]


@dataclass(slots=True)
class Meter:
    """How often a mailbox was read lately: for deduplication and for the pause after too many rows."""

    id: str
    seen: dict[str, float] = field(default_factory=dict)
    rows: list[float] = field(default_factory=list)
    paused_until: float = 0.0


@dataclass(slots=True)
class Row:
    """A row of a log: what happened at ``at``, to be seen by the customer from ``visible`` on."""

    id: str
    tenant: str
    log: str
    at: float
    visible: float
    body: dict[str, Any]


@dataclass(slots=True)
class Scheduled:
    """An operation that will happen by itself: an administrator who edits by hand in the middle of something."""

    id: str
    at: float
    operation: str
    arguments: dict[str, Any]


KINDS: tuple[type[Any], ...] = (
    Tenant, Application, Principal, Mailbox, Folder, Message, Trace, Rule, Subscription, ImportSession, Connector,
    Gathering, Meter, Row, Scheduled,
)  # fmt: skip
"""Every kind that is kept."""
