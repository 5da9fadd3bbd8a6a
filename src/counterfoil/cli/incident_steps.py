"""``incident steps``: certificates that a customer's administrator has to replace by hand, and who has done it."""

import argparse
from datetime import timedelta

from counterfoil import clock
from counterfoil.app import handing_over, incidents, telling
from counterfoil.app.campaigning import control_of
from counterfoil.app.connecting import opened_books
from counterfoil.cli.incident_notices import add_post, approved, mailed, nothing, notice_verb, say, wanted
from counterfoil.cli.incident_open import By, add_by, find
from counterfoil.cli.output import answer_json, answer_table
from counterfoil.cli.search import time
from counterfoil.cli.state import opened
from counterfoil.cli.verbs import Verbs
from counterfoil.config import load
from counterfoil.incident import asked
from counterfoil.incident.notice import Paper
from counterfoil.incident.record import Entry, Incident, Kind, Said
from counterfoil.incident.report import stands_document
from counterfoil.incident.store import Incidents
from counterfoil.model.errors import Refused
from counterfoil.model.mail import Json


def add_steps(verbs: Verbs) -> None:
    """Declare ``steps`` with its verbs."""
    steps = Verbs(verbs.add("steps", nothing, "certificates that a customer's administrator has to replace by hand"))
    ask = notice_verb(
        steps, "draft", _steps, "make new certificates, taint the old ones, and draft each administrator's page"
    )
    ask.add_argument("--deadline", type=time, metavar="TIME", help="until when; three days from now if left out")
    ask.add_argument("--sender", required=True, metavar="WORDS", help="who writes, as customers know you")
    ask.add_argument("--also-ours", action="store_true", help="also connections that we could rotate ourselves")
    verify = notice_verb(
        steps, "verify", _verify, "try the old key and the new one in each tenant, and say where it stands"
    )
    listing = notice_verb(steps, "list", _list, "who has done it, who has not, and how often each was asked")
    remind = notice_verb(steps, "remind", _remind, "mail the approved page again to everybody who has not done it")
    add_post(remind)
    said = notice_verb(steps, "said", _said, "write down that the administrator says it is done")
    said.add_argument("--whom", required=True, metavar="NAME", help="who said so")
    for verb in (ask, verify, listing, remind, said):
        verb.add_argument("--tenant", action="append", default=[], metavar="TENANT", help="only this tenant")
        add_by(verb)


def _steps(arguments: argparse.Namespace) -> int:
    with opened(arguments) as state, opened_books(arguments.data, load(arguments.config), state.ledger) as books:
        store, only = Incidents(state.ledger), wanted(state, arguments)
        some = [
            one
            for one in incidents.concerned(state.ledger, find(state, arguments).subject)
            if (only is None or one.connection.tenant_id in only)
            and (arguments.also_ours or control_of(books, one.connection) is None)
        ]
        if not some:
            raise Refused("there is no connection that has to be replaced by hand", "rotate: counterfoil rotate plan")
        handing_over.hand_over(
            books,
            store,
            arguments.incident,
            some,
            telling.names_of(store, state.tenants),
            deadline=arguments.deadline or clock.now() + timedelta(days=3),
            sender=arguments.sender,
            who=By(arguments).who,
        )
        return say(state, arguments)


def _verify(arguments: argparse.Namespace) -> int:
    with opened(arguments) as state, opened_books(arguments.data, load(arguments.config), state.ledger) as books:
        store, only = Incidents(state.ledger), wanted(state, arguments)
        entries = asked.handovers(store.one(arguments.incident))
        some = [e for e in entries if only is None or e.said.tenant in only]
        for entry in some:
            handing_over.observe(books, store, arguments.incident, entry, By(arguments).who)
        incident, names = store.one(arguments.incident), telling.names_of(store, state.tenants)
    return _stand(arguments, incident, some, names)


def _list(arguments: argparse.Namespace) -> int:
    with opened(arguments) as state:
        store, only = Incidents(state.ledger), wanted(state, arguments)
        incident, names = find(state, arguments), telling.names_of(store, state.tenants)
    some = [e for e in asked.handovers(incident) if only is None or e.said.tenant in only]
    return _stand(arguments, incident, some, names)


def _stand(arguments: argparse.Namespace, incident: Incident, some: list[Entry], names: telling.Names) -> int:
    """Print who has, who has not, and how often each was asked."""
    now = clock.now()
    rows: list[dict[str, Json]] = []
    for entry in some:
        tenant, standing = str(entry.said.tenant), asked.stands(incident, entry, now)
        rows.append(
            {
                "tenant": names.ours.get(tenant, tenant),
                "app": entry.said.detail["app"],
                "deadline": entry.said.detail["deadline"],
                "mailed": asked.mailed(incident, tenant),
                **stands_document(standing),
            }
        )
    if arguments.json:
        answer_json([*rows])
    else:
        shown = ("tenant", "state", "deadline", "overdue", "mailed", "words")
        cells = [tuple(_cell(row[name]) for name in shown) for row in rows]
        answer_table(shown, cells, "nobody was asked: counterfoil incident steps draft")
    return 0 if all(row["state"] == "done" for row in rows) else 1


def _cell(value: Json) -> str:
    return ("", "yes")[value] if isinstance(value, bool) else str(value)


def _remind(arguments: argparse.Namespace) -> int:
    with opened(arguments) as state:
        arguments.paper = Paper.STEPS.value
        incident = find(state, arguments)
        waiting = {
            entry.said.tenant
            for entry in asked.handovers(incident)
            if asked.stands(incident, entry, clock.now()).state != "done"
        }
        found = [notice for notice in approved(state, arguments) if notice.tenant in waiting]
        if not found:
            raise Refused("nobody who was asked is waited for", "who stands where: counterfoil incident steps list")
        done = mailed(state, arguments, found, again=True)
        say(state, arguments)
    return 0 if done else 1


def _said(arguments: argparse.Namespace) -> int:
    with opened(arguments) as state:
        store, only = Incidents(state.ledger), wanted(state, arguments)
        names = telling.names_of(store, state.tenants)
        for entry in asked.handovers(find(state, arguments)):
            if only is None or entry.said.tenant in only:
                names.see_nobody_else(str(entry.said.tenant), arguments.whom)
                detail: dict[str, Json] = {"how": "their-word", "app": entry.said.detail["app"], "to": arguments.whom}
                words = f"{arguments.whom} says that it is done; not seen by us"
                said = Said(Kind.TOLD, words, entry.said.tenant, detail)
                store.add(arguments.incident, said, By(arguments).now())
        return say(state, arguments)
