import asyncio
import contextlib
import random
import smtplib

import pytest
from tests.gateway.client import send
from tests.gateway.peers import house

from counterfoil.gateway.access import AccessLimits
from counterfoil.gateway.connection import Times
from counterfoil.gateway.smtp.limits import Limits
from counterfoil.model.mail import Outcome

MESSAGE = b"Subject: hello\r\nFrom: <ann@sender.example>\r\n\r\n.dot\r\nbody\r\n"


async def test_delivers():
    """A clean message reaches the next hop as it was, with our fields on top, and is written down twice."""
    async with house() as here:
        await send(here.port, MESSAGE)
        (got,) = here.sink.delivered
        assert got.sender == "ann@sender.example"
        assert got.recipients == ["bob@tenant.example"]
        assert got.raw.endswith(MESSAGE)
        assert got.raw.startswith(b"Received: from ")
        assert b"\r\nX-Counterfoil-Id: m1\r\nX-Counterfoil-Verdict: clean; action=deliver\r\n" in got.raw
        assert [received.id for received in here.journal.intents] == ["m1"]
        assert here.journal.dispositions == [("m1", Outcome.HANDED_ON, "250 2.0.0 ok")]


async def test_turns_away_above_the_limit_for_one_client():
    """A client with too many connections hears 421, and the others are still served."""
    async with house(access=AccessLimits(connections_per_client=1)) as here:
        reader, writer = await asyncio.open_connection("127.0.0.1", here.port)
        assert (await reader.readline()).startswith(b"220 ")
        second, other = await asyncio.open_connection("127.0.0.1", here.port)
        assert await second.readline() == b"421 4.7.0 too many connections from your address\r\n"
        other.close()
        writer.write(b"QUIT\r\n")
        assert (await reader.readline()).startswith(b"221 ")
        writer.close()


async def test_puts_off_above_the_rate():
    """A client above its rate of messages hears 451 at MAIL."""
    async with house(access=AccessLimits(messages_per_minute=1)) as here:
        await send(here.port, MESSAGE)
        with pytest.raises(smtplib.SMTPSenderRefused, match="too many messages from your address"):
            await send(here.port, MESSAGE)


async def test_slow_client_is_told_so():
    """A client that says nothing hears 421 and is hung up on."""
    async with house(times=Times(command=0.2, linger=0.2)) as here:
        reader, writer = await asyncio.open_connection("127.0.0.1", here.port)
        await reader.readline()
        assert await reader.readline() == b"421 4.4.2 timeout; come again\r\n"
        assert await reader.read() == b""
        writer.close()


async def test_drain_takes_a_message_to_its_end():
    """While going home the gateway answers the message that is under way, and takes no other."""
    async with house() as here:
        arrived, go_on = asyncio.Event(), asyncio.Event()

        async def wait():
            arrived.set()
            await go_on.wait()

        here.sink.before_reply = wait
        sending = asyncio.create_task(send(here.port, MESSAGE))
        await arrived.wait()
        draining = asyncio.create_task(here.server.drain(10))
        await asyncio.sleep(0.05)
        with pytest.raises(OSError, match="refused"):
            await send(here.port, MESSAGE)
        go_on.set()
        await sending
        await draining
        assert here.journal.outcomes == [Outcome.HANDED_ON]


async def test_refused_client_hears_why_while_it_still_sends():
    """A client whose content is refused half-way reads the reply, though it goes on sending for a while."""
    async with house(limits=Limits(message=100_000_000)) as here:
        reader, writer = await asyncio.open_connection("127.0.0.1", here.port)
        await reader.readline()
        writer.write(b"EHLO c.test\r\n")
        while (await reader.readline())[3:4] == b"-":
            pass
        writer.write(b"MAIL FROM:<a@b.example>\r\nRCPT TO:<bob@tenant.example>\r\nDATA\r\n")
        for _ in range(3):
            await reader.readline()
        writer.write(b"bare\nlf\r\n")
        for _ in range(40):
            writer.write(b"x" * 70 + b"\r\n" * 500)
            await writer.drain()
        assert (await reader.readline()).startswith(b"521 5.5.2 a bare CR, LF or NUL")
        writer.close()
        assert here.sink.delivered == []


async def test_too_much_mail_under_way_is_put_off():
    """Content beyond what all clients together may have under way ends its session with 421; the room comes back."""
    big = b"Subject: big\r\n\r\n" + b"y" * 70 + b"\r\n" * 40_000
    async with house(access=AccessLimits(octets=50_000), times=Times(linger=0.5)) as here:
        with pytest.raises(
            (smtplib.SMTPDataError, smtplib.SMTPServerDisconnected), match=r"too much mail|closed|Broken"
        ):
            await send(here.port, big)
        assert here.sink.delivered == []
        await send(here.port, MESSAGE)
        await send(here.port, MESSAGE)
        assert len(here.sink.delivered) == 2


FRAGMENTS = [
    b"EHLO c.test\r\n", b"MAIL FROM:<a@b.example>\r\n", b"RCPT TO:<bob@tenant.example>\r\n", b"DATA\r\n",
    b"Subject: x\r\n\r\n" + b"y" * 500 + b"\r\n", b".\r\n", b"RSET\r\n", b"STARTTLS\r\n", b"\n", b"\0\r\n", b"QUIT\r\n",
]  # fmt: skip


async def rude(port, chance):
    """Say things at random and go away at random, politely or not."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    with contextlib.suppress(ConnectionError):
        for _ in range(chance.randrange(12)):
            writer.write(b"".join(chance.choices(FRAGMENTS[:6] if chance.random() < 0.8 else FRAGMENTS, k=2)))
            await writer.drain()
            if chance.random() < 0.7:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(0.02):
                        await reader.read(1000)
        if chance.random() < 0.5:
            writer.transport.abort()
        writer.close()


@pytest.mark.parametrize("seed", range(3))
async def test_rude_clients_leave_nothing_behind(seed, caplog):
    """Clients that break off anywhere leave no connection, no octets and no fault, and the next one is served."""
    chance = random.Random(seed)
    async with house(times=Times(linger=0.2), access=AccessLimits(connections_per_client=100)) as here:
        await asyncio.gather(*(rude(here.port, chance) for _ in range(60)))
        async with asyncio.timeout(20):
            while here.server._tasks:
                await asyncio.wait(tuple(here.server._tasks))
        assert here.server._access._total == 0
        assert here.server._access._octets == 0
        assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == []
        assert {received.id for received in here.journal.intents} == {
            number for number, _, _ in here.journal.dispositions
        }
        await send(here.port, MESSAGE)
        assert here.sink.delivered[-1].raw.endswith(MESSAGE)


async def test_message_of_many_octets():
    """A message of 20 MB passes unchanged, whatever pieces it arrives in."""
    raw = b"Subject: big\r\n\r\n" + (b"." + b"y" * 70 + b"\r\n") * 280_000
    async with house() as here:
        await send(here.port, raw)
        assert here.sink.delivered[0].raw.endswith(raw)
