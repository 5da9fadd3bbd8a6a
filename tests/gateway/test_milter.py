import asyncio
import contextlib
import itertools
import smtplib
import time
from dataclasses import dataclass

import pytest
from tests.conftest import require_program
from tests.gateway.client import send
from tests.gateway.peers import MemoryDirectory, MemoryHolder, MemoryJournal, PlainScanner, Sink, decide
from tests.gateway.postfix import postfix

from counterfoil import clock
from counterfoil.flows.mail import MailFlow, Names
from counterfoil.flows.transaction import Transactions
from counterfoil.gateway.milter import MilterServer
from counterfoil.gateway.milter_session import QUEUE
from counterfoil.gateway.routing import NextHop, Route, Tls
from counterfoil.gateway.server import SmtpServer
from counterfoil.model.mail import Direction, Outcome

TAG = {"tag": {"subject_prefix": "[odd] "}}


@dataclass
class Behind:
    """Postfix with our milter, and a sink behind its queue."""

    port: int
    log: object
    journal: MemoryJournal
    holder: MemoryHolder
    sink: Sink
    milter: MilterServer


@contextlib.asynccontextmanager
async def behind_postfix():
    """Start a sink, our milter and Postfix."""
    sink, journal, holder = Sink(), MemoryJournal(), MemoryHolder()
    sink_server = SmtpServer(sink, hostname="sink.test")
    sink_port = await sink_server.listen("127.0.0.1", 0, Direction.INBOUND)
    hop = NextHop("127.0.0.1", sink_port, Tls.NONE)
    directory = MemoryDirectory({"tenant.example": Route("t1", hop, TAG), "other.example": Route("t2", hop, {})})
    flow = MailFlow(
        names=Names("mx.test"),
        journal=journal,
        holder=holder,
        scanner=PlainScanner(),
        decide=decide,
        now=clock.now,
        monotonic=time.monotonic,
    )
    numbers = itertools.count(1)
    milter = MilterServer(
        lambda hops: Transactions(
            flow, directory, hops, outbound=QUEUE, via="milter", new_id=lambda: f"m{next(numbers)}"
        ),
        most=10_000_000,
    )
    milter_port = await milter.listen("127.0.0.1", 0, Direction.INBOUND)
    with contextlib.ExitStack() as stack:
        started = await asyncio.to_thread(stack.enter_context, postfix(milter=milter_port, relay=sink_port))
        try:
            yield Behind(*started, journal, holder, sink, milter)
        finally:
            await milter.drain(1)
            await asyncio.to_thread(stack.close)
            await sink_server.drain(1)


async def run(program, *arguments):
    """Run a program to its end; return its exit code and what it printed."""
    process = await asyncio.create_subprocess_exec(
        require_program(program), *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output, _ = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode, output.decode()


async def test_one_flow_behind_postfix():
    """Behind the real Postfix a message is delivered with our fields, held, refused or put off as the flow says."""
    async with behind_postfix() as here:
        await send(here.port, b"X-Counterfoil-Verdict: clean\r\nSubject: hello\r\n\r\nbody\r\n")
        await here.sink.arrived()
        raw = here.sink.delivered[0].raw
        assert raw.count(b"X-Counterfoil-Verdict") == 1
        assert raw.startswith(b"X-Counterfoil-Id: m1\r\nX-Counterfoil-Verdict: clean; action=deliver\r\n")
        assert raw.endswith(b"Subject: hello\r\n\r\nbody\r\n")
        assert here.journal.dispositions[:1] == [("m1", Outcome.HANDED_ON, "250 2.0.0 accepted into Postfix's queue")]

        await send(here.port, b"Subject: odd \xff\r\nX-Counterfoil-A: 1\r\nX-Counterfoil-A: 2\r\n\r\nbody\r\n")
        await here.sink.arrived(2)
        raw = here.sink.delivered[1].raw
        assert b"\r\nSubject: [odd] odd \xff\r\n" in raw
        assert b"\r\nX-Counterfoil-Reasons: the subject says odd\r\n" in raw
        assert b"X-Counterfoil-A" not in raw

        await send(here.port, b"Subject: malware\r\n\r\nbody\r\n")
        (held,) = here.holder.held
        assert held[1].endswith(b"Subject: malware\r\n\r\nbody\r\n")

        with pytest.raises(smtplib.SMTPDataError, match="refused by policy as malicious; m4"):
            await send(here.port, b"Subject: forbidden\r\n\r\nbody\r\n")

        here.journal.full = True
        with pytest.raises(smtplib.SMTPDataError, match="the disk is full") as error:
            await send(here.port, b"Subject: hello\r\n\r\nbody\r\n")
        assert error.value.smtp_code == 452
        here.journal.full = False

        refused = await send(here.port, b"Subject: two\r\n\r\nbody\r\n", to=("bob@tenant.example", "eve@other.example"))
        assert refused["eve@other.example"][0] == 452
        await here.sink.arrived(3)
        assert [got.recipients for got in here.sink.delivered] == [["bob@tenant.example"]] * 3
        # Postfix's next word after each of our answers says that it read them.
        assert {("m1", True), ("m2", True), ("m3", True)} <= set(here.journal.answers)
        assert all(heard for _, heard in here.journal.answers)


async def test_many_messages_from_smtp_source_and_swaks():
    """Postfix's own load generator and swaks get every message through, and each has its disposition."""
    async with behind_postfix() as here:
        code, words = await run(
            "smtp-source", "-s", "4", "-m", "40", "-l", "8000", "-f", "ann@sender.example",
            "-t", "bob@tenant.example", f"inet:127.0.0.1:{here.port}",
        )  # fmt: skip
        assert code == 0, words
        code, words = await run(
            "swaks", "--server", f"127.0.0.1:{here.port}", "--from", "ann@sender.example",
            "--to", "bob@tenant.example", "--header", "Subject: malware by swaks",
        )  # fmt: skip
        assert code == 0, words
        await here.sink.arrived(40)
        assert here.journal.outcomes == [Outcome.HANDED_ON] * 40
        assert len(here.holder.held) == 1


async def test_postfix_keeps_nothing_for_us_while_we_are_away():
    """With the milter gone Postfix answers 4xx: the client still has the message."""
    async with behind_postfix() as here:
        await here.milter.drain(0)
        with pytest.raises((smtplib.SMTPResponseException, smtplib.SMTPRecipientsRefused), match=r"45\d|4\.7\.1"):
            await send(here.port, b"Subject: hello\r\n\r\nbody\r\n")
