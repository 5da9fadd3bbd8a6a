import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.gateway.test_headers import OWN

from counterfoil.gateway import milter_wire as wire
from counterfoil.gateway.headers import Dressed, strip
from counterfoil.gateway.milter_session import MilterSession, PostfixQueue
from counterfoil.gateway.milter_wire import BadPacket, Decoder, Packet
from counterfoil.gateway.smtp.reply import Reply
from counterfoil.model.mail import Direction

OFFER = Packet(b"O", struct.pack("!III", 6, 0x1FF, 0x1FFFFF))
MAIL = Packet(b"M", b"<ann@sender.example>\0SIZE=3\0")
RCPT = Packet(b"R", b"<bob@tenant.example>\0")
SUBJECT = Packet(b"L", b"Subject\0 hello\0")
OK = Reply(250, "2.0.0", "ok")


class Agreeable:
    """Hands every message on, and breaks where it is asked out of order."""

    def __init__(self, queue, reply=OK):
        self.queue = queue
        self.reply = reply
        self.state = "idle"
        self.taken = []

    async def mail(self, client, mail):
        self.state = "mail"
        self.client = client
        return OK

    async def recipient(self, recipient):
        assert self.state in ("mail", "rcpt")
        self.state = "rcpt"
        return OK

    async def content(self, content):
        assert self.state == "rcpt"
        self.state = "idle"
        self.taken.append(content.raw)
        if self.reply.positive:
            await self.queue.data(Dressed(strip(content.raw, **OWN), (("X-Counterfoil-Id", "m1"),)), 1)
        return self.reply

    async def spoilt(self, spoilt):
        self.state = "idle"
        self.spoilt_by = spoilt

    def answered(self, *, heard):
        self.heard = heard

    async def reset(self):
        self.state = "idle"

    async def close(self):
        self.state = "gone"


def make(reply=OK, most=1000):
    """Return a session and its conversation."""
    queue = PostfixQueue()
    conversation = Agreeable(queue, reply)
    return MilterSession(conversation, queue, Direction.INBOUND, most), conversation


async def play(session, *packets):
    """Give packets one after the other; return the answers as packets."""
    octets = b"".join([await session.answer(packet) for packet in (OFFER, *packets)])
    return list(Decoder().receive(octets))[1:]


async def test_a_message_is_put_together():
    """Headers, empty line and body come together as the message was, and the changes go back before the accept."""
    session, conversation = make()
    answers = await play(
        session,
        Packet(b"D", b"Cj\0mx.test\0"),
        Packet(b"C", b"host\x004\x04\x01192.0.2.1\0"),
        Packet(b"H", b"client.example\0"),
        MAIL,
        RCPT,
        Packet(b"L", b"X-Secret\0 one\0"),
        SUBJECT,
        Packet(b"L", b"X-Secret\0 two\0"),
        Packet(b"N"),
        Packet(b"B", b"bo"),
        Packet(b"E", b"dy\r\n"),
    )
    assert conversation.taken == [b"X-Secret: one\r\nSubject: hello\r\nX-Secret: two\r\n\r\nbody\r\n"]
    assert (conversation.client.address, conversation.client.helo) == ("192.0.2.1", "client.example")
    assert [packet.command for packet in answers] == [b"c", b"c", b"m", b"m", b"i", b"a"]
    assert [packet.data[:4] for packet in answers[2:4]] == [b"\0\0\0\2", b"\0\0\0\1"]
    assert answers[4].data == b"\0\0\0\0X-Counterfoil-Id\0 m1\0"


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        (Reply(550, "5.7.1", "no"), Packet(b"y", b"550 5.7.1 no\0")),
        (Reply(452, "4.3.1", "full"), Packet(b"y", b"452 4.3.1 full\0")),
    ],
)
async def test_a_refusal_is_the_reply(reply, answer):
    """What the flow refuses is refused with its own words."""
    session, _ = make(reply)
    assert (await play(session, MAIL, RCPT, Packet(b"E")))[-1] == answer


async def test_too_big():
    """A message over the limit is not kept, and is refused at its end."""
    session, conversation = make(most=100)
    answers = await play(session, MAIL, RCPT, *[Packet(b"B", b"x" * 60)] * 5, Packet(b"E"))
    assert answers[-1].data.startswith(b"552 5.3.4 a message has at most 100 octets")
    assert (conversation.spoilt_by.reply.code, conversation.spoilt_by.size) == (552, 300)
    assert conversation.taken == []


@pytest.mark.parametrize("body", [b"a\rb\r\n", b"a\nb\r\n", b"a\0b\r\n", b"a\r"])
async def test_bare_line_ends(body):
    """Content with a bare CR, LF or NUL is refused here too: it might be released over SMTP one day."""
    session, conversation = make()
    answers = await play(session, MAIL, RCPT, SUBJECT, Packet(b"N"), Packet(b"B", body), Packet(b"E"))
    assert answers[-1].data.startswith(b"554 5.5.2 a bare CR, LF or NUL")
    assert conversation.spoilt_by.reply.enhanced == "5.5.2"
    assert conversation.taken == []


@pytest.mark.parametrize("packets", [(RCPT,), (Packet(b"E"),), (MAIL, Packet(b"E")), (MAIL, RCPT, Packet(b"A"), RCPT)])
async def test_out_of_order(packets):
    """What comes out of order ends the connection; Postfix then puts the message off."""
    session, _ = make()
    with pytest.raises(BadPacket, match="out of order"):
        await play(session, *packets)


@pytest.mark.parametrize("address", [b"bob", b"<bob>", b"<b\xff@t.example>", b"<b\rc@t.example>"])
async def test_an_address_that_is_none(address):
    """An address that Postfix let through and we do not understand is refused."""
    session, _ = make()
    answers = await play(session, MAIL, Packet(b"R", address + b"\0"))
    assert answers[-1].data.startswith(b"553 5.1.3 ")


PACKETS = st.one_of(
    st.sampled_from([MAIL, RCPT, SUBJECT, Packet(b"N"), Packet(b"B", b"x"), Packet(b"E"), Packet(b"A"), Packet(b"K")]),
    st.builds(Packet, st.binary(min_size=1, max_size=1), st.binary(max_size=20)),
    st.builds(Packet, st.sampled_from([b"C", b"H", b"M", b"R", b"L", b"D"]), st.binary(max_size=20)),
)


@given(st.lists(PACKETS, max_size=30))
async def test_no_packets_break_a_session(packets):
    """Whatever packets come, they are answered in order or end the connection with a word; nothing else is raised."""
    session, _ = make()
    await session.answer(OFFER)
    for packet in packets:
        try:
            answer = await session.answer(packet)
        except BadPacket:
            return
        if answer is None:
            return
        for sent in Decoder().receive(answer):
            assert sent.command in (wire.CONTINUE, wire.ACCEPT, wire.DISCARD, b"y", b"i", b"m")


async def test_the_postmaster_needs_no_domain():
    """RCPT TO:<postmaster> reaches the conversation as it stands (RFC 5321 section 4.5.1); MAIL may not be so."""
    session, _ = make()
    answers = await play(session, MAIL, Packet(b"R", b"<Postmaster>\0"))
    assert answers[-1] == Packet(b"c")
    answers = await play(make()[0], Packet(b"M", b"<postmaster>\0"))
    assert answers[-1].data.startswith(b"553 5.1.3")
