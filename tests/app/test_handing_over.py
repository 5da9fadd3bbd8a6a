"""The shape of 2021 in the laboratory: an administrator's hand, and real use that sees it."""

from datetime import timedelta

import pytest
from tests.app.laboratory import place

from counterfoil import clock
from counterfoil.app import connecting, handing_over, incidents
from counterfoil.app.telling import Names
from counterfoil.credential import registry
from counterfoil.gateway.store.tenants import Operator
from counterfoil.incident.asked import handovers, stands
from counterfoil.incident.notice import Paper
from counterfoil.incident.notices import Notices
from counterfoil.incident.record import Origin, Status, Subject
from counterfoil.incident.store import Incidents
from counterfoil.model.trust import CredentialState


@pytest.fixture
def at(tmp_path):
    """A laboratory with one connection that has no control application."""
    with place(tmp_path) as made:
        mail = made.register("one", "mail", ["Mail.ReadWrite"])
        made.connect(mail)
        made.mail = mail
        yield made


@pytest.fixture
def asked(at):
    """The administrator of that connection was asked."""
    return asks(at)


def asks(at):
    """Ask the administrator of that connection."""
    old = at.books.connections.current(at.mail)
    store = Incidents(at.books.ledger)
    by = Operator("ada", clock.now())
    subject = Subject((old.thumbprint_sha256,))
    incident = store.open("leak", Origin.OPERATOR, Status.OPEN, subject, words="x", by=by)
    handing_over.hand_over(
        at.books,
        store,
        "leak",
        incidents.concerned(at.books.ledger, incident.subject),
        Names({at.mail.tenant_id: "one"}, {at.mail.tenant_id: "One & Co"}),
        deadline=clock.now() + timedelta(days=1),
        sender="Example",
        who="ada",
    )
    return store


def pem(at, generation):
    """The certificate of a generation."""
    name = f"{at.mail.tenant_id}/{at.mail.app}/{generation}"
    return connecting.as_pem(registry.certificate_of(at.books.ledger.engine, name))


def look(at, store):
    """Look once; say where it stands."""
    (entry,) = handovers(store.one("leak"))
    handing_over.observe(at.books, store, "leak", entry, "ada")
    return stands(store.one("leak"), entry, clock.now())


def test_the_page_carries_the_new_certificate_and_the_old_one_is_tainted(at, asked):
    """From the first moment nobody of us signs with the old key; the page holds the PEM to upload."""
    (paper,) = Notices(asked).all("leak", Paper.STEPS)
    assert pem(at, 2).strip() in paper.text
    states = {c.generation: c.state for c in registry.listed(at.books.ledger.engine, at.mail.tenant_id)}
    assert states == {1: CredentialState.TAINTED, 2: CredentialState.STAGED}


def test_untouched_is_open_and_replaced_is_done_by_real_use(at, asked):
    """The old key works: open. Replaced in one step: done, and the new key is the current one."""
    assert look(at, asked).state == "open"
    at.lab.operate("admin_set_keys", app_id=at.mail.app, certificates_pem=[pem(at, 2)])
    done = look(at, asked)
    assert (done.state, done.gap_since) == ("done", None)
    assert at.books.connections.current(at.mail).generation == 2


def test_added_without_deleting_is_not_done(at, asked):
    """As long as the old key is accepted it stays open, whatever the administrator says."""
    at.lab.operate("admin_set_keys", app_id=at.mail.app, certificates_pem=[pem(at, 1), pem(at, 2)])
    assert look(at, asked).state == "added"


def test_deleted_first_shows_the_gap_and_ends_it(at, asked):
    """Between the deletion and the new certificate no key works; both ends are in the record."""
    at.lab.operate("admin_set_keys", app_id=at.mail.app, certificates_pem=[])
    first = look(at, asked)
    assert (first.state, first.gap_until) == ("deleted-first", None)
    at.lab.operate("admin_set_keys", app_id=at.mail.app, certificates_pem=[pem(at, 2)])
    done = look(at, asked)
    assert done.state == "done"
    assert done.gap_since == first.gap_since
    assert done.gap_until > done.gap_since


def test_asking_again_makes_no_second_certificate(at, asked):
    """A reminder carries the same certificate."""
    incident = asked.one("leak")
    some = incidents.concerned(at.books.ledger, incident.subject)
    handing_over.hand_over(
        at.books, asked, "leak", some, Names({}, {}), deadline=clock.now(), sender="Example", who="ada"
    )
    assert len(registry.listed(at.books.ledger.engine, at.mail.tenant_id)) == 2
    assert len(handovers(asked.one("leak"))) == 1


def made_anew(at):
    """The administrator deletes the application for good and registers a new one; we enter and test it."""
    at.lab.operate("admin_delete_application", app_id=at.mail.app)
    fresh = at.register("one", "mail again", ["Mail.ReadWrite"], tenant_id=at.mail.tenant_id)
    assert at.connect(fresh).works
    return fresh


def test_a_connection_that_was_made_anew_is_done_by_real_use(at, asked):
    """Deleted first: the gap is shown. Then a new application works, the old key opens nothing, and the gap ends."""
    at.lab.operate("admin_delete_application", app_id=at.mail.app)
    first = look(at, asked)
    assert (first.state, first.gap_until) == ("deleted-first", None)
    fresh = at.register("one", "mail again", ["Mail.ReadWrite"], tenant_id=at.mail.tenant_id)
    assert look(at, asked).state == "deleted-first", "registered, and not entered"
    at.connect(fresh)
    done = look(at, asked)
    assert done.state == "done"
    assert "a new one works" in done.words
    assert done.gap_until > done.gap_since == first.gap_since


def test_what_was_taken_out_of_the_register_is_looked_at_all_the_same(at, asked):
    """Whoever entered the new application removes the old connection; the old key is still tried."""
    made_anew(at)
    connecting.leave(at.books, at.mail, "ada")
    assert look(at, asked).state == "done"


def test_a_new_application_beside_the_old_one_is_not_done(at, asked):
    """The thief's key still opens the old one."""
    at.connect(at.register("one", "mail again", ["Mail.ReadWrite"], tenant_id=at.mail.tenant_id))
    assert look(at, asked).state == "added"


def test_an_application_that_is_only_switched_off_is_not_done(at, asked):
    """Its old certificate works again as soon as somebody switches it on."""
    at.lab.operate("admin_enable", tenant=at.mail.tenant_id, app_id=at.mail.app, enabled=False)
    at.connect(at.register("one", "mail again", ["Mail.ReadWrite"], tenant_id=at.mail.tenant_id))
    assert look(at, asked).state == "added"


def test_a_connection_that_was_there_before_is_no_new_one(at):
    """Another connection of the same customer that works says nothing about the one that is to be replaced."""
    at.connect(at.register("one", "other", ["Mail.Read"], tenant_id=at.mail.tenant_id))
    store = asks(at)
    at.lab.operate("admin_delete_application", app_id=at.mail.app)
    assert look(at, store).state == "deleted-first"
