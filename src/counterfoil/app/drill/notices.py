"""The incident of the drill: opened from the answer, customers told over our own relay, the evidence sealed.

What was told is read back out of the customers' mailboxes, and set beside the thief's own journal.
"""

import asyncio
import base64
import email
import email.policy
import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Collection, Iterable, Mapping
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from counterfoil import clock
from counterfoil.app import bundling, exhibits, incidents, sending, telling
from counterfoil.app.drill.customers import Customer
from counterfoil.app.drill.stage import Stage
from counterfoil.app.drill.theft import Truth
from counterfoil.config import load
from counterfoil.credential.campaign import Pace
from counterfoil.gateway.relay import Relay
from counterfoil.gateway.store.tenants import Operator
from counterfoil.incident import asked, report
from counterfoil.incident.notice import Paper
from counterfoil.incident.notices import Notices
from counterfoil.incident.record import Kind, Said
from counterfoil.incident.store import Incidents
from counterfoil.incident.wording import HEADLINES
from counterfoil.model.errors import Unavailable

NAME = "drill"
SENDER, SENDER_WORDS = "security@gateway.drill.example", "the drill"
SECONDS = 60


def open_incident(
    here: Stage,
    answer: Mapping[str, Any],
    thumbprint: str,
    campaign: str,
    *,
    kept: Iterable[Path],
    logs: Iterable[Path],
) -> bool:
    """Open the incident that the answer calls for; say whether its subject is the certificate that was stolen.

    What the answer cites of the logs goes under hold, and so do the files that are to be ``kept`` in any case.
    """
    path = here.folder / "answer.json"
    path.write_text(json.dumps(answer, ensure_ascii=False), encoding="utf-8")
    store = Incidents(here.state.ledger)
    incident = incidents.open_by_answer(store, here.folder / "data", NAME, path, by(), logs=logs)
    exhibits.hold(store, here.folder / "data", NAME, kept, by())
    store.add(NAME, Said(Kind.CAMPAIGN, f"rotation {campaign}", detail={"campaign": campaign}), by())
    return incident.subject.thumbprints == (thumbprint,)


def tell(here: Stage, customers: list[Customer], pace: Pace) -> list[str]:
    """Draft, approve, export and mail what is known; return the names of those whom our record calls told of it."""
    store, addresses = Incidents(here.state.ledger), {c.tenant_id: c.mailboxes[0] for c in customers}
    notices = Notices(store)
    known = telling.customers(store, store.one(NAME), here.state.tenants, pace)
    telling.draft(store, store.one(NAME), known, SENDER_WORDS, by())
    approved = notices.approve(NAME, notices.all(NAME, Paper.FACTS), by())
    names = telling.names_of(store, here.state.tenants)
    telling.export(notices, approved, names, here.folder / "notices", "drill")
    for notice in approved:
        asyncio.run(telling.send(notices, notice, post(here), (addresses[notice.tenant],), "drill"))
    incident = store.one(NAME)
    stands = {str(e.said.tenant): asked.stands(incident, e, clock.now()) for e in asked.handovers(incident)}
    page = report.fleet(incident, report.rows(known, notices.all(NAME), incident, stands), [], clock.now())
    (here.folder / "incident.html").write_text(page, encoding="utf-8")
    facts = [e for e in incident.of(Kind.TOLD) if e.said.detail.get("paper") == Paper.FACTS.value]
    told = {e.said.tenant for e in facts if e.said.detail.get("result") == "accepted"}
    return sorted(customer.name for customer in customers if customer.tenant_id in told)


def post(here: Stage) -> telling.Post:
    """Return our own way out, over which notices are mailed."""
    config = load(here.folder / "counterfoil.toml")
    relay = Relay(sending.hostname(config), sending.contexts(config, here.folder / "data"))
    return telling.Post(SENDER, sending.sender(relay), here.state.directory, None)


def received(here: Stage, customers: list[Customer]) -> dict[str, list[str]]:
    """Return the texts of the notices that lie in the customers' mailboxes, by customer."""
    reference = Incidents(here.state.ledger).one(NAME).reference
    found: dict[str, list[str]] = {}
    for customer in customers:
        for address in customer.mailboxes:
            for message in here.lab.operate("messages", address=address):
                mime = email.message_from_bytes(base64.b64decode(message["mime"]), policy=email.policy.default)
                if str(mime["Subject"]).strip().startswith(f"Security notice {reference}"):
                    found.setdefault(customer.name, []).append(_text(mime))
    return found


def _text(mime: EmailMessage) -> str:
    body = mime.get_body(("plain",))
    return "" if body is None else str(body.get_content())


def said(texts: Mapping[str, list[str]]) -> dict[str, Any]:
    """Read out of each notice the state that it tells, and the messages that it says were read."""
    states = {headline.upper(): state for state, headline in HEADLINES.items()}
    found: dict[str, Any] = {}
    for name, copies in sorted(texts.items()):
        lines = copies[0].splitlines()
        state = next((states[line] for line in lines if line in states), None)
        read = sorted(line.split()[1] for line in lines if line.startswith("  message <"))
        found[name] = {"state": state, "read": read}
    return found


def expected(concerned: list[Customer], true: Truth, unlicensed: Collection[str]) -> dict[str, Any]:
    """Return what each notice has to tell, by the thief's own journal."""
    found: dict[str, Any] = {}
    for customer in sorted(concerned, key=lambda one: one.name):
        touched = customer.tenant_id in true.by_key | true.by_token
        state = "touched" if touched else "cannot-say" if customer.tenant_id in unlicensed else "clean"
        found[customer.name] = {"state": state, "read": sorted(true.read.get(customer.tenant_id, ()))}
    return found


def naming_others(texts: Mapping[str, list[str]], customers: list[Customer]) -> list[str]:
    """Return the customers whose notice names another customer, its domain, mailbox or tenant."""
    marks = {c.name: {c.name, *c.domains, *c.mailboxes, c.tenant_id} for c in customers}
    return sorted(
        name
        for name, copies in texts.items()
        if any(_names(text, mark) for text in copies for other, own in marks.items() if other != name for mark in own)
    )


def _names(text: str, mark: str) -> bool:
    """Say whether a mark stands in a text as a whole word; a thousandth customer's name begins with a hundredth's."""
    return re.search(rf"(?<!\w){re.escape(mark)}(?!\w)", text) is not None


def bundle_verifies(here: Stage, customer: Customer, pace: Pace) -> bool:
    """Seal one customer's evidence, and let the verifier in it judge it, away from us."""
    store = Incidents(here.state.ledger)
    incident, ledger = store.one(NAME), here.state.ledger
    known = telling.customers(store, incident, here.state.tenants, pace)
    mine = next(one for one in known if one.tenant == customer.tenant_id)
    path = bundling.customer_bundle(store, incident, mine, here.folder / f"evidence-{customer.name}.zip", "drill")
    if ledger.publication is None:
        raise Unavailable("the ledger of the drill is not published")
    return _verified(path, here.folder / "evidence", str(ledger.publication.key))


def _verified(path: Path, folder: Path, key: str) -> bool:
    with zipfile.ZipFile(path) as archive:
        archive.extractall(folder)
    inside = next(place for place in folder.iterdir() if place.is_dir())
    line = [sys.executable, "-I", str(inside / "verify_ledger.py"), "bundle", str(inside), key]
    done = subprocess.run(line, capture_output=True, timeout=SECONDS, check=False)  # noqa: S603 - our own bundle
    return done.returncode == 0


def by() -> Operator:
    """Return who does it, and when."""
    return Operator("drill", clock.now())
