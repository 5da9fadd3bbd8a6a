"""The story, start to end: on board, robbed, alerted, scoped, rotated, proven dead, told; the truth beside it."""

import base64
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain
from pathlib import Path

from counterfoil import clock
from counterfoil.app.drill import by_hand, claims, notices, rotating
from counterfoil.app.drill.cast import Part, Wanted
from counterfoil.app.drill.claims import Verdict
from counterfoil.app.drill.customers import Customer, shared_key, take_on
from counterfoil.app.drill.days import DAYS, Before, go_by
from counterfoil.app.drill.life import Heartbeats
from counterfoil.app.drill.rotating import CAMPAIGN, LAGS, LIVES, PACE
from counterfoil.app.drill.stage import Stage, stage
from counterfoil.app.drill.theft import Truth, steal, truth
from counterfoil.app.drill.traffic import Sent, Traffic, copies
from counterfoil.credential.campaign import Place
from counterfoil.credential.rotation import State
from counterfoil.evidence.collect import readers
from counterfoil.evidence.report import report
from counterfoil.evidence.stubs import read_objects
from counterfoil.flows.reconcile import Answer, reconcile, window_of
from counterfoil.incident.steps import Standing
from counterfoil.ledger.equation import Balance, balance
from counterfoil.ledger.exchange import document
from counterfoil.model.number import counted

Say = Callable[[str], None]
LOGS = "logs"


@dataclass(slots=True)
class Told:
    """All that happened: what is claimed and true, the chapters with their beginnings, and what the page shows.

    ``places`` are by customer's connection, ``names`` by tenant id; ``reconciled`` is the page of the comparison.
    """

    wanted: Sequence[Wanted]
    began: datetime
    verdict: Verdict = field(default_factory=Verdict)
    chapters: list[tuple[datetime, str]] = field(default_factory=list)
    alert: datetime | None = None
    ended: datetime | None = None
    names: dict[str, str] = field(default_factory=dict)
    places: dict[str, Place] = field(default_factory=dict)
    stands: dict[str, Standing] = field(default_factory=dict)
    mail: Balance | None = None
    sent: Sent = field(default_factory=Sent)
    reconciled: str = ""

    def seconds(self) -> dict[str, float]:
        """Return when each chapter began, in seconds from the beginning."""
        return {words: round((at - self.began).total_seconds(), 1) for at, words in self.chapters}

    def since_alert(self) -> dict[str, float]:
        """Return how long after the alert everything was cut over, removed, proven dead, and out; absent where not."""
        named = {"cut over": "switched_at", "removed": "removed_at", "proven dead": "dead_at", "attacker out": "out_at"}
        found = {}
        for words, name in named.items():
            times = [getattr(place, name) for place in self.places.values()]
            if times and all(times) and self.alert is not None:
                found[f"all {words}"] = round((max(times) - self.alert).total_seconds(), 1)
        return found


def play(folder: Path, wanted: Sequence[Wanted], seed: int, say: Say, tick: Say) -> Told:
    """Play the whole story below an empty folder.

    Args:
        folder: Where everything lies afterwards.
        wanted: The cast.
        seed: The laboratory's.
        say: Is told each chapter as it begins.
        tick: Is told how far a chapter is.

    Raises:
        Unavailable: If the stage cannot be set up, or the thief finds nothing: the drill then proves nothing.
    """
    told = Told(wanted, clock.now())

    def chapter(words: str) -> None:
        told.chapters.append((clock.now(), words))
        say(words)

    chapter("setting up a laboratory Microsoft 365, the signer and the gateway")
    with stage(folder, seed, LIVES) as here:
        _Player(here, told, seed, chapter, tick).play()
    told.ended = clock.now()
    return told


@dataclass(slots=True)
class _Player:
    """Plays on a stage; each method is one act."""

    here: Stage
    told: Told
    seed: int
    chapter: Say
    tick: Say

    def play(self) -> None:
        """Play all acts in their order."""
        shared = shared_key()
        self.chapter(f"taking {counted(len(self.told.wanted), 'tenant')} on board")
        customers = take_on(self.here, self.told.wanted, shared, self.tick)
        self.told.names |= {customer.tenant_id: customer.name for customer in customers}
        concerned = [customer for customer in customers if customer.shared]
        self.chapter(f"{counted(DAYS, 'day')} have gone by with these connections, and the thief may have been there")
        before = go_by(self.here, customers, self.seed)
        self.here.lab.operate("set_settings", **LAGS)
        beats = Heartbeats(self.here, customers)
        with Traffic(self.here, customers, pause=0.05) as traffic:
            self.chapter("mail flows; heartbeats prove coverage")
            for number, customer in enumerate([c for c in customers if c.connections], 1_000_000):
                traffic.send(number, customer.mailboxes[0])
                traffic.send(number + 500_000, customer.mailboxes[1])
                _letters(self.here, customer)
            beats.beat()
            self.chapter(_crime(concerned))
            true = truth(steal(self.here, customers, shared, beats), before.read)
            beats.keep_up()
            self._alert(customers, true, before, beats, shared.thumbprint)
            self._end_it(concerned, beats, shared.thumbprint)
            self.chapter("trying the stolen key, as the thief would")
            keys = rotating.keys(self.here, concerned)
            done = {key.partition("/")[0] for key, p in self.told.places.items() if p.state is State.DONE}
            ours = [customer.name for customer in concerned if not customer.by_hand]
            refused = rotating.thief_is_refused(self.here, concerned, shared)
            claims.rotation(self.told.verdict, [self.told.names[one] for one in done], ours, refused, keys)
            claims.by_hand(self.told.verdict, self.told.stands, keys, int(len(ours) < len(concerned)))
            self.told.verdict.compare("jobs still waiting", sorted(beats.waiting), [])
        self._tell(customers, concerned, true)
        self.chapter("checking the mail equation against the sender's count and the mailboxes")
        self._mail(customers, traffic.sent)

    def _alert(
        self, customers: list[Customer], true: Truth, before: Before, beats: Heartbeats, thumbprint: str
    ) -> None:
        self.told.alert = clock.now()
        self.chapter("alert: the thumbprint is reported stolen; reconciling the tenants' logs with our ledger")
        # Mailbox audit gathers for a while before it writes, and what is written takes its time to be seen.
        clock.sleep(LIVES["bind_window_seconds"] + LAGS["audit_delay_max"] + 1)
        answer = _reconcile(self.here, before, [c.tenant_id for c in customers if c.connections])
        using, unlicensed = sum(bool(c.connections) for c in customers), _of(customers, Part.UNLICENSED)
        claims.scope(self.told.verdict, answer.document, true, using, unlicensed, names=self.told.names)
        hours = (beats.hour - before.since) // timedelta(hours=1) + 1
        claims.days(self.told.verdict, answer.document, true, before.written, hours, names=self.told.names)
        self.told.reconciled = report(
            answer.tenants, answer.document, answer.files, answer.window.since, answer.window.until
        )
        self.chapter("opening an incident from the answer")
        logs = [before.logs, self.here.folder / LOGS]
        kept = [before.stub_file]
        opened = notices.open_incident(self.here, answer.document, thumbprint, CAMPAIGN, kept=kept, logs=logs)
        self.told.verdict.compare("the incident is about the stolen certificate", opened, true=True)

    def _end_it(self, concerned: list[Customer], beats: Heartbeats, thumbprint: str) -> None:
        admins = [customer for customer in concerned if customer.by_hand]
        if admins:
            self.chapter("mailing a page to each administrator who has to replace the certificate by hand")
            by_hand.ask(self.here, admins)
        if len(admins) < len(concerned):
            self.chapter("rotating to a key of its own for each, in waves, until the old key is proven dead")
            self.told.places = rotating.rotate(self.here, beats, thumbprint, self.tick)
        if admins:
            self.chapter("the administrators act by hand; each is verified by real use")
            self.told.stands = by_hand.follow(self.here, admins)
        beats.beat()

    def _tell(self, customers: list[Customer], concerned: list[Customer], true: Truth) -> None:
        self.chapter("telling each customer what we know, and sealing the evidence")
        verdict = self.told.verdict
        told = notices.tell(self.here, customers, PACE)
        texts = notices.received(self.here, customers)
        expected = notices.expected(concerned, true, _of(customers, Part.UNLICENSED))
        claims.notices(verdict, told, notices.said(texts), expected)
        verdict.compare("notices that name another customer", [], notices.naming_others(texts, customers))
        sealed = notices.bundle_verifies(self.here, concerned[0], PACE)
        verdict.compare("the sealed evidence verifies offline", sealed, true=True)

    def _mail(self, customers: list[Customer], sent: Sent) -> None:
        self.told.sent = sent
        self.told.mail = equation = balance(row.stub for row in self.here.state.ledger.stubs() if row.stub is not None)
        claimed = {"acknowledged": equation.acknowledged, "unknown": equation.unknown}
        claims.mail(self.told.verdict, sent.acknowledged, copies(self.here, customers), len(sent.unsure), claimed)
        self.told.verdict.compare("the mail equation holds", equation.holds, true=True)


def _crime(concerned: list[Customer]) -> str:
    read, replayed = (len(_of(concerned, part)) for part in (Part.READ, Part.REPLAYED))
    also = f", and replays a token in {replayed} more" if replayed else ""
    return f"a thief with a copied key reads mail in {counted(read, 'tenant')}{also}"


def _of(customers: list[Customer], part: Part) -> list[str]:
    return [customer.tenant_id for customer in customers if customer.part is part]


def _letters(here: Stage, customer: Customer) -> None:
    """Put a letter into each mailbox by the laboratory's hand: an operator's policy may let no mail of ours through."""
    for number, address in enumerate(customer.mailboxes):
        name = f"letter-{number}-{customer.name}@vendor.example"
        mime = f"From: a@vendor.example\r\nTo: {address}\r\nSubject: A letter\r\nMessage-ID: <{name}>\r\n\r\nHello.\r\n"
        here.lab.operate("add_message", address=address, mime=base64.b64encode(mime.encode()).decode())


def _reconcile(here: Stage, before: Before, tenants: Sequence[str]) -> Answer:
    """Export what tenants can see, and set it against our ledger, and the days before against the books of then."""
    logs = here.folder / LOGS
    here.lab.export(logs, tenants=tenants)
    books = read_objects(enumerate(chain(before.stubs(), map(document, here.state.ledger.exported())), 1))
    window = window_of(books, None, None, None)
    with tempfile.TemporaryDirectory(prefix="counterfoil-") as scratch, readers() as pool:
        return reconcile(books, [before.logs, logs], window, Path(scratch), pool=pool)
