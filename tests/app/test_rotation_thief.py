"""A thief who stays: with a token that still lives he undoes an eviction or leaves what needs no key; each is found."""

import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.app.laboratory import place
from tests.app.test_rotation import PACE, connected, mark
from tests.lab.bench import KEYS

from counterfoil import clock
from counterfoil.app import connecting
from counterfoil.app.house import TenantHouse
from counterfoil.app.leftovers import IMPORTS
from counterfoil.app.rotation import Driver, begin, taint
from counterfoil.credential.campaigns import Campaigns
from counterfoil.credential.registry import certificate_of
from counterfoil.credential.rotation import Kind, State
from counterfoil.credential.waves import Brakes
from counterfoil.lab.thief import Thief
from counterfoil.model.instant import rfc3339
from counterfoil.tenant.door import Door
from counterfoil.tenant.token import Tokens

LIFE = 9.0
SLOW = replace(PACE, reads=1, longest_token_life=timedelta(seconds=LIFE), peek=timedelta(seconds=0.5))
"""One reading ends an eviction, so that the token of a moment before still lives then on a busy machine."""

NEAR = (State.VERIFIED, State.CUT_OVER, State.DRAINING, State.RETIRING)
MINE, OTHER = KEYS[0], KEYS[1]
ALICE = "alice@contoso.example"


@pytest.fixture
def at(tmp_path):
    """A laboratory whose tokens live long enough to be used again after an eviction."""
    with place(tmp_path, token_life_min=LIFE - 1, token_life_max=LIFE, subscription_minimum_minutes=0.1) as made:
        yield made


@pytest.fixture
def thief(at, tmp_path):
    """The thief."""
    where = at.lab.endpoints
    with Thief(where.login, where.graph, where.ca, tmp_path / "thief.jsonl") as made:
        yield made


def robbed(at, thief, *roles):
    """A tenant whose mail application has a key of the thief's beside ours; returns it, its control and his token."""
    mail, control = connected(at, "one")
    at.lab.operate("add_mailbox", tenant=mail.tenant_id, address=ALICE)
    at.lab.operate("consent", tenant=mail.tenant_id, app_id=mail.app, roles=[*roles])
    at.lab.operate("admin_add_key", app_id=mail.app, certificate_pem=MINE.pem)
    hold = thief.sign_in(mail.tenant_id, mail.app, MINE.key_pem, MINE.pem)
    assert hold is not None
    return mail, control, hold


def opened(at, mail, control, pace=SLOW):
    """Open a compromise campaign over one connection; returns its driver, its campaigns and its house."""
    books, campaigns = at.books, Campaigns(at.books.ledger)
    now = clock.now()
    made, places = begin(books.ledger, books.connections, "c1", Kind.COMPROMISE, [mail], now=now, actor="test")
    taint(books.ledger, places, lambda name, state: mark(books, name, state))
    campaigns.open(made, places)
    door = Door(Tokens(control, books.connections.current(control), books.through.for_use, books.means))

    def house(_where, gate):
        return TenantHouse(mail, door, books, gate, pace)

    driver = Driver(campaigns, house, pace, Brakes(bake=timedelta(seconds=0.2)), clock=clock.now)
    return driver, campaigns, house(None, lambda _: True)


def until_evicted(thief, mail, hold, act):
    """Have him keep a fresh token until the eviction is finished; ``act`` is done with it then, once."""
    kept, acted = [hold], []

    def told(places):
        state = next(iter(places.values())).state
        if state is State.RETIRED:
            acted.extend([] if acted else [act(kept[-1])])
        elif state in NEAR and not acted:
            fresh = thief.sign_in(mail.tenant_id, mail.app, MINE.key_pem, MINE.pem)
            kept.extend([] if fresh is None else [fresh])

    return told, acted


def drive(at, driver, steps):
    """Drive to the end; returns all words."""
    told, acted = steps
    stop = threading.Event()
    timer = threading.Timer(80, stop.set)
    timer.start()
    try:
        assert driver.run("c1", stop, 0.1, told)
    finally:
        timer.cancel()
    assert acted == [True], "his token still worked after the eviction"
    return [
        row.stub.body["detail"]["words"]
        for row in at.books.ledger.stubs(kinds=frozenset({"action"}))
        if row.stub.body["action"] == "rotation-step"
    ]


WAYS = {
    "his key": lambda hold, mail, ours: hold.put_keys(mail.object_id, [ours, MINE.pem]),
    "another key": lambda hold, mail, ours: hold.put_keys(mail.object_id, [ours, OTHER.pem]),
    "a secret": lambda hold, mail, _ours: hold.add_secret(mail.object_id) is not None,
}


def ours(at, mail):
    """The certificate of the credential in use, as PEM; anybody may read it in the tenant."""
    current = at.books.connections.current(mail)
    return connecting.as_pem(certificate_of(at.books.ledger.engine, current.name))


@pytest.mark.parametrize("way", list(WAYS))
def test_the_undo_of_an_eviction_is_found_and_undone(at, thief, way):
    """With a live token that may write he puts something back; it is evicted, and «out» waits for the last token."""
    roles = ("Application.ReadWrite.All",)
    mail, control, hold = robbed(at, thief, *roles)
    # What the thief's role opens was consented for this test: it is asked for, so that it is no leftover.
    mail = replace(mail, roles=(*mail.roles, *roles))
    driver, campaigns, _ = opened(at, mail, control)
    done_at = []

    def back(hold) -> bool:
        done_at.append(clock.now())
        return WAYS[way](hold, mail, ours(at, mail))

    words = drive(at, driver, until_evicted(thief, mail, hold, back))
    (where,) = campaigns.places("c1").values()
    assert where.state is State.DONE
    assert where.foreign_at > done_at[0], "it was seen"
    assert where.out_at >= where.foreign_at + SLOW.longest_token_life, "and the clock began anew"
    assert any(text.startswith("removed") for text in words)
    left = at.lab.operate("credentials", app_id=mail.app)
    current = at.books.connections.current(mail)
    assert [key["thumbprint_sha256"].upper() for key in left["keys"]] == [current.thumbprint_sha256]
    assert left["secrets"] == []
    assert thief.sign_in(mail.tenant_id, mail.app, MINE.key_pem, MINE.pem) is None


def test_a_thief_who_evicts_the_owner_makes_the_campaign_hold(at, thief):
    """If he removes our new key as well, nothing is called dead and nothing is removed: an operator is asked."""
    mail, control, hold = robbed(at, thief, "Application.ReadWrite.All")
    mail = replace(mail, roles=(*mail.roles, "Application.ReadWrite.All"))
    driver, campaigns, _ = opened(at, mail, control)
    told, acted = until_evicted(thief, mail, hold, lambda hold: hold.put_keys(mail.object_id, [MINE.pem]))
    assert driver.run("c1", threading.Event(), 0.1, told) is False
    (where,) = campaigns.places("c1").values()
    assert (acted, where.state, where.out_at) == ([True], State.HELD, None)
    assert where.words == "the new credential does not work now: it is not listed"


def test_a_subscription_that_he_leaves_holds_the_end_back(at, thief):
    """While mail is announced to a stranger nobody says that he is out; when it has ended the campaign ends."""
    mail, control, hold = robbed(at, thief)
    driver, campaigns, _ = opened(at, mail, control)
    hook = _hook(at)
    try:

        def subscribe(hold):
            return hold.subscribe(ALICE, hook.url, rfc3339(clock.now() + timedelta(seconds=20)))

        words = drive(at, driver, until_evicted(thief, mail, hold, subscribe))
    finally:
        hook.stop()
    assert any("still there: subscription" in text and hook.url in text for text in words)
    assert next(iter(campaigns.places("c1").values())).state is State.DONE


def _hook(at):
    """A receiver that echoes validations, over TLS."""
    import http.server
    import ssl
    from urllib.parse import parse_qs, urlsplit

    class Echo(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            token = parse_qs(urlsplit(self.path).query).get("validationToken", [""])[0]
            self.send_response(200)
            self.send_header("Content-Type", "text/plain")
            self.end_headers()
            self.wfile.write(token.encode())

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(at.lab.engine.server.certificate, at.lab.engine.server.key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    server.url = f"https://localhost:{server.server_address[1]}/hook"

    def stop():
        server.shutdown()
        thread.join()
        server.server_close()

    server.stop = stop
    return server


def test_consents_and_import_sessions_are_named_until_they_are_gone(at, thief):
    """A role he granted himself is named; an import URL outlives its token, cannot be listed, and is waited for."""
    mail, control, hold = robbed(at, thief, IMPORTS, "AppRoleAssignment.ReadWrite.All")
    assert hold.open_import(ALICE) is not None
    mail = replace(mail, roles=(*mail.roles, IMPORTS, "AppRoleAssignment.ReadWrite.All"))
    pace = replace(SLOW, longest_token_life=timedelta(0), propagation=timedelta(0))
    pace = replace(pace, import_session_life=timedelta(seconds=3600))
    _, campaigns, house = opened(at, mail, control, pace)
    (where,) = campaigns.places("c1").values()
    assert house.ensure_key(where)
    house.publish(where)
    where = replace(where, new=house.ensure_key(where), removed_at=clock.now())
    rules, named = house.leftovers(where)
    assert named.startswith("import sessions that an old token may have opened, until ")
    assert rules.startswith("inbox rules that AppRoleAssignment.ReadWrite.All may have made: they cannot be listed")
    assert house.leftovers(replace(where, removed_at=clock.now() - timedelta(seconds=3601))) == (rules,)
    assert house.leftovers(replace(where, kind=Kind.ROUTINE)) == ()
    at.lab.operate("consent", tenant=mail.tenant_id, app_id=mail.app, roles=["Mail.Send"])
    assert "a consent to Mail.Send that we did not ask for" in house.leftovers(where)
