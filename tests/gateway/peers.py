"""What the mail flow asks for, kept in memory, and a next hop that writes down what it is given."""

import asyncio
import contextlib
import itertools
import time
from dataclasses import dataclass, field, replace

from counterfoil import clock
from counterfoil.flows.mail import MailFlow, Names
from counterfoil.flows.transaction import Transactions
from counterfoil.gateway.access import AccessLimits
from counterfoil.gateway.received import Received
from counterfoil.gateway.relay import Patience, Relay
from counterfoil.gateway.routing import Account, NextHop, Route, Tls
from counterfoil.gateway.server import SmtpServer
from counterfoil.gateway.smtp.address import domain_of
from counterfoil.gateway.smtp.reply import Reply
from counterfoil.gateway.tls import client_contexts
from counterfoil.model.errors import Unavailable
from counterfoil.model.mail import Action, Authentication, Decision, Direction, Outcome, Scan, Verdict

OK = Reply(250, "2.0.0", "ok")
ANY = AccessLimits(connections_per_client=1000, connections=1000, messages_per_minute=10**9)


@dataclass
class MemoryJournal:
    """Remembers intents and dispositions; `full` is a full disk."""

    intents: list[Received] = field(default_factory=list)
    dispositions: list[tuple[str, Outcome, str]] = field(default_factory=list)
    answers: list[tuple[str, bool]] = field(default_factory=list)
    full: bool = False
    full_after: bool = False

    async def intent(self, received):
        if self.full:
            raise Unavailable("the disk is full", "make room")
        self.intents.append(received)

    async def settled(self, received, outcome, words, scan, decision):
        if self.full_after:
            raise Unavailable("the disk is full", "make room")
        self.dispositions.append((received.id, outcome, words))

    def answered(self, received, *, heard):
        self.answers.append((received.id, heard))

    @property
    def outcomes(self):
        return [outcome for _, outcome, _ in self.dispositions]


@dataclass
class MemoryHolder:
    """Remembers what is held."""

    held: list[tuple[Received, bytes]] = field(default_factory=list)
    full: bool = False

    async def hold(self, received, raw, scan, decision):
        if self.full:
            raise Unavailable("the disk is full", "make room")
        self.held.append((received, raw))


@dataclass
class MemoryDirectory:
    """Tenants by domain."""

    routes: dict[str, Route] = field(default_factory=dict)
    accounts: list[Account] = field(default_factory=list)
    hosts: dict[str, Account] = field(default_factory=dict)

    async def route(self, address):
        return self.routes.get(address.lower()) or self.routes.get(domain_of(address))

    async def secret(self, digest):
        return next((account for account in self.accounts if digest in account.secrets), None)

    async def host(self, client):
        for name in (client.address, *client.certificates):
            if name in self.hosts:
                return self.hosts[name]
        return None


class PlainScanner:
    """Finds nothing; what the message is worth is read from its text by `decide`."""

    async def scan(self, raw, envelope):
        self.raw = raw
        subject = next((line[9:].decode("latin-1") for line in raw.split(b"\r\n") if line[:9] == b"Subject: "), "")
        return Scan("", subject, "", len(raw), (), (), (), Authentication(), ())


def decide(scan, envelope, policy):
    """Hold what says so in its subject; a policy may name another action for it."""
    for word, verdict, action in (
        ("malware", Verdict.MALICIOUS, Action.QUARANTINE),
        ("forbidden", Verdict.MALICIOUS, Action.REJECT),
        ("odd", Verdict.SUSPICIOUS, Action.TAG),
    ):
        if word in scan.subject:
            return Decision(verdict, Action(policy.get(word, action)), (f"the subject says {word}",))
    return Decision(Verdict.CLEAN, Action.DELIVER, ())


@dataclass
class Delivered:
    """One message that the next hop took."""

    sender: str
    recipients: list[str]
    raw: bytes
    client: object = None


class Sink:
    """A next hop on the server under test's own sans-I/O session; it writes down what it is given."""

    def __init__(self):
        self.delivered: list[Delivered] = []
        self.commands: list[str] = []
        self.replies: dict[str, Reply] = {}
        self.before_reply = None
        self.more = asyncio.Condition()

    def __call__(self):
        return _SinkConversation(self)

    async def arrived(self, count=1):
        """Wait until there are so many messages."""
        async with asyncio.timeout(20), self.more:
            await self.more.wait_for(lambda: len(self.delivered) >= count)

    def reply(self, what):
        self.commands.append(what)
        return self.replies.get(what, OK)


class _SinkConversation:
    def __init__(self, sink):
        self.sink = sink
        self.open = None

    async def mail(self, client, mail):
        self.open = Delivered(mail.sender, [], b"", client)
        return self.sink.reply(f"MAIL {mail.sender}")

    async def recipient(self, recipient):
        reply = self.sink.reply(f"RCPT {recipient.address}")
        if reply.positive:
            self.open.recipients.append(recipient.address)
        return reply

    async def content(self, content):
        self.open.raw = content.raw
        reply = self.sink.reply("DATA")
        if reply.positive:
            async with self.sink.more:
                self.sink.delivered.append(self.open)
                self.sink.more.notify_all()
        if self.sink.before_reply:
            await self.sink.before_reply()
        return reply

    async def spoilt(self, spoilt):
        self.sink.commands.append(f"spoilt {spoilt.reply}")

    def answered(self, *, heard):
        pass

    async def reset(self):
        self.sink.commands.append("RSET")

    async def close(self):
        self.sink.commands.append("gone")


@dataclass
class House:
    """A whole gateway on loopback, with everything that it is given in memory."""

    journal: MemoryJournal
    holder: MemoryHolder
    directory: MemoryDirectory
    scanner: PlainScanner
    sink: Sink
    server: SmtpServer
    sink_server: SmtpServer
    port: int
    outbound_port: int
    sink_port: int
    flow: MailFlow

    def next_hop(self, **changes):
        return replace(NextHop("127.0.0.1", self.sink_port, Tls.NONE), **changes)


@contextlib.asynccontextmanager
async def house(*, sink_limits=None, sink_tls=None, contexts=None, patience=None, outbound=True, **server):
    """Start a gateway for tenant.example (tenant t1) and other.example (t2) with one sink as the next hop."""
    sink = Sink()
    sink_server = SmtpServer(sink, hostname="sink.test", limits=sink_limits, tls=sink_tls, access=ANY)
    sink_port = await sink_server.listen("127.0.0.1", 0, Direction.INBOUND)
    hop = NextHop("127.0.0.1", sink_port, Tls.NONE)
    directory = MemoryDirectory({"tenant.example": Route("t1", hop, {}), "other.example": Route("t2", hop, {})})
    journal, holder, scanner = MemoryJournal(), MemoryHolder(), PlainScanner()
    numbers = itertools.count(1)
    flow = MailFlow(
        names=Names("mx.test"),
        journal=journal,
        holder=holder,
        scanner=scanner,
        decide=decide,
        now=clock.now,
        monotonic=time.monotonic,
    )
    relay = Relay("mx.test", contexts or client_contexts(), patience or Patience())
    gateway = SmtpServer(
        lambda: Transactions(
            flow, directory, relay, outbound=hop if outbound else None, via="smtp", new_id=lambda: f"m{next(numbers)}"
        ),
        hostname="mx.test",
        **server,
    )
    port = await gateway.listen("127.0.0.1", 0, Direction.INBOUND)
    outbound_port = await gateway.listen("127.0.0.1", 0, Direction.OUTBOUND)
    made = House(journal, holder, directory, scanner, sink, gateway, sink_server, port, outbound_port, sink_port, flow)
    try:
        yield made
    finally:
        await gateway.drain(2)
        await sink_server.drain(2)
