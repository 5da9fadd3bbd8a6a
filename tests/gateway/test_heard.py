"""How do we know that a client heard our 250? Each way of parting, over real sockets."""

import asyncio
import socket
import struct

import pytest
from tests.gateway.peers import house

from counterfoil.gateway.connection import Times
from counterfoil.gateway.smtp.reply import Reply

DIALOGUE = b"EHLO c\r\n", b"MAIL FROM:<ann@sender.example>\r\n", b"RCPT TO:<bob@tenant.example>\r\n", b"DATA\r\n"
CONTENT = b"Subject: hello\r\n\r\nbody\r\n.\r\n"


async def up_to_the_dot(here):
    """Connect and say everything up to the dot, without waiting for its reply; return the streams."""
    reader, writer = await asyncio.open_connection("127.0.0.1", here.port)
    await reader.readline()
    for command in DIALOGUE:
        writer.write(command)
        while (await reader.readline())[3:4] == b"-":
            pass
    writer.write(CONTENT)
    return reader, writer


async def answers(here, count=1):
    """Wait until the journal has heard so often how a reply went."""
    async with asyncio.timeout(10):
        while len(here.journal.answers) < count:  # noqa: ASYNC110 - a list says nothing when it grows
            await asyncio.sleep(0.01)
    return here.journal.answers


def reset(writer):
    """Break the connection as a cut line or a killed peer does: by RST."""
    linger = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.transport.abort()


@pytest.mark.parametrize("parting", [b"QUIT\r\n", b"RSET\r\n", b"NOOP\r\n", b"MAIL FROM:<>\r\n", b"", b"rubbish\r\n"])
async def test_who_speaks_again_or_hangs_up_has_heard(parting):
    """Any word after our 250, or the end of the connection in good order, says that it was read."""
    async with house() as here:
        reader, writer = await up_to_the_dot(here)
        assert (await reader.readline()).startswith(b"250 ")
        assert here.journal.answers == []
        if parting:
            writer.write(parting)
        else:
            writer.close()
        assert await answers(here) == [("m1", True)]
        writer.close()


async def test_a_connection_that_breaks_after_our_reply_is_in_doubt():
    """A reset tells nothing of what was read before it."""
    async with house() as here:
        reader, writer = await up_to_the_dot(here)
        assert (await reader.readline()).startswith(b"250 ")
        reset(writer)
        assert await answers(here) == [("m1", False)]


async def test_a_client_that_is_gone_before_our_reply_has_not_heard():
    """The message has a home, and its sender cannot know that."""
    async with house() as here:
        gone = asyncio.Event()
        here.sink.before_reply = gone.wait
        _, writer = await up_to_the_dot(here)
        await here.sink.arrived()
        reset(writer)
        await asyncio.sleep(0.05)
        gone.set()
        assert await answers(here) == [("m1", False)]


async def test_a_client_that_only_said_its_last_word_still_hears():
    """Half a hang-up before our reply is good order: the other half is open, and the reply goes out."""
    async with house() as here:
        gone = asyncio.Event()
        here.sink.before_reply = gone.wait
        reader, writer = await up_to_the_dot(here)
        writer.write_eof()
        await here.sink.arrived()
        gone.set()
        assert (await reader.readline()).startswith(b"250 ")
        assert await answers(here) == [("m1", True)]
        writer.close()


async def test_words_sent_ahead_are_no_sign():
    """What a client pipelines behind its dot was said before it could hear the reply."""
    async with house() as here:
        gone = asyncio.Event()
        here.sink.before_reply = gone.wait
        reader, writer = await up_to_the_dot(here)
        writer.write(b"NOOP\r\n")
        await here.sink.arrived()
        await asyncio.sleep(0.05)
        assert here.journal.answers == []
        gone.set()
        assert (await reader.readline()).startswith(b"250 ")
        reset(writer)
        assert await answers(here) == [("m1", False)]


@pytest.mark.parametrize("how", ["timeout", "drain"])
async def test_an_end_in_good_order_by_us_is_no_fault(how):
    """A client that stays silent until we hang up was told, on a connection that never reported a fault."""
    async with house(times=Times(command=0.3, linger=0.1) if how == "timeout" else None) as here:
        reader, writer = await up_to_the_dot(here)
        assert (await reader.readline()).startswith(b"250 ")
        if how == "drain":
            await here.server.drain(2)
        assert await answers(here) == [("m1", True)]
        writer.close()


async def test_only_a_home_is_in_doubt():
    """A refusal that was not heard leads to no second copy, so nothing is said of it."""
    async with house() as here:
        here.sink.replies["DATA"] = Reply(550, "5.7.1", "no")
        reader, writer = await up_to_the_dot(here)
        assert (await reader.readline()).startswith(b"550 ")
        reset(writer)
        await asyncio.sleep(0.1)
        assert here.journal.answers == []
