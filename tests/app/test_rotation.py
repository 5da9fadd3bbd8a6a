"""A rotation against the laboratory: real signer, real MSAL, real Graph calls, and a thief in one test."""

import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.app.laboratory import place

from counterfoil import clock
from counterfoil.app import campaigning, connecting, driving
from counterfoil.app.drill.customers import shared_key
from counterfoil.app.house import TenantHouse
from counterfoil.app.rotation import Driver, begin, taint
from counterfoil.credential.campaign import Pace
from counterfoil.credential.campaigns import Campaigns
from counterfoil.credential.collect import take_in
from counterfoil.credential.registry import listed
from counterfoil.credential.rotation import Kind, State
from counterfoil.credential.waves import Brakes
from counterfoil.model.errors import Refused
from counterfoil.model.trust import CredentialState
from counterfoil.tenant.door import Door
from counterfoil.tenant.token import Tokens

PACE = Pace(
    reads=2,
    successes=2,
    refusals=2,
    spacing=timedelta(seconds=0.3),
    propagation=timedelta(seconds=0.5),
    longest_token_life=timedelta(seconds=3),
)


@pytest.fixture
def at(tmp_path):
    """A laboratory whose tokens live three seconds."""
    with place(tmp_path, token_life_min=2.0, token_life_max=3.0) as made:
        yield made


def connected(at, name):
    """A tenant with a control application and a mail application that it owns; both connected."""
    control = at.register(name, "control", ["Application.ReadWrite.OwnedBy"])
    at.connect(control)
    mail = at.register(
        name, "mail", ["Mail.ReadWrite"], owners=[control.service_principal], tenant_id=control.tenant_id
    )
    assert at.connect(mail).works
    return mail, control


def campaign(at, kind, pairs):
    """Open a campaign over the mail connections; return its driver."""
    books, campaigns = at.books, Campaigns(at.books.ledger)
    opened, places = begin(
        books.ledger, books.connections, "c1", kind, [mail for mail, _ in pairs], now=clock.now(), actor="test"
    )
    if kind is Kind.COMPROMISE:
        taint(books.ledger, places, lambda name, state: mark(books, name, state))
    campaigns.open(opened, places)
    by_place = {f"{mail.tenant_id}/{mail.app}": (mail, control) for mail, control in pairs}

    def house(where, gate):
        mail, control = by_place[where.tenant]
        tokens = Tokens(control, books.connections.current(control), books.through.for_use, books.means)
        return TenantHouse(mail, Door(tokens), books, gate)

    return Driver(campaigns, house, PACE, Brakes(bake=timedelta(seconds=0.2)), clock=clock.now), campaigns


def mark(books, name, state):
    """Mark a credential at the signer and take its stub in."""
    take_in(books.ledger, books.custodian.mark(*name.split("/")[:2], name, state))


def run(driver, seconds=60):
    """Drive the campaign to its end."""
    stop = threading.Event()
    timer = threading.Timer(seconds, stop.set)
    timer.start()
    try:
        return driver.run("c1", stop, 0.1, lambda _: None)
    finally:
        timer.cancel()


def test_a_compromise_ends_with_new_keys_and_the_old_ones_dead(at):
    """Every tenant is done; only the new certificate is listed; the old credential is dead, the new current."""
    pairs = [connected(at, name) for name in ("one", "two")]
    driver, campaigns = campaign(at, Kind.COMPROMISE, pairs)
    assert run(driver)
    for where in campaigns.places("c1").values():
        assert where.state is State.DONE
        assert where.switched_at < where.removed_at <= where.dead_at <= where.out_at
    for mail, _ in pairs:
        states = {c.generation: c.state for c in listed(at.books.ledger.engine, mail.tenant_id) if c.app == mail.app}
        assert (states[1], states[2]) == (CredentialState.DEAD, CredentialState.CURRENT)
        keys = at.lab.operate("credentials", app_id=mail.app)["keys"]
        current = at.books.connections.current(mail)
        assert [key["thumbprint_sha256"].upper() for key in keys] == [current.thumbprint_sha256]


def test_a_tainted_key_signs_nothing_from_the_first_moment(at):
    """When a compromise is opened, jobs that would use the old key are refused by the signer."""
    pairs = [connected(at, "one")]
    mail = pairs[0][0]
    campaign(at, Kind.COMPROMISE, pairs)
    tokens = Tokens(mail, at.books.connections.current(mail), at.books.through.for_use, at.books.means)
    with pytest.raises(Refused, match="is tainted"):
        tokens.fresh("https://graph.microsoft.com", at.books.new_job("heartbeat", ""))


def test_a_routine_rotation_leaves_a_working_credential_at_every_moment(at):
    """While it runs, a client with whatever is current gets a token each time it asks."""
    pairs = [connected(at, "one")]
    mail = pairs[0][0]
    driver, _ = campaign(at, Kind.ROUTINE, pairs)
    failures, rounds, ended = [], 0, threading.Event()

    def ask():
        nonlocal rounds
        while not ended.is_set():
            current = at.books.connections.current(mail)
            tokens = Tokens(mail, current, at.books.through.for_use, at.books.means)
            try:
                tokens.fresh("https://graph.microsoft.com", at.books.new_job("heartbeat", ""))
            except Refused as error:
                # The pointer may have moved between reading it and signing; then the next reading works.
                if at.books.connections.current(mail).generation == current.generation:
                    failures.append(error.message)
            rounds += 1

    asker = threading.Thread(target=ask)
    asker.start()
    try:
        assert run(driver)
    finally:
        ended.set()
        asker.join()
    assert failures == []
    assert rounds > 10


def test_a_key_that_the_thief_planted_is_found_and_evicted_before_anything_is_called_dead(at):
    """A certificate and a secret that are not ours are gone at the end, and the campaign saw them."""
    pairs = [connected(at, "one")]
    mail = pairs[0][0]
    at.lab.operate("admin_add_secret", app_id=mail.app)
    driver, campaigns = campaign(at, Kind.COMPROMISE, pairs)
    planted = threading.Timer(4.0, lambda: at.lab.operate("admin_add_secret", app_id=mail.app))
    planted.start()
    assert run(driver)
    planted.join()
    left = at.lab.operate("credentials", app_id=mail.app)
    assert left["secrets"] == []
    assert len(left["keys"]) == 1
    words = [
        row.stub.body["detail"]["words"]
        for row in at.books.ledger.stubs(kinds=frozenset({"action"}))
        if row.stub.body["action"] == "rotation-step"
    ]
    assert any(text.startswith("removed") for text in words)
    assert campaigns.places("c1")[f"{mail.tenant_id}/{mail.app}"].state is State.DONE


def test_a_rotation_that_was_cut_off_goes_on_where_it_stood(at):
    """A new driver over the same books finds the key that the first one made, and makes no second."""
    pairs = [connected(at, "one")]
    mail = pairs[0][0]
    driver, campaigns = campaign(at, Kind.COMPROMISE, pairs)
    driver.round("c1")
    where = campaigns.places("c1")[f"{mail.tenant_id}/{mail.app}"]
    leased = campaigns.lease(where, clock.now())
    # The first worker dies between the act and the save: its lease is simply never given back.
    with pytest.raises(Refused, match="another worker"):
        campaigns.save(replace(leased, fence=leased.fence - 1), clock.now())
    campaigns.save(leased, clock.now())
    assert run(driver)
    made = [c for c in listed(at.books.ledger.engine, mail.tenant_id) if c.app == mail.app and c.generation < 1_000_000]
    assert [c.generation for c in made] == [1, 2]


def test_a_tenant_that_joins_while_a_campaign_runs_gets_a_place(at):
    """A connection that is entered meanwhile with the stolen certificate is rotated too, and its key tainted."""
    shared = shared_key()
    first, second = (with_shared_key(at, name, shared) for name in ("one", "two"))
    enter_shared(at, first, shared)
    plan = campaigning.make_plan(
        at.books, "c1", Kind.COMPROMISE, campaigning.Wanted((shared.thumbprint,)), now=clock.now(), actor="test"
    )
    campaigning.open_campaign(at.books, plan)
    driver = driving.driver(at.books, PACE, Brakes(bake=timedelta(seconds=0.2)))
    driver.round("c1")
    enter_shared(at, second, shared)
    assert run(driver)
    places = Campaigns(at.books.ledger).places("c1")
    assert {where.state for where in places.values()} == {State.DONE}
    assert set(places) == {f"{mail.tenant_id}/{mail.app}" for mail in (first, second)}
    for mail in (first, second):
        states = {c.generation: c.state for c in listed(at.books.ledger.engine, mail.tenant_id) if c.app == mail.app}
        assert states[1] is CredentialState.DEAD


def with_shared_key(at, name, shared):
    """A tenant whose mail application has the shared certificate on it; not entered yet."""
    control = at.register(name, "control", ["Application.ReadWrite.OwnedBy"])
    at.connect(control)
    owners = [control.service_principal]
    mail = at.register(name, "mail", ["Mail.ReadWrite"], owners=owners, tenant_id=control.tenant_id)
    at.lab.operate("admin_add_key", app_id=mail.app, certificate_pem=shared.certificate_pem)
    return mail


def enter_shared(at, mail, shared):
    """Enter the connection with the shared key."""
    connecting.enter(at.books, mail, "test", 30, ((shared.key_pem + shared.certificate_pem).encode(), None))
    assert connecting.test(at.books, mail, mail.roles, "test").works


def test_a_second_campaign_outnumbers_the_first_at_once(at):
    """Fencing numbers go on from campaign to campaign: the second switch is made at its first try."""
    pairs = [connected(at, "one")]
    driver, _ = campaign(at, Kind.ROUTINE, pairs)
    assert run(driver)
    first = at.books.connections.fence(pairs[0][0])
    books, campaigns = at.books, Campaigns(at.books.ledger)
    opened, places = begin(
        books.ledger, books.connections, "c2", Kind.ROUTINE, [pairs[0][0]], now=clock.now(), actor="test"
    )
    campaigns.open(opened, places)
    leased = campaigns.lease(places[0], clock.now())
    assert leased.fence > first
