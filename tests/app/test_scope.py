"""Which mailboxes a connection reaches: judged from what opened, and tried against the laboratory."""

import itertools

import pytest
from tests.app.laboratory import place

from counterfoil.app import connecting
from counterfoil.app.scope import Probes, Scope, judge
from counterfoil.tenant.plan_scope import ROLES


@pytest.fixture(scope="module")
def at(tmp_path_factory):
    """One laboratory for this file."""
    with place(tmp_path_factory.mktemp("scope")) as made:
        yield made


@pytest.mark.parametrize(
    ("by_token", "inside", "outside", "found"),
    [
        (True, None, None, Scope.UNSCOPED),
        (True, True, True, Scope.UNSCOPED),
        (True, True, False, Scope.BY_POLICY),
        (True, False, None, Scope.BY_POLICY),
        (False, True, False, Scope.BY_ROLE),
        (False, True, True, Scope.UNSCOPED),
        (False, True, None, Scope.BY_ROLE),
        (False, False, False, Scope.NO_MAIL),
        (False, None, None, Scope.UNKNOWN),
    ],
)
def test_each_observation_has_its_word(by_token, inside, outside, found):
    """Rights add up, a policy takes away, and what was not tried is not known."""
    assert judge(by_token, inside, outside) is found


def test_a_mailbox_that_opened_against_the_wish_is_never_called_scoped():
    """Whatever else is seen, an outside mailbox that opens means unscoped."""
    every = itertools.product((True, False), (True, False, None))
    assert {judge(by_token, inside, outside=True) for by_token, inside in every} == {Scope.UNSCOPED}


def test_a_role_in_exchange_is_noticed_though_no_token_shows_it(at):
    """RBAC for Applications: mail opens inside and not outside, and nothing is called missing."""
    connection = at.register("rbac", "mail", ["Application.Read.All"])
    for name in ("inside", "outside"):
        at.lab.add_mailbox(connection.tenant_id, f"{name}@rbac.example")
    at.lab.operate(
        "admin_exchange_grant",
        tenant=connection.tenant_id,
        app_id=connection.app,
        role=ROLES["Mail.Read"],
        mailboxes=["inside@rbac.example"],
    )
    at.connect(connection)
    probes = Probes("inside@rbac.example", "outside@rbac.example")
    found = connecting.test(at.books, connection, ("Mail.Read", "Application.Read.All"), "test", probes)
    assert found.scope is Scope.BY_ROLE
    assert found.missing == ()


def test_an_app_role_beside_the_scope_opens_everything_and_is_told(at):
    """The command finds that the mailbox outside opens, and exits with 1."""
    connection = at.register("wide", "mail", ["Mail.Read"])
    for name in ("inside", "outside"):
        at.lab.add_mailbox(connection.tenant_id, f"{name}@wide.example")
    at.connect(connection)
    where = ("--inside", "inside@wide.example", "--outside", "outside@wide.example")
    code, answer, _ = at.command("connection", "test", "wide", "--product", "scan-internal", *where)
    assert (code, answer[0]["scope"]) == (1, "unscoped")
    code, answer, _ = at.command("connection", "test", "wide", "--product", "scan-internal")
    assert code == 0
