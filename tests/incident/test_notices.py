"""Notices on disk: approval is of one text, and who was told is in the ledger of that tenant."""

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.incident.conftest import BY, NOW
from tests.incident.test_store import opened

from counterfoil.gateway.store.tenants import Operator
from counterfoil.incident.notice import Notice, Paper, State
from counterfoil.incident.notices import Notices
from counterfoil.incident.record import Kind, Said
from counterfoil.model.errors import Refused

GRACE = Operator("grace", NOW)


def draft(tenant, text="text"):
    """A draft."""
    return Notice("leak", tenant, Paper.FACTS, "subject", "<p>", text, State.DRAFT, "ada", NOW)


@pytest.fixture
def notices(store):
    """Notices of an open incident, two of them drafted."""
    opened(store)
    made = Notices(store)
    made.draft("leak", [draft("t1"), draft("t2")], BY)
    return made


def test_a_draft_is_not_told(notices):
    """Law: a person approves first."""
    with pytest.raises(Refused, match="not approved"):
        notices.told(draft("t1"), "telephone", "x", {}, BY)


def test_approval_names_the_person_and_the_text(notices, store):
    """The ledger of that tenant holds who approved what, and of no other tenant."""
    (one,) = notices.approve("leak", notices.all("leak", tenant="t1"), GRACE)
    assert (one.state, one.approved_by) == (State.APPROVED, "grace")
    said = [row.stub for row in store.ledger.stubs(tenant="t1") if row.stub.body["action"] == "notice-approved"]
    assert [(s.body["actor"], s.body["detail"]["sha256"]) for s in said] == [("grace", one.sha256)]
    assert [n.state for n in notices.all("leak", tenant="t2")] == [State.DRAFT]


def test_a_text_that_changed_has_to_be_approved_again(notices):
    """New facts lose the approval; the same text keeps it."""
    notices.approve("leak", notices.all("leak"), GRACE)
    notices.draft("leak", [draft("t1", "more"), draft("t2")], BY)
    assert {n.tenant: n.state for n in notices.all("leak")} == {"t1": State.DRAFT, "t2": State.APPROVED}


def test_what_was_read_is_what_is_approved(notices):
    """A draft that was replaced after it was read is not approved unseen."""
    read = notices.all("leak", tenant="t1")
    notices.draft("leak", [draft("t1", "more")], BY)
    with pytest.raises(Refused, match="drafted again meanwhile"):
        notices.approve("leak", read, GRACE)


def test_who_was_told_is_in_the_ledger(notices, store):
    """When, how, by whom and which text."""
    (one,) = notices.approve("leak", notices.all("leak", tenant="t1"), GRACE)
    notices.told(one, "telephone", "told Bob", {"to": "Bob"}, GRACE)
    (stub,) = [r.stub for r in store.ledger.stubs(tenant="t1") if r.stub.body["action"] == "incident-told"]
    assert stub.body["detail"] == {
        "words": "told Bob",
        "to": "Bob",
        "how": "telephone",
        "paper": "facts",
        "sha256": replace(one).sha256,
    }
    assert store.one("leak").told("t1")
    assert not store.one("leak").told("t2")


def corrected(store):
    """Put a scope in after what was drafted."""
    store.add("leak", Said(Kind.SCOPE, "2 touched"), Operator("ada", NOW + timedelta(hours=1)))


def test_facts_that_were_drafted_before_the_scope_was_corrected_never_go_out(notices, store):
    """They are withdrawn, approved or not: not approved any more, not told, not exported, also not from memory."""
    (approved,) = notices.approve("leak", notices.all("leak", tenant="t1"), GRACE)
    corrected(store)
    assert [n.state for n in notices.all("leak")] == [State.WITHDRAWN, State.WITHDRAWN]
    assert notices.approve("leak", notices.all("leak"), GRACE) == []
    for notice in (approved, *notices.all("leak")):
        with pytest.raises(Refused, match="withdrawn"):
            notices.told(notice, "telephone", "x", {}, BY)
        with pytest.raises(Refused, match="withdrawn"):
            notices.exported(notice, "x", BY)
        with pytest.raises(Refused, match="withdrawn"):
            notices.told(notice, "mail", "about to", {"result": "unknown"}, BY)


def test_a_withdrawn_text_that_is_drafted_again_needs_its_approval_again(notices, store):
    """Even word for word: whoever approved it did not know of the correction."""
    notices.approve("leak", notices.all("leak", tenant="t1"), GRACE)
    corrected(store)
    later = replace(draft("t1"), drafted=NOW + timedelta(hours=2))
    notices.draft("leak", [later], Operator("ada", NOW + timedelta(hours=2)))
    assert {n.tenant: n.state for n in notices.all("leak")} == {"t1": State.DRAFT, "t2": State.WITHDRAWN}


def test_what_came_of_an_attempt_is_written_down_though_the_scope_was_corrected_meanwhile(notices, store):
    """The mail is out: the record may not miss it."""
    (approved,) = notices.approve("leak", notices.all("leak", tenant="t1"), GRACE)
    corrected(store)
    notices.told(approved, "mail", "mailed", {"result": "accepted"}, BY)
    assert store.one("leak").told("t1")


def test_steps_stay_when_the_scope_is_corrected(notices, store):
    """What an administrator has to do by hand does not depend on who was touched."""
    notices.draft("leak", [replace(draft("t1"), paper=Paper.STEPS)], BY)
    corrected(store)
    assert [n.state for n in notices.all("leak", Paper.STEPS)] == [State.DRAFT]
