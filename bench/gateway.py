"""The gateway from end to end: smtp-source, what is measured, smtp-sink, all on loopback with ten connections.

A repetition ends when the sink has taken the last message, so that a queue is emptied, too. Every side may use both
cores (two scanning workers each); "per core" counts the processor seconds of what is measured, without source and
sink. Of ours the proxy owns no queue: its 250 means that the next hop, here the sink, has the message; Postfix's
means that it has been queued on disk. Both write to disk before they answer: ours the stubs of its ledger.
"""

import argparse
import contextlib
from collections.abc import Callable
from pathlib import Path

from bench import mails
from bench.measure import Side, Spent, in_turns, table
from bench.peers.gateway import gateway
from bench.peers.mail import Sink, sent, sink
from bench.peers.postfix import postfix
from bench.peers.rspamd import rspamd
from bench.places import NotHere, folder

SESSIONS = 10
SIZES = (("4 KB", mails.text, 4_096, 400), ("1 MB", mails.attachment, 1 << 20, 40))


def run(arguments: argparse.Namespace) -> None:
    """Measure the proxy, Postfix with Rspamd's milter, Postfix with ours, and Postfix alone."""
    with contextlib.ExitStack() as stack:
        end = stack.enter_context(sink())
        ours = stack.enter_context(gateway(end.port))
        measured: list[tuple[str, int, Callable[[], float]]] = [("counterfoil serve", ours.smtp, ours.processor)]
        try:
            theirs = stack.enter_context(rspamd(proxies=2))
            queue = stack.enter_context(postfix(milter=theirs.proxy, relay=end.port))
            both = _together(queue.processor, theirs.processor)
            measured.append((f"Postfix, milter of Rspamd {theirs.version}", queue.port, both))
        except NotHere as what:
            print(f"\nnot here: {what}")
        queue = stack.enter_context(postfix(milter=ours.milter, relay=end.port))
        measured.append(("Postfix, milter of counterfoil", queue.port, _together(queue.processor, ours.processor)))
        alone = stack.enter_context(postfix(milter=0, relay=end.port))
        measured.append(("Postfix alone, no scan", alone.port, alone.processor))
        home = stack.enter_context(folder())
        for title, make, size, count in SIZES:
            message = home / f"{size}.eml"
            message.write_bytes(mails.several(make, size, 1)[0].replace(b"\r\n", b"\n"))
            sides = [Side(name, _sending(message, port, end, count, cost)) for name, port, cost in measured]
            in_turns(sides, min(arguments.repetitions, 5))
            table(f"{title}, {count} messages over {SESSIONS} connections", sides, unit="messages")


def _together(one: Callable[[], float], other: Callable[[], float]) -> Callable[[], float]:
    return lambda: one() + other()


def _sending(message: Path, port: int, end: Sink, count: int, cost: Callable[[], float]) -> Callable[[], Spent]:
    def once() -> Spent:
        before = cost()
        seconds = sent(message, port, end, sessions=SESSIONS, count=count)
        return Spent(count, seconds, cost() - before)

    return once
