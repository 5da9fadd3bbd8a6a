"""The words of the trust side: connections, credentials, jobs."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from counterfoil.model.mail import Json


class CredentialState(StrEnum):
    """Where a credential is in its life."""

    STAGED = "staged"
    PUBLISHED = "published"
    CURRENT = "current"
    STANDBY = "standby"
    RETIRED = "retired"
    TAINTED = "tainted"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Connection:
    """A tenant's app registration and what it may do.

    ``tenant`` is our own name for the tenant; ``tenant_id``, ``app`` (client id), ``object_id`` (of the
    application) and ``service_principal`` (its object id) are GUIDs as text; ``roles`` is ``None`` where
    unknown.
    """

    tenant: str
    tenant_id: str
    app: str
    object_id: str
    service_principal: str
    roles: tuple[str, ...] | None

    @property
    def stem(self) -> str:
        """What the names of its credentials begin with: ``tenant/app``, both GUIDs."""
        return f"{self.tenant_id}/{self.app}"


@dataclass(frozen=True, slots=True)
class Credential:
    """One key pair and certificate on a connection.

    ``tenant`` is the tenant id and ``app`` the client id, as the signer knows them. ``key`` is a provider
    reference (``file:...``, ``pkcs11:...``); thumbprints are upper-case hex; ``key_id`` is the ``keyId``
    that Microsoft gave, once known. A shared (imported) certificate has one row for each connection that
    it is on.
    """

    tenant: str
    app: str
    generation: int
    state: CredentialState
    key: str
    thumbprint_sha1: str
    thumbprint_sha256: str
    key_id: str | None
    not_before: datetime
    not_after: datetime

    @property
    def name(self) -> str:
        """``tenant/app/generation``, by which the signer and the register know it."""
        return f"{self.tenant}/{self.app}/{self.generation}"


@dataclass(frozen=True, slots=True)
class Job:
    """Why we use a credential: ``reason`` is from a closed set, ``subject`` joins to what asked for it."""

    id: str
    reason: str
    time: datetime
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Stub:
    """A ledger entry before it has an index: what is about to happen, or what became of it.

    ``kind`` is from the closed set in ``counterfoil.ledger.stubs``; ``body`` is JSON, ids as text.
    """

    kind: str
    time: datetime
    tenant: str | None
    body: dict[str, Json]
