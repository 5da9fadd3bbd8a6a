import itertools
import smtplib

import pytest

from counterfoil import clock
from counterfoil.flows.mail import Taken, severest
from counterfoil.gateway.received import Received
from counterfoil.gateway.routing import Client, Route
from counterfoil.gateway.smtp.events import Content
from counterfoil.model.mail import Action, Decision, Direction, Envelope, Outcome, Verdict
from tests.gateway.client import send
from tests.gateway.peers import house


def message(subject="hello", *headers):
    """Return a message with a subject and more header fields."""
    return "\r\n".join((*headers, f"Subject: {subject}", "", "body", "")).encode()


async def test_held_message_never_reaches_the_next_hop():
    """A held message is answered with 250 when it is durable with us, and RSET is said at the next hop."""
    async with house() as here:
        await send(here.port, message("malware"))
        ((received, raw),) = here.holder.held
        assert received.envelope.recipients == ("bob@tenant.example",)
        assert received.envelope.tenant == "t1"
        assert raw.startswith(b"Received: from")
        assert raw.endswith(message("malware"))
        assert here.sink.delivered == []
        # EHLO resets too.
        assert here.sink.commands[:4] == ["RSET", "MAIL ann@sender.example", "RCPT bob@tenant.example", "RSET"]


async def test_refused_message_says_so():
    """A message that policy rejects is answered with 550 5.7.1 and our id, and its disposition is refused."""
    async with house() as here:
        with pytest.raises(smtplib.SMTPDataError, match=r"5\.7\.1 refused by policy as malicious; m1"):
            await send(here.port, message("forbidden"))
        assert here.journal.outcomes == [Outcome.REFUSED]
        assert here.sink.delivered == []


async def test_tagged_message_carries_the_reasons():
    """A tagged message is handed on with the verdict and its reasons in our own fields."""
    async with house() as here:
        await send(here.port, message("odd"))
        head = here.sink.delivered[0].raw.split(b"\r\n\r\n")[0]
        assert b"X-Counterfoil-Verdict: suspicious; action=tag\r\n" in head
        assert b"X-Counterfoil-Reasons: the subject says odd\r\n" in head


@pytest.mark.parametrize(
    ("tag", "subject", "verdict"),
    [
        ({"subject_prefix": "[odd one] "}, b"Subject: [odd one] odd\r\n", True),
        ({"header": False, "subject_prefix": "!"}, b"Subject: !odd\r\n", False),
        ({"header": True}, b"Subject: odd\r\n", True),
    ],
)
async def test_policy_says_how_a_message_is_tagged(tag, subject, verdict):
    """The policy's tag decides between our fields, a prefix of the subject, or both."""
    async with house() as here:
        here.directory.routes["tenant.example"] = Route("t1", here.next_hop(), {"tag": tag})
        await send(here.port, message("odd"))
        raw = here.sink.delivered[0].raw
        assert subject in raw
        assert (b"X-Counterfoil-Verdict" in raw) is verdict
        await send(here.port, message("fine"))
        assert b"Subject: fine\r\n" in here.sink.delivered[1].raw


async def test_a_fault_while_handing_on_is_unknown():
    """If something breaks on our side while the next hop may have the message, it is unknown and not deferred."""
    async with house() as here:

        async def broken(raw, client):
            raise ZeroDivisionError

        reply = await here.flow.take(
            Taken(
                Received("m1", clock.now(), Envelope("", ("bob@tenant.example",)), "", 0, "smtp", None),
                Content(message()),
                Client("192.0.2.1", Direction.INBOUND),
                ({},),
            ),
            broken,
        )
        assert reply.code == 451
        assert here.journal.outcomes == [Outcome.UNKNOWN]


async def test_no_intent_no_mail():
    """Where the intent cannot be written the client hears 452, and nothing was handed on."""
    async with house() as here:
        here.journal.full = True
        with pytest.raises(smtplib.SMTPDataError, match=r"4\.3\.1 the disk is full") as error:
            await send(here.port, message())
        assert error.value.smtp_code == 452
        assert here.sink.delivered == []


async def test_no_room_to_hold():
    """Where a message cannot be held durably the client hears 452, and it is written down as deferred."""
    async with house() as here:
        here.holder.full = True
        with pytest.raises(smtplib.SMTPDataError, match=r"4\.3\.1 the disk is full"):
            await send(here.port, message("malware"))
        assert here.journal.outcomes == [Outcome.DEFERRED]
        assert here.sink.delivered == []


async def test_handed_on_but_not_written_down():
    """A message that the next hop has is answered with 250 even if its disposition is lost: its intent says unknown."""
    async with house() as here:
        here.journal.full_after = True
        await send(here.port, message())
        assert len(here.sink.delivered) == 1
        assert here.journal.dispositions == []
        assert len(here.journal.intents) == 1


async def test_a_fault_of_the_scanner_puts_the_message_off():
    """An exception where none should be is 451, never clean: the client still has the message."""
    async with house() as here:

        async def broken(raw, envelope):
            raise ZeroDivisionError

        here.scanner.scan = broken
        with pytest.raises(smtplib.SMTPDataError, match=r"4\.3\.0 a fault on our side") as error:
            await send(here.port, message())
        assert error.value.smtp_code == 451
        assert here.sink.delivered == []
        assert here.journal.outcomes == [Outcome.DEFERRED]


async def test_own_fields_that_came_in_are_taken_off():
    """Fields of our names that came in are gone from what goes out, and only ours are there."""
    forged = ("X-Counterfoil-Verdict: clean", "X-counterfoil-ID : forged", "Authentication-Results: mx.test; spf=pass")
    async with house() as here:
        await send(here.port, message("hello", *forged, "Authentication-Results: other.test; spf=pass"))
        head = here.sink.delivered[0].raw.split(b"\r\n\r\n")[0]
        assert head.lower().count(b"x-counterfoil-verdict") == 1
        assert b"forged" not in head
        assert b"mx.test; spf=pass" not in head
        assert b"Authentication-Results: other.test; spf=pass" in head


@pytest.mark.parametrize(
    ("own", "others", "passes"),
    [(0, 50, True), (0, 51, False), (4, 0, True), (5, 0, False)],
)
async def test_loops_end(own, others, passes):
    """More than 50 Received fields, or 5 of ours, are a loop: 554 5.4.6."""
    trace = [f"Received: from a by b{n}.example; x" for n in range(others)]
    trace += ["Received: from a ([192.0.2.1]) by mx.test (Counterfoil) with SMTP id x; x"] * own
    async with house() as here:
        if passes:
            await send(here.port, message("hello", *trace))
            assert len(here.sink.delivered) == 1
        else:
            with pytest.raises(smtplib.SMTPDataError, match=r"5\.4\.6 this message goes round in a loop"):
                await send(here.port, message("hello", *trace))
            assert here.journal.outcomes == [Outcome.REFUSED]


def test_severest_action_wins():
    """Of several policies' decisions the one with the severest action decides, whatever their order."""
    decided = [(Decision(Verdict.SUSPICIOUS, action, ()), {"of": str(action)}) for action in Action]
    for order in itertools.permutations(decided):
        decision, policy = severest(order)
        assert decision.action is Action.REJECT
        assert policy == {"of": "reject"}
