"""The shape of 2021 in the drill: administrators who get a page by mail, and do by hand what it says.

They act on nothing but the mail in their mailbox: the certificate and the application are read out of its text.
The first of them deletes the old certificate before he reads on, so that the gap is seen.
"""

import asyncio
import base64
import email
import email.policy
import re
from datetime import timedelta
from email.message import EmailMessage

from counterfoil import clock
from counterfoil.app import handing_over, incidents, telling
from counterfoil.app.drill.customers import Customer
from counterfoil.app.drill.notices import NAME, SENDER_WORDS, by, post
from counterfoil.app.drill.rotating import LAGS
from counterfoil.app.drill.stage import Stage
from counterfoil.incident import asked
from counterfoil.incident.notice import Paper
from counterfoil.incident.notices import Notices
from counterfoil.incident.steps import Standing
from counterfoil.incident.store import Incidents
from counterfoil.model.errors import Unavailable

PEM = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
APPLICATION = re.compile(r"^Application: +(\S+)\s*$", re.MULTILINE)


def ask(here: Stage, customers: list[Customer]) -> None:
    """Draft each administrator's page, approve it, and mail it."""
    store = Incidents(here.state.ledger)
    mine = {customer.tenant_id: customer for customer in customers}
    meant = incidents.concerned(here.state.ledger, store.one(NAME).subject)
    handing_over.hand_over(
        here.books,
        store,
        NAME,
        [one for one in meant if one.connection.tenant_id in mine],
        telling.names_of(store, here.state.tenants),
        deadline=clock.now() + timedelta(hours=1),
        sender=SENDER_WORDS,
        who="drill",
    )
    notices = Notices(store)
    for notice in notices.approve(NAME, notices.all(NAME, Paper.STEPS), by()):
        recipient = mine[notice.tenant].mailboxes[0]
        asyncio.run(telling.send(notices, notice, post(here), (recipient,), "drill"))


def follow(here: Stage, customers: list[Customer]) -> dict[str, Standing]:
    """Let each administrator do what his mail says, and see by real use where everybody stands."""
    for number, customer in enumerate(customers):
        text = _page(here, customer)
        pairs = list(zip(APPLICATION.findall(text), PEM.findall(text), strict=True))
        if number == 0:
            for app, _ in pairs:
                here.lab.operate("admin_set_keys", app_id=app, certificates_pem=[])
            clock.sleep(LAGS["replication_seconds"])
            _look(here, customer)
        for app, pem in pairs:
            here.lab.operate("admin_set_keys", app_id=app, certificates_pem=[pem])
        clock.sleep(LAGS["replication_seconds"])
        _look(here, customer)
    incident = Incidents(here.state.ledger).one(NAME)
    stands = {str(entry.said.tenant): asked.stands(incident, entry, clock.now()) for entry in asked.handovers(incident)}
    return {customer.name: stands[customer.tenant_id] for customer in customers}


def _look(here: Stage, customer: Customer) -> None:
    store = Incidents(here.state.ledger)
    for entry in asked.handovers(store.one(NAME)):
        if entry.said.tenant == customer.tenant_id:
            handing_over.observe(here.books, store, NAME, entry, "drill")


def _page(here: Stage, customer: Customer) -> str:
    """Return the text of the page that lies in the administrator's mailbox."""
    for message in here.lab.operate("messages", address=customer.mailboxes[0]):
        mime = email.message_from_bytes(base64.b64decode(message["mime"]), policy=email.policy.default)
        if isinstance(mime, EmailMessage) and str(mime["Subject"]).strip().startswith("Please"):
            body = mime.get_body(("plain",))
            return "" if body is None else str(body.get_content())
    raise Unavailable(f"the page for the administrator of {customer.name} is not in his mailbox")
