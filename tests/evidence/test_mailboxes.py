"""One mailbox has several names: an object id, addresses, the id in audit. None of them accuses anybody alone."""

import pytest
from tests.evidence.test_jobs import EWS

OBJECT_ID = "0c0c0c0c-1111-4111-8111-0c0c0c0c0c0c"


def one_read(case, mailbox, *, message="<m1@contoso.example>"):
    """An hour in which we read one message over Exchange Web Services, of a mailbox named like this."""
    case.connect(roles=("full_access_as_app",))
    case.stubs.append({"kind": "job", "id": "j1", "time": "2026-10-05T09:00:00Z", "reason": "heartbeat"})
    case.token(1)
    case.call(1, "crid-1", resource=EWS, method="POST", mailbox=mailbox, message_ids=[message])
    case.signin(1)
    case.access(1, "mia-1", ["<m1@contoso.example>"])
    return case.tenant()


@pytest.mark.parametrize("mailbox", [OBJECT_ID, None, "Alice@Contoso.example"])
def test_a_mailbox_named_by_an_object_id_or_not_at_all_is_not_compared(case, mailbox):
    """Audit has another id for it, which nothing ties to ours; the message under our token is enough."""
    assert one_read(case, mailbox)["state"] == "clean"


def test_our_message_in_a_mailbox_of_another_address_is_unexplained(case):
    """It may be another address of the same mailbox: nobody is touched by that, and somebody has to look."""
    tenant = one_read(case, "alice.smith@contoso.example")

    assert tenant["state"] == "cannot-say"
    assert [(d["kind"], d["rule"]) for d in tenant["discrepancies"]] == [("unexplained", "message-in-another-mailbox")]


def test_another_message_in_another_mailbox_is_a_replay(case):
    """No stub under the token names it: neither the address nor the message is ours."""
    case.heartbeat()
    bob = "bob@contoso.example"
    case.access(1, "mia-2", ["<b@contoso.example>"], "09:05:00", MailboxOwnerUPN=bob, UserId=bob, MailboxGuid="b")

    assert [d["kind"] for d in case.tenant()["discrepancies"]] == ["replayed-token"]


def test_a_listing_of_ours_by_object_id_explains_what_graph_opened_for_it(case):
    """A listing names no message, and Graph writes rows for what it opened in that mailbox."""
    case.heartbeat()
    uri = f"/v1.0/users/{OBJECT_ID}/messages"
    case.call(1, "crid-2", resource=uri, mailbox=OBJECT_ID, message_ids=[])
    case.graph(1, "crid-2", "req-2", requestUri=f"https://graph.microsoft.com{uri}")
    case.access(1, "mia-2", ["<m7@contoso.example>"], "09:03:00")

    assert case.tenant()["state"] == "clean"


def test_message_ids_without_angle_brackets_are_the_same_message_ids(case):
    """A stranger's program may have kept them bare."""
    assert one_read(case, None, message="m1@contoso.example")["state"] == "clean"


def test_a_login_is_no_access(case):
    """Exchange notes that our token logged in to a mailbox: nothing was read or changed by that."""
    case.heartbeat().access(1, "login", [], Operation="MailboxLogin", Folders=[])

    assert case.tenant()["state"] == "clean"


def test_ids_of_another_kind_accuse_nobody(case):
    """A stub that lists Graph's ids cannot be compared with a row that lists Message-IDs."""
    case.heartbeat().stubs[-1]["message_ids"] = ["AAMk1"]
    tenant = case.tenant()

    assert tenant["state"] == "cannot-say"
    assert ("unexplained", "ids-of-another-kind") in {(e["kind"], e["rule"]) for e in tenant["discrepancies"]}


def test_an_attachment_that_we_read_over_graph_names_no_message(case):
    """Graph's own log would show another call; without a call of ours to attachments nobody can say whose it was."""
    attachment = "/users/alice@contoso.example/messages/AAMk1/attachments/AT1"
    case.heartbeat().access(1, "attachment", [], Operation="AttachmentAccess", Folders=[])
    alone = case.tenant()
    case.call(1, "crid-2", resource=f"/v1.0{attachment}")
    case.graph(1, "crid-2", "req-2", requestUri=f"https://graph.microsoft.com/v1.0{attachment}")

    assert alone["state"] == "cannot-say"
    assert {(e["kind"], e["rule"]) for e in alone["discrepancies"]} == {("unexplained", "access-names-no-message")}
    assert case.tenant()["state"] == "clean"
