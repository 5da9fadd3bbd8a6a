"""Killed just before and just after everything that a change of certificate makes durable; and taken back."""

import asyncio
import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trustme
from tests.gateway.peers import Sink

from counterfoil import clock
from counterfoil.app import certificate_proof, sending
from counterfoil.app.certificate_book import Book
from counterfoil.app.certificate_change import Change, Doors, Shown, begin
from counterfoil.app.certificate_offer import Wanted, offer
from counterfoil.app.state import State, open_state
from counterfoil.config.settings import Config, Dns, Gateway
from counterfoil.config.values import HostPort
from counterfoil.gateway import certificate
from counterfoil.gateway.server import SmtpServer
from counterfoil.gateway.store.tenants import Operator
from counterfoil.gateway.tls import server_context
from counterfoil.ledger import durable
from counterfoil.ledger.ledger import Ledger
from counterfoil.model.errors import Misconfigured
from counterfoil.model.mail import Direction

NAME = "gateway.test.example"
NOW = clock.now()


class Killed(BaseException):
    """The process is gone."""


class Papers:
    """An authority, the certificate to begin with, and the one that takes its place."""

    def __init__(self, folder: Path) -> None:
        authority = trustme.CA()
        self.ca = folder / "ca.pem"
        authority.cert_pem.write_to_path(self.ca)
        self.old, self.new = folder / "old.pem", folder / "new.pem"
        for place in (self.old, self.new):
            authority.issue_cert(NAME).private_key_and_cert_chain_pem.write_to_path(place)
        self.config = Config(
            gateway=Gateway(hostname=NAME, tls_certificate=self.old, tls_key=self.old), dns=Dns(enabled=False)
        )
        self.wanted = Wanted(self.new, self.new, self.ca)

    def name(self, fingerprint: str) -> str:
        """Say which one it is."""
        known = {certificate.read(one.read_bytes()).fingerprint: one.stem for one in (self.old, self.new)}
        return known[fingerprint]


@pytest.fixture
def papers(tmp_path: Path) -> Papers:
    """The papers of one test."""
    return Papers(tmp_path)


@contextmanager
def killed_at(monkeypatch: pytest.MonkeyPatch, step: int) -> Iterator[None]:
    """Die around one effect: even steps before it, odd ones after it. Effects are durable writes and stubs."""
    counting = itertools.count()

    def around(real):
        def effect(*words, **more):
            number = next(counting)
            if number == step // 2 and step % 2 == 0:
                raise Killed
            done = real(*words, **more)
            if number == step // 2:
                raise Killed
            return done

        return effect

    with monkeypatch.context() as patch:
        patch.setattr(durable, "write", around(durable.write))
        patch.setattr(Ledger, "append", around(Ledger.append))
        yield
        if next(counting) <= step // 2:
            raise IndexError  # there were fewer effects


def run(papers: Papers, data: Path, state: State) -> None:
    """Start, offer the new certificate where it is neither used nor offered, and carry it out: what a process does."""
    begin(data, papers.config, state.ledger)
    record = Book(data).read()
    if record.offer is None and (record.in_use is None or papers.name(record.in_use) == "old"):
        offer(data, papers.config, state.ledger, papers.wanted, Operator("anna", clock.now()))
    asyncio.run(Change(data, papers.config, state, Shown(papers.config, data)).once())


def test_killed_at_every_step(papers: Papers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """After a kill at any step one whole certificate is in use, and the next start ends with the new one."""
    seen: list[str] = []
    for step in itertools.count():
        data = tmp_path / f"data-{step}"
        with open_state(data, papers.config, create=True) as state:
            try:
                with pytest.raises(Killed), killed_at(monkeypatch, step):
                    run(papers, data, state)
            except IndexError:
                break
            chain, key = sending.certificate(papers.config, data)
            server_context(chain, key)
            seen.append(papers.name(certificate.read(chain.read_bytes()).fingerprint))
            run(papers, data, state)
            record = Book(data).read()
            assert (papers.name(str(record.in_use)), record.offer) == ("new", None)
            kept = {place.stem for place in (data / "gateway-certificate").glob("*.pem")}
            assert kept == {record.in_use, record.before}
    assert (len(seen) >= 20, seen == sorted(seen, reverse=True), set(seen)) == (True, True, {"old", "new"}), seen


async def shown(port: int) -> str:
    """Shake hands with a listener after STARTTLS; return the fingerprint."""
    proof = await asyncio.to_thread(certificate_proof.at_listener, HostPort("127.0.0.1", port), NAME, "", None, NOW)
    return proof.words.split()[4].rstrip(",")


async def test_taken_back(papers: Papers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Where one of our own listeners does not show the new one, all show the old one again, and a restart does too."""
    monkeypatch.setattr(certificate_proof, "PAUSE", 0.0)
    data = tmp_path / "data"
    with open_state(data, papers.config, create=True) as state:
        begin(data, papers.config, state.ledger)
        showing = Shown(papers.config, data)
        servers = [
            SmtpServer(Sink(), hostname=NAME, tls=tls)
            for tls in (showing.smtp.context, server_context(papers.old, papers.old))
        ]
        ports = [await server.listen("127.0.0.1", 0, Direction.INBOUND) for server in servers]
        doors = Doors(*(HostPort("127.0.0.1", port) for port in ports))
        offer(data, papers.config, state.ledger, papers.wanted, Operator("anna", NOW))
        result = await Change(data, papers.config, state, showing, doors).once()
        assert result is not None
        assert (result.state, [one["state"] for one in result.proof]) == ("fell-back", ["proven", "failed"])
        assert [papers.name(await shown(port)) for port in ports] == ["old", "old"]
        chain, _ = sending.certificate(papers.config, data)
        assert papers.name(certificate.read(chain.read_bytes()).fingerprint) == "old"
        said = [row.stub.body["action"] for row in state.ledger.stubs(kinds=frozenset({"action"})) if row.stub]
        assert said[-1] == "gateway-certificate-fell-back"
        for server in servers:
            await server.drain(1)


def test_a_damaged_record_is_said(papers: Papers, tmp_path: Path):
    """A record that is no record stops with what to do; it is not taken for an empty one."""
    (tmp_path / "gateway-certificate").mkdir()
    (tmp_path / "gateway-certificate" / "record.json").write_text("{}")
    with pytest.raises(Misconfigured, match="is damaged"):
        sending.certificate(papers.config, tmp_path)
