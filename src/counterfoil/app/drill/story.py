"""The story, start to end: on board, robbed, alerted, scoped, rotated, proven dead, told; the truth beside it."""

import tempfile
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from counterfoil import clock
from counterfoil.app import campaigning
from counterfoil.app.campaigning import Wanted
from counterfoil.app.drill import claims, notices
from counterfoil.app.drill.claims import Verdict
from counterfoil.app.drill.customers import READ, REPLAYED, Customer, Shared, shared_key, take_on
from counterfoil.app.drill.life import Heartbeats
from counterfoil.app.drill.stage import Stage, stage
from counterfoil.app.drill.theft import steal, truth
from counterfoil.app.drill.traffic import Traffic, copies
from counterfoil.credential.campaign import Pace, Place
from counterfoil.credential.campaigns import Campaigns
from counterfoil.credential.rotation import Kind
from counterfoil.credential.waves import Brakes
from counterfoil.evidence.collect import readers
from counterfoil.evidence.report import report
from counterfoil.evidence.stubs import read_objects
from counterfoil.flows.reconcile import Answer, reconcile, window_of
from counterfoil.lab.thief import Thief
from counterfoil.ledger.equation import balance
from counterfoil.ledger.exchange import EXPORTED, document

LIVES: dict[str, float] = {"token_life_min": 15.0, "token_life_max": 20.0, "bind_window_seconds": 2.0}
"""Lives and delays in the laboratory, in seconds; the pace below rests on them."""

PACE = Pace(
    reads=2,
    successes=2,
    refusals=3,
    spacing=timedelta(seconds=1),
    propagation=timedelta(seconds=2),
    longest_token_life=timedelta(seconds=LIVES["token_life_max"]),
)
BRAKES = Brakes(bake=timedelta(seconds=1))
CAMPAIGN = "drill"
LONGEST = 240.0


@dataclass(frozen=True, slots=True)
class Told:
    """What the drill ends with."""

    verdict: Verdict
    report: Path
    seconds: dict[str, float]


def play(folder: Path, tenants: int, seed: int, say: Callable[[str], None]) -> Told:
    """Play the whole story below an empty folder; ``say`` is told each chapter as it begins.

    Raises:
        Unavailable: If the stage cannot be set up.
    """
    verdict, seconds = Verdict(), {}
    began = clock.now()

    def chapter(words: str) -> None:
        seconds[words] = (clock.now() - began).total_seconds()
        say(words)

    chapter("setting up a laboratory Microsoft 365, the signer and the gateway")
    shared = shared_key()
    with stage(folder, seed, LIVES) as here:
        chapter(f"taking {tenants} tenants on board")
        customers = take_on(here, tenants, shared)
        connected = [customer for customer in customers if customer.mail is not None]
        unlicensed = connected[READ + REPLAYED].tenant_id
        beats = Heartbeats(here, customers)
        with Traffic(here, customers, pause=0.05) as traffic:
            chapter("mail flows; heartbeats prove coverage")
            for number, customer in enumerate(connected, 1_000_000):
                traffic.send(number, customer.mailboxes[0])
                traffic.send(number + 500_000, customer.mailboxes[1])
            beats.beat()
            chapter("a thief with a copied key reads mail in three tenants, and replays a token in a fourth")
            true = truth(steal(here, customers, shared, beats))
            chapter("alert: the thumbprint is reported stolen; reconciling the tenants' logs with our ledger")
            clock.sleep(LIVES["bind_window_seconds"] + 1)  # mailbox audit gathers that long before it writes
            answer = _reconcile(here)
            claims.scope(verdict, answer.document, true, len(connected), [unlicensed])
            path = folder / "report.html"
            path.write_text(
                report(answer.tenants, answer.document, answer.files, answer.window.since, answer.window.until),
                encoding="utf-8",
            )
            chapter("opening an incident from the answer")
            opened = notices.open_incident(here, answer.document, shared.thumbprint, CAMPAIGN)
            verdict.compare("the incident is about the stolen certificate", opened, true=True)
            chapter("rotating to a key of its own for each, in waves, until the old key is proven dead")
            places = _rotate(here, beats, say, shared.thumbprint)
            beats.beat()
            chapter("trying the stolen key, as the thief would")
            claims.rotation(verdict, places, _thief_is_refused(here, connected, shared), _keys(here, connected))
            verdict.compare("jobs still waiting", sorted(beats.waiting), [])
        chapter("telling each customer what we know, and sealing the evidence")
        told = notices.tell(here, customers, PACE)
        texts = notices.received(here, customers)
        claims.notices(verdict, told, notices.said(texts), notices.expected(connected, true, unlicensed))
        verdict.compare("notices that name another customer", [], notices.naming_others(texts, customers))
        verdict.compare(
            "the sealed evidence verifies offline", notices.bundle_verifies(here, connected[0], PACE), true=True
        )
        chapter("checking the mail equation against the sender's count and the mailboxes")
        _mail(here, customers, traffic, verdict)
    chapter("done")
    return Told(verdict, path, seconds)


def _reconcile(here: Stage) -> Answer:
    """Export what the tenants can see, and set it against the ledger."""
    logs = here.folder / "logs"
    here.lab.export(logs)
    stubs = (row.stub for row in here.state.ledger.stubs(kinds=EXPORTED) if row.stub is not None)
    books = read_objects(enumerate((document(stub) for stub in stubs), 1))
    window = window_of(books, None, None, None)
    with tempfile.TemporaryDirectory(prefix="counterfoil-") as scratch, readers() as pool:
        return reconcile(books, [logs], window, Path(scratch), pool=pool)


def _rotate(here: Stage, beats: Heartbeats, say: Callable[[str], None], thumbprint: str) -> dict[str, Place]:
    """Run the campaign; heartbeats go on meanwhile, and wait where they have no credential."""
    plan = campaigning.make_plan(
        here.books, CAMPAIGN, Kind.COMPROMISE, Wanted((thumbprint,)), now=clock.now(), actor="drill"
    )
    campaigning.open_campaign(here.books, plan)
    stop = threading.Event()
    timer = threading.Timer(LONGEST, stop.set)
    timer.start()
    counts: dict[str, int] = {}

    def told(places: dict[str, Place]) -> None:
        now = dict(Counter(place.state.value for place in places.values()))
        if now != counts:
            counts.clear()
            counts.update(now)
            say("  " + ", ".join(f"{count} {state}" for state, count in sorted(now.items())))
            beats.beat()

    try:
        campaigning.driver(here.books, PACE, BRAKES).run(CAMPAIGN, stop, 0.2, told)
    finally:
        timer.cancel()
    return Campaigns(here.state.ledger).places(CAMPAIGN)


def _thief_is_refused(here: Stage, connected: list[Customer], shared: Shared) -> dict[str, bool]:
    """Let the thief try his copy in every tenant again."""
    where = here.lab.endpoints
    refused: dict[str, bool] = {}
    with Thief(where.login, where.graph, where.ca, here.folder / "thief-again.jsonl") as thief:
        for customer in connected:
            assert customer.mail is not None
            hold = thief.sign_in(customer.tenant_id, customer.mail.app, shared.key_pem, shared.certificate_pem)
            refused[customer.name] = hold is None
    return refused


def _keys(here: Stage, connected: list[Customer]) -> dict[str, int]:
    """Count the credentials on each application, as the laboratory has them."""
    counts: dict[str, int] = {}
    for customer in connected:
        assert customer.mail is not None
        listed = here.lab.operate("credentials", app_id=customer.mail.app)
        counts[customer.name] = len(listed["keys"]) + len(listed["secrets"]) + len(listed["federations"])
    return counts


def _mail(here: Stage, customers: list[Customer], traffic: Traffic, verdict: Verdict) -> None:
    stubs = (row.stub for row in here.state.ledger.stubs() if row.stub is not None)
    equation = balance(stubs)
    claimed = {"acknowledged": equation.acknowledged, "unknown": equation.unknown}
    claims.mail(verdict, traffic.sent.acknowledged, copies(here, customers), len(traffic.sent.unsure), claimed)
    verdict.compare("the mail equation holds", equation.holds, true=True)
