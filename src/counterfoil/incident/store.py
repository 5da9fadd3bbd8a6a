"""Incidents on disk: every entry is a row and an ``action`` stub in one commit.

Trust: whoever can change these rows can hide an entry from the screen; the stub of it stays in the ledger,
and ``counterfoil ledger verify`` finds rows of the ledger that were changed.
"""

import hashlib
import json
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from counterfoil.database import metadata
from counterfoil.gateway.store.tenants import Operator
from counterfoil.incident.record import Entry, Incident, Kind, Origin, Said, Status, Subject, fold
from counterfoil.ledger.ledger import Ledger
from counterfoil.ledger.stubs import stub_at
from counterfoil.model.errors import Refused
from counterfoil.model.instant import from_rfc3339, rfc3339
from counterfoil.model.mail import Json
from counterfoil.model.trust import Stub

incidents = sa.Table(
    "incident",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("reference", sa.Text, nullable=False, unique=True, comment="what customers read"),
    sa.Column("opened", sa.Text, nullable=False),
)

entries = sa.Table(
    "incident_entry",
    metadata,
    sa.Column("incident", sa.ForeignKey("incident.name"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("time", sa.Text, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("words", sa.Text, nullable=False),
    sa.Column("tenant", sa.Text, comment="tenant id, where it concerns one tenant alone"),
    sa.Column("detail", sa.Text, nullable=False),
)

scopes = sa.Table(
    "incident_scope",
    metadata,
    sa.Column("incident", sa.ForeignKey("incident.name"), primary_key=True),
    sa.Column("tenant", sa.Text, primary_key=True, comment="tenant id"),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("document", sa.Text, nullable=False, comment="this tenant's part of the answer, as it goes to him"),
    sa.Column("sha256", sa.Text, nullable=False),
)

Also = Callable[[sa.Connection], None]


class Incidents:
    """Reads and writes incidents."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger

    def open(
        self, name: str, origin: Origin, status: Status, subject: Subject, *, words: str, by: Operator
    ) -> Incident:
        """Open an incident.

        Raises:
            Refused: If there is one of that name.
        """
        reference = reference_of(name, by.now)
        detail = {**subject.document(), "origin": origin.value, "status": status.value}

        def insert(connection: sa.Connection) -> None:
            if connection.execute(sa.select(incidents.c.name).where(incidents.c.name == name)).first():
                raise Refused(f"there is an incident {name} already", f"look at it: counterfoil incident show {name}")
            row = {"name": name, "reference": reference, "opened": rfc3339(by.now)}
            connection.execute(sa.insert(incidents).values(row))

        self._write((name, reference), Said(Kind.OPENED, words, detail=detail), by, (), insert)
        return self.one(name)

    def add(self, name: str, said: Said, by: Operator, *, stubs: Iterable[Stub] = (), also: Also | None = None) -> None:
        """Add an entry; ``stubs`` and what ``also`` writes are committed with it.

        Raises:
            Refused: If there is no such incident, or it is closed and this is no correction of it.
        """
        incident = self.one(name)
        if incident.status is Status.CLOSED and said.kind is not Kind.NOTE:
            raise Refused(f"the incident {name} is closed", "open another one; a note may still be added")
        self._write((name, incident.reference), said, by, stubs, also)

    def _write(
        self, which: tuple[str, str], said: Said, by: Operator, stubs: Iterable[Stub], also: Also | None
    ) -> None:
        name, reference = which
        row: dict[str, Any] = {"incident": name, "time": rfc3339(by.now), "actor": by.who, "kind": said.kind.value}
        row |= {"words": said.words, "tenant": said.tenant, "detail": json.dumps(dict(said.detail))}

        def write(connection: sa.Connection) -> None:
            if also is not None:
                also(connection)
            newest = sa.select(sa.func.max(entries.c.number)).where(entries.c.incident == name)
            number = (connection.execute(newest).scalar() or 0) + 1
            connection.execute(sa.insert(entries).values(**row, number=number))

        detail: dict[str, Json] = {"words": said.words, **said.detail}
        own = action(f"incident-{said.kind.value}", by, reference, said.tenant, detail)
        self.ledger.append_all([own, *stubs], also=write)

    def put_scope(self, name: str, parts: dict[str, tuple[str, str, str]], said: Said, by: Operator) -> None:
        """Keep every tenant's part of an answer: tenant id to (state, document, SHA-256 of the document)."""
        reference = self.one(name).reference
        stubs = [
            action("incident-finding", by, reference, tenant, {"state": state, "sha256": digest})
            for tenant, (state, _, digest) in sorted(parts.items())
        ]
        rows = [
            {"incident": name, "tenant": tenant, "state": state, "document": document, "sha256": digest}
            for tenant, (state, document, digest) in parts.items()
        ]

        def replace(connection: sa.Connection) -> None:
            connection.execute(sa.delete(scopes).where(scopes.c.incident == name))
            if rows:
                connection.execute(sa.insert(scopes), rows)

        self.add(name, said, by, stubs=stubs, also=replace)

    def scope(self, name: str, tenant: str | None = None) -> dict[str, dict[str, Any]]:
        """Return what was found, by tenant id; of one tenant where one is named."""
        query = sa.select(scopes.c.tenant, scopes.c.document).where(scopes.c.incident == name)
        if tenant is not None:
            query = query.where(scopes.c.tenant == tenant)
        with self.ledger.engine.connect() as connection:
            rows = connection.execute(query.order_by(scopes.c.tenant)).all()
        return {row.tenant: json.loads(row.document) for row in rows}

    def one(self, name: str) -> Incident:
        """Return one incident.

        Raises:
            Refused: If there is none of that name.
        """
        with self.ledger.engine.connect() as connection:
            head = connection.execute(sa.select(incidents).where(incidents.c.name == name)).first()
            query = sa.select(entries).where(entries.c.incident == name).order_by(entries.c.number)
            found = [_entry(row) for row in connection.execute(query).mappings()]
        if head is None:
            raise Refused(f"there is no incident {name}", "list them: counterfoil incident list")
        return fold(name, head.reference, found)

    def all(self) -> list[Incident]:
        """Return every incident, the newest first."""
        with self.ledger.engine.connect() as connection:
            query = sa.select(incidents.c.name).order_by(incidents.c.opened.desc())
            names = list(connection.execute(query).scalars())
        return [self.one(name) for name in names]


def reference_of(name: str, opened: datetime) -> str:
    """Derive the reference that customers read: it says the day and nothing of the name."""
    digest = hashlib.sha256(f"{name}\n{rfc3339(opened)}".encode()).hexdigest()
    return f"CF-{opened:%Y%m%d}-{digest[:6].upper()}"


def action(word: str, by: Operator, reference: str, tenant: str | None, detail: dict[str, Json]) -> Stub:
    """Make the stub of something an operator did in an incident."""
    return stub_at("action", by.now, tenant, actor=by.who, action=word, subject=reference, detail=detail)


def _entry(row: sa.RowMapping) -> Entry:
    said = Said(Kind(row["kind"]), row["words"], row["tenant"], json.loads(row["detail"]))
    return Entry(row["number"], from_rfc3339(row["time"]), row["actor"], said)
