"""The console's questions on PostgreSQL: the same answers, by the same accounts."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.console.house import connect, take

from counterfoil import clock
from counterfoil.app.state import State, open_state
from counterfoil.config.settings import Config, Database
from counterfoil.console.books import Books
from counterfoil.gateway.store.tenants import Operator
from counterfoil.operators import passwords
from counterfoil.operators.accounts import Accounts
from counterfoil.operators.roles import Grant, Role, Scope

ACME, ALL = Scope(frozenset({"acme"})), Scope(None)


@pytest.fixture
def state(postgresql_database: str, tmp_path: Path) -> Iterator[State]:
    """A data folder whose rows are in PostgreSQL."""
    config = Config(database=Database(url=postgresql_database))
    with open_state(tmp_path / "data", config, create=True) as opened:
        yield opened


def answers(books: Books, scope: Scope) -> dict[str, Any]:
    """Ask everything."""
    return {
        "mail": books.mail(scope, clock.now() - timedelta(days=1)),
        "outcomes": books.outcomes(scope),
        "waiting": books.waiting(scope),
        "tenants": books.tenants(scope),
        "stems": books.stems(scope),
        "credentials": books.credentials(scope),
        "incidents": books.incidents(scope),
        "findings": books.findings(scope),
        "entries": books.incident_entries(scope, "CF-1"),
        "deeds": books.deeds(scope, 100),
    }


async def test_every_question_is_understood_and_scoped(state: State):
    """Each has an answer; a tenant's holds nothing of another's; what is nobody's is for those who see all."""
    for number, tenant in enumerate(("acme", "beta"), 1):
        state.tenants.add(tenant, tenant, Operator("root", clock.now()))
        await take(state, f"{tenant}-1", tenant, subject=tenant, sender=f"a@{tenant}.test", held=True)
        connect(state, tenant, number, "AB" * 32)
    books = Books(state.ledger.engine)
    everything, acme, nothing = (answers(books, scope) for scope in (ALL, ACME, Scope(frozenset())))
    assert "beta" not in str(acme)
    assert [row["messages"] for row in everything["mail"]] == [2]
    assert [row["messages"] for row in acme["mail"]] == [1]
    assert (acme["waiting"]["held"], everything["waiting"]["held"]) == (1, 2)
    assert [(row["tenant"], row["shared"]) for row in everything["credentials"]] == [("acme", True), ("beta", True)]
    assert {row["actor"] for row in acme["deeds"]} == {"root"}
    assert nothing["waiting"]["held"] == 0
    assert not any(answer for name, answer in nothing.items() if name != "waiting")


def test_accounts_live_there_too(state: State, monkeypatch: pytest.MonkeyPatch):
    """Added, given a role, logged in, removed."""
    monkeypatch.setattr(passwords, "_N", 16)
    accounts, now = Accounts(state.ledger), clock.now()
    accounts.add("alex", "four words nobody expects", [Grant(Role.VIEWER, "acme")], now, "root")
    accounts.give("alex", Grant(Role.OPERATOR, None), now, "root")
    found = accounts.log_in("alex", "four words nobody expects")
    assert found is not None
    assert set(found.grants) == {Grant(Role.VIEWER, "acme"), Grant(Role.OPERATOR, None)}
    accounts.remove("alex", now, "root")
    assert accounts.all() == []
