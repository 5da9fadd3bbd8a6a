"""The application's table of credentials: what the signer's stubs say of them, and the key ids Microsoft gave.

It is a projection: rows are written in the same commit as the stub that they come from.
"""

import base64
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime

import sqlalchemy as sa

from counterfoil.database import metadata
from counterfoil.ledger.ledger import Ledger
from counterfoil.ledger.rows import instant, microseconds
from counterfoil.ledger.stubs import stub_at
from counterfoil.model.errors import Refused
from counterfoil.model.instant import from_rfc3339
from counterfoil.model.trust import Connection, Credential, CredentialState, Stub

credentials = sa.Table(
    "credential",
    metadata,
    sa.Column("credential", sa.Text, primary_key=True, comment="tenant/app/generation"),
    sa.Column("tenant", sa.Text, nullable=False, index=True),
    sa.Column("app", sa.Text, nullable=False),
    sa.Column("generation", sa.Integer, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("place", sa.Text, nullable=False),
    sa.Column("thumbprint_sha1", sa.Text, nullable=False),
    sa.Column("thumbprint_sha256", sa.Text, nullable=False, index=True),
    sa.Column("key_id", sa.Text),
    sa.Column("not_before", sa.BigInteger, nullable=False),
    sa.Column("not_after", sa.BigInteger, nullable=False),
    sa.Column("certificate", sa.LargeBinary, nullable=False, comment="DER"),
    sa.Column("marked", sa.BigInteger, nullable=False, default=0, comment="number of the stub that says the state"),
)


def enter(connection: sa.Connection, stub: Stub) -> bool:
    """Bring the table up to a ``certificate`` or ``mark`` stub of the signer; say whether it was news.

    Stubs come in any order: two who collect may hold the same one, and one that a crash kept back comes after its
    successors. What an older one says is not so any more.
    """
    body, sequence = stub.body, int(str(stub.body["sequence"]))
    here = credentials.c.credential == str(body["credential"])
    if stub.kind == "mark":
        change = sa.update(credentials).where(here, credentials.c.marked < sequence)
        return connection.execute(change.values(state=str(body["state"]), marked=sequence)).rowcount == 1
    if connection.execute(sa.select(credentials.c.credential).where(here)).first():
        return False
    same = ("credential", "app", "generation", "state", "key", "place", "thumbprint_sha1", "thumbprint_sha256")
    connection.execute(
        sa.insert(credentials).values(
            tenant=stub.tenant,
            not_before=microseconds(from_rfc3339(str(body["not_before"]))),
            not_after=microseconds(from_rfc3339(str(body["not_after"]))),
            certificate=base64.b64decode(str(body["certificate"])),
            marked=sequence,
            **{name: body[name] for name in same},
        )
    )
    return True


def credential_stub(stub: Stub) -> Stub:
    """Say in the exchange form what a ``certificate`` or ``mark`` stub of the signer says."""
    names = ("app", "thumbprint_sha1", "thumbprint_sha256", "state", "credential")
    return stub_at("credential", stub.time, stub.tenant, **{name: stub.body[name] for name in names})


def set_key_id(ledger: Ledger, credential: str, key_id: str, now: datetime) -> None:
    """Write down the ``keyId`` that Microsoft gave a certificate.

    Raises:
        Refused: If there is no such credential.
    """
    known = find(ledger.engine, credential)

    def change(connection: sa.Connection) -> None:
        connection.execute(sa.update(credentials).where(credentials.c.credential == credential).values(key_id=key_id))

    said = {"app": known.app, "thumbprint_sha1": known.thumbprint_sha1, "thumbprint_sha256": known.thumbprint_sha256}
    stub = stub_at(
        "credential", now, known.tenant, **said, key_id=key_id, state=known.state.value, credential=credential
    )
    ledger.append(stub, also=change)


def note_key_ids(ledger: Ledger, mine: Iterable[Credential], given: Mapping[str | None, str], now: datetime) -> None:
    """Write down which ``keyId`` the tenant gave our certificates: some rows of its logs have nothing else.

    Args:
        ledger: The ledger.
        mine: The credentials of one connection.
        given: SHA-256 thumbprint -> key id, as the application lists them.
        now: The time.
    """
    for one in mine:
        key_id = given.get(one.thumbprint_sha256)
        if key_id not in {None, one.key_id}:
            set_key_id(ledger, one.name, str(key_id), now)


def find(engine: sa.Engine, credential: str) -> Credential:
    """Return one credential.

    Raises:
        Refused: If there is none.
    """
    with engine.connect() as connection:
        row = connection.execute(sa.select(credentials).where(credentials.c.credential == credential)).first()
    if row is None:
        raise Refused(f"there is no credential {credential}", "list them: counterfoil credential list")
    return _credential(row)


def listed(engine: sa.Engine, tenant: str | None = None) -> list[Credential]:
    """Return the credentials of one tenant, or of all, by tenant, app and generation."""
    query = sa.select(credentials).order_by(credentials.c.tenant, credentials.c.app, credentials.c.generation)
    if tenant is not None:
        query = query.where(credentials.c.tenant == tenant)
    with engine.connect() as connection:
        return [_credential(row) for row in connection.execute(query)]


def chosen(engine: sa.Engine, generation: sa.Select[tuple[int]], connection: Connection) -> Credential | None:
    """Return the credential of a connection whose generation a query tells; ``None`` where there is none."""
    here = (credentials.c.tenant == connection.tenant_id) & (credentials.c.app == connection.app)
    query = sa.select(credentials).where(here, credentials.c.generation == generation.scalar_subquery())
    with engine.connect() as reading:
        row = reading.execute(query).first()
    return None if row is None else _credential(row)


def chosen_of(engine: sa.Engine, generations: sa.Subquery) -> dict[tuple[str, str], Credential]:
    """Return the credentials whose generation a query tells, by tenant and application, for many connections at once.

    The query has the columns ``tenant_id``, ``app`` and ``current``.
    """
    of = generations.c
    here = (credentials.c.tenant == of.tenant_id) & (credentials.c.app == of.app)
    query = sa.select(credentials).join(generations, here & (credentials.c.generation == of.current))
    with engine.connect() as connection:
        found = [_credential(row) for row in connection.execute(query)]
    return {(one.tenant, one.app): one for one in found}


def apart(engine: sa.Engine, connection: Connection) -> list[Credential]:
    """Return the credentials of a connection whose keys are kept apart, oldest first."""
    here = (credentials.c.tenant == connection.tenant_id) & (credentials.c.app == connection.app)
    query = sa.select(credentials).where(here, credentials.c.place == "apart").order_by(credentials.c.generation)
    with engine.connect() as reading:
        return [_credential(row) for row in reading.execute(query)]


def certificate_of(engine: sa.Engine, credential: str) -> bytes:
    """Return the DER of a credential's certificate.

    Raises:
        Refused: If there is no such credential.
    """
    query = sa.select(credentials.c.certificate).where(credentials.c.credential == credential)
    with engine.connect() as connection:
        der = connection.execute(query).scalar()
    if der is None:
        raise Refused(f"there is no credential {credential}", "list them: counterfoil credential list")
    return bytes(der)


def shared(found: list[Credential]) -> dict[str, list[Credential]]:
    """Return by SHA-256 thumbprint the certificates that are on more than one connection and not yet out of use."""
    places: dict[str, list[Credential]] = defaultdict(list)
    for credential in found:
        if credential.state is not CredentialState.DEAD:
            places[credential.thumbprint_sha256].append(credential)
    return {mark: same for mark, same in places.items() if len({(c.tenant, c.app) for c in same}) > 1}


def _credential(row: sa.Row[tuple[object, ...]]) -> Credential:
    of = row._mapping  # noqa: SLF001 - SQLAlchemy's public name for a row by column
    return Credential(
        tenant=of["tenant"],
        app=of["app"],
        generation=of["generation"],
        state=CredentialState(of["state"]),
        key=of["key"],
        thumbprint_sha1=of["thumbprint_sha1"],
        thumbprint_sha256=of["thumbprint_sha256"],
        key_id=of["key_id"],
        not_before=instant(of["not_before"]),
        not_after=instant(of["not_after"]),
    )
