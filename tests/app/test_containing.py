"""Containment in the laboratory: jobs wait, mail does not, and the gap is shown."""

from contextlib import suppress

import pytest
from tests.app.laboratory import place
from tests.app.test_rotation import connected

from counterfoil import clock
from counterfoil.app import containing, telling
from counterfoil.app.drill.cast import Opening, Part, Wanted
from counterfoil.app.drill.customers import shared_key, take_on
from counterfoil.app.drill.life import Heartbeats
from counterfoil.app.drill.rotating import PACE
from counterfoil.app.drill.stage import stage
from counterfoil.app.drill.traffic import Traffic, copies
from counterfoil.gateway.store.tenants import Operator, Tenants
from counterfoil.incident.facts import telling as told
from counterfoil.incident.record import Kind, Origin, Status, Subject
from counterfoil.incident.store import Incidents
from counterfoil.model.errors import Refused
from counterfoil.tenant.token import TokenRefused, Tokens

GRAPH = "https://graph.microsoft.com"
ROBBED = Wanted("robbed", "Robbed", ("robbed.example",), Part.READ, (Opening(),))


def opened(ledger, books, connection):
    """An incident about the current certificate of a connection."""
    mark = books.connections.current(connection).thumbprint_sha256
    store = Incidents(ledger)
    store.open("leak", Origin.OPERATOR, Status.OPEN, Subject((mark,)), words="x", by=Operator("ada", clock.now()))
    return store


def shut(books, store, connections, how="disable"):
    """Shut connections."""
    return containing.contain(books, store, "leak", connections, how=how, why="it is stolen", who="grace")


@pytest.mark.timeout(110)
def test_mail_flows_while_a_connection_is_shut_and_its_jobs_wait(tmp_path):
    """Real gateway, real signer: every message is delivered, the heartbeat waits, and goes on after the release."""
    with stage(tmp_path, 1, {}) as here:
        (customer,) = customers = take_on(here, [ROBBED], shared_key(), lambda _: None)
        beats = Heartbeats(here, customers)
        store = opened(here.state.ledger, here.books, customer.mail)
        (outcome,) = shut(here.books, store, [customer.mail])
        assert outcome.done
        traffic = Traffic(here, customers, pause=0.0)
        for number in range(1, 6):
            traffic.send(number, customer.mailboxes[0])
        beats.beat()
        assert traffic.sent.acknowledged == {1, 2, 3, 4, 5}
        assert copies(here, customers) == dict.fromkeys(range(1, 6), 1)
        assert "is disabled" in beats.waiting[customer.name] or "refused" in beats.waiting[customer.name]
        (known,) = telling.customers(store, store.one("leak"), here.state.tenants, PACE)
        assert known.refused >= 1
        assert any(f"({known.refused} attempt" in did.words for did in told(known).did)
        containing.release(here.books, store, "leak", [customer.mail], "grace")
        beats.beat()
        assert beats.waiting == {}
        assert store.one("leak").containments[0].released is not None


@pytest.fixture
def at(tmp_path):
    """A laboratory without a gateway."""
    with place(tmp_path) as made:
        yield made


def test_removing_takes_every_key_and_secret_from_the_application(at):
    """Afterwards the application lists nothing, and our own key is refused as unknown."""
    mail, _ = connected(at, "one")
    at.lab.operate("admin_add_secret", app_id=mail.app)
    store = opened(at.books.ledger, at.books, mail)
    assert shut(at.books, store, [mail], "remove")[0].done
    listed = at.lab.operate("credentials", app_id=mail.app)
    assert (listed["keys"], listed["secrets"], listed["federations"]) == ([], [], [])
    tokens = Tokens(mail, at.books.connections.current(mail), at.books.through.for_use, at.books.means)
    with pytest.raises(TokenRefused, match="700027"):
        tokens.fresh(GRAPH, at.books.new_job("heartbeat", ""))


def test_a_gap_ends_where_real_use_works_again_and_not_where_the_order_ends(at):
    """Released without a key it stays shut: attempts go on being counted, of each order those after it alone."""
    mail, _ = connected(at, "one")
    store = opened(at.books.ledger, at.books, mail)
    current = at.books.connections.current(mail)
    tokens = Tokens(mail, current, at.books.through.for_use, at.books.means)
    tenants = Tenants(at.books.ledger.engine, at.books.ledger)

    def gaps():
        (known,) = telling.customers(store, store.one("leak"), tenants, PACE)
        return [(c.how, c.refused, c.again is not None) for c in known.containments]

    def use():
        with suppress(TokenRefused):
            tokens.fresh(GRAPH, at.books.new_job("heartbeat", ""))

    shut(at.books, store, [mail], "disable")
    use()
    shut(at.books, store, [mail], "remove")
    containing.release(at.books, store, "leak", [mail], "grace")
    use()
    assert gaps() == [("disable", 2, False), ("remove", 1, False)]
    at.upload(mail, current)
    use()
    assert gaps() == [("disable", 2, True), ("remove", 1, True)]


def test_one_that_cannot_be_shut_does_not_keep_the_others_open(at):
    """Without a control application the words say what to do; the record shows the attempt and no containment."""
    mail, _ = connected(at, "one")
    alone = at.register("two", "mail", ["Mail.ReadWrite"])
    at.connect(alone)
    store = opened(at.books.ledger, at.books, mail)
    outcomes = shut(at.books, store, [alone, mail])
    assert [o.done for o in outcomes] == [False, True]
    assert "has no control application" in outcomes[0].words
    assert [(c.tenant, c.done) for c in store.one("leak").containments] == [
        (alone.tenant_id, False),
        (mail.tenant_id, True),
    ]
    assert at.lab.operate("credentials", app_id=mail.app)["keys"]


def test_the_order_is_in_the_ledger_before_it_is_carried_out(at):
    """Who, why and how stand in a stub of that tenant that is older than the call which shuts it."""
    mail, _ = connected(at, "one")
    store = opened(at.books.ledger, at.books, mail)
    shut(at.books, store, [mail])
    rows = list(at.books.ledger.stubs(tenant=mail.tenant_id))
    order = next(r for r in rows if r.stub.body.get("action") == "incident-containing")
    call = next(r for r in rows if r.stub.kind == "call" and r.stub.body["method"] == "PATCH")
    assert order.index < call.index
    assert order.stub.body["actor"] == "grace"
    assert order.stub.body["detail"] == {
        "words": "about to disable: it is stolen",
        "app": mail.app,
        "how": "disable",
        "why": "it is stolen",
    }


def test_what_is_not_shut_cannot_be_released(at):
    """A release without a containment is a mistake of the operator."""
    mail, _ = connected(at, "one")
    store = opened(at.books.ledger, at.books, mail)
    with pytest.raises(Refused, match="no connection that was named is shut"):
        containing.release(at.books, store, "leak", [mail], "grace")
    assert store.one("leak").of(Kind.RELEASED) == []
