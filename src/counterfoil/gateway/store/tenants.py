"""Tenants, their domains and next hops, what proves their outbound mail, and their policies.

Readers look at the database each time, so that a change made by command holds for the next message.
"""

import hashlib
import ipaddress
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from counterfoil.gateway.routing import NextHop, Tls
from counterfoil.gateway.store import names
from counterfoil.gateway.store.tables import domains, held, messages, senders, sortable, tenants
from counterfoil.ledger.ledger import Ledger
from counterfoil.model.errors import Refused
from counterfoil.model.mail import Json
from counterfoil.model.number import counted
from counterfoil.model.trust import Stub


@dataclass(frozen=True, slots=True)
class Domain:
    """A domain of a tenant, and where its mail goes."""

    domain: str
    tenant: str
    next_hop: NextHop


@dataclass(frozen=True, slots=True)
class Sender:
    """Something that proves outbound mail to be a tenant's. ``value`` of a secret is its SHA-256, in hex."""

    kind: str
    value: str
    tenant: str


@dataclass(frozen=True, slots=True)
class Tenant:
    """A tenant as ``counterfoil tenant show`` prints it."""

    name: str
    display: str
    added: str
    policy: dict[str, Json]
    domains: tuple[Domain, ...]
    senders: tuple[Sender, ...]


@dataclass(frozen=True, slots=True)
class Operator:
    """Who does something, and when."""

    who: str
    now: datetime


class Tenants:
    """The register of tenants. Methods that change something raise ``Refused`` and then change nothing."""

    def __init__(self, engine: sa.Engine, ledger: Ledger) -> None:
        self._engine = engine
        self._ledger = ledger

    def all(self) -> list[Tenant]:
        """Return every tenant by name."""
        with self._engine.connect() as connection:
            rows = connection.execute(sa.select(tenants).order_by(tenants.c.name)).all()
            return [_tenant(connection, row) for row in rows]

    def one(self, name: str) -> Tenant:
        """Return one tenant.

        Raises:
            Refused: If there is none of that name.
        """
        with self._engine.connect() as connection:
            return _tenant(connection, _known(connection, name))

    def add(self, name: str, display: str, by: Operator, domain: Domain | None = None) -> None:
        """Add a tenant with the default policy and, in the same step, its first domain."""
        names.tenant_name(name)

        def insert(connection: sa.Connection) -> None:
            if connection.execute(sa.select(tenants).where(tenants.c.name == name)).first():
                raise Refused(f"there is a tenant {name} already", "see: counterfoil tenant list")
            row = {"name": name, "display": display or name, "added": sortable(by.now), "policy": "{}"}
            connection.execute(sa.insert(tenants).values(row))
            if domain is not None:
                _upsert(connection, domain)

        deeds = [_deed("tenant-add", name, by), *([] if domain is None else [_domain_deed(domain, by)])]
        self._ledger.append_all(deeds, also=insert)

    def remove(self, name: str, by: Operator) -> None:
        """Remove a tenant, its domains and senders; refused while messages of it are held. Its story stays."""

        def delete(connection: sa.Connection) -> None:
            _known(connection, name)
            waiting = sa.select(sa.func.count()).select_from(held.join(messages)).where(messages.c.tenant == name)
            count = connection.execute(waiting).scalar_one()
            if count:
                raise Refused(
                    f"{counted(count, 'message')} of {name} {'is' if count == 1 else 'are'} held",
                    f"release or delete them first: counterfoil quarantine list --tenant {name}",
                )
            for table in (domains, senders):
                connection.execute(sa.delete(table).where(table.c.tenant == name))
            connection.execute(sa.delete(tenants).where(tenants.c.name == name))

        self._do("tenant-remove", name, by, delete)

    def set_domain(self, domain: Domain, by: Operator) -> None:
        """Give a tenant a domain, or change where its mail goes. A domain is one tenant's only."""
        self._ledger.append(_domain_deed(domain, by), also=lambda connection: _upsert(connection, domain))

    def remove_domain(self, tenant: str, domain: str, by: Operator) -> None:
        """Take a domain from a tenant; its mail is refused from then on."""

        def delete(connection: sa.Connection) -> None:
            _known(connection, tenant)
            mine = (domains.c.domain == domain) & (domains.c.tenant == tenant)
            if not connection.execute(sa.delete(domains).where(mine)).rowcount:
                raise Refused(f"{tenant} has no domain {domain}", f"see: counterfoil tenant show {tenant}")

        self._do("domain-remove", tenant, by, delete, {"domain": domain})

    def new_secret(self, tenant: str, by: Operator) -> str:
        """Make a secret header value for a tenant and return it; only its hash is kept."""
        secret = secrets.token_urlsafe(32)
        self.add_sender(Sender("secret", secret_hash(secret), tenant), by)
        return secret

    def add_sender(self, sender: Sender, by: Operator) -> None:
        """Add a proof of a tenant's outbound mail; a range or name that overlaps another tenant's is refused."""

        def insert(connection: sa.Connection) -> None:
            _known(connection, sender.tenant)
            for row in connection.execute(sa.select(senders).where(senders.c.kind == sender.kind)).all():
                if _clash(sender, row.value):
                    raise Refused(f"the {sender.kind} {sender.value} is taken", "it would prove two things at once")
            connection.execute(
                sa.insert(senders).values(
                    kind=sender.kind, value=sender.value, tenant=sender.tenant, added=sortable(by.now)
                )
            )

        self._do("sender-add", sender.tenant, by, insert, {"kind": sender.kind, "value": sender.value})

    def remove_sender(self, sender: Sender, by: Operator) -> None:
        """Take a proof away; mail that has only this one is refused from then on."""

        def delete(connection: sa.Connection) -> None:
            _known(connection, sender.tenant)
            mine = (senders.c.kind == sender.kind) & (senders.c.value == sender.value)
            mine &= senders.c.tenant == sender.tenant
            if not connection.execute(sa.delete(senders).where(mine)).rowcount:
                raise Refused(
                    f"{sender.tenant} has no {sender.kind} {sender.value}",
                    f"see: counterfoil tenant show {sender.tenant}",
                )

        self._do("sender-remove", sender.tenant, by, delete, {"kind": sender.kind, "value": sender.value})

    def set_policy(self, tenant: str, policy: dict[str, Json], by: Operator) -> None:
        """Replace a tenant's policy by a document that the caller has checked."""

        def update(connection: sa.Connection) -> None:
            _known(connection, tenant)
            text = json.dumps(policy, sort_keys=True)
            connection.execute(sa.update(tenants).where(tenants.c.name == tenant).values(policy=text))

        self._do("policy-set", tenant, by, update, {"policy": policy})

    def _do(
        self,
        did: str,
        tenant: str,
        by: Operator,
        also: Callable[[sa.Connection], None],
        more: dict[str, Json] | None = None,
    ) -> None:
        self._ledger.append(_deed(did, tenant, by, more), also=also)


def _deed(did: str, tenant: str, by: Operator, more: dict[str, Json] | None = None) -> Stub:
    body: dict[str, Json] = {"actor": by.who, "action": did, "subject": tenant, "detail": more or {}}
    return Stub("action", by.now, tenant, body)


def _domain_deed(domain: Domain, by: Operator) -> Stub:
    hop = domain.next_hop
    return _deed("domain-set", domain.tenant, by, {"domain": domain.domain, "next_hop": str(hop), "tls": hop.tls})


def _upsert(connection: sa.Connection, domain: Domain) -> None:
    _known(connection, domain.tenant)
    found = connection.execute(sa.select(domains.c.tenant).where(domains.c.domain == domain.domain)).scalar()
    if found not in (None, domain.tenant):
        # Law 11: whose it is, is not said.
        raise Refused(f"the domain {domain.domain} is taken", "a domain belongs to one tenant")
    hop = domain.next_hop
    row = {"tenant": domain.tenant, "host": hop.host, "port": hop.port, "tls": hop.tls}
    if found:
        connection.execute(sa.update(domains).where(domains.c.domain == domain.domain).values(row))
    else:
        connection.execute(sa.insert(domains).values(row | {"domain": domain.domain}))


def secret_hash(secret: str) -> str:
    """Return what is kept of a secret. It is 256 random bits, so a plain hash cannot be searched."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _known(connection: sa.Connection, name: str) -> sa.Row[tuple[str, str, str, str]]:
    row = connection.execute(sa.select(tenants).where(tenants.c.name == name)).first()
    if row is None:
        raise Refused(f"there is no tenant {name}", "see: counterfoil tenant list")
    return row


def _clash(sender: Sender, taken: str) -> bool:
    if sender.kind != "range":
        return sender.value == taken
    one, other = ipaddress.ip_network(sender.value), ipaddress.ip_network(taken)
    return one.version == other.version and one.overlaps(other)


def _tenant(connection: sa.Connection, row: sa.Row[tuple[str, str, str, str]]) -> Tenant:
    owned = sa.select(domains).where(domains.c.tenant == row.name).order_by(domains.c.domain)
    proofs = sa.select(senders).where(senders.c.tenant == row.name).order_by(senders.c.kind, senders.c.value)
    return Tenant(
        row.name,
        row.display,
        row.added,
        json.loads(row.policy),
        tuple(Domain(d.domain, d.tenant, NextHop(d.host, d.port, Tls(d.tls))) for d in connection.execute(owned)),
        tuple(Sender(s.kind, s.value, s.tenant) for s in connection.execute(proofs)),
    )
