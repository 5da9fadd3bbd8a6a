import pytest
from tests.gateway.scripted import scripted

from counterfoil.gateway.headers import Dressed, Stripped
from counterfoil.gateway.relay import Patience, Relay
from counterfoil.gateway.routing import NextHop, Tls
from counterfoil.gateway.smtp.events import Mail
from counterfoil.gateway.tls import client_contexts
from counterfoil.model.errors import Unavailable
from counterfoil.model.mail import Outcome


async def connect(hop, **patience):
    """Connect to a scripted next hop."""
    relay = Relay("mx.test", client_contexts(), Patience(**patience))
    return await relay.connect(NextHop("127.0.0.1", hop.port, Tls.NONE))


async def send(hop, raw, seconds=5.0):
    """Send one message over a connection of its own."""
    connected = await connect(hop)
    await connected.mail(Mail("ann@sender.example"))
    await connected.recipient("bob@tenant.example")
    sent = await connected.data(Dressed(Stripped(raw), ()), seconds)
    await connected.close()
    return sent


@pytest.mark.parametrize(
    ("raw", "wire"),
    [
        (b"A: b\r\n\r\n.\r\n..x\r\n", b"A: b\r\n\r\n..\r\n...x\r\n.\r\n"),
        (b"A: b\r\n\r\nno end", b"A: b\r\n\r\nno end\r\n.\r\n"),
        (b"A: b\r\n\r\n", b"A: b\r\n\r\n.\r\n"),
    ],
)
async def test_content_is_stuffed(raw, wire):
    """A line that begins with a dot gets another, and the content ends in CRLF before its dot."""
    async with scripted() as hop:
        sent = await send(hop, raw)
        assert hop.messages == [wire]
        assert (sent.outcome, str(sent.reply)) == (Outcome.HANDED_ON, "250 2.0.0 fine")


@pytest.mark.parametrize("raw", [b"A: b\r\n\r\nx\n.\nMAIL FROM:<>\r\n", b"A: b\r\n\r\nx\ry\r\n", b"A: b\r\n\r\n\0\r\n"])
async def test_we_never_smuggle(raw):
    """Content with a bare CR, LF or NUL is not sent, whatever it came from."""
    async with scripted() as hop:
        sent = await send(hop, raw)
        assert (sent.outcome, sent.reply.code) == (Outcome.REFUSED, 554)
        assert hop.messages == []
        assert hop.lines[-2:] == ["RSET", "QUIT"]


async def test_addresses_cannot_inject():
    """An address with a line end never reaches the wire, even if one came this far."""
    async with scripted() as hop:
        connected = await connect(hop)
        reply = await connected.recipient("bob@tenant.example>\r\nRCPT TO:<eve@evil.example")
        assert reply.code == 451
        assert not connected.alive
        assert hop.lines == ["EHLO mx.test"]


@pytest.mark.parametrize(
    ("said", "code"),
    [(b"421 4.3.2 going\r\n", 451), (b"354 what\r\n", 451), (b"521 never\r\n", 521), (b"250-a\r\n250 b\r\n", 250)],
)
async def test_replies_to_commands(said, code):
    """421 ends this connection and not our client's; 3yz where it means nothing is no yes."""
    async with scripted(replies={"MAIL": said}) as hop:
        connected = await connect(hop)
        assert (await connected.mail(Mail(""))).code == code
        assert connected.alive is (code != 451)
        await connected.close()


async def test_silence_has_an_end():
    """A next hop that says nothing to a command is given up after our patience."""
    async with scripted(replies={"MAIL": None}) as hop:
        connected = await connect(hop, command=0.1)
        assert (await connected.mail(Mail(""))).code == 451
        assert not connected.alive


@pytest.mark.parametrize(
    ("greeting", "how"),
    [
        (b"554 go away\r\n", " as it should, but 554"),
        (b"421 later\r\n", " as it should, but 421"),
        (b"hello\r\n", ""),
        (b"", ": it took no connection, or ended it"),
        (None, " in time"),
    ],
)
async def test_no_greeting_is_unavailable(greeting, how):
    """Without a greeting there is no next hop: the mail is put off, whatever the code was, and it says how."""
    async with scripted(replies={"": greeting}) as hop:
        with pytest.raises(Unavailable, match=f"the next hop does not answer{how}"):
            await connect(hop, connect=0.3)


async def test_a_next_hop_that_only_knows_helo():
    """Where EHLO is refused HELO is said, and nothing is assumed to be offered."""
    async with scripted(replies={"EHLO": b"502 what\r\n"}) as hop:
        connected = await connect(hop)
        assert hop.lines == ["EHLO mx.test", "HELO mx.test"]
        assert (connected.eight_bit, connected.utf8) == (False, False)
        await connected.close()
