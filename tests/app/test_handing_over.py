"""The shape of 2021 in the laboratory: an administrator's hand, and real use that sees it."""

from datetime import timedelta

import pytest
from tests.app.laboratory import place

from counterfoil import clock
from counterfoil.app import connecting, handing_over, incidents
from counterfoil.app.telling import Names
from counterfoil.credential import registry
from counterfoil.gateway.store.tenants import Operator
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
    (entry,) = handing_over.handovers(store.one("leak"))
    handing_over.observe(at.books, store, "leak", entry, "ada")
    return handing_over.stands(store.one("leak"), entry, clock.now())


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
    assert len(handing_over.handovers(asked.one("leak"))) == 1
