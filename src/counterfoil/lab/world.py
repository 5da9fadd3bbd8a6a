"""The state of the laboratory in memory, and what has changed since it was last kept."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from counterfoil.lab.objects import KINDS, Application, Mailbox, Principal, Tenant
from counterfoil.lab.settings import Settings

T = TypeVar("T")


class Dice(Protocol):
    """Where chance comes from (``random.Random`` fits)."""

    def random(self) -> float:
        """Return a number from 0 up to 1."""

    def randbytes(self, n: int) -> bytes:
        """Return ``n`` bytes."""


@dataclass(slots=True)
class World:
    """All objects by kind and id; ``key`` and ``certificate`` (PEM) are those that sign tokens."""

    dice: Dice
    key: bytes
    certificate: bytes
    settings: Settings = field(default_factory=Settings)
    issuers: dict[str, str] = field(default_factory=dict)
    objects: dict[type[Any], dict[str, Any]] = field(default_factory=lambda: {kind: {} for kind in KINDS})
    changes: dict[tuple[type[Any], str], Any] = field(default_factory=dict)
    storm_until: dict[str, float] = field(default_factory=dict)
    settled: float = 0.0
    notices: list[Any] = field(default_factory=list)
    _children: dict[tuple[type[Any], str], dict[str, Any]] = field(default_factory=dict)
    _app_ids: dict[str, str] = field(default_factory=dict)
    _principals: dict[tuple[str, str], str] = field(default_factory=dict)
    _addresses: dict[str, str] = field(default_factory=dict)

    def put(self, thing: Any) -> None:
        """Keep an object, new or changed."""
        kind = type(thing)
        old = self.objects[kind].get(thing.id)
        if old is not None:
            self._unindex(old)
        self.objects[kind][thing.id] = thing
        self._index(thing)
        self.changes[kind, thing.id] = thing

    def load(self, thing: Any) -> None:
        """Take an object from the store, without marking it as changed."""
        self.objects[type(thing)][thing.id] = thing
        self._index(thing)

    def remove(self, thing: Any) -> None:
        """Forget an object."""
        self._unindex(thing)
        self.objects[type(thing)].pop(thing.id, None)
        self.changes[type(thing), thing.id] = None

    def get(self, kind: type[T], id_: str) -> T | None:
        """Return one object by id (GUIDs in any case)."""
        found: T | None = self.objects[kind].get(id_) or self.objects[kind].get(id_.lower())
        return found

    def every(self, kind: type[T], parent: str | None = None) -> list[T]:
        """Return all objects of a kind, or those that belong to a tenant, mailbox or folder."""
        if parent is None:
            return list(self.objects[kind].values())
        return list(self._children.get((kind, parent), {}).values())

    def drain(self) -> Iterator[tuple[type[Any], str, Any]]:
        """Hand out the changes (object, or ``None`` where it is gone) and forget that they were."""
        changes, self.changes = self.changes, {}
        for (kind, id_), thing in changes.items():
            yield kind, id_, thing

    def _parents(self, thing: Any) -> list[str]:
        return [value for name in ("tenant", "mailbox", "folder") if (value := getattr(thing, name, None))]

    def _index(self, thing: Any) -> None:
        for parent in self._parents(thing):
            self._children.setdefault((type(thing), parent), {})[thing.id] = thing
        if isinstance(thing, Application):
            self._app_ids[thing.app_id] = thing.id
        elif isinstance(thing, Principal):
            self._principals[thing.tenant, thing.app_id] = thing.id
        elif isinstance(thing, Mailbox):
            self._addresses[thing.address.lower()] = thing.id

    def _unindex(self, thing: Any) -> None:
        for siblings in (self._children.get((type(thing), parent)) for parent in self._parents(thing)):
            if siblings is not None:
                siblings.pop(thing.id, None)
        if isinstance(thing, Application):
            self._app_ids.pop(thing.app_id, None)
        elif isinstance(thing, Principal):
            self._principals.pop((thing.tenant, thing.app_id), None)

    def application(self, app_id: str) -> Application | None:
        """Return an application by its client id."""
        return self.get(Application, self._app_ids.get(app_id.lower(), ""))

    def principal(self, tenant: str, app_id: str) -> Principal | None:
        """Return an application's service principal in a tenant."""
        return self.get(Principal, self._principals.get((tenant, app_id.lower()), ""))

    def mailbox(self, tenant: str, name: str) -> Mailbox | None:
        """Return a tenant's mailbox by object id or address, never another tenant's."""
        found = self.get(Mailbox, name) or self.get(Mailbox, self._addresses.get(name.lower(), ""))
        return found if found is not None and found.tenant == tenant else None

    def tenant_of_domain(self, domain: str) -> Tenant | None:
        """Return the tenant that has verified a domain."""
        domain = domain.lower()
        return next((tenant for tenant in self.every(Tenant) if domain in tenant.domains), None)

    def tenant(self, segment: str) -> Tenant | None:
        """Return a tenant by its id or a verified domain, as it stands in a URL."""
        return self.get(Tenant, segment) or self.tenant_of_domain(segment)

    def guid(self) -> str:
        """Make a random GUID."""
        return str(uuid.UUID(bytes=self.dice.randbytes(16), version=4))

    def request_id(self) -> str:
        """Make a request id of the token service: a GUID whose last byte is 00."""
        return self.guid()[:-2] + "00"

    def dial(self, tenant: str | None, name: str) -> Any:
        """Return a setting, as the tenant overrides it."""
        holder = self.get(Tenant, tenant) if tenant else None
        if holder is not None and name in holder.settings:
            return holder.settings[name]
        return getattr(self.settings, name)

    def between(self, tenant: str | None, name: str) -> float:
        """Draw a number between the settings ``<name>_min`` and ``<name>_max``."""
        low, high = float(self.dial(tenant, f"{name}_min")), float(self.dial(tenant, f"{name}_max"))
        return low + (high - low) * self.dice.random()

    def happens(self, tenant: str | None, share: str) -> bool:
        """Draw whether something with a share happens now; costs no chance where the share is 0."""
        odds = float(self.dial(tenant, share))
        return odds > 0 and self.dice.random() < odds
