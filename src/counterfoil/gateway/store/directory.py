"""The directory that the mail flow asks: whose recipient is this, whose host is that?

Every question goes to the database, so that a change made by command holds for the next message.
"""

import asyncio
import ipaddress
import json
from collections.abc import Mapping

import sqlalchemy as sa

from counterfoil.gateway.routing import Account, Client, NextHop, Route, Tls
from counterfoil.gateway.store import names
from counterfoil.gateway.store.tables import domains, senders, tenants
from counterfoil.model.errors import Refused
from counterfoil.model.mail import Json

_ROUTE = (
    sa.select(domains, tenants.c.policy)
    .join(tenants, tenants.c.name == domains.c.tenant)
    .where(domains.c.domain == sa.bindparam("asked"))
)


class Directory:
    """``flows.mail.Directory`` over the tables of tenants, domains and senders."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    async def route(self, address: str) -> Route | None:
        """Return the route of a recipient, or ``None`` if its domain is nobody's here."""
        return await asyncio.to_thread(self.route_now, address)

    async def secret(self, digest: bytes) -> Account | None:
        """Return the tenant that one of whose secret header's values has this SHA-256 digest."""
        return await asyncio.to_thread(self._account, "secret", (digest.hex(),))

    async def host(self, client: Client) -> Account | None:
        """Return the tenant that owns a sending host; ``None`` too where range and certificate disagree."""
        return await asyncio.to_thread(self._host, client)

    def route_now(self, address: str) -> Route | None:
        """Do what ``route`` does, blocking."""
        try:
            domain = names.domain_name(address.rpartition("@")[2])
        except Refused:
            return None
        with self._engine.connect() as connection:
            row = connection.execute(_ROUTE, {"asked": domain}).first()
        if row is None:
            return None
        return Route(row.tenant, NextHop(row.host, row.port, Tls(row.tls)), _document(row.policy))

    def _host(self, client: Client) -> Account | None:
        by_range = self._account("range", self._ranges(client.address))
        by_name = self._account("certificate", client.certificates)
        accounts = {account.tenant: account for account in (by_range, by_name) if account is not None}
        return next(iter(accounts.values())) if len(accounts) == 1 else None

    def _ranges(self, address: str) -> tuple[str, ...]:
        try:
            ip = ipaddress.ip_address(address)
        except ValueError:
            return ()
        if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped:
            ip = ip.ipv4_mapped
        widest = 16 if ip.version == 4 else 32
        lengths = range(widest, ip.max_prefixlen + 1)
        return tuple(str(ipaddress.ip_network((ip, length), strict=False)) for length in lengths)

    def _account(self, kind: str, values: tuple[str, ...]) -> Account | None:
        """Return the one tenant that any of these values belongs to; ``None`` if there are several."""
        if not values:
            return None
        mine = (senders.c.kind == kind) & senders.c.value.in_(values)
        with self._engine.connect() as connection:
            owners = connection.execute(sa.select(senders.c.tenant).where(mine).distinct()).scalars().all()
            if len(owners) != 1:
                return None
            policy = connection.execute(sa.select(tenants.c.policy).where(tenants.c.name == owners[0])).scalar_one()
            owned = connection.execute(sa.select(domains.c.domain).where(domains.c.tenant == owners[0])).scalars()
            hashes = sa.select(senders.c.value).where((senders.c.tenant == owners[0]) & (senders.c.kind == "secret"))
            secrets = tuple(bytes.fromhex(value) for value in connection.execute(hashes).scalars())
            return Account(owners[0], frozenset(owned), _document(policy), secrets)


def _document(text: str) -> Mapping[str, Json]:
    document: dict[str, Json] = json.loads(text)
    return document
