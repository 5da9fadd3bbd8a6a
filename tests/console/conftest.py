"""A whole console over TLS on loopback, with two tenants that must never see each other."""

import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme

from counterfoil import clock
from counterfoil.app.consoling import Look, sources_of
from counterfoil.app.state import State, open_state
from counterfoil.bounded.pool import Bounds
from counterfoil.config.settings import Config
from counterfoil.console.server import ConsoleServer
from counterfoil.credential.campaign import Place
from counterfoil.credential.campaigns import Campaign, Campaigns
from counterfoil.credential.registry import credentials
from counterfoil.credential.rotation import Kind
from counterfoil.gateway.received import Received
from counterfoil.gateway.routing import NextHop, Tls
from counterfoil.gateway.store.tenants import Domain, Operator
from counterfoil.ledger.rows import microseconds
from counterfoil.model.mail import (
    Action,
    Authentication,
    Decision,
    Direction,
    Envelope,
    Finding,
    Outcome,
    Scan,
    Severity,
    Verdict,
)
from counterfoil.model.trust import Connection
from counterfoil.operators import passwords
from counterfoil.operators.roles import Grant, Role
from counterfoil.tenant.registry import Connections

import sqlalchemy as sa

WORDS = "four words nobody expects"
ROOT = Operator("root", clock.now())
HELD = b"From: a@evil.test\r\nSubject: held\r\nContent-Type: text/plain\r\n\r\nread me <b>not bold</b> \xe2\x80\xae\r\n"


@dataclass
class House:
    """The console, what it stands on, and browsers that are logged in."""

    data: Path
    state: State
    url: str
    trust: ssl.SSLContext
    look: Look
    browsers: list[httpx.Client] = field(default_factory=list)

    def browser(self, name: str | None = None, *, password: str = WORDS) -> httpx.Client:
        """Return a browser, logged in where an account is named."""
        client = httpx.Client(base_url=self.url, verify=self.trust, timeout=30)
        self.browsers.append(client)
        if name is not None:
            assert log_in(client, name, password).status_code == 303
        return client

    def account(self, name: str, *grants: Grant) -> None:
        """Add an account."""
        sources_of(self.data, self.state, self.look).accounts.add(name, WORDS, grants, clock.now(), "root")

    def actions(self) -> list[tuple[str, str, object]]:
        """Return who did what on what, as the ledger has it."""
        stubs = [row.stub for row in self.state.ledger.stubs(kinds=frozenset({"action"})) if row.stub is not None]
        return [(str(s.body["actor"]), str(s.body["action"]), s.body.get("subject")) for s in stubs]


def token(text: str, name: str = "csrf") -> str:
    """Find the token of a form in a page."""
    return text.split(f'name="{name}" value="', 1)[1].split('"', 1)[0]


def log_in(client: httpx.Client, name: str, password: str = WORDS, to: str = "/") -> httpx.Response:
    """Log in as a person would, form and all."""
    form = token(client.get("/log-in", params={"next": to}).text, "token")
    return client.post("/log-in", data={"token": form, "name": name, "password": password, "next": to})


def post(client: httpx.Client, path: str, data: dict[str, Any] | None = None) -> httpx.Response:
    """Send a form of ours."""
    return client.post(path, data={"csrf": token(client.get("/").text), **(data or {})})


def scan_of(subject: str, summary: str) -> Scan:
    """Make a scan with one finding."""
    finding = Finding("spoofing", Severity.HIGH, summary, "1", ("T1566.002",), {"seen": summary})
    return Scan(f"<1@{summary[:5]}.test>", subject, "00", 3, (finding,), (), (), Authentication(), ())


async def take(state: State, name: str, tenant: str | None, *, subject: str, sender: str, held: bool = False) -> None:
    """Put one message through the journal, held or handed on."""
    envelope = Envelope(sender, (f"to@{tenant}.test",), "192.0.2.7", "helo.test", tenant, Direction.INBOUND)
    received = Received(name, clock.now(), envelope, "ab" * 32, len(HELD), "smtp", NextHop("mx.test", 25, Tls.NONE))
    await state.journal.intent(received)
    decision = Decision(Verdict.MALICIOUS, Action.QUARANTINE, ("spoofing",), (f"an allow entry for {sender}",))
    if held:
        await state.journal.hold(received, HELD, scan_of(subject, f"summary of {tenant}"), decision)
    else:
        words = f"250 2.0.0 queued by {tenant}"
        await state.journal.settled(
            received, Outcome.HANDED_ON, words, scan_of(subject, f"summary of {tenant}"), decision
        )


def connect(state: State, tenant: str, number: int, thumbprint: str) -> str:
    """Enter a connection with one credential; return its stem."""
    guid = f"{number:08d}-0000-4000-8000-{'a' if tenant == 'acme' else 'b'}0000000000{number}"
    app = f"{number:08d}-1111-4000-8000-000000000000"
    Connections(state.ledger).add(Connection(tenant, guid, app, "o", "s", ("Mail.Read",)), clock.now(), "root")
    begin = clock.now() - timedelta(days=80)
    row = {"credential": f"{guid}/{app}/1", "tenant": guid, "app": app, "generation": 1, "state": "current"}
    row |= {"key": "file:x", "place": "file", "thumbprint_sha1": thumbprint[:40], "thumbprint_sha256": thumbprint}
    row |= {
        "not_before": microseconds(begin),
        "not_after": microseconds(begin + timedelta(days=90)),
        "certificate": b"",
    }
    with state.ledger.engine.begin() as connection:
        connection.execute(sa.insert(credentials).values(**row))
    return f"{guid}/{app}"


@pytest.fixture(scope="module")
def quick():
    """Passwords cost next to nothing here; how much they should is tested where they are made."""
    kept = passwords._N, passwords._P  # noqa: SLF001
    passwords._N, passwords._P = 16, 1
    yield
    passwords._N, passwords._P = kept


@pytest.fixture(scope="module")
def certificate() -> tuple[trustme.CA, trustme.LeafCert]:
    """An authority and our certificate from it."""
    authority = trustme.CA()
    return authority, authority.issue_cert("127.0.0.1")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, quick: None, certificate: Any) -> Iterator[House]:
    """A console with two tenants, mail, a campaign, and accounts of every kind."""
    import asyncio

    data: Path = tmp_path_factory.mktemp("console")
    authority, leaf = certificate
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    leaf.configure_cert(server_side)
    trust = ssl.create_default_context()
    authority.configure_trust(trust)
    with open_state(data / "data", Config(), create=True) as state:
        look = Look(Bounds(seconds=20, memory=2**30, output=2**26))
        sources = sources_of(data / "data", state, look)
        server = ConsoleServer(sources, server_side)
        try:
            house = House(data, state, f"https://127.0.0.1:{server.listen('127.0.0.1', 0)}", trust, look)
            asyncio.run(furnish(house))
            yield house
        finally:
            for browser in house.browsers:
                browser.close()
            server.close()
            look.close()


async def furnish(house: House) -> None:
    """Fill the house."""
    state = house.state
    stems = []
    for number, tenant in enumerate(("acme", "beta"), 1):
        state.tenants.add(tenant, f"{tenant.title()} Ltd", ROOT)
        state.tenants.set_domain(Domain(f"{tenant}.test", tenant, NextHop(f"mx.{tenant}.test", 25, Tls.VERIFY)), ROOT)
        await take(state, f"{tenant}-1", tenant, subject=f"Invoice for {tenant}", sender=f"a@{tenant}-sender.test")
        await take(
            state, f"{tenant}-2", tenant, subject=f"Held for {tenant}", sender=f"b@{tenant}-sender.test", held=True
        )
        stems.append(connect(state, tenant, number, "AB" * 32))
    campaign = Campaign("spring", Kind.ROUTINE, clock.now(), "root", ((stems[0],), (stems[1],)), None)
    begin = [Place("spring", stem, Kind.ROUTINE, ("AB" * 32,), f"{stem}/2", words=f"words of {stem}") for stem in stems]
    Campaigns(state.ledger).open(campaign, begin)
    only_beta = Campaign("beta-alone", Kind.ROUTINE, clock.now(), "root", ((stems[1],),), None)
    Campaigns(state.ledger).open(
        only_beta, [Place("beta-alone", stems[1], Kind.ROUTINE, ("CD" * 32,), f"{stems[1]}/3")]
    )
    house.account("chief", *(Grant(role, None) for role in Role))
    house.account("acme-operator", Grant(Role.OPERATOR, "acme"), Grant(Role.KEY_CUSTODIAN, "acme"))
    house.account("acme-viewer", Grant(Role.VIEWER, "acme"))
    house.account("custodian", Grant(Role.KEY_CUSTODIAN, None))
    house.account("nobody-yet")


Say = Callable[[str], str]
MOMENT = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
