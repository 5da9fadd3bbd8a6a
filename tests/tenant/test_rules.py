"""Which inbox rules send mail away, hide it or delete it, and that a rule has one exact name."""

import pytest

from counterfoil.tenant.rules import LONGEST, closed, lacking, makers, rule_of, shown

ALICE = "alice@contoso.example"


def person(address):
    """A recipient, as Graph spells one."""
    return {"emailAddress": {"name": "x", "address": address}}


def rule(actions, **more):
    """Read a rule with these actions."""
    return rule_of(ALICE, {"id": "AQ1", "displayName": "n", "isEnabled": True, "actions": actions, **more})


@pytest.mark.parametrize(
    ("actions", "does"),
    [
        ({"forwardTo": [person("a@x.example"), person("b@x.example")]}, "forwards to a@x.example, b@x.example"),
        ({"forwardAsAttachmentTo": [person("a@x.example")]}, "forwards as an attachment to a@x.example"),
        ({"redirectTo": [person("a@x.example")], "delete": True}, "redirects to a@x.example, deletes"),
        ({"permanentDelete": True, "delete": True}, "deletes for good"),
        ({"moveToFolder": "AAA", "markAsRead": True}, "marks as read and moves out of the inbox"),
        ({"forwardTo": ["odd"]}, "forwards to somebody"),
        ({"forwardTo": "odd"}, "forwards to odd"),
        ("odd", "does what cannot be read"),
    ],
)
def test_what_sends_away_hides_or_deletes_is_named(actions, does):
    """Each says in words what it does, also where it is not spelled as Graph spells it."""
    found = rule(actions)
    assert ", ".join(found.does) == does
    assert found.words.startswith(f"inbox rule of {ALICE}: «n», {does} (id AQ1, mark ")


@pytest.mark.parametrize(
    "actions",
    [
        None,
        {},
        {"moveToFolder": "AAA"},
        {"markAsRead": True},
        {"forwardTo": []},
        {"delete": False, "copyToFolder": "A"},
    ],
)
def test_how_people_sort_their_mail_is_not(actions):
    """A rule that moves, copies or marks alone takes nothing from anybody."""
    assert rule(actions) is None


def test_a_rule_that_was_changed_has_another_name():
    """Who is forwarded to, what it looks for and whether it is on are in the mark; the order of keys is not."""
    one = {"forwardTo": [person("a@x.example")], "delete": True}
    names = {
        rule(one).words,
        rule({"forwardTo": [person("b@x.example")], "delete": True}).words,
        rule(one, conditions={"subjectContains": ["invoice"]}).words,
        rule(one, isEnabled=False).words,
        rule({"delete": True, "forwardTo": [person("a@x.example")]}).words,
    }
    assert len(names) == 4
    assert "switched off" in rule(one, isEnabled=False).words


def test_texts_from_outside_make_no_list_and_no_line():
    """A name cannot end the entry that it stands in, drive a terminal, or be as long as it likes; the mark is whole."""
    one, two = (rule({"delete": True}, displayName=f"a; secret b\x1b[2J\n{'x' * 200}{end}").words for end in "12")
    assert not set(one) & set(";\x1b\n")
    assert len(one) < LONGEST + 150
    # The end of a long name is not shown; the two rules do the same, and their ids tell them apart in a tenant.
    assert one == two
    assert shown("x" * LONGEST) == "x" * LONGEST


def test_mailboxes_that_stay_shut_are_named_exactly():
    """Three by name and the others by a mark: another mailbox among them is another name, another order is not."""
    many = [f"u{number}@x.example" for number in range(9)]
    assert closed(many).startswith("inbox rules of u0@x.example, u1@x.example, u2@x.example and 6 more: ")
    assert closed(many) == closed(many[::-1]) != closed([*many[:8], "other@x.example"])


@pytest.mark.parametrize(
    ("roles", "by", "wanting"),
    [
        (["Mail.ReadWrite", "User.Read.All"], [], ["MailboxSettings.Read"]),
        (["full_access_as_app"], ["full_access_as_app"], ["MailboxSettings.Read", "User.Read.All"]),
        (["Application EWS.AccessAsApp"], ["EWS.AccessAsApp"], ["MailboxSettings.Read", "User.Read.All"]),
        (["MailboxSettings.ReadWrite"], ["MailboxSettings.ReadWrite"], ["User.Read.All"]),
        (["MailboxSettings.ReadWrite", "Directory.Read.All"], ["MailboxSettings.ReadWrite"], []),
        (["Exchange.ManageAsApp", "MailboxSettings.Read", "User.Read.All"], ["Exchange.ManageAsApp"], []),
    ],
)
def test_who_may_make_and_who_may_list(roles, by, wanting):
    """Reading settings makes no rule; to list them of all mailboxes takes the users too."""
    assert (makers(roles), lacking(roles)) == (by, wanting)
