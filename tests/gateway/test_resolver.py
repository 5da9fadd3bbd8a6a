"""The resolver against a name server of the test's own on loopback."""

import asyncio

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from counterfoil.gateway.resolver import Network, NotAsked, Rationed, Table
from counterfoil.model.dns import Answer, Question, RecordType, Status

ZONE = {
    ("example.org.", "TXT"): ['"v=spf1 " "-all"', '"caf\\195\\169"'],
    ("example.org.", "MX"): ["10 Mail.Example.ORG."],
    ("mail.example.org.", "A"): ["192.0.2.1", "192.0.2.2"],
    ("mail.example.org.", "AAAA"): ["2001:db8::1"],
    ("1.2.0.192.in-addr.arpa.", "PTR"): ["mail.example.org."],
    ("alias.example.org.", "CNAME"): ["mail.example.org."],
}


class NameServer(asyncio.DatagramProtocol):
    """Answers from ZONE; ``broken.`` is SERVFAIL, ``silent.`` is no answer at all."""

    def __init__(self):
        self.asked = []

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, address):
        query = dns.message.from_wire(data)
        name, kind = query.question[0].name.to_text().lower(), dns.rdatatype.to_text(query.question[0].rdtype)
        self.asked.append((name, kind))
        if name.startswith("silent."):
            return
        response = dns.message.make_response(query)
        response.flags |= dns.flags.RA
        if name.startswith("broken."):
            response.set_rcode(dns.rcode.SERVFAIL)
        elif target := ZONE.get((name, "CNAME")):
            response.answer.append(dns.rrset.from_text(name, 300, "IN", "CNAME", *target))
            response.answer.append(dns.rrset.from_text(target[0], 300, "IN", kind, *ZONE[target[0], kind]))
        elif records := ZONE.get((name, kind)):
            response.answer.append(dns.rrset.from_text(name, 300, "IN", kind, *records))
        elif not any(known == name for known, _ in ZONE):
            response.set_rcode(dns.rcode.NXDOMAIN)
        self.transport.sendto(response.to_wire(), address)


@pytest.fixture
async def server():
    """A running name server."""
    transport, protocol = await asyncio.get_running_loop().create_datagram_endpoint(
        NameServer, local_addr=("127.0.0.1", 0)
    )
    yield protocol
    transport.close()


def network(server, **settings) -> Network:
    """A resolver that asks the name server."""
    port = server.transport.get_extra_info("sockname")[1]
    return Network(["127.0.0.1"], port=port, **{"timeout": 2.0, "lifetime": 4.0} | settings)


@pytest.mark.parametrize(
    ("name", "kind", "answer"),
    [
        ("example.org", RecordType.TXT, Answer(Status.OK, ("caf\u00c3\u00a9", "v=spf1 -all"))),
        ("example.org", RecordType.MX, Answer(Status.OK, ("10 mail.example.org",))),
        ("mail.example.org", RecordType.A, Answer(Status.OK, ("192.0.2.1", "192.0.2.2"))),
        ("mail.example.org", RecordType.AAAA, Answer(Status.OK, ("2001:db8::1",))),
        ("1.2.0.192.in-addr.arpa", RecordType.PTR, Answer(Status.OK, ("mail.example.org",))),
        ("alias.example.org", RecordType.A, Answer(Status.OK, ("192.0.2.1", "192.0.2.2"))),
        ("mail.example.org", RecordType.MX, Answer(Status.NO_DATA)),
        ("nowhere.example.org", RecordType.A, Answer(Status.NX_DOMAIN)),
        ("broken.example.org", RecordType.A, Answer(Status.TEMPORARY)),
        ("a" * 64 + ".example.org", RecordType.A, Answer(Status.NX_DOMAIN)),
        ("a..example.org", RecordType.A, Answer(Status.NX_DOMAIN)),
        ("\x00\udc80.example.org", RecordType.A, Answer(Status.NX_DOMAIN)),
        ("bad\\999.example.org", RecordType.A, Answer(Status.NX_DOMAIN)),
    ],
)
async def test_a_name_server_s_answer_becomes_a_value(server, name, kind, answer):
    """Each way a look-up ends has its status, and records are spelt as the scanner reads them."""
    assert await network(server).answer([Question(name, kind)]) == (answer,)


async def test_silence_is_temporary(server):
    """A server that does not answer in its time is a temporary failure."""
    resolver = network(server, timeout=0.1, lifetime=0.2)

    assert await resolver.answer([Question("silent.example.org", RecordType.A)]) == (Answer(Status.TEMPORARY),)


async def test_answers_come_in_the_order_of_the_questions_and_are_remembered(server):
    """A batch keeps its order, and asking again asks nobody, for what is not there too."""
    resolver = network(server)
    batch = [Question("nowhere.example.org", RecordType.A), Question("mail.example.org", RecordType.A)]

    first = await resolver.answer(batch)
    asked = list(server.asked)
    second = await resolver.answer(batch)

    assert [answer.status for answer in first] == [Status.NX_DOMAIN, Status.OK]
    assert first == second
    assert server.asked == asked


async def test_a_message_has_a_ration_of_questions(server):
    """What is asked above the ration is temporary, and reaches no server."""
    resolver = Rationed(network(server), questions=3)
    question = Question("mail.example.org", RecordType.A)

    answers = [*await resolver.answer([question] * 2), *await resolver.answer([question] * 2)]

    assert [answer.status for answer in answers] == [Status.OK, Status.OK, Status.OK, Status.TEMPORARY]
    assert await resolver.answer([question]) == (Answer(Status.TEMPORARY),)


async def test_a_message_has_a_ration_of_time(server):
    """When the seconds are used up, what is still open is temporary."""
    resolver = Rationed(network(server, timeout=30, lifetime=30), seconds=0.2)

    assert await resolver.answer([Question("silent.example.org", RecordType.A)]) == (Answer(Status.TEMPORARY),)


async def test_a_table_tells_no_data_from_no_name():
    """A name that has other records has no data; any other does not exist."""
    table = Table({("example.org", RecordType.A): ("192.0.2.1",)})
    kinds = (RecordType.A, RecordType.MX)

    answers = await table.answer([*(Question("example.org", kind) for kind in kinds), Question("x.org", RecordType.A)])

    assert answers == (Answer(Status.OK, ("192.0.2.1",)), Answer(Status.NO_DATA), Answer(Status.NX_DOMAIN))


async def test_not_asked_asks_nobody():
    """Every question is answered by saying so."""
    assert await NotAsked().answer([Question("example.org", RecordType.A)]) == (Answer(Status.NOT_ASKED),)
