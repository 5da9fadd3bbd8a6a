"""Releases over real SMTP: the held bytes and no others, to the right next hop, until everybody has them."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from tests.gateway.peers import Sink
from tests.gateway.store.conftest import BY, DECISION, received, scan

from counterfoil.app.sending import releases
from counterfoil.app.state import State, open_state
from counterfoil.config.settings import Config
from counterfoil.gateway.routing import NextHop, Tls
from counterfoil.gateway.server import SmtpServer
from counterfoil.gateway.smtp.reply import Reply
from counterfoil.gateway.store.tenants import Domain
from counterfoil.model.errors import Refused
from counterfoil.model.mail import Direction

RAW = b"X-Counterfoil-Id: m1\r\nSubject: a\r\n\r\n.leading dot\r\n\xe4 8-bit\r\n"


@dataclass
class House:
    """A store with a tenant and one held message, and its next hop."""

    state: State
    data: Path
    sink: Sink
    port: int

    def hop(self, port: int | None = None) -> NextHop:
        return NextHop("127.0.0.1", port or self.port, Tls.NONE)

    async def one(self) -> bool:
        return await releases(self.state, Config(), self.data).one("m1")


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """Hold a message for two recipients of a tenant whose next hop is a recording sink."""
    sink = Sink()
    server = SmtpServer(sink, hostname="sink.test")
    port = await server.listen("127.0.0.1", 0, Direction.INBOUND)
    with open_state(tmp_path, Config(), create=True) as state:
        made = House(state, tmp_path, sink, port)
        state.tenants.add("acme", "", BY)
        state.tenants.set_domain(Domain("acme.test", "acme", made.hop()), BY)
        message = received("m1", recipients=("a@acme.test", "b@acme.test"))
        await state.journal.intent(message)
        await state.journal.hold(message, RAW, scan(), DECISION)
        state.quarantine.want("m1", "acme", BY)
        yield made
    await server.drain(1)


async def test_exactly_the_held_bytes_arrive(house: House):
    """The next hop gets the envelope and the octets that were held: dots, 8-bit and our headers as they are."""
    assert await house.one()
    (delivered,) = house.sink.delivered
    assert (delivered.sender, delivered.recipients, delivered.raw) == (
        "bob@example.org",
        ["a@acme.test", "b@acme.test"],
        RAW,
    )
    story = house.state.stories.story("m1", "acme")
    assert (story["outcome"], story["dispositions"][-1]["words"]) == ("released", "250 2.0.0 ok")


@pytest.mark.parametrize("refused", ["MAIL bob@example.org", "RCPT a@acme.test", "DATA"])
async def test_what_is_put_off_is_not_released(house: House, refused: str):
    """A 4xx or 5xx at any step leaves the message held, with the next hop's words; nothing is lost."""
    house.sink.replies[refused] = Reply(451, "4.3.0", "not now")
    if refused.startswith("RCPT"):
        house.sink.replies["RCPT b@acme.test"] = Reply(550, "5.1.1", "not now")
    assert not await house.one()
    story = house.state.stories.story("m1", "acme")
    assert story["outcome"] == "held"
    assert str(story["last_words"]).endswith("not now")
    assert house.sink.delivered == []


async def test_one_recipient_at_a_time(house: House):
    """Who was refused gets it with a later try, alone; who has it does not get it twice."""
    house.sink.replies["RCPT b@acme.test"] = Reply(450, "4.2.1", "mailbox busy")
    assert not await house.one()
    house.sink.replies.clear()
    with pytest.raises(Refused, match="is not due, or under way"):
        await house.one()
    house.state.quarantine.claim = _later(house.state.quarantine.claim)
    assert await house.one()
    assert [delivered.recipients for delivered in house.sink.delivered] == [["a@acme.test"], ["b@acme.test"]]


def _later(claim):
    return lambda message, now: claim(message, now + timedelta(minutes=2))


async def test_a_next_hop_that_is_down(house: House):
    """A next hop that does not answer is named in the story, and the release stays wanted."""
    closed = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = closed.sockets[0].getsockname()[1]
    closed.close()
    await closed.wait_closed()
    house.state.tenants.set_domain(Domain("acme.test", "acme", house.hop(port)), BY)
    assert not await house.one()
    assert f"127.0.0.1:{port}" in str(house.state.stories.story("m1", None)["last_words"])


async def test_a_domain_that_is_another_tenants_now(house: House):
    """A held message is never sent to whoever has the domain now; the story says why it stays."""
    house.state.tenants.add("beta", "", BY)
    house.state.tenants.remove_domain("acme", "acme.test", BY)
    house.state.tenants.set_domain(Domain("acme.test", "beta", house.hop()), BY)
    with pytest.raises(Refused, match="no longer the tenant's"):
        await house.one()
    assert house.sink.commands == []
    assert house.state.stories.story("m1", None)["last_words"] == "a recipient's domain is no longer the tenant's"


async def test_the_loop_works_them_off(house: House):
    """The loop of ``serve`` sends what is due without being asked, and ends when told to."""
    stop = asyncio.Event()

    async def arrived() -> None:
        stop.set()

    house.sink.before_reply = arrived
    await releases(house.state, Config(), house.data).run(stop)
    assert [delivered.raw for delivered in house.sink.delivered] == [RAW]
    assert house.state.stories.story("m1", None)["outcome"] == "released"


async def test_a_faulty_release_holds_nothing_up(house: House):
    """Changed bytes stop one release; the next one goes out in the same round."""
    other = received("m0", recipients=("a@acme.test",))
    await house.state.journal.intent(other)
    await house.state.journal.hold(other, RAW, scan(), DECISION)
    house.state.quarantine.want("m0", None, BY)
    (bad,) = (house.data / "held").glob("*/*.m1")
    bad.write_bytes(b"changed")
    stop = asyncio.Event()

    async def arrived() -> None:
        stop.set()

    house.sink.before_reply = arrived
    await releases(house.state, Config(), house.data).run(stop)
    assert house.state.stories.story("m0", None)["outcome"] == "released"
    assert house.state.stories.story("m1", None)["outcome"] == "held"


async def test_a_broken_store_does_not_end_the_loop(house: House, monkeypatch: pytest.MonkeyPatch):
    """Whatever goes wrong in one round is logged, and the next round works: a release is never forgotten."""
    stop, rounds = asyncio.Event(), []
    real = house.state.quarantine.due

    def due(now):
        rounds.append(now)
        if len(rounds) == 1:
            raise RuntimeError
        return real(now)

    async def arrived() -> None:
        stop.set()

    house.sink.before_reply = arrived
    monkeypatch.setattr("counterfoil.app.releases.PAUSE", 0.01)
    monkeypatch.setattr(house.state.quarantine, "due", due)
    await releases(house.state, Config(), house.data).run(stop)
    assert (len(rounds), house.state.stories.story("m1", None)["outcome"]) == (2, "released")
