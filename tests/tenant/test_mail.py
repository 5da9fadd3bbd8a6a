"""Mail over Graph: what is done once stays once, whatever becomes of the answers."""

from tests.tenant.conftest import ALICE

from counterfoil.tenant.mail import Found


def message(connected, wanted):
    """The message of the inbox with this Message-ID."""
    return next(m for m in connected.mail.list(ALICE, connected.job()) if m.message_id == wanted)


def in_folder(connected, folder, wanted):
    """How many messages of a folder have this Message-ID."""
    return sum(m.message_id == wanted for m in connected.mail.list(ALICE, connected.job(), folder))


def test_a_move_whose_answer_is_lost_is_seen_to_be_done(connected):
    """Every change is done and answered 504: the move looks, finds the message there, and moves it once."""
    (wanted,) = connected.put()
    found = message(connected, wanted)
    connected.dial(timeout_share=1.0)
    job = connected.job()
    moved = connected.mail.move(found, "junkemail", job)
    connected.dial(timeout_share=0.0)
    assert moved.id == found.id
    assert in_folder(connected, "junkemail", wanted) == 1
    moves = {s["client_request_id"] for s in connected.stubs(job) if s["resource"].endswith("/move")}
    assert len(moves) == 1


def test_an_answer_that_is_cut_off_is_no_answer(connected):
    """A connection that breaks in the middle of the answer is treated alike."""
    (wanted,) = connected.put()
    found = message(connected, wanted)
    connected.dial(cut_share=1.0)
    connected.mail.move(found, "junkemail", connected.job())
    connected.dial(cut_share=0.0)
    assert in_folder(connected, "junkemail", wanted) == 1


def test_a_draft_whose_answer_is_lost_is_not_made_twice(connected):
    """The folder is searched for the Message-ID before anything is made again."""
    wanted = "<draft@b.example>"
    mime = f"From: a@b.example\r\nSubject: d\r\nMessage-ID: {wanted}\r\n\r\nHi\r\n".encode()
    connected.dial(timeout_share=1.0)
    connected.mail.create(ALICE, mime, wanted, connected.job())
    connected.dial(timeout_share=0.0)
    assert in_folder(connected, "drafts", wanted) == 1


def test_deleting_is_done_once_too(connected):
    """Deleted and purged behind lost answers, each message is where it belongs."""
    soft, hard = connected.put(2)
    first, second = message(connected, soft), message(connected, hard)
    connected.dial(timeout_share=1.0)
    connected.mail.delete(first, connected.job())
    connected.mail.delete_for_good(second, connected.job())
    connected.dial(timeout_share=0.0)
    assert in_folder(connected, "recoverableitemsdeletions", soft) == 1
    assert in_folder(connected, "recoverableitemsdeletions", hard) == 0
    assert not in_folder(connected, "inbox", hard)


def test_many_are_moved_in_batches_and_each_is_accounted_for(connected):
    """In a storm with lost answers every message is moved exactly once; one that never was is named."""
    wanted = connected.put(9)
    found = [m for m in connected.mail.list(ALICE, connected.job()) if m.message_id in wanted]
    nobody = Found(ALICE, found[0].id[:-8] + "AAAAAAA=", "<x@y>", "")
    connected.dial(timeout_share=0.3, throttle_share=0.1)  # more often, and a call may use up its tries
    outcome = connected.mail.move_all([*found, nobody], "deleteditems", connected.job())
    connected.dial(timeout_share=0.0, throttle_share=0.0)
    assert [outcome[m.id] for m in found] == [None] * 9
    assert "404" in str(outcome[nobody.id]) or "Error" in str(outcome[nobody.id])
    assert all(in_folder(connected, "deleteditems", one) == 1 for one in wanted)


def test_delta_tells_what_is_new_and_what_is_gone(connected):
    """The first round shows what is there; the next only what came and what went, under immutable ids."""
    connected.put()
    mail = connected.mail
    first = mail.changes(ALICE, connected.job())
    (wanted,) = connected.put()
    mail.delete(first.found[0], connected.job())
    second = mail.changes(ALICE, connected.job(), first.onward)
    assert [m.message_id for m in second.found] == [wanted]
    assert second.gone == (first.found[0].id,)
    assert not mail.changes(ALICE, connected.job(), second.onward).found


def test_a_delta_token_that_is_no_more_begins_again(connected):
    """410 from Graph means the whole folder once more, not an error."""
    connected.put()
    path = f"/v1.0/users/{ALICE}/mailFolders/inbox/messages/delta?$deltatoken=bm9uZQ"
    assert connected.mail.changes(ALICE, connected.job(), path).found


def test_a_moved_message_keeps_its_id(connected):
    """Ids are immutable: moved away and back, the message is read under the id it was found by."""
    (wanted,) = connected.put()
    found = message(connected, wanted)
    connected.mail.move(found, "archive", connected.job())
    assert wanted.encode() in connected.mail.mime(found, connected.job())
    assert connected.mail.move(found, "inbox", connected.job()).id == found.id
