"""Inbox rules keep "attacker out" back until they are gone, or a person accepts exactly those that were seen."""

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.app.laboratory import place
from tests.app.test_rotation_thief import ALICE, MINE, SLOW, opened

from counterfoil import clock
from counterfoil.app.accepting import ACTION, chosen, mark_of
from counterfoil.app.house import TenantHouse
from counterfoil.credential.rotation import Move, State, Step
from counterfoil.flows.rotate import advance
from counterfoil.lab.objects import Rule
from counterfoil.lab.thief import Thief
from counterfoil.model.errors import Refused
from counterfoil.tenant.door import Door
from counterfoil.tenant.token import Tokens

PACE = replace(SLOW, longest_token_life=timedelta(0), propagation=timedelta(0), spacing=timedelta(0))
LISTS = ("Mail.ReadWrite", "MailboxSettings.ReadWrite", "User.Read.All")
WITHOUT = "they cannot be listed without"
FORWARDS = {"forwardTo": [{"emailAddress": {"address": "boss@contoso.example"}}]}


class Desk:
    """One tenant near the end of a compromise campaign: the old credential is removed and its last token is over."""

    def __init__(self, at, capsys, roles, granted=None):
        self.at, self.capsys = at, capsys
        control = at.register("one", "control", ["Application.ReadWrite.OwnedBy"])
        at.connect(control)
        owners = [control.service_principal]
        mail = at.register("one", "mail", granted or roles, owners=owners, tenant_id=control.tenant_id)
        self.mail = replace(mail, roles=tuple(roles))
        at.connect(self.mail)
        self.alice = at.lab.operate("add_mailbox", tenant=mail.tenant_id, address=ALICE)["id"]

    def steal(self, folder):
        """Have a thief make a rule over Graph with a copied key, as he does."""
        self.at.lab.operate("admin_add_key", app_id=self.mail.app, certificate_pem=MINE.pem)
        where = self.at.lab.endpoints
        with Thief(where.login, where.graph, where.ca, folder / "thief.jsonl") as thief:
            hold = thief.sign_in(self.mail.tenant_id, self.mail.app, MINE.key_pem, MINE.pem)
            assert hold.add_rule(ALICE, "x@thief.example")

    def near_the_end(self):
        """Open the campaign and go through its steps, without the waits, until only the last look is left."""
        _, self.campaigns, self.house = opened(self.at, self.mail, self.control, PACE)
        (where,) = self.campaigns.places("c1").values()
        where = self.campaigns.lease(where, clock.now())
        where = replace(where, new=self.house.ensure_key(where))
        self.house.publish(where)
        assert self.house.make_current(where, where.new)
        self.house.evict(where, frozenset({where.new}))
        here = Move(State.RETIRED, Step.RELIST)
        self.campaigns.save(replace(where, here=here, removed_at=clock.now()), clock.now())

    @property
    def control(self):
        """The control application."""
        return next(c for c in self.at.books.connections.all("one") if c.app != self.mail.app)

    def look(self):
        """Take the step once; return the place afterwards."""
        (where,) = self.campaigns.places("c1").values()
        where = self.campaigns.lease(where, clock.now())
        self.campaigns.save(advance(where, self.house, PACE, clock.now()), clock.now())
        (where,) = self.campaigns.places("c1").values()
        return where

    def accept(self, what, why="they wanted it", only="one"):
        """Accept one thing by command; return the exit code and the messages."""
        words = ("rotate", "accept", "c1", "--left", what, "--only", only, "--why", why)
        code, _, messages = self.at.here(self.capsys, *words)
        return code, messages

    def status(self):
        """What status says of the tenant, as JSON, by command."""
        _, found, _ = self.at.command("rotate", "status", "c1")
        return found[0]["tenants"][0]

    def rule(self, number, actions, **more):
        """Put a rule into the mailbox by its owner's hand."""
        fields = {"sequence": number, "enabled": True, "conditions": {}, "actions": actions, **more}
        self.at.lab.engine.ask(lambda world: world.put(Rule(f"R{number}", self.alice, f"rule {number}", **fields)))

    def remove_rules(self):
        """Remove every rule by the owner's hand."""

        def remove(world):
            for rule in world.every(Rule, self.alice):
                world.remove(rule)

        self.at.lab.engine.ask(remove)


@pytest.fixture
def at(tmp_path):
    """A laboratory."""
    with place(tmp_path) as made:
        yield made


def test_a_rule_of_the_thief_holds_the_end_back_until_it_is_gone(at, capsys, tmp_path):
    """It is named with its mailbox and what it does; its removal lets the attacker be out."""
    desk = Desk(at, capsys, LISTS)
    desk.steal(tmp_path)
    desk.near_the_end()
    seen = desk.look()
    assert (seen.state, seen.out_at) == (State.RETIRED, None)
    (words,) = seen.left
    assert words.startswith(f"inbox rule of {ALICE}: «.», forwards to x@thief.example (id ")
    assert seen.words == f"still there: {words}"
    desk.remove_rules()
    after = desk.look()
    assert (after.state, after.left, after.accepted) == (State.PROVEN_DEAD, (), ())
    assert after.out_at is not None


def test_what_a_person_accepted_is_left_and_what_came_after_is_not(at, capsys):
    """The exact rule is accepted with a stub; the same rule changed, and another one, block again; then it is out."""
    desk = Desk(at, capsys, LISTS)
    for number in range(120):  # more than one page, all of them everyday ones
        desk.rule(200 + number, {"moveToFolder": "AAA"})
    desk.rule(900, FORWARDS)
    desk.near_the_end()
    (words,) = desk.look().left
    left = desk.status()["left"]
    assert [one["what"] for one in left] == [words]
    assert desk.accept(left[0]["mark"]) == (0, "")
    desk.rule(2, {"delete": True})
    assert len(desk.look().still_left) == 1
    assert desk.look().out_at is None
    desk.rule(2, {"moveToFolder": "AAA"})
    desk.rule(900, {**FORWARDS, "delete": True})
    (changed,) = desk.look().still_left
    assert "forwards to boss@contoso.example, deletes" in changed
    desk.rule(900, FORWARDS)
    after = desk.look()
    assert (after.state, after.still_left) == (State.PROVEN_DEAD, ())
    one = desk.status()
    assert (one["attacker_out"] is not None, one["left"]) == (True, [])
    assert [(given["what"], given["why"]) for given in one["accepted"]] == [(words, "they wanted it")]
    stubs = [row.stub.body for row in at.books.ledger.stubs(kinds=frozenset({"action"}))]
    (stub,) = [body for body in stubs if body["action"] == ACTION]
    assert stub["detail"] == {"campaign": "c1", "what": words, "why": "they wanted it"}
    assert (stub["actor"], stub["subject"]) == (one["accepted"][0]["by"], f"{desk.mail.tenant_id}/{desk.mail.app}")
    code, text, _ = at.here(capsys, "rotate", "status", "c1")
    assert (code, f"accepted by {stub['actor']}: {words}, because they wanted it" in text) == (0, True)


@pytest.mark.parametrize(
    ("roles", "named"),
    [
        (
            ("full_access_as_app",),
            f"inbox rules that full_access_as_app may have made: {WITHOUT} MailboxSettings.Read and User.Read.All",
        ),
        (
            ("Mail.ReadWrite", "MailboxSettings.ReadWrite"),
            f"inbox rules that MailboxSettings.ReadWrite may have made: {WITHOUT} User.Read.All",
        ),
    ],
)
def test_what_cannot_be_listed_is_said_and_a_person_decides(at, capsys, roles, named):
    """Nobody is silently out: somebody looks by other means, accepts with a reason, and only then it is out."""
    desk = Desk(at, capsys, roles)
    desk.near_the_end()
    assert desk.look().left == (named,)
    assert "nothing is accepted without a reason" in desk.accept(named, why=" ")[1]
    assert "nothing was seen there" in desk.accept(named, only="two")[1]
    assert "nothing was seen there" in desk.accept("another thing")[1]
    assert desk.look().out_at is None
    assert desk.accept(named, "their administrator looked with Get-InboxRule")[0] == 0
    assert desk.look().state is State.PROVEN_DEAD
    assert "nothing was seen there" in desk.accept(named)[1]


def test_a_connection_that_could_make_no_rule_is_not_held_back(at, capsys):
    """Where no such role was ever there, nothing has to be listed; where nobody knows the roles, it is said."""
    desk = Desk(at, capsys, ("Mail.ReadWrite",))
    desk.rule(1, FORWARDS)
    desk.near_the_end()
    (where,) = desk.campaigns.places("c1").values()
    assert desk.house.leftovers(where) == ()
    tokens = Tokens(desk.control, at.books.connections.current(desk.control), at.books.through.for_use, at.books.means)
    unknown = TenantHouse(replace(desk.mail, roles=None), Door(tokens), at.books, lambda _: True, PACE)
    assert unknown.leftovers(where)[0].startswith("inbox rules that permissions that nobody wrote down may have made: ")


def test_mailboxes_that_stay_shut_are_named_and_users_without_one_are_not(at, capsys):
    """Of 23 users one has no mailbox any more, and two may be seen; of the others nobody can say."""
    roles = ("full_access_as_app", "User.Read.All", "MailboxSettings.Read")
    desk = Desk(at, capsys, roles, granted=("full_access_as_app", "User.Read.All"))
    tenant = desk.mail.tenant_id
    for number in range(22):
        at.lab.operate("add_mailbox", tenant=tenant, address=f"u{number:02}@contoso.example")
    open_ones = [ALICE, "u21@contoso.example"]
    at.lab.operate(
        "admin_exchange_grant",
        tenant=tenant,
        app_id=desk.mail.app,
        role="Application MailboxSettings.Read",
        mailboxes=open_ones,
    )
    gone = at.lab.engine.ask(lambda world: world.mailbox(tenant, "u21@contoso.example"))
    gone.enabled = False
    desk.rule(1, {"redirectTo": FORWARDS["forwardTo"]})
    desk.near_the_end()
    (where,) = desk.campaigns.places("c1").values()
    rule, shut = desk.house.leftovers(where)
    assert "redirects to boss@contoso.example" in rule
    assert shut.startswith("inbox rules of u00@contoso.example, u01@contoso.example, u02@contoso.example and 18 more: ")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("subscription S1 to https://x.example/hook", "it is removed, not accepted"),
        ("import sessions that an old token may have opened, until T: none can be listed", "end by themselves"),
    ],
)
def test_what_has_to_end_is_never_accepted(words, why):
    """Neither by its words nor by its mark; the refusal says what to do."""
    for name in (words, mark_of(words)):
        with pytest.raises(Refused, match=why) as refused:
            chosen(["a consent to X that we did not ask for", words], [name])
        assert "connection unsubscribe" in refused.value.hint or "wait until" in refused.value.hint
