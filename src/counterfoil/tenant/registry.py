"""The register of connections: which app registration in which tenant, which credential is current, who uses it.

Trust: whoever can change ``current`` can choose the credential that is used, among those that the signer
keeps; the signer refuses tainted ones all the same.
"""

import json
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from counterfoil.credential import registry
from counterfoil.database import metadata
from counterfoil.ledger.ledger import Ledger
from counterfoil.ledger.rows import microseconds
from counterfoil.ledger.stubs import stub_at
from counterfoil.model.errors import Refused
from counterfoil.model.mail import Json
from counterfoil.model.trust import Connection, Credential, Stub

connections = sa.Table(
    "connection",
    metadata,
    sa.Column("tenant_id", sa.Text, primary_key=True),
    sa.Column("app", sa.Text, primary_key=True),
    sa.Column("tenant", sa.Text, nullable=False, index=True, comment="our own name for it"),
    sa.Column("object_id", sa.Text, nullable=False),
    sa.Column("service_principal", sa.Text, nullable=False),
    sa.Column("roles", sa.Text, comment="JSON list; null where unknown"),
    sa.Column("current", sa.Integer, comment="generation of the credential in use; null before there is one"),
    sa.Column("fence", sa.Integer, nullable=False, default=0, comment="a write under an older number is refused"),
)

uses = sa.Table(
    "connection_use",
    metadata,
    sa.Column("job", sa.Text, primary_key=True),
    sa.Column("credential", sa.Text, nullable=False, index=True),
    sa.Column("until", sa.BigInteger, nullable=False, comment="a job that died is forgotten then"),
)

LONGEST_USE = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Standing:
    """A connection, its credential in use (``None`` before there is one), and the fencing number of that choice."""

    connection: Connection
    current: Credential | None
    fence: int

    @property
    def stem(self) -> str:
        """Tenant id and application, as the signer names them."""
        return self.connection.stem


class Connections:
    """The register, on the ledger's database; every change is a stub and a row in one commit."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def add(self, connection: Connection, now: datetime, actor: str) -> None:
        """Enter a connection.

        Raises:
            Refused: If the application is entered already.
        """
        self.refuse_known(connection)
        row = {
            "tenant_id": connection.tenant_id,
            "app": connection.app,
            "tenant": connection.tenant,
            "object_id": connection.object_id,
            "service_principal": connection.service_principal,
            "roles": None if connection.roles is None else json.dumps(connection.roles),
        }

        def write(writing: sa.Connection) -> None:
            writing.execute(sa.insert(connections).values(**row))

        subject = connection.stem
        self._ledger.append_all(
            [
                _reach(connection, self._entered(connection, connection.roles), now),
                stub_at("action", now, actor=actor, action="connection-added", subject=subject),
            ],
            also=write,
        )

    def note_reach(self, connection: Connection, granted: AbstractSet[str], now: datetime) -> None:
        """Say in the books that more was granted than was entered: it decides which logs have to be there."""
        entered = self._entered(connection, ())
        if entered is not None and not granted <= set(entered):
            self._ledger.append(_reach(connection, self._entered(connection, sorted(granted)), now))

    def _entered(self, connection: Connection, more: Sequence[str] | None) -> list[str] | None:
        """Return the roles of all connections of a tenant, and more; ``None`` if those of any are unknown.

        The books know a tenant by one list: that of its last connection alone would leave the others out.
        """
        query = sa.select(connections).where(connections.c.tenant_id == connection.tenant_id)
        with self._ledger.engine.connect() as reading:
            every = [more, *(_connection(row).roles for row in reading.execute(query).mappings())]
        lists = [roles for roles in every if roles is not None]
        return [*dict.fromkeys(role for roles in lists for role in roles)] if len(lists) == len(every) else None

    def refuse_known(self, connection: Connection) -> None:
        """Refuse an application that is entered already, and a directory that is another tenant's.

        What is known of a directory is shown to its tenant; under two names each would see the other's.

        Raises:
            Refused: If it is.
        """
        here = [known for known in self.all() if known.tenant_id == connection.tenant_id]
        if any(known.app == connection.app for known in here):
            raise Refused(
                f"the application {connection.app} of {connection.tenant_id} is entered already",
                "list connections: counterfoil connection list",
            )
        if any(known.tenant != connection.tenant for known in here):
            # Law 11: whose it is, is not said.
            raise Refused(
                f"the tenant id {connection.tenant_id} is another tenant's, not that of {connection.tenant}",
                "check it: the portal shows it on the overview page of Microsoft Entra ID",
            )

    def remove(self, connection: Connection, now: datetime, actor: str) -> None:
        """Take a connection out; the last one of a tenant leaves the tenant disconnected in the books."""
        last = sum(known.tenant_id == connection.tenant_id for known in self.all()) == 1

        def write(writing: sa.Connection) -> None:
            writing.execute(sa.delete(connections).where(_is(connection.tenant_id, connection.app)))

        subject = connection.stem
        stubs = [stub_at("action", now, actor=actor, action="connection-removed", subject=subject)]
        if last:
            stubs.append(stub_at("tenant", now, connection.tenant_id, name=connection.tenant, connected=False))
        self._ledger.append_all(stubs, also=write)

    def all(self, tenant: str | None = None) -> list[Connection]:
        """Return the connections of one tenant (by our name), or all."""
        query = sa.select(connections).order_by(connections.c.tenant, connections.c.app)
        if tenant is not None:
            query = query.where(connections.c.tenant == tenant)
        with self._ledger.engine.connect() as reading:
            return [_connection(row) for row in reading.execute(query).mappings()]

    def one(self, tenant_id: str, app: str) -> Connection:
        """Return one connection.

        Raises:
            Refused: If there is none.
        """
        with self._ledger.engine.connect() as reading:
            row = reading.execute(sa.select(connections).where(_is(tenant_id, app))).mappings().first()
        if row is None:
            raise Refused(f"there is no connection {app} in {tenant_id}", "list them: counterfoil connection list")
        return _connection(row)

    def current(self, connection: Connection) -> Credential:
        """Return the credential in use.

        Raises:
            Refused: If there is none yet.
        """
        found = registry.chosen(
            self._ledger.engine,
            sa.select(connections.c.current).where(_is(connection.tenant_id, connection.app)),
            connection,
        )
        if found is not None:
            return found
        raise Refused(
            f"the connection of {connection.tenant} has no current credential",
            "create or import one: counterfoil credential create, counterfoil connection import",
        )

    def standings(self) -> list[Standing]:
        """Return every connection with its credential in use, in two queries however many there are."""
        chosen = registry.chosen_of(self._ledger.engine, sa.select(connections).subquery())
        query = sa.select(connections).order_by(connections.c.tenant, connections.c.app)
        with self._ledger.engine.connect() as reading:
            rows = reading.execute(query).mappings().all()
        return [Standing(_connection(row), chosen.get((row["tenant_id"], row["app"])), row["fence"]) for row in rows]

    def provided(self) -> frozenset[tuple[str, str]]:
        """Return tenant id and application of every connection that has a credential in use."""
        query = sa.select(connections.c.tenant_id, connections.c.app).where(connections.c.current.is_not(None))
        with self._ledger.engine.connect() as reading:
            return frozenset((row.tenant_id, row.app) for row in reading.execute(query))

    def make_current(self, credential: Credential, fence: int, now: datetime, actor: str) -> bool:
        """Compare and swap: make a credential current unless a newer fencing number was seen; say whether it is."""

        def swap(writing: sa.Connection) -> None:
            here = _is(credential.tenant, credential.app) & (connections.c.fence <= fence)
            change = sa.update(connections).where(here).values(current=credential.generation, fence=fence)
            if writing.execute(change).rowcount != 1:
                raise Refused("another worker has taken this rotation over", "nothing was changed")

        subject = credential.name
        try:
            self._ledger.append(stub_at("action", now, actor=actor, action="made-current", subject=subject), also=swap)
        except Refused:
            return False
        return True

    def fence(self, connection: Connection) -> int:
        """Return the newest fencing number under which the current credential was chosen; 0 at first."""
        query = sa.select(connections.c.fence).where(_is(connection.tenant_id, connection.app))
        with self._ledger.engine.connect() as reading:
            return int(reading.execute(query).scalar() or 0)

    def begin_use(self, job: str, credential: Credential, now: datetime) -> None:
        """Say that a job works with a credential, so that a rotation waits for it."""
        name = credential.name
        row = {"job": job, "credential": name, "until": microseconds(now + LONGEST_USE)}

        def write(writing: sa.Connection) -> None:
            writing.execute(sa.delete(uses).where(uses.c.job == job))
            writing.execute(sa.insert(uses).values(**row))

        self._ledger.append_all([], also=write)

    def end_use(self, job: str) -> None:
        """Say that a job is done."""

        def write(writing: sa.Connection) -> None:
            writing.execute(sa.delete(uses).where(uses.c.job == job))

        self._ledger.append_all([], also=write)

    def in_use(self, credential: Credential, now: datetime) -> int:
        """Count the jobs that work with a credential."""
        name = credential.name
        here = (uses.c.credential == name) & (uses.c.until > microseconds(now))
        with self._ledger.engine.connect() as reading:
            return int(reading.execute(sa.select(sa.func.count()).where(here)).scalar_one())


def _reach(connection: Connection, roles: list[str] | None, now: datetime) -> Stub:
    said: list[Json] | None = None if roles is None else [*roles]
    return stub_at("tenant", now, connection.tenant_id, name=connection.tenant, connected=True, roles=said)


def _is(tenant_id: str, app: str) -> sa.ColumnElement[bool]:
    return (connections.c.tenant_id == tenant_id) & (connections.c.app == app)


def _connection(row: sa.RowMapping) -> Connection:
    return Connection(
        tenant=row["tenant"],
        tenant_id=row["tenant_id"],
        app=row["app"],
        object_id=row["object_id"],
        service_principal=row["service_principal"],
        roles=None if row["roles"] is None else tuple(json.loads(row["roles"])),
    )
