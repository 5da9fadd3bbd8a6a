"""The record is what its entries add up to."""

from datetime import timedelta

import pytest
from tests.incident.conftest import NOW

from counterfoil.incident.record import Entry, Kind, Said, Status, fold
from counterfoil.incident.store import reference_of
from counterfoil.model.errors import Refused

OPENED = Said(Kind.OPENED, "seen", detail={"origin": "operator", "status": "open", "thumbprints": ["AA"]})


def record(*said):
    """An incident out of entries a minute apart."""
    lines = [Entry(n, NOW + timedelta(minutes=n), "ada", one) for n, one in enumerate((OPENED, *said), 1)]
    return fold("leak", "CF-1", lines)


def at(minute):
    """The time of the entry of this number."""
    return NOW + timedelta(minutes=minute)


def shut(kind, how="disable"):
    """An entry about one connection."""
    return Said(kind, "words", "t1", {"app": "a1", "how": how, "why": "stolen"})


def test_a_record_without_its_opening_is_refused():
    """Rows that were taken away are noticed."""
    with pytest.raises(Refused, match="does not begin with its opening"):
        fold("leak", "CF-1", [Entry(2, NOW, "ada", Said(Kind.NOTE, "x"))])


def test_a_containment_that_was_only_meant_is_not_done():
    """Between the intent and the result the record says that the connection may be shut."""
    meant = record(shut(Kind.CONTAINING)).containments
    assert [(c.done, c.released) for c in meant] == [(False, None)]


def test_a_containment_counts_from_when_it_was_confirmed_until_it_was_released():
    """The gap that is shown is the time in which it was shut."""
    (one,) = record(shut(Kind.CONTAINING), shut(Kind.CONTAINED), shut(Kind.RELEASED)).containments
    assert (one.since, one.released, one.by, one.why) == (at(3), at(4), "ada", "stolen")


def test_disabling_and_removing_end_each_by_itself():
    """A connection that is both does not count as open because one of the two was released."""
    found = record(
        *(shut(kind, how) for how in ("disable", "remove") for kind in (Kind.CONTAINING, Kind.CONTAINED)),
        shut(Kind.RELEASED, "remove"),
    ).containments
    assert [(c.how, c.released) for c in found] == [("disable", None), ("remove", at(6))]


def test_a_connection_may_be_shut_twice():
    """After a release the next order is a containment of its own."""
    again = (shut(Kind.CONTAINING), shut(Kind.CONTAINED))
    found = record(*again, shut(Kind.RELEASED), *again).containments
    assert [c.released is None for c in found] == [False, True]


def test_a_review_becomes_open_once_somebody_was_touched():
    """An answer that finds a theft turns a review into an incident; one that finds none does not."""
    review = Said(Kind.OPENED, "seen", detail={"origin": "review", "status": "review"})
    none, some = (Said(Kind.SCOPE, "x", detail={"touched": n}) for n in (0, 2))
    states = [
        fold("leak", "CF-1", [Entry(n, NOW, "ada", s) for n, s in enumerate(lines, 1)]).status
        for lines in ((review, none), (review, some), (review, some, Said(Kind.CLOSED, "x")))
    ]
    assert states == [Status.REVIEW, Status.OPEN, Status.CLOSED]


@pytest.mark.parametrize(
    ("detail", "told"),
    [
        ({"how": "mail", "result": "accepted"}, True),
        ({"how": "telephone"}, True),
        ({"how": "mail", "result": "unknown"}, False),
        ({"how": "mail", "result": "not accepted"}, False),
        ({"how": "export"}, False),
        ({"how": "their-word"}, False),
    ],
)
def test_told_is_only_who_has_it(detail, told):
    """A file on our disk, an attempt, and the customer's own word are not telling."""
    assert record(Said(Kind.TOLD, "x", "t1", detail)).told("t1") is told
    assert not record(Said(Kind.TOLD, "x", "t1", detail)).told("t2")


def test_a_task_is_done_by_its_number():
    """Tasks are numbered by their entries."""
    tasks = record(
        Said(Kind.TASK, "call them", detail={"owner": "bob", "due": ""}), Said(Kind.TASK_DONE, "x", detail={"task": 2})
    ).tasks
    assert [(t.number, t.owner, t.done) for t in tasks] == [(2, "bob", at(3))]


def test_a_person_is_as_entered_last():
    """The newer address counts; people of two customers with one name are two."""

    def bob(address, tenant="t1"):
        return Said(Kind.PERSON, "Bob", tenant, {"name": "Bob", "role": "administrator", "address": address})

    found = record(bob("old@a.example"), bob("bob@b.example", "t2"), bob("new@a.example"))
    assert [(p.address, p.tenant) for p in found.people] == [("new@a.example", "t1"), ("bob@b.example", "t2")]
    assert found.document()["people"][0] == {
        "name": "Bob",
        "role": "administrator",
        "address": "new@a.example",
        "tenant": "t1",
    }


def test_the_reference_says_nothing_of_the_name():
    """Customers read the reference; the name may hold another customer's."""
    reference = reference_of("contoso leak", NOW)
    assert reference.startswith("CF-20261124-")
    assert "contoso" not in reference.lower()
    assert reference != reference_of("fabrikam leak", NOW)
