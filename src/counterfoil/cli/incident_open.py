"""The ways in: ``incident open``, ``import``, ``from-answer``, ``watch``; and how a record is printed."""

import argparse
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from counterfoil import clock
from counterfoil.app import incidents, reporting
from counterfoil.app.state import State
from counterfoil.cli.output import answer_json, answer_table, answer_text, visible
from counterfoil.cli.parser import add_config
from counterfoil.cli.state import opened, operator
from counterfoil.cli.verbs import Run, Verbs
from counterfoil.gateway.store.tenants import Operator
from counterfoil.incident.outside import mark_of
from counterfoil.incident.record import Entry, Incident, Kind, Subject
from counterfoil.incident.report import stands_document
from counterfoil.incident.steps import Standing
from counterfoil.incident.store import Incidents
from counterfoil.model.instant import rfc3339
from counterfoil.model.mail import Json
from counterfoil.model.number import counted
from counterfoil.tenant.permissions import PRODUCTS

NAME = "NAME"


class By:
    """Who does it: --operator, else whoever is at the keyboard."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        named = getattr(arguments, "operator", None)
        self.who: str = named or operator().who

    def now(self) -> Operator:
        """Return them with the time."""
        return Operator(self.who, clock.now())


def add_by(parser: argparse.ArgumentParser, *, required: bool = False) -> None:
    """Declare --operator."""
    parser.add_argument("--operator", required=required, metavar="NAME", help="who says so, for the record")


def add_open(verbs: Verbs) -> None:
    """Declare the ways in."""
    by_hand = _verb(verbs, "open", _open, "open an incident by hand")
    by_hand.add_argument("--thumbprint", action="append", default=[], metavar="HEX", help="a certificate of ours")
    by_hand.add_argument("--key-store", action="append", default=[], metavar="PREFIX", help="all keys in it: file:")
    by_hand.add_argument(
        "--product", action="append", default=[], choices=[*PRODUCTS], help="all connections that have it"
    )
    by_hand.add_argument("--words", default="", metavar="WORDS", help="what happened, for the record")
    by_report = _verb(verbs, "import", _import, "open an incident for a report from outside (JSON: docs/incident.md)")
    by_report.add_argument("file", type=Path, metavar="FILE", help="the report")
    by_answer = _verb(verbs, "from-answer", _from_answer, "open an incident for what a reconciliation found")
    by_answer.add_argument("file", type=Path, metavar="FILE", help="what counterfoil reconcile --json printed")
    add_logs(by_answer)
    watch = verbs.add(
        "watch", _watch, "list alarms of the ledger (standby or dead keys that worked), and open incidents"
    )
    add_config(watch)
    add_by(watch)
    watch.add_argument("--open", action="store_true", help="open an incident for each alarm that has none")


def add_logs(parser: argparse.ArgumentParser) -> None:
    """Declare --logs."""
    parser.add_argument(
        "--logs",
        action="append",
        type=Path,
        default=[],
        metavar="PATH",
        help="what reconcile read: the files that the answer cites are kept under hold",
    )


def _verb(verbs: Verbs, name: str, run_it: Run, summary: str) -> argparse.ArgumentParser:
    verb = verbs.add(name, run_it, summary)
    verb.add_argument("incident", metavar=NAME, help="a name for the incident; customers never see it")
    add_config(verb)
    add_by(verb)
    return verb


def find(state: State, arguments: argparse.Namespace) -> Incident:
    """Return the incident that the arguments name."""
    return Incidents(state.ledger).one(arguments.incident)


def _open(arguments: argparse.Namespace) -> int:
    marks = tuple(mark_of(text) for text in arguments.thumbprint)
    subject = Subject(marks, tuple(arguments.key_store), tuple(arguments.product))
    with opened(arguments) as state:
        store = Incidents(state.ledger)
        incident = incidents.open_by_hand(store, arguments.incident, subject, arguments.words, By(arguments).now())
        return _opened(arguments, state, incident)


def _import(arguments: argparse.Namespace) -> int:
    with opened(arguments) as state:
        store, by = Incidents(state.ledger), By(arguments).now()
        incident = reporting.open_by_report(store, arguments.data, arguments.incident, arguments.file, by)
        return _opened(arguments, state, incident)


def _from_answer(arguments: argparse.Namespace) -> int:
    with opened(arguments) as state:
        store, by = Incidents(state.ledger), By(arguments).now()
        data, name, answer = arguments.data, arguments.incident, arguments.file
        incident = incidents.open_by_answer(store, data, name, answer, by, logs=arguments.logs)
        return _opened(arguments, state, incident)


def _opened(arguments: argparse.Namespace, state: State, incident: Incident) -> int:
    concerned = incidents.concerned(state.ledger, incident.subject)
    if arguments.json:
        answer_json({**incident.document(), "connections": len(concerned)})
    else:
        answer_text(visible(f"{incident.name} is open as {incident.reference} ({incident.status})"))
        answer_text(visible(f"subject: {incident.subject.words()}; it opens {counted(len(concerned), 'connection')}"))
        if incident.subject != Subject() and not concerned:
            answer_text("nothing of ours that is in use has it: is it spelled right? see: counterfoil credential list")
    return 0


def _watch(arguments: argparse.Namespace) -> int:
    with opened(arguments) as state:
        store = Incidents(state.ledger)
        if arguments.open:
            for alarm in incidents.alarms(store):
                if alarm.incident is None:
                    incidents.open_by_alarm(store, f"alarm-{alarm.index}", alarm, By(arguments).now())
        found = incidents.alarms(store)
    if arguments.json:
        answer_json([asdict(alarm) for alarm in found])
    else:
        rows: list[tuple[str, ...]] = [
            (str(a.index), a.time, a.what, a.credential, a.incident or "none yet") for a in found
        ]
        answer_table(("entry", "time", "alarm", "credential", "incident"), rows, "no alarm")
    return 1 if any(alarm.incident is None for alarm in found) else 0


def answer_incident(
    arguments: argparse.Namespace,
    incident: Incident,
    by_hand: list[tuple[Entry, Standing]],
    shut: list[str],
    names: Mapping[str, str],
) -> None:
    """Print a record; ``names`` are what we call tenants, by tenant id."""
    if arguments.json:
        hands: list[Json] = [
            {"tenant": e.said.tenant, "app": e.said.detail["app"], **stands_document(standing)}
            for e, standing in by_hand
        ]
        answer_json({**incident.document(), "by_hand": hands, "gaps": [*shut]})
        return
    answer_text(visible(f"{incident.name} {incident.reference}: {incident.status}, {incident.subject.words()}"))
    for line in shut:
        answer_text(visible(f"shut: {line}"))
    if incident.cited:
        answer_text(visible(f"cited and not under hold: {', '.join(incident.cited)}; counterfoil incident hold"))
    for entry, standing in by_hand:
        late = ", overdue" if standing.overdue else ""
        who = names.get(str(entry.said.tenant), entry.said.tenant)
        answer_text(visible(f"by hand: {who}: {standing.state}{late}: {standing.words}"))
    rows: list[tuple[str, ...]] = [
        (str(e.number), rfc3339(e.time), e.actor, e.said.kind.value, _whose(e, names), _words(e))
        for e in incident.entries
    ]
    answer_table(("", "time", "who", "what", "tenant", "words"), rows, "no entry")


def _words(entry: Entry) -> str:
    """Say what an entry says, and why where it is a decision."""
    reason = entry.said.detail.get("reason") if entry.said.kind is Kind.DECISION else None
    return f"{entry.said.words}, because: {reason}" if reason else entry.said.words


def _whose(entry: Entry, names: Mapping[str, str]) -> str:
    return names.get(entry.said.tenant, entry.said.tenant) if entry.said.tenant else ""
