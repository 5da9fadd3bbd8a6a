"""A later answer says what it says otherwise than an earlier one, and why."""

import json

import pytest

from counterfoil.evidence.changes import change_lines, changes, snapshot, snapshot_of
from counterfoil.model.errors import Refused

TENANT = "11111111-1111-1111-1111-111111111111"
SHA1 = "B45A29F60A83B210302B174E58386EFBB612EAA1"
OTHER = "99999999-9999-9999-9999-999999999999"


def taken(case, **window):
    """The snapshot of an answer about the case as it stands."""
    answer = case.answer(**window)
    return snapshot(answer.document, (answer.window.since, answer.window.until), answer.window.as_of)


def between(before, after):
    """The changes as (name, state before, state after, reasons)."""
    return [(c["name"], c["before"], c["after"], c["because"]) for c in changes(before, after, {TENANT: "Contoso"})]


@pytest.fixture
def early(case):
    """Our hour, and a call under a token whose sign-in has not arrived: nobody can say whose it is."""
    case.heartbeat()
    case.graph(7, "x", "req-7", "09:31:00", ipAddress="198.51.100.9")
    return case


def test_a_row_that_came_later_tells_whose_the_use_was(early):
    """The sign-in arrives: what was unexplained is a theft, said as one change with its rule."""
    before = taken(early)
    early.signin(7, "09:30:00", ipAddress="198.51.100.9")
    ((name, was, now, because),) = between(before, taken(early))

    assert (name, was, now) == ("Contoso", "cannot-say", "touched")
    assert because[0].startswith(f"found now: stolen-certificate by {SHA1}, 2 rows, 2026-10-05 09:30:00 to 09:31:00")
    assert any(line.startswith("1 row of unexplained by") and "explained now" in line for line in because)


def test_rows_that_were_missing_make_it_clean(case):
    """An hour whose rows had not arrived is proven later: the change says how many hours and in which log."""
    case.heartbeat()
    late = case.mail
    case.mail = []
    before = taken(case)
    case.mail = late
    ((_, was, now, because),) = between(before, taken(case))

    assert (was, now) == ("cannot-say", "clean")
    assert because == ["mailbox-audit: 1 hour more proven, 1 now"]


def test_the_same_again_is_no_change(early):
    """Reconciling the same logs twice changes nothing, and so it is said."""
    before = taken(early)
    assert between(before, taken(early)) == []
    lines = [line.text for line in change_lines([], "of yesterday", None)]
    assert lines == ["", "Nothing changed since the answer of yesterday"]


def test_more_rows_of_the_same_theft_are_counted(early):
    """The state stays, and the number of rows is told beside the one before."""
    early.signin(7, "09:30:00")
    before = taken(early)
    early.access(7, "mia-7", ["<m2@contoso.example>"], "09:32:00")
    ((_, was, now, because),) = between(before, taken(early))

    assert (was, now) == ("touched", "touched")
    assert because == [f"stolen-certificate by {SHA1}: 3 rows, 2 before"]


def test_what_is_left_behind_and_was_not_known(early):
    """A rule that a later log shows is named as new."""
    early.signin(7, "09:30:00")
    before = taken(early)
    early.access(7, "rule-1", (), "09:32:00", Operation="New-InboxRule", Folders=None, OperationProperties=None,
                 Parameters=[{"Name": "ForwardTo", "Value": "x@evil.example"}])  # fmt: skip
    ((*_, because),) = between(before, taken(early))

    assert "left behind, and not known before: forwarding: New-InboxRule: ForwardTo x@evil.example" in because


def test_a_theft_outside_of_the_window_is_not_explained_away(early):
    """Asked about a later hour, the answer says that the old finding lies outside, and not that it is explained."""
    early.signin(7, "09:30:00")
    before = taken(early)
    ((_, was, now, because),) = between(before, taken(early, since="10:00:00", until="11:00:00"))

    assert (was, now) == ("touched", "cannot-say")
    assert any("outside the window of this answer" in line for line in because)
    assert not any("explained now" in line for line in because)


def test_logs_that_were_given_before_and_not_now(case):
    """Fewer proven hours are told even where the state stays."""
    case.heartbeat()
    before = taken(case)
    case.signins, case.files = [], {"note.txt": b"nothing"}
    (case.folder / "logs" / "signins.json").unlink()
    ((_, was, now, because),) = between(before, taken(case))

    assert (was, now) == ("clean", "cannot-say")
    assert "sign-ins: 1 hour fewer proven, 0 now" in because


def test_tenants_that_come_and_go(case):
    """A tenant that is new in the books, or no longer there, is named with its one state."""
    case.heartbeat()
    before = taken(case)
    case.connect(OTHER, connected=False)
    after = taken(case)

    assert between(before, after) == [(OTHER, None, "clean", [])]
    assert between(after, before) == [(OTHER, "clean", None, [])]


def test_an_answer_of_another_program_can_be_compared_with(early):
    """The JSON answer of any earlier run is enough, without the window it does not tell."""
    answer = early.answer()
    early.signin(7, "09:30:00")

    before = snapshot_of(json.loads(json.dumps(answer.document)))

    assert between(before, taken(early))[0][1:3] == ("cannot-say", "touched")


@pytest.mark.parametrize(
    "answer", [{}, [], None, {"tenants": [{}]}, {"tenants": [{"tenant": "t", "discrepancies": 1}]}]
)
def test_what_is_no_answer_is_refused(answer):
    """A file of something else is an error with what to do, not a list of changes."""
    with pytest.raises(Refused, match="the earlier answer lacks something"):
        snapshot_of(answer)


def test_the_worst_comes_first_in_words_for_a_person(early):
    """Each tenant with its states and reasons, folded into the terminal."""
    before = taken(early)
    early.signin(7, "09:30:00", ipAddress="198.51.100.9")
    lines = [line.text for line in change_lines(changes(before, taken(early), {TENANT: "Contoso"}), "of Monday", 80)]

    assert lines[1] == "New since the answer of Monday"
    assert lines[3] == "Contoso: cannot-say before, touched now"
    assert max(map(len, lines)) <= 80
