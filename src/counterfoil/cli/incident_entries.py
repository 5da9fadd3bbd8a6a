"""Verbs that add one entry to an incident: decide, note, task, person, hold, campaign, close."""

import argparse
import sys
from dataclasses import asdict
from pathlib import Path

from counterfoil.app import exhibits, telling
from counterfoil.cli.incident_notices import OTHER_DOMAIN, pace
from counterfoil.cli.incident_open import By, add_by, find
from counterfoil.cli.output import answer_json, answer_table, answer_text, visible
from counterfoil.cli.parser import add_config
from counterfoil.cli.state import opened
from counterfoil.cli.verbs import Run, Verbs
from counterfoil.credential.campaigns import Campaigns
from counterfoil.incident import facts
from counterfoil.incident.record import Kind, Said
from counterfoil.incident.store import Incidents
from counterfoil.model.errors import Refused
from counterfoil.model.mail import Json
from counterfoil.model.number import counted


def add_entries(verbs: Verbs) -> None:
    """Declare the verbs."""
    decide = _verb(verbs, "decide", _decide, "write down a decision and its reason")
    decide.add_argument("words", metavar="WORDS", help="what was decided")
    decide.add_argument("--why", required=True, metavar="WORDS", help="the reason")
    note = _verb(verbs, "note", _note, "add a line to the timeline")
    note.add_argument("words", metavar="WORDS", help="the line")
    task = _verb(verbs, "task", _task, "give somebody something to do, or write down that it is done")
    task.add_argument("words", nargs="?", metavar="WORDS", help="what is to be done")
    task.add_argument("--owner", default="", metavar="NAME", help="who does it")
    task.add_argument("--due", default="", metavar="TIME", help="until when")
    task.add_argument("--done", type=int, metavar="N", help="the task of this number is done")
    person = _verb(verbs, "person", _person, "enter somebody who belongs to it: a lead, a customer's administrator")
    person.add_argument("who", metavar="PERSON", help="their name")
    person.add_argument("--role", default="", metavar="WORDS", help="what they do in it")
    person.add_argument("--address", default="", metavar="ADDRESS", help="how they are reached")
    person.add_argument("--tenant", metavar="TENANT", help="whose they are; notices for it may go to their address")
    person.add_argument("--other-domain", action="store_true", help=OTHER_DOMAIN)
    hold = _verb(verbs, "hold", _hold, "keep copies of evidence under legal hold, by SHA-256")
    hold.add_argument("paths", nargs="*", type=Path, metavar="PATH", help="files, or folders of them")
    hold.add_argument(
        "--message", action="append", default=[], metavar="ID", help="a message in quarantine, as it came"
    )
    campaign = _verb(verbs, "campaign", _campaign, "say that a rotation belongs to it, so that notices tell of it")
    campaign.add_argument("campaign", metavar="CAMPAIGN", help="its name in: counterfoil rotate status")
    close = _verb(verbs, "close", _close, "close it; refused while tasks are open or a connection is shut")
    close.add_argument("--why", required=True, metavar="WORDS", help="the reason")
    for verb in (decide, note, task, person, hold, campaign, close):
        add_by(verb)


def _verb(verbs: Verbs, name: str, run_it: Run, summary: str) -> argparse.ArgumentParser:
    verb = verbs.add(name, run_it, summary)
    verb.add_argument("incident", metavar="NAME", help="the incident")
    add_config(verb)
    return verb


def _add(arguments: argparse.Namespace, said: Said) -> int:
    with opened(arguments) as state:
        store = Incidents(state.ledger)
        store.add(arguments.incident, said, By(arguments).now())
        entry = store.one(arguments.incident).entries[-1]
    if arguments.json:
        answer_json(entry.document())
    else:
        answer_text(visible(f"{entry.number} {entry.said.kind}: {entry.said.words}"))
    return 0


def _decide(arguments: argparse.Namespace) -> int:
    return _add(arguments, Said(Kind.DECISION, arguments.words, detail={"reason": arguments.why}))


def _note(arguments: argparse.Namespace) -> int:
    return _add(arguments, Said(Kind.NOTE, arguments.words))


def _task(arguments: argparse.Namespace) -> int:
    if (arguments.words is None) == (arguments.done is None):
        raise Refused("say what is to be done, or --done N", None)
    if arguments.done is None:
        return _add(
            arguments, Said(Kind.TASK, arguments.words, detail={"owner": arguments.owner, "due": arguments.due})
        )
    with opened(arguments) as state:
        tasks = {task.number: task for task in find(state, arguments).tasks}
    if arguments.done not in tasks:
        raise Refused(f"there is no task {arguments.done}", f"see: counterfoil incident show {arguments.incident}")
    return _add(arguments, Said(Kind.TASK_DONE, tasks[arguments.done].words, detail={"task": arguments.done}))


def _person(arguments: argparse.Namespace) -> int:
    with opened(arguments) as state:
        store = Incidents(state.ledger)
        names = telling.names_of(store, state.tenants)
        tenant = names.tenant_id(arguments.tenant) if arguments.tenant else None
        if tenant is not None:
            names.see_nobody_else(tenant, f"{arguments.who} {arguments.role}")
            if not arguments.other_domain:
                names.see_nobody_elses_address(tenant, [arguments.address])
    detail: dict[str, Json] = {"name": arguments.who, "role": arguments.role, "address": arguments.address}
    detail |= {"other_domain": True} if arguments.other_domain else {}
    return _add(arguments, Said(Kind.PERSON, f"{arguments.who}, {arguments.role}", tenant, detail))


def _hold(arguments: argparse.Namespace) -> int:
    if not arguments.paths and not arguments.message:
        raise Refused("nothing is named that is to be kept", "name files or folders, or --message ID")
    with opened(arguments) as state:
        store, data, name, by = Incidents(state.ledger), arguments.data, arguments.incident, By(arguments).now()
        for message in arguments.message:
            raw = state.quarantine.raw(message, None)
            exhibits.hold_octets(store, data, name, by, file_name=f"{message}.eml", octets=raw)
        exhibits.hold(store, data, name, arguments.paths, by)
        kept = find(state, arguments).exhibits
    if arguments.json:
        answer_json([asdict(exhibit) for exhibit in kept])
    else:
        answer_table(("file", "octets", "SHA-256"), [(e.name, str(e.size), e.sha256) for e in kept], "none")
    return 0


def _campaign(arguments: argparse.Namespace) -> int:
    with opened(arguments) as state:
        Campaigns(state.ledger).campaign(arguments.campaign)
    said = Said(Kind.CAMPAIGN, f"rotation {arguments.campaign}", detail={"campaign": arguments.campaign})
    return _add(arguments, said)


def _close(arguments: argparse.Namespace) -> int:
    with opened(arguments) as state:
        incident = find(state, arguments)
    waiting = [task.words for task in incident.tasks if task.done is None]
    shut = [c.tenant for c in incident.containments if c.released is None]
    if waiting or shut:
        raise Refused(
            f"still open: {counted(len(waiting), 'task')}; still shut: {counted(len(shut), 'connection')}",
            f"see: counterfoil incident show {arguments.incident}",
        )
    left = _left(arguments)
    code = _add(arguments, Said(Kind.CLOSED, arguments.why, detail={"reason": arguments.why}))
    if left:
        sys.stderr.write(f"counterfoil: it is closed all the same, but {left}\n")
    return code


def _left(arguments: argparse.Namespace) -> str:
    """Say which customers nobody told, and of which nobody can say."""
    with opened(arguments) as state:
        store = Incidents(state.ledger)
        incident = find(state, arguments)
        concerned = telling.customers(store, incident, state.tenants, pace(arguments))
    untold = sum(not incident.told(customer.tenant) for customer in concerned)
    unsure = sum(facts.telling(customer).state == "cannot-say" for customer in concerned)
    found = [f"{counted(untold, 'customer')} not told"] if untold else []
    return ", ".join([*found, *([f"{counted(unsure, 'customer')} cannot be judged"] if unsure else [])])
