"""A whole console over TLS on loopback, furnished with two tenants that must never see each other."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx
import sqlalchemy as sa

from counterfoil import clock
from counterfoil.app.state import State
from counterfoil.console.server import ConsoleServer
from counterfoil.console.views import Sources
from counterfoil.credential.campaign import Place
from counterfoil.credential.campaigns import Campaign, LeftOut, Why
from counterfoil.credential.registry import credentials
from counterfoil.credential.rotation import Kind
from counterfoil.gateway.received import Received
from counterfoil.gateway.routing import NextHop, Tls
from counterfoil.gateway.store.tenants import Domain, Operator
from counterfoil.incident import record
from counterfoil.ledger.rows import microseconds
from counterfoil.model.instant import rfc3339
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

WORDS = "four words nobody expects"
ROOT = Operator("root", clock.now())
HELD = b"From: a@evil.test\r\nSubject: held\r\nContent-Type: text/plain\r\n\r\nread me <b>not bold</b> \xe2\x80\xae\r\n"


@contextmanager
def cheap() -> Iterator[None]:
    """Let a password cost next to nothing; how much it should is tested where it is made."""
    kept, passwords._N = passwords._N, 16
    try:
        yield
    finally:
        passwords._N = kept


@dataclass
class House:
    """The console, what it stands on, and the browsers that were opened."""

    state: State
    sources: Sources
    server: ConsoleServer
    url: str
    trust: ssl.SSLContext
    browsers: list[httpx.Client] = field(default_factory=list)
    references: dict[str, str] = field(default_factory=dict)
    furnished: str = ""

    @property
    def now(self) -> datetime:
        """The time."""
        return clock.now()

    def browser(self, name: str | None = None, *, password: str = WORDS) -> httpx.Client:
        """Return a browser, logged in where an account is named."""
        client = httpx.Client(base_url=self.url, verify=self.trust, timeout=30)
        self.browsers.append(client)
        if name is not None:
            assert log_in(client, name, password).status_code == 303
        return client

    def account(self, name: str, *grants: Grant) -> None:
        """Add an account."""
        with cheap():
            self.sources.accounts.add(name, WORDS, grants, clock.now(), "root")

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


async def refuse(state: State, name: str, tenant: str) -> None:
    """Put one message through the journal that is refused before it is scanned."""
    envelope = Envelope("a@big.test", (f"to@{tenant}.test",), "192.0.2.7", "helo.test", tenant, Direction.INBOUND)
    received = Received(name, clock.now(), envelope, "cd" * 32, 9, "smtp", NextHop("mx.test", 25, Tls.NONE))
    await state.journal.intent(received)
    await state.journal.settled(received, Outcome.REFUSED, "554 5.7.1 too large", None, None)


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


async def furnish(house: House) -> None:
    """Fill the house: for each of two tenants mail, a connection, a campaign and an incident; and accounts."""
    state, campaigns = house.state, house.sources.campaigns
    stems = []
    for number, tenant in enumerate(("acme", "beta"), 1):
        state.tenants.add(tenant, f"{tenant.title()} Ltd", ROOT)
        state.tenants.set_domain(Domain(f"{tenant}.test", tenant, NextHop(f"mx.{tenant}.test", 25, Tls.VERIFY)), ROOT)
        sender = f"a@{tenant}-sender.test"
        await take(state, f"{tenant}-1", tenant, subject=f"Invoice for {tenant}", sender=sender)
        await take(state, f"{tenant}-2", tenant, subject=f"Held for {tenant}", sender=sender, held=True)
        stems.append(connect(state, tenant, number, "AB" * 32))
    house.furnished = rfc3339(clock.now())
    by_hand = tuple(LeftOut(stem, Why.BY_HAND, "") for stem in stems)
    campaigns.open(
        Campaign("spring", Kind.ROUTINE, clock.now(), "root", ((stems[0],), (stems[1],)), None, by_hand),
        [Place("spring", stem, Kind.ROUTINE, ("AB" * 32,), f"{stem}/2", words=f"words of {stem}") for stem in stems],
    )
    campaigns.open(
        Campaign("beta-alone", Kind.ROUTINE, clock.now(), "root", ((stems[1],),), None),
        [Place("beta-alone", stems[1], Kind.ROUTINE, ("CD" * 32,), f"{stems[1]}/3")],
    )
    for tenant, stem in zip(("acme", "beta"), stems, strict=True):
        incident(house, f"{tenant}-incident", [stem.partition("/")[0]], tenant)
    incident(house, "both", [stem.partition("/")[0] for stem in stems], "acme and beta")
    house.account("chief", *(Grant(role, None) for role in Role))
    house.account("acme-all", *(Grant(role, "acme") for role in Role))
    house.account("acme-viewer", Grant(Role.VIEWER, "acme"))
    house.account("custodian", Grant(Role.KEY_CUSTODIAN, None))
    house.account("nobody-yet")


def incident(house: House, name: str, tenants: list[str], words: str) -> None:
    """Open an incident, find each of the tenants touched, and write an entry for each and one for all."""
    incidents, subject = house.sources.incidents, record.Subject(thumbprints=("AB" * 32,))
    made = incidents.open(name, record.Origin.REPORT, record.Status.OPEN, subject, words=f"about {words}", by=ROOT)
    house.references[name] = made.reference
    parts = {tenant: ("touched", f'{{"reasons": ["seen in {tenant}"]}}', "00" * 32) for tenant in tenants}
    incidents.put_scope(name, parts, record.Said(record.Kind.SCOPE, f"scope of {words}"), ROOT)
    for tenant in tenants:
        incidents.add(name, record.Said(record.Kind.NOTE, f"note on {tenant}", tenant), ROOT)
