"""The life of a message after its dot: received, intent, scan, decide, relay or hold or refuse, disposition, reply.

What happened before (who may send to whom, and over which next hop) is in ``flows.transaction``. What
this needs of the world is asked for by the protocols below. docs/flow.md tells the same in the same order.
"""

import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from counterfoil.gateway.headers import SECRET_HEADER, Dressed, Stripped, marked_subject, strip
from counterfoil.gateway.hop import Sent
from counterfoil.gateway.received import Received
from counterfoil.gateway.routing import Account, Client, Route
from counterfoil.gateway.smtp.address import POSTMASTER
from counterfoil.gateway.smtp.events import Content
from counterfoil.gateway.smtp.reply import Reply
from counterfoil.gateway.trace import own_fields, received_field
from counterfoil.model.errors import Unavailable
from counterfoil.model.mail import Action, Decision, Envelope, Finding, Json, Outcome, Scan, Severity
from counterfoil.scan.authentication.results import write

log = logging.getLogger(__name__)


class Journal(Protocol):
    """Our own book of mail: an intent before the relay, a disposition after it."""

    async def intent(self, received: Received) -> None:
        """Write the intent stub; durable on return.

        Raises:
            Unavailable: If it cannot be made durable (the disk is full): the client gets 452.
        """

    async def settled(
        self, received: Received, outcome: Outcome, words: str, scan: Scan | None, decision: Decision | None
    ) -> None:
        """Write the disposition: what became of it, in the next hop's own words; durable on return.

        ``scan`` and ``decision`` are ``None`` where the message was refused before it was scanned.
        """

    def answered(self, received: Received, *, heard: bool) -> None:
        """Take note that the sender heard our 250, or that it may not have, which adds ``unknown``; never waits."""


class Holder(Protocol):
    """The quarantine."""

    async def hold(self, received: Received, raw: bytes, scan: Scan, decision: Decision) -> None:
        """Keep the bytes (ours on top, ready to be released as they are); durable on return.

        Writes the disposition ``held`` in the same commit as the row, so ``settled`` is not called for it.

        Raises:
            Unavailable: If it cannot be made durable; nothing is held then, and the client gets 452.
        """


class Directory(Protocol):
    """Tenants, their domains, next hops, policies and proofs."""

    async def route(self, address: str) -> Route | None:
        """Return the route of a recipient (``local@domain``, any case, U-labels or A-labels), if it is a tenant's."""

    async def secret(self, digest: bytes) -> Account | None:
        """Return the tenant that one of whose secret header's values has this SHA-256 digest."""

    async def host(self, client: Client) -> Account | None:
        """Return the tenant that owns a sending host, by address range or verified client certificate name.

        Ranges and names that many tenants share (Microsoft 365's) must never be entered for one.
        """


class Scanner(Protocol):
    """Looks into messages, in a bounded worker."""

    async def scan(self, raw: bytes, envelope: Envelope) -> Scan:
        """Return what was found within 20 s; a dead or late worker is an uninspectable Scan, never an exception."""


class Decider(Protocol):
    """The tenant's policy: values in, values out."""

    def __call__(self, scan: Scan, envelope: Envelope, policy: Mapping[str, Json]) -> Decision:
        """Return the verdict and the action that the policy makes of it."""


HandOn = Callable[[Dressed, float], Awaitable[Sent]]
"""Hands a message to the next hop within so many seconds."""

WHOLE = 600.0
"""Seconds that a client waits for the reply to its dot (RFC 5321 section 4.5.3.2.6)."""


@dataclass(frozen=True, slots=True)
class Names:
    """What we call ourselves: the gateway's host name, the secret header, and who is our postmaster, if anybody."""

    hostname: str
    secret: str = SECRET_HEADER
    postmaster: str = ""

    def mailbox_of(self, address: str) -> str | None:
        """Return where mail to an address goes: as it says, or to whom we name (RFC 5321 section 4.5.1)."""
        if address.lower() in (POSTMASTER, f"{POSTMASTER}@{self.hostname.lower()}"):
            return self.postmaster or None
        return address


@dataclass(frozen=True, slots=True)
class Taken:
    """A message after its dot, with all that was agreed before it.

    ``policies`` are the documents of the recipients' policies, each once. ``refusal`` is why it cannot be
    taken, whatever is in it: a loop, no proof of the sender, or a next hop that lacks an extension.
    """

    received: Received
    content: Content
    client: Client
    policies: tuple[Mapping[str, Json], ...]
    refusal: Reply | None = None


class MailFlow:
    """The way of every message through the house, whichever edge it came in by."""

    def __init__(
        self,
        *,
        names: Names,
        journal: Journal,
        holder: Holder,
        scanner: Scanner,
        decide: Decider,
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
        whole: float = WHOLE,
    ) -> None:
        self.names = names
        self.now = now
        self.whole = whole
        self._journal = journal
        self._holder = holder
        self._scanner = scanner
        self._decide = decide
        self._monotonic = monotonic

    async def take(self, taken: Taken, hand_on: HandOn) -> Reply:
        """Take a message from its dot to its reply. 250 only if it has a home (law 2)."""
        started = self._monotonic()
        received = taken.received

        # 1. Intent. If we die after it: an intent without a disposition, which is counted as unknown; the
        # client saw no reply and still has the message.
        try:
            await self._journal.intent(received)
        except Unavailable as error:
            log.exception("message %s: no intent could be written", received.id)
            return Reply(452, "4.3.1", error.message)
        try:
            # 2. Scan, and 3. decide.
            if taken.refusal is not None:
                return await self._settle(received, Sent(Outcome.REFUSED, taken.refusal), None, None)
            stripped = strip(taken.content.raw, authserv=self.names.hostname, secret=self.names.secret)
            scan = await self._scan(taken, stripped)
            decided = [(self._decide(scan, received.envelope, policy), policy) for policy in taken.policies]
            decision, policy = severest(decided)

            # 4. Refuse, hold or relay, and 5. the disposition.
            if decision.action is Action.REJECT:
                words = Reply(550, "5.7.1", f"refused by policy as {decision.verdict}; {received.id}")
                return await self._settle(received, Sent(Outcome.REFUSED, words), scan, decision)
            dressed = self._dress(taken, stripped, scan, decision, policy)
            if decision.action is Action.QUARANTINE:
                # If we die after this: it is held, and the client sends it again: doubled, never lost.
                await self._holder.hold(received, dressed.octets(), scan, decision)
                _note(received, Outcome.HELD, decision)
                return Reply(250, "2.0.0", f"taken as {received.id}")
            left = self.whole - (self._monotonic() - started)
            sent = await _relay(hand_on, dressed, left)
            # If we die here: the next hop may have it, our books say unknown, and the client sends it again
            # (RFC 1047): doubled, never lost.
            return await self._settle(received, sent, scan, decision)
        except Exception as error:
            log.exception("message %s: put off", received.id)
            return await self._settle(received, Sent(Outcome.DEFERRED, _put_off(error)), None, None)

    async def refuse(self, received: Received, reply: Reply) -> None:
        """Write down a message that was refused before its end, so that it can be found."""
        await self._journal.intent(received)
        await self._settle(received, Sent(Outcome.REFUSED, reply), None, None)

    def answered(self, received: Received, *, heard: bool) -> None:
        """Say how our 250 went. If we die before it is known: it counts as unheard, and that as unknown."""
        self._journal.answered(received, heard=heard)

    async def _scan(self, taken: Taken, stripped: Stripped) -> Scan:
        scan = await self._scanner.scan(taken.content.raw, taken.received.envelope)
        return replace(scan, findings=(*scan.findings, *_notices(stripped)))

    def _dress(
        self, taken: Taken, stripped: Stripped, scan: Scan, decision: Decision, policy: Mapping[str, Json]
    ) -> Dressed:
        """Put our fields on top, and mark a tagged message as its policy says (``scan.policy.Tag``)."""
        mark = policy.get("tag")
        tag = mark if decision.action is Action.TAG and isinstance(mark, dict) else {}
        fields = [*own_fields(taken.received, decision, verdict=bool(tag.get("header", True)))]
        results = write(self.names.hostname, scan.authentication).decode("ascii").partition(":")[2].strip()
        fields.append(("Authentication-Results", results))
        if taken.received.via == "smtp":  # Postfix writes a Received field of its own in front of the milter
            fields.insert(0, received_field(taken.received, taken.client, self.names.hostname))
        prefix = str(tag.get("subject_prefix", ""))
        subject = marked_subject(stripped.raw, prefix) if prefix else None
        if prefix and subject is None:
            fields.append(("Subject", prefix.encode("ascii", "replace").decode()))
        return Dressed(stripped, tuple(fields), subject)

    async def _settle(self, received: Received, sent: Sent, scan: Scan | None, decision: Decision | None) -> Reply:
        """Write the disposition. Where that fails the reply stands: the intent alone says unknown, which is true."""
        _note(received, sent.outcome, decision)
        try:
            await self._journal.settled(received, sent.outcome, str(sent.reply), scan, decision)
        except Exception:
            log.exception("message %s: its disposition %s could not be written", received.id, sent.outcome)
        return sent.reply


def severest(decided: Iterable[tuple[Decision, Mapping[str, Json]]]) -> tuple[Decision, Mapping[str, Json]]:
    """Return the decision with the severest action, and its policy; one message to several gets one fate."""
    return max(decided, key=lambda pair: list(Action).index(pair[0].action))


async def _relay(hand_on: HandOn, dressed: Dressed, seconds: float) -> Sent:
    """Hand on; what breaks in there leaves it unknown whether the next hop has the message."""
    try:
        return await hand_on(dressed, seconds)
    except Exception:
        log.exception("the message may or may not have been handed on")
        return Sent(Outcome.UNKNOWN, Reply(451, "4.3.0", "a fault on our side; send it again"))


def _note(received: Received, outcome: Outcome, decision: Decision | None) -> None:
    """Log what became of a message; who wrote to whom is in the books, which know who may read it."""
    facts = {"id": received.id, "tenant": received.envelope.tenant, "outcome": outcome.value, "size": received.size}
    if decision is not None:
        facts |= {"verdict": decision.verdict.value, "action": decision.action.value}
    log.info("message", extra={"facts": facts})


def _put_off(error: Exception) -> Reply:
    if isinstance(error, Unavailable):
        return Reply(452, "4.3.1", error.message)
    return Reply(451, "4.3.0", "a fault on our side; send it again")


def _notices(stripped: Stripped) -> Iterable[Finding]:
    """Say what the gateway saw and the scan cannot know."""
    if stripped.removed:
        yield Finding(
            "own-header",
            Severity.INFO,
            "header fields of our own names were taken off",
            evidence={"fields": [name for name, _ in stripped.removed]},
        )
    if stripped.signed:
        yield Finding(
            "own-header-signed",
            Severity.INFO,
            "a DKIM signature covers header fields of our own names, so it may fail at the receiver",
            evidence={"fields": list(stripped.signed)},
        )
