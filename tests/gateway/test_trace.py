from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes, policy

import pytest

from counterfoil.gateway.received import Received
from counterfoil.gateway.routing import Client
from counterfoil.gateway.trace import own_fields, received_field
from counterfoil.model.mail import Action, Decision, Direction, Envelope, Verdict

TIME = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
CLIENT = Client("192.0.2.1", Direction.INBOUND, helo="client.example", extended=True)


def received(sender="ann@sender.example", recipients=("bob@tenant.example",), **more):
    """Return what came in."""
    return Received("m1", TIME, Envelope(sender, recipients), "", 0, "smtp", None, **more)


def test_received_field():
    """Our Received field says from whom, by whom, how, for whom and when (RFC 5321 section 4.4)."""
    name, value = received_field(received(), CLIENT, "mx.test")
    assert name == "Received"
    assert value == (
        "from client.example ([192.0.2.1])\r\n\tby mx.test (Counterfoil) with ESMTP id m1"
        "\r\n\tfor <bob@tenant.example>;\r\n\tSun, 01 Mar 2026 12:30:00 +0000"
    )


@pytest.mark.parametrize(
    ("change", "protocol"),
    [
        ({}, "ESMTP"),
        ({"extended": False}, "SMTP"),
        ({"tls": "TLSv1.3"}, "ESMTPS"),
    ],
)
def test_protocol_is_named(change, protocol):
    """The protocol is spelt as RFC 3848 has it."""
    assert f" with {protocol} id " in received_field(received(), replace(CLIENT, **change), "mx.test")[1]


def test_recipients_do_not_learn_of_each_other():
    """With several recipients none is named, as one of them may be blind."""
    two = received(recipients=("bob@tenant.example", "eve@tenant.example"))
    assert "for" not in received_field(two, CLIENT, "mx.test")[1].replace("Counterfoil", "")


def test_a_helo_that_is_no_name_is_not_repeated():
    """A HELO name with brackets or a semicolon could change what the field says, and is left out."""
    client = Client("2001:db8::1", Direction.INBOUND, helo="x) by evil; (")
    assert received_field(received(), client, "mx.test")[1].startswith("from unknown ([IPv6:2001:db8::1])")


def test_reasons_are_folded_and_printable():
    """Reasons are folded, and nothing in them can end the field or begin another."""
    reasons = ("a long reason " * 20, "evil\r\n\r\nbody", "ümlaut")
    fields = own_fields(received(), Decision(Verdict.SUSPICIOUS, Action.TAG, reasons), verdict=True)
    octets = "".join(f"{name}: {value}\r\n" for name, value in fields).encode() + b"\r\n"
    parsed = message_from_bytes(octets, policy=policy.default)
    assert [name for name, _ in fields] == parsed.keys()
    assert all(len(line) <= 998 for line in octets.split(b"\r\n"))
    assert parsed["X-Counterfoil-Reasons"].endswith("evil????body; ?mlaut")
