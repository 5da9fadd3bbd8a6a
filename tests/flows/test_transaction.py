import asyncio
import smtplib
from dataclasses import replace

import pytest

from counterfoil.gateway import admission
from counterfoil.gateway.relay import Patience
from counterfoil.gateway.routing import Account, NextHop, Route, Tls
from counterfoil.gateway.smtp.limits import Limits
from counterfoil.gateway.smtp.reply import Reply
from counterfoil.model.mail import Outcome
from tests.gateway.client import send
from tests.gateway.peers import house
from tests.gateway.scripted import scripted

LIMITS = Limits(message=2000, line=1500)
MESSAGE = b"Subject: hello\r\n\r\nbody\r\n"
SECRET = b"correct-horse"
ONE = Account("t1", frozenset({"tenant.example"}), {}, (admission.digest(SECRET),))
TWO = Account("t2", frozenset({"other.example"}), {}, (admission.digest(b"battery-staple"),))


def with_secret(value=SECRET, *, times=1, author=b"ann@tenant.example"):
    """Return the message with the secret header, once or more often, from an author."""
    field = b"X-Counterfoil-Tenant: " + value + b"\r\n"
    return field * times + b"From: " + author + b"\r\n" + MESSAGE


async def test_never_an_open_relay():
    """The inbound listener takes mail for tenants' domains only, whatever the sender, a proof or a local part says."""
    async with house() as here:
        here.directory.accounts = [ONE]
        with pytest.raises(smtplib.SMTPRecipientsRefused, match="we relay for nobody else"):
            await send(here.port, with_secret(), "ann@tenant.example", ["eve@elsewhere.example"])
        for address in (
            "eve@sub.tenant.example",
            "eve@[127.0.0.1]",
            "eve%elsewhere.example@tenant.example",
            "elsewhere.example!eve@tenant.example",
            '"eve@elsewhere.example"@tenant.example',
        ):
            with pytest.raises(smtplib.SMTPRecipientsRefused, match="we relay for nobody else"):
                await send(here.port, MESSAGE, to=[address])
        assert here.sink.commands == []


async def test_recipients_of_two_tenants_are_sent_apart():
    """One transaction has one tenant: recipients of others are put off with 452, and go in a second one."""
    async with house() as here:
        refused = await send(here.port, MESSAGE, to=["bob@tenant.example", "eve@other.example"])
        assert refused["eve@other.example"] == (452, b"4.5.3 this recipient's mail goes another way; send it apart")
        assert await send(here.port, MESSAGE, to=list(refused)) == {}
        assert [got.recipients for got in here.sink.delivered] == [["bob@tenant.example"], ["eve@other.example"]]
        assert [received.envelope.tenant for received in here.journal.intents] == ["t1", "t2"]


async def test_severest_policy_of_the_recipients_wins():
    """Two recipients with different policies: the message is held for both."""
    async with house() as here:
        here.directory.routes["eve@tenant.example"] = Route("t1", here.next_hop(), {"odd": "quarantine"})
        await send(here.port, b"Subject: odd\r\n\r\n", to=["bob@tenant.example", "eve@tenant.example"])
        assert len(here.holder.held) == 1
        assert here.sink.delivered == []


async def test_the_next_hops_reply_is_ours():
    """A recipient that the next hop refuses is refused by us with its words; the others get the message."""
    async with house() as here:
        here.sink.replies["RCPT nobody@tenant.example"] = Reply(550, "5.1.1", "nobody of that name")
        refused = await send(here.port, MESSAGE, to=["nobody@tenant.example", "bob@tenant.example"])
        assert refused == {"nobody@tenant.example": (550, b"5.1.1 nobody of that name")}
        assert here.sink.delivered[0].recipients == ["bob@tenant.example"]
        assert here.journal.intents[0].envelope.recipients == ("bob@tenant.example",)


async def test_the_next_hop_refuses_the_sender():
    """Inbound, the next hop's answer to MAIL is known at the first RCPT, and is the answer to it."""
    async with house() as here:
        here.sink.replies["MAIL ann@sender.example"] = Reply(550, "5.7.1", "we know you")
        with pytest.raises(smtplib.SMTPRecipientsRefused, match="we know you"):
            await send(here.port, MESSAGE, to=["bob@tenant.example", "eve@tenant.example"])
        assert here.sink.commands.count("MAIL ann@sender.example") == 1


@pytest.mark.parametrize(
    ("reply", "code", "outcome"),
    [
        (Reply(554, "5.6.0", "not this"), 554, Outcome.REFUSED),
        (Reply(452, "4.2.2", "mailbox full"), 452, Outcome.DEFERRED),
    ],
)
async def test_the_next_hop_refuses_the_content(reply, code, outcome):
    """The next hop's answer to the dot is ours, with its enhanced code, and decides the outcome."""
    async with house() as here:
        here.sink.replies["DATA"] = reply
        with pytest.raises(smtplib.SMTPDataError, match=reply.text) as error:
            await send(here.port, MESSAGE)
        assert error.value.smtp_code == code
        assert here.journal.dispositions == [("m1", outcome, str(reply))]


async def test_the_next_hop_is_down():
    """A next hop that does not answer is 451 at RCPT, and nothing is lost."""
    async with house() as here:
        gone = NextHop("127.0.0.1", 1, Tls.NONE)
        here.directory.routes["tenant.example"] = Route("t1", gone, {})
        with pytest.raises(smtplib.SMTPRecipientsRefused, match=r"4\.4\.1 the next hop does not answer"):
            await send(here.port, MESSAGE)
        assert here.journal.intents == []


async def test_a_next_hop_that_is_down_is_tried_once():
    """A transaction tries a next hop once, however many recipients it has: its client waits for every reply."""
    async with house() as here, scripted(replies={"": b""}) as hop:
        here.directory.routes["tenant.example"] = Route("t1", here.next_hop(port=hop.port), {})
        with pytest.raises(smtplib.SMTPRecipientsRefused, match=r"4\.4\.1"):
            await send(here.port, MESSAGE, to=[f"bob{n}@tenant.example" for n in range(5)])
        assert hop.connections == 1


@pytest.mark.parametrize("after_the_dot", [None, b"", b"250", b"354 what\r\n", b"hello\r\n"])
async def test_no_answer_to_the_dot_is_unknown(after_the_dot):
    """Silence, a hang-up or nonsense after the dot: the outcome is unknown and the client hears 451."""
    async with house(patience=Patience(command=5)) as here, scripted(replies={".": after_the_dot}) as hop:
        here.directory.routes["tenant.example"] = Route("t1", here.next_hop(port=hop.port), {})
        here.flow.whole = 0.3
        with pytest.raises(smtplib.SMTPDataError, match="did not say whether it took the message") as error:
            await send(here.port, MESSAGE)
        assert error.value.smtp_code == 451
        assert here.journal.outcomes == [Outcome.UNKNOWN]
        assert len(hop.messages) == 1


async def test_hang_up_before_the_content_is_no_doubt():
    """A next hop that goes away at DATA has nothing: deferred, and not unknown."""
    async with house() as here, scripted(replies={"DATA": b""}) as hop:
        here.directory.routes["tenant.example"] = Route("t1", here.next_hop(port=hop.port), {})
        with pytest.raises(smtplib.SMTPDataError, match="the connection to the next hop broke"):
            await send(here.port, MESSAGE)
        assert here.journal.outcomes == [Outcome.DEFERRED]


async def test_next_hop_without_8bitmime():
    """8-bit content for a next hop without 8BITMIME is 5.6.3; 7-bit content passes, whatever was declared."""
    async with house() as here, scripted(extensions=()) as hop:
        here.directory.routes["tenant.example"] = Route("t1", here.next_hop(port=hop.port), {})
        with pytest.raises(smtplib.SMTPDataError, match=r"5\.6\.3 the next hop does not take 8-bit content"):
            await send(here.port, "Subject: grüß\r\n\r\n".encode(), options=["BODY=8BITMIME"])
        await send(here.port, MESSAGE, options=["BODY=8BITMIME"])
        assert len(hop.messages) == 1
        assert not any("BODY" in line for line in hop.lines)


async def test_next_hop_without_smtputf8():
    """An address or a header field in UTF-8 for a next hop without SMTPUTF8 is 5.6.7."""
    async with house() as here, scripted(extensions=("8BITMIME",)) as hop:
        here.directory.routes["tenant.example"] = Route("t1", here.next_hop(port=hop.port), {})
        with pytest.raises(smtplib.SMTPDataError, match=r"5\.6\.7 the next hop does not take header fields in UTF-8"):
            await send(here.port, "Subject: grüß\r\n\r\n".encode(), options=["SMTPUTF8", "BODY=8BITMIME"])
        with pytest.raises(smtplib.SMTPRecipientsRefused, match=r"5\.6\.7 the next hop does not take addresses"):
            await send(here.port, MESSAGE, "änn@sender.example", options=["SMTPUTF8"])
        assert hop.messages == []


async def test_smtputf8_and_8bitmime_are_passed_on():
    """What the next hop takes is said to it: BODY, SMTPUTF8 and SIZE with room for our own fields."""
    async with house() as here, scripted() as hop:
        here.directory.routes["tenant.example"] = Route("t1", here.next_hop(port=hop.port), {})
        await send(here.port, MESSAGE, "änn@sender.example", options=["SMTPUTF8", "BODY=8BITMIME"])
        assert f"MAIL FROM:<änn@sender.example> SIZE={4096 + len(MESSAGE)} BODY=8BITMIME SMTPUTF8" in hop.lines


async def test_one_connection_serves_many_transactions():
    """Transactions of one client go over one connection to the next hop, and a broken one is replaced."""
    async with house() as here, scripted() as hop:
        here.directory.routes["tenant.example"] = Route("t1", here.next_hop(port=hop.port), {})
        client = smtplib.SMTP()
        await _many(client, here.port)
        assert sum(line.startswith("EHLO") for line in hop.lines) == 1
        assert len(hop.messages) == 3


async def _many(client, port):
    def talk():
        client.connect("127.0.0.1", port)
        for _ in range(3):
            client.sendmail("ann@sender.example", ["bob@tenant.example"], MESSAGE)
        client.quit()

    await asyncio.to_thread(talk)


async def test_outbound_with_the_secret_header():
    """Outbound mail with a tenant's secret header and a sender in its domains goes out, without the header."""
    async with house() as here:
        here.directory.accounts = [ONE, TWO]
        await send(here.outbound_port, with_secret(), "ann@tenant.example", ["far@elsewhere.example"])
        (got,) = here.sink.delivered
        assert got.recipients == ["far@elsewhere.example"]
        assert SECRET not in got.raw
        assert here.journal.intents[0].envelope.tenant == "t1"


@pytest.mark.parametrize(
    ("raw", "sender", "why"),
    [
        (MESSAGE, "ann@tenant.example", "no proof of a tenant"),
        (MESSAGE, "", "no proof of a tenant"),
        (with_secret(b"wrong"), "ann@tenant.example", "no proof of a tenant"),
        (with_secret(times=2), "ann@tenant.example", "no proof of a tenant"),
        (with_secret(), "boss@other.example", "in no domain of the tenant that sends"),
        (with_secret(author=b"boss@other.example"), "ann@tenant.example", "the From is in a domain of somebody else"),
        (with_secret(author=b"B <a@x.other.example>"), "ann@tenant.example", "the From is in a domain of somebody"),
        (with_secret(), "boss@sub.tenant.example", "no domain of a tenant"),
        (with_secret(), "boss@elsewhere.example", "no domain of a tenant"),
    ],
    ids=[
        "no-header",
        "bounce-no-header",
        "wrong-value",
        "two-values",
        "as-another-tenant",
        "author",
        "author-below",
        "subdomain",
        "stranger",
    ],
)
async def test_outbound_refuses(raw, sender, why):
    """Without the proof, or as somebody else (another tenant above all), nothing goes out."""
    async with house() as here:
        here.directory.accounts = [ONE, TWO]
        with pytest.raises((smtplib.SMTPDataError, smtplib.SMTPSenderRefused), match=why):
            await send(here.outbound_port, raw, sender, ["far@elsewhere.example"])
        assert here.sink.delivered == []
        assert all(outcome is Outcome.REFUSED for outcome in here.journal.outcomes)


async def test_outbound_bounce_with_the_secret_header():
    """A bounce has no sender's domain; the header alone says whose it is."""
    async with house() as here:
        here.directory.accounts = [ONE, TWO]
        await send(here.outbound_port, with_secret(), "", ["far@elsewhere.example"])
        assert here.journal.intents[0].envelope.tenant == "t1"


async def test_outbound_from_a_host_of_the_tenant():
    """A host that a tenant owns needs no header, and may send as that tenant only."""
    async with house() as here:
        here.directory.accounts = [ONE, TWO]
        here.directory.hosts = {"127.0.0.1": ONE}
        await send(here.outbound_port, MESSAGE, "ann@tenant.example", ["far@elsewhere.example"])
        with pytest.raises(smtplib.SMTPSenderRefused, match="in no domain of the tenant that sends"):
            await send(here.outbound_port, MESSAGE, "boss@other.example", ["far@elsewhere.example"])
        with pytest.raises(smtplib.SMTPDataError, match="belong to different tenants"):
            await send(here.outbound_port, with_secret(b"battery-staple"), "ann@tenant.example", ["far@e.example"])
        assert len(here.sink.delivered) == 1


async def test_outbound_without_a_relay():
    """Where no relay is configured outbound mail is put off, never sent by MX."""
    async with house(outbound=False) as here:
        here.directory.accounts = [ONE]
        with pytest.raises(smtplib.SMTPSenderRefused, match="no relay for outbound mail is configured"):
            await send(here.outbound_port, with_secret(), "ann@tenant.example", ["far@elsewhere.example"])


async def test_a_header_out_of_measure_is_refused():
    """More header lines than can be read in no time are refused, and the refusal is in the books."""
    async with house() as here:
        with pytest.raises(smtplib.SMTPDataError, match="more than 10000 lines"):
            await send(here.port, b"A:\r\n" * 10_001 + b"\r\nbody\r\n")
        assert here.journal.outcomes == [Outcome.REFUSED]
        await send(here.port, b"A:\r\n" * 9_000 + b"\r\n" + b"body\r\n" * 9_000)


async def test_mail_to_the_postmaster_without_a_domain():
    """<postmaster> in any case, and the postmaster of our own name, go to whom the configuration names."""
    async with house() as here:
        here.flow.names = replace(here.flow.names, postmaster="ops@tenant.example")
        await send(here.port, MESSAGE, to=("Postmaster",))
        await send(here.port, MESSAGE, to=("postmaster@MX.test",))
        assert [got.recipients for got in here.sink.delivered] == [["ops@tenant.example"]] * 2
        assert here.journal.intents[0].envelope.recipients == ("ops@tenant.example",)
        await send(here.port, MESSAGE, to=("postmaster@tenant.example",))
        assert here.sink.delivered[2].recipients == ["postmaster@tenant.example"]


async def test_no_postmaster_is_said():
    """Where nobody is named, <postmaster> is refused with the reason, and it opens no way past the tenants' domains."""
    async with house() as here:
        with pytest.raises(smtplib.SMTPRecipientsRefused, match="nobody is named here as the postmaster"):
            await send(here.port, MESSAGE, to=("postmaster",))
        here.flow.names = replace(here.flow.names, postmaster="ops@elsewhere.example")
        with pytest.raises(smtplib.SMTPRecipientsRefused, match="we relay for nobody else"):
            await send(here.port, MESSAGE, to=("postmaster",))


@pytest.mark.parametrize(
    ("content", "reply"),
    [
        (b"Subject: a\r\n\r\nbare\nline\r\n.\r\n", "521 5.5.2 a bare CR, LF or NUL in the content; lines end in CRLF"),
        (b"Subject: a\r\n\r\n" + b"many\r\n" * 500 + b".\r\n", "552 5.3.4 a message has at most 2000 octets here"),
        (b"Subject: a\r\n\r\n" + b"x" * 1600 + b"\r\n.\r\n", "554 5.6.0 a line of more than 1500 octets"),
    ],
)
async def test_a_message_refused_inside_its_content_can_be_found(content, reply):
    """Sender, recipient, size and our words of a message whose content was refused are in the books."""
    async with house(limits=LIMITS) as here:
        assert await say(here, content) == reply
        (received,) = here.journal.intents
        envelope = received.envelope
        assert (envelope.sender, envelope.recipients) == ("ann@sender.example", ("bob@tenant.example",))
        assert (envelope.tenant, received.size, received.sha256) == ("t1", len(content), "")
        assert here.journal.dispositions == [("m1", Outcome.REFUSED, reply)]
        assert "RSET" in here.sink.commands
        assert here.sink.delivered == []


async def say(here, content):
    """Send content as it stands, and return the reply to it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", here.port)
    try:
        await reader.readline()
        for line in (b"HELO c", b"MAIL FROM:<ann@sender.example>", b"RCPT TO:<bob@tenant.example>", b"DATA"):
            writer.write(line + b"\r\n")
            await reader.readline()
        writer.write(content)
        return (await reader.readline()).decode().strip()
    finally:
        writer.close()


async def test_a_refusal_stands_without_the_books():
    """Where the disk is full a message that is refused inside its content is refused all the same."""
    async with house(limits=LIMITS) as here:
        here.journal.full = True
        assert (await say(here, b"many\r\n" * 500 + b".\r\n")).startswith("552 5.3.4")
