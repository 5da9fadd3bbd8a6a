"""Faults: what each takes away or changes in the books of one tenant, and what it leaves alone."""

from datetime import UTC, datetime, timedelta

import pytest

from counterfoil.cases import story
from counterfoil.cases.faults import FAULTS, RESTORED
from counterfoil.cases.rows import CUSTOMER, OURS
from counterfoil.cases.spell import VINTAGES

START = datetime(2026, 10, 5, tzinfo=UTC)
HOURS = 6


def tell(names, seed=1):
    """Two tenants without and with a thief and the fault, over Graph or EWS as chance has it."""
    known = story.known_names(names)
    stage = story.setting(START, HOURS / 24, 1, HOURS * 4, seed, known)
    return stage, story.tell(story.cast(1, seed, known)[0], stage)


def rows(part):
    """Every row of use."""
    return [*part.books.sign_ins, *part.books.graph, *part.books.mailbox]


@pytest.mark.parametrize(
    "name", ["loss", "delay", "retention", "unlicensed", "not-exported", "throttled", "quiet-hour"]
)
def test_a_fault_that_takes_rows_away_takes_some_and_not_all(name):
    """Something of ours is gone, and something is left to judge by."""
    _, whole = tell("none")
    _, spoiled = tell(name)
    assert 0 < len(rows(spoiled)) < len(rows(whole))
    assert FAULTS[name].shows, "abstaining is honest then"


def test_rows_are_late_or_gone_by_their_time():
    """A delay cuts the end off, retention the beginning."""
    stage, late = tell("delay")
    assert max(row.time for row in rows(late)) < stage.start + timedelta(hours=HOURS - 2)
    _, old = tell("retention")
    assert min(row.time for row in rows(old)) >= stage.start + timedelta(hours=HOURS // 2)


def test_an_hour_without_calls_has_neither_stubs_nor_rows_of_ours():
    """We did nothing then: that is no loss, and yet nothing proves the hour."""
    _, part = tell("quiet-hour")
    assert not any(row.time.hour == 1 for row in rows(part))
    assert not any(stub.get("time", "")[11:13] == "01" for stub in part.books.stubs if stub["kind"] != "job")


def test_an_answer_that_got_lost_leaves_the_row_and_empties_the_status():
    """The call reached Microsoft: its stub does not know so."""
    _, part = tell("lost-answers")
    calls = [stub for stub in part.books.stubs if stub["kind"] == "call"]
    lost = [stub for stub in calls if stub["status"] is None]
    assert 0 < len(lost) < len(calls)
    assert {stub["message_ids"][0] for stub in lost} <= {
        item.message_id for row in part.books.mailbox for item in row.items
    }


def test_the_administrators_key_is_neither_ours_nor_the_thiefs():
    """A person of the customer adds it to the service principal, and no stub of ours names it."""
    _, part = tell("administrator-key")
    (event,) = part.books.directory
    assert (event.origin, event.target) == (CUSTOMER, "ServicePrincipal")
    assert event.actor.startswith("admin@")


def test_a_lost_theft_leaves_everything_of_ours():
    """Only the thief's rows are gone; that is what nobody can find."""
    _, lost = tell("lost-theft,stolen-key")
    assert {row.origin for row in rows(lost)} == {OURS}
    calls = [stub for stub in lost.books.stubs if stub["kind"] == "call" and stub["message_ids"]]
    read = {item.message_id for row in lost.books.mailbox for item in row.items}
    assert {stub["message_ids"][0] for stub in calls} == read
    assert lost.undetectable


def test_every_fault_says_what_it_is_in_a_line():
    """The help and docs/simulate.md print these lines; a vintage has the name of its fault."""
    assert all(0 < len(fault.says) < 90 and fault.says[-1] != "." for fault in FAULTS.values())
    assert set(VINTAGES) <= set(FAULTS)
    assert RESTORED in FAULTS
