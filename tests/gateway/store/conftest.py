"""A store on a real database and a real ledger, and messages to put into it."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from counterfoil.database import open_database
from counterfoil.gateway.received import Received
from counterfoil.gateway.routing import NextHop, Tls
from counterfoil.gateway.store.directory import Directory
from counterfoil.gateway.store.held_files import HeldFiles
from counterfoil.gateway.store.journal import Journal
from counterfoil.gateway.store.quarantine import Quarantine
from counterfoil.gateway.store.stories import Stories
from counterfoil.gateway.store.tenants import Operator, Tenants
from counterfoil.ledger.ledger import Ledger
from counterfoil.model.mail import (
    Action,
    Authentication,
    Decision,
    Envelope,
    Finding,
    Scan,
    Severity,
    Uninspectable,
    Verdict,
)
from counterfoil.scan.hosts import hosts_of

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
BY = Operator("anna", NOW)
RAW = b"Subject: invoice\r\n\r\nplease pay\r\n"


@dataclass
class Store:
    """All the parts of the store on one database."""

    engine: sa.Engine
    ledger: Ledger
    folder: Path
    files: HeldFiles
    tenants: Tenants
    directory: Directory
    journal: Journal
    quarantine: Quarantine
    stories: Stories

    def stubs(self, kind: str) -> list[dict[str, object]]:
        """Return the bodies of all stubs of a kind, in order."""
        return [dict(row.stub.body) for row in self.ledger.stubs(kinds=frozenset({kind})) if row.stub]


ON_BOTH = ("test_journal.py", "test_quarantine.py")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what writes on PostgreSQL too."""
    if "store" in metafunc.fixturenames:
        both = metafunc.definition.path.name in ON_BOTH and "sqlite_only" not in metafunc.definition.keywords
        metafunc.parametrize("store", ["sqlite", "postgresql"] if both else ["sqlite"], indirect=True)


@pytest.fixture
def store(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Store]:
    """A fresh store, on either database."""
    on_sqlite = request.param == "sqlite"
    engine = open_database(tmp_path / "store.db" if on_sqlite else request.getfixturevalue("postgresql_database"))
    ledger = Ledger(engine)
    files = HeldFiles(tmp_path / "held")
    yield Store(
        engine,
        ledger,
        tmp_path / "held",
        files,
        Tenants(engine, ledger),
        Directory(engine),
        Journal(engine, ledger, files, lambda: NOW, 30, hosts=hosts_of),
        Quarantine(engine, ledger, files, timedelta(seconds=60)),
        Stories(engine),
    )
    ledger.close()
    engine.dispose()


def received(name: str, tenant: str = "acme", **changes: object) -> Received:
    """A message as the gateway describes it."""
    envelope = Envelope(
        sender=str(changes.get("sender", "bob@example.org")),
        recipients=tuple(changes.get("recipients", ("ann@acme.test",))),  # type: ignore[arg-type]
        client_address="192.0.2.9",
        helo="mail.example.org",
        tenant=tenant,
    )
    return Received(
        name,
        changes.get("time", NOW),  # type: ignore[arg-type]
        envelope,
        hashlib.sha256(RAW).hexdigest(),
        len(RAW),
        "smtp",
        NextHop("127.0.0.1", 2500, Tls.NONE),
    )


def scan(subject: str = "invoice", message_id: str = "1@example.org") -> Scan:
    """What the scanner says of it."""
    return Scan(
        message_id=message_id,
        subject=subject,
        sha256=hashlib.sha256(RAW).hexdigest(),
        size=len(RAW),
        findings=(Finding("macro", Severity.HIGH, "a macro", "1.2", ("T1204.002",), {"name": "Auto_Open"}),),
        parts=(),
        links=(),
        authentication=Authentication(),
        uninspectable=(Uninspectable("1.3", "cut short"),),
    )


DECISION = Decision(Verdict.MALICIOUS, Action.QUARANTINE, ("macro",), ("without macro: clean, deliver",))
