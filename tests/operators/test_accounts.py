"""Accounts and roles on disk, and what the ledger says of each change."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from counterfoil.database import open_database
from counterfoil.ledger.ledger import Ledger
from counterfoil.model.errors import Refused
from counterfoil.operators import passwords
from counterfoil.operators.accounts import Accounts
from counterfoil.operators.roles import Grant, Permission, Role, Scope

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
GOOD = "four words nobody expects"


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch):
    """Passwords cost next to nothing here; how much they should is tested where they are made."""
    monkeypatch.setattr(passwords, "_N", 16)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """An empty ledger that is not published."""
    engine = open_database(tmp_path / "t.db")
    ledger = Ledger(engine)
    yield ledger
    ledger.close()
    engine.dispose()


@pytest.fixture
def accounts(ledger: Ledger) -> Accounts:
    """A register with one account, a viewer of one tenant."""
    accounts = Accounts(ledger)
    accounts.add("alex", GOOD, [Grant(Role.VIEWER, "acme")], NOW, "root")
    return accounts


def said(ledger: Ledger) -> list[tuple[str, str]]:
    """Who did what, as the ledger has it."""
    stubs = [row.stub for row in ledger.stubs(kinds=frozenset({"action"})) if row.stub is not None]
    return [(str(stub.body["actor"]), str(stub.body["action"])) for stub in stubs]


def test_only_the_right_password_logs_in(accounts: Accounts):
    """The account comes back for its password, and nothing for a wrong one or a name that is not there."""
    found = accounts.log_in("alex", GOOD)
    assert found is not None
    assert found.grants == (Grant(Role.VIEWER, "acme"),)
    assert accounts.log_in("alex", "something else altogether") is None
    assert accounts.log_in("nobody", GOOD) is None


def test_every_change_is_in_the_ledger_and_no_password_is(accounts: Accounts, ledger: Ledger):
    """Who did what to which account, in order; the bytes of all stubs hold neither password nor its seal."""
    accounts.give("alex", Grant(Role.OPERATOR, None), NOW, "root")
    accounts.take("alex", Grant(Role.VIEWER, "acme"), NOW, "root")
    accounts.set_password("alex", "another four odd words", NOW, "root")
    accounts.note("log-in", "alex", NOW, subject="alex", address="192.0.2.1")
    accounts.remove("alex", NOW, "root")
    did = ["account-added", "role-given", "role-taken", "account-password-set"]
    assert said(ledger) == [
        *(("root", action) for action in did),
        ("console:alex", "log-in"),
        ("root", "account-removed"),
    ]
    octets = b"".join(row.octets or b"" for row in ledger.stubs())
    assert b"scrypt" not in octets
    assert GOOD.encode() not in octets


def test_another_password_ends_the_sessions_of_the_old_one(accounts: Accounts):
    """The version by which sessions are compared goes up."""
    before = accounts.one("alex").version
    accounts.set_password("alex", "another four odd words", NOW, "root")
    assert accounts.one("alex").version == before + 1


def test_a_tenant_that_goes_takes_its_roles_along(accounts: Accounts):
    """An account for a tenant that was removed does not see a later one of the same name."""
    accounts.give("alex", Grant(Role.VIEWER, "beta"), NOW, "root")
    accounts.forget_tenant("acme", NOW, "root")
    assert accounts.one("alex").scope(Permission.SEE_MAIL) == Scope(frozenset({"beta"}))


@pytest.mark.parametrize(
    ("act", "reason"),
    [
        (lambda a: a.add("alex", GOOD, [], NOW, "root"), "there is an account alex already"),
        (lambda a: a.add("Alex!", GOOD, [], NOW, "root"), "is no account name"),
        (lambda a: a.add("sam", "short", [], NOW, "root"), "12 to 1024 characters"),
        (lambda a: a.remove("sam", NOW, "root"), "there is no account sam"),
        (lambda a: a.set_password("sam", GOOD, NOW, "root"), "there is no account sam"),
        (lambda a: a.give("sam", Grant(Role.VIEWER, None), NOW, "root"), "there is no account sam"),
        (lambda a: a.give("alex", Grant(Role.VIEWER, "acme"), NOW, "root"), "alex has that role already"),
        (lambda a: a.take("alex", Grant(Role.VIEWER, None), NOW, "root"), "alex has no such role"),
    ],
)
def test_refusals_change_nothing(accounts: Accounts, ledger: Ledger, act, reason: str):
    """Each is refused with its reason, and neither rows nor ledger grow."""
    before, size = accounts.all(), ledger.size()
    with pytest.raises(Refused, match=reason):
        act(accounts)
    assert (accounts.all(), ledger.size()) == (before, size)
