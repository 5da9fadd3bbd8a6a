"""What a thief left in a connected tenant is found by listing: credentials, consents, subscriptions, rules."""

import re
import threading
from dataclasses import replace

import pytest
from tests.app.laboratory import place
from tests.app.test_rotation_thief import _hook

from counterfoil import clock
from counterfoil.app.heartbeat import Sender
from counterfoil.app.left_behind import INBOX_RULES, LEFT_BEHIND, look_at_rules
from counterfoil.app.left_behind import listed as left_listed
from counterfoil.app.leftovers import may_list_rules
from counterfoil.app.pulling import pull, pulls
from counterfoil.app.services import Services
from counterfoil.app.standing import Standings
from counterfoil.app.state import open_state
from counterfoil.config import load
from counterfoil.lab.objects import Rule
from counterfoil.lab.spelling import utc
from counterfoil.lab.thief import Thief

ROLES = ["Mail.Read", "Application.Read.All"]
ALICE = "alice@one.example"


@pytest.fixture
def at(tmp_path):
    """A laboratory and a connected tenant that may list its own application."""
    with place(tmp_path) as made:
        made.one = made.register("one", "mail", ROLES)
        made.lab.add_mailbox(made.one.tenant_id, ALICE)
        made.connect(made.one)
        yield made


def listed(at):
    """Pull now, and return what the listing found."""
    standing = pull(at.books, at.one, at.data, clock.now())[LEFT_BEHIND]
    return standing.state, standing.words


def test_what_is_ours_is_nothing_left_behind(at):
    """Our own certificate and the permissions that we asked for are no finding."""
    assert listed(at) == ("good", "nothing that is not ours")


def test_a_secret_and_a_consent_that_nobody_of_us_made(at):
    """Both are named; by command the state is one that needs a look."""
    made = at.lab.operate("admin_add_secret", app_id=at.one.app)
    at.lab.operate("consent", tenant=at.one.tenant_id, app_id=at.one.app, roles=["Mail.Send"])
    state, words = listed(at)

    assert state == "found"
    assert f"secret {made['key_id']} on the application" in words
    assert "a consent to Mail.Send that we did not ask for" in words
    code, rows, _ = at.command("connection", "status", "one")
    assert (code, {row["duty"]: row["state"] for row in rows}[LEFT_BEHIND]) == (1, "found")


def test_what_was_listed_stands_in_the_answer(at):
    """Logs have an end: what the last listing found is left behind, and the tenant is not clean by its logs."""
    made = at.lab.operate("admin_add_secret", app_id=at.one.app)
    listed(at)
    code, answer, _ = at.command("reconcile", "--ledger", at.data)
    (tenant,) = answer["tenants"]

    assert code in (1, 3)
    found = [(left["kind"], left["what"]) for left in tenant["radius"]["persistence"] if left["record"] == "listing"]
    assert found == [("secret", f"listed in the tenant: secret {made['key_id']} on the application")]
    assert any("somebody has to look" in reason for reason in tenant["reasons"])


def test_a_subscription_that_delivers_mail_elsewhere(at, tmp_path, capsys):
    """The thief's notification needs no token any more: it is listed with its address, and deleted by command."""
    secret = at.lab.operate("admin_add_secret", app_id=at.one.app)["secret"]
    where, hook = at.lab.endpoints, _hook(at)
    try:
        with Thief(where.login, where.graph, where.ca, tmp_path / "thief.jsonl") as thief:
            hold = thief.sign_in_with_secret(at.one.tenant_id, at.one.app, secret)
            until = f"{utc(clock.now().timestamp() + 3600):%Y-%m-%dT%H:%M:%SZ}"
            assert hold.subscribe(ALICE, hook.url, until)
        state, words = listed(at)
    finally:
        hook.stop()

    assert state == "found"
    assert f"to {hook.url}" in words

    name = re.search(r"subscription (\S+) to", words)[1]
    unsubscribe = ("connection", "unsubscribe", "one")
    code, _, said = at.here(capsys, *unsubscribe, name, "no-such-id", "--why", "not ours")
    assert (code, "one has no subscription no-such-id" in said) == (2, True)
    assert "nothing is deleted without a reason" in at.here(capsys, *unsubscribe, name, "--why", " ")[2]
    assert listed(at)[0] == "found", "one that is refused deletes none"
    assert at.command(*unsubscribe, name, "--why", "not ours")[:2] == (0, [{"id": name, "address": hook.url}])
    assert "subscription" not in listed(at)[1]
    deeds = [row.stub.body for row in at.books.ledger.stubs(kinds=frozenset({"action"}))]
    (deed,) = [body for body in deeds if body["action"] == "subscription-removed"]
    assert deed["actor"]
    assert deed["detail"] == {"id": name, "address": hook.url, "why": "not ours"}


MAKES = ["Mail.Read", "MailboxSettings.ReadWrite", "User.Read.All"]


def test_inbox_rules_are_listed_and_shown_where_somebody_has_to_look(at):
    """Each is named in one entry of its kind; by itself it is nothing to act on, since a list says not whose it is."""
    two = at.register("two", "mail", MAKES)
    mailbox = at.lab.add_mailbox(two.tenant_id, "bob@two.example")
    at.connect(two)
    assert listed_rules(at, two) == ("good", "no rule sends mail away, hides it or deletes it")
    people = [{"emailAddress": {"address": "x@thief.example"}}]
    rule = Rule("R1", mailbox["id"], "a; secret b", 1, enabled=True, conditions={}, actions={"forwardTo": people})
    at.lab.engine.ask(lambda world: world.put(rule))
    code, rows, _ = at.command("connection", "pull", "two")
    (row,) = [row for row in rows if row["duty"] == INBOX_RULES]
    assert (code, row["state"]) == (0, "good")
    assert row["words"].startswith("inbox rule of bob@two.example: «a, secret b», forwards to x@thief.example (id R1")
    (entry,) = left_listed(Standings(at.data))[two.tenant_id]
    assert (entry["kind"], entry["mailbox"], entry["record"]) == ("forwarding", "bob@two.example", "listing")


def test_serve_lists_them_once_a_day(at):
    """The first round of its services lists; the next one, a moment later, does not ask again."""
    two = at.register("two", "mail", MAKES[1:])
    at.connect(two)
    config, seen = load(at.config), []
    with open_state(at.data, config, create=True) as state:
        services = Services(at.data, config, state, Sender(None, "gw.example"))
        for _ in range(2):
            services.round(threading.Event())
            seen.append(Standings(at.data).of(two).duties[INBOX_RULES])
    assert seen[0] == seen[1]
    assert seen[0].good


def test_a_list_that_failed_is_no_list(at):
    """Where the right to list was taken away the state says so, and nothing is claimed to have been seen."""
    two = at.register("two", "mail", ["Mail.Read"])
    at.connect(two)
    state, words = listed_rules(at, replace(two, roles=tuple(MAKES)))
    assert (state, "the connection lacks a permission" in words) == ("refused", True)
    assert left_listed(Standings(at.data)) == {}


def listed_rules(at, connection):
    """List the rules now, and return how that went."""
    standing = look_at_rules(at.books, connection, at.data, clock.now())
    return standing.state, standing.words


def test_who_may_not_list_is_not_asked(at):
    """A connection without the permission has no such duty."""
    other = at.register("two", "mail", ["Mail.Read"])
    assert LEFT_BEHIND not in pulls(other)
    assert not may_list_rules(other)
    # Who could make no rule has none to look for.
    assert not may_list_rules(replace(other, roles=("MailboxSettings.Read", "User.Read.All")))
    assert may_list_rules(replace(other, roles=tuple(MAKES)))
