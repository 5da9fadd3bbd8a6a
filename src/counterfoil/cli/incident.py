"""``counterfoil incident``: from an alarm to the last customer told.

Exit codes: 0 done; 1 not all of it was done, or something needs a person; 2 refused or wrong, and nothing was changed.
"""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from counterfoil import clock
from counterfoil.app import containing, exhibits, incidents, telling
from counterfoil.app.connecting import opened_books
from counterfoil.app.house import Books
from counterfoil.app.state import State
from counterfoil.cli import incident_entries, incident_notices, incident_papers, incident_reporters, incident_steps
from counterfoil.cli.incident_open import NAME, By, add_by, add_logs, add_open, answer_incident, find
from counterfoil.cli.output import answer_json, answer_table, answer_text, visible
from counterfoil.cli.parser import add_config
from counterfoil.cli.state import confirm, opened
from counterfoil.cli.verbs import Run, Verbs, run_verb
from counterfoil.config import load
from counterfoil.incident.asked import handovers, stands
from counterfoil.incident.record import Kind
from counterfoil.incident.store import Incidents
from counterfoil.model.errors import Refused
from counterfoil.model.instant import rfc3339
from counterfoil.model.mail import Json
from counterfoil.model.number import counted
from counterfoil.model.trust import Connection
from counterfoil.tenant.registry import Connections

run = run_verb


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verbs."""
    parser.epilog = (
        "Exit codes: 0 done; 1 not all of it was done, or something needs a person; 2 refused or wrong, and nothing "
        "was changed."
    )
    verbs = Verbs(parser)
    add_open(verbs)
    add_config(verbs.add("list", _list, "list every incident"))
    show = _verb(verbs, "show", _show, "the whole record: timeline, tasks, people, containments, evidence under hold")
    show.add_argument("--check", action="store_true", help="also see that the evidence under hold is unchanged")
    scope = _verb(verbs, "scope", _scope, "who uses it, who was touched, who cannot be judged")
    scope.add_argument("--answer", type=Path, metavar="FILE", help="take it from: counterfoil reconcile --json")
    add_logs(scope)
    radius = _verb(verbs, "radius", _radius, "what was read and what was changed, tenant by tenant")
    radius.add_argument("--tenant", metavar="TENANT", help="only this tenant")
    for name, run_it, summary in (
        ("contain", _contain, "shut connections at once: jobs wait, mail does not"),
        ("release", _release, "open connections again that are shut"),
    ):
        verb = _verb(verbs, name, run_it, summary)
        add_by(verb, required=name == "contain")
        which = verb.add_mutually_exclusive_group(required=True)
        which.add_argument("--tenant", action="append", default=[], metavar="TENANT", help="this tenant's connection")
        which.add_argument("--all", action="store_true", help="every connection that the subject opens")
        verb.add_argument("--yes", action="store_true", help="do not ask for the name to be typed")
        if name == "contain":
            verb.add_argument(
                "--how", choices=["disable", "remove"], required=True, help="switch off, or take all keys"
            )
            verb.add_argument("--why", required=True, metavar="WORDS", help="the reason, for the record")
    incident_entries.add_entries(verbs)
    incident_notices.add_notices(verbs)
    incident_steps.add_steps(verbs)
    incident_papers.add_papers(verbs)
    incident_reporters.add_reporters(verbs)


def _verb(verbs: Verbs, name: str, run_it: Run, summary: str) -> argparse.ArgumentParser:
    verb = verbs.add(name, run_it, summary)
    verb.add_argument("incident", metavar=NAME, help="the incident")
    add_config(verb)
    return verb


def _list(arguments: argparse.Namespace) -> int:
    with opened(arguments) as state:
        found = Incidents(state.ledger).all()
    if arguments.json:
        answer_json([incident.document() for incident in found])
        return 0
    rows: list[tuple[str, ...]] = [
        (i.name, i.reference, i.status.value, rfc3339(i.opened), i.origin.value, i.subject.words()) for i in found
    ]
    answer_table(
        ("incident", "reference", "status", "opened", "by", "subject"), rows, "no incident; see: incident open"
    )
    return 0


def _show(arguments: argparse.Namespace) -> int:
    with opened(arguments) as state:
        incident = find(state, arguments)
        bad = exhibits.damaged(arguments.data, incident) if arguments.check else []
        by_hand = [(e, stands(incident, e, clock.now())) for e in handovers(incident)]
        shut = _gap_lines(state, arguments)
        names = telling.names_of(Incidents(state.ledger), state.tenants).ours
    answer_incident(arguments, incident, by_hand, shut, names)
    for name in bad:
        answer_text(f"CHANGED OR GONE: {visible(name)}")
    return 1 if bad else 0


def _gap_lines(state: State, arguments: argparse.Namespace) -> list[str]:
    """Say which connections are shut, since when, and how many attempts of ours were refused meanwhile."""
    store = Incidents(state.ledger)
    incident = store.one(arguments.incident)
    if not incident.containments:
        return []
    lines = []
    for customer in telling.customers(store, incident, state.tenants, incident_notices.pace(arguments)):
        for shut in customer.containments:
            until = rfc3339(shut.released) if shut.released else "now"
            again = f"it works again since {rfc3339(shut.again)}" if shut.again else "it was not seen to work again yet"
            lines.append(
                f"{customer.name}: {shut.how} by {shut.by}, {rfc3339(shut.since)} to {until}: "
                f"{counted(shut.refused, 'attempt')} of ours refused, {again}; work waits, mail does not"
            )
    return lines


def _scope(arguments: argparse.Namespace) -> int:
    with opened(arguments) as state:
        store = Incidents(state.ledger)
        if arguments.answer is not None:
            data, name, by = arguments.data, arguments.incident, By(arguments).now()
            incidents.attach(store, data, name, arguments.answer, by, logs=arguments.logs)
        incident = store.one(arguments.incident)
        found = telling.customers(store, incident, state.tenants, incident_notices.pace(arguments))
    rows: list[dict[str, Json]] = [
        {
            "tenant": c.tenant,
            "name": c.name,
            "has_the_certificate": c.has,
            "tokens_of_ours": c.uses,
            "state": str(c.part["state"]) if c.part else "not-compared",
            "reasons": [*c.part["reasons"]] if c.part else [],
        }
        for c in found
    ]
    if arguments.json:
        answer_json([*rows])
    else:
        columns = ("name", "state", "has_the_certificate", "tokens_of_ours", "tenant")
        answer_table(
            columns, [tuple(_cell(row[name]) for name in columns) for row in rows], "it concerns no connection"
        )
        for entry in incident.of(Kind.SCOPE)[-1:]:
            answer_text(entry.said.words)
    return 0


def _radius(arguments: argparse.Namespace) -> int:
    with opened(arguments) as state:
        store = Incidents(state.ledger)
        store.one(arguments.incident)
        names = telling.names_of(store, state.tenants)
        tenant = names.tenant_id(arguments.tenant) if arguments.tenant else None
        parts = store.scope(arguments.incident, tenant)
    found = {tenant: part["radius"] for tenant, part in parts.items() if part["state"] == "touched"}
    if arguments.json:
        answer_json({tenant: {"name": names.read.get(tenant, tenant), **radius} for tenant, radius in found.items()})
        return 0
    for tenant_id, radius in found.items():
        answer_text(visible(f"{names.read.get(tenant_id, tenant_id)}"))
        for way in ("read", "changed"):
            extent = radius[way]
            for what in ("mailboxes", "messages", "items"):
                for value in extent[what]:
                    answer_text(visible(f"  {way} {what}: {value}"))
            for wide in extent["widened"]:
                answer_text(visible(f"  {way} possibly more: {wide['mailbox']} {wide['folder']}: {wide['reason']}"))
        for left in radius["persistence"]:
            answer_text(visible(f"  left behind: {left['kind']}: {left['what']}"))
    if not found:
        answer_text("nobody is known to be touched; scope: counterfoil incident scope")
    return 0


@contextmanager
def _books(arguments: argparse.Namespace) -> Iterator[tuple[State, Books]]:
    with opened(arguments) as state, opened_books(arguments.data, load(arguments.config), state.ledger) as books:
        yield state, books


def _chosen(state: State, arguments: argparse.Namespace) -> list[Connection]:
    """Return the connections that the arguments name: of tenants, else all that the subject opens."""
    store = Incidents(state.ledger)
    meant = [one.connection for one in incidents.concerned(state.ledger, store.one(arguments.incident).subject)]
    if arguments.all:
        if not meant:
            raise Refused("the subject opens no connection", "see: counterfoil incident scope")
        return meant
    names = telling.names_of(store, state.tenants)
    wanted = {names.tenant_id(name) for name in arguments.tenant}
    found = [connection for connection in meant if connection.tenant_id in wanted]
    if {connection.tenant_id for connection in found} != wanted:
        raise Refused("the subject opens no connection of one of these tenants", "see: counterfoil incident scope")
    return found


def _contain(arguments: argparse.Namespace) -> int:
    with _books(arguments) as (state, books):
        chosen = _chosen(state, arguments)
        what = f"this will {arguments.how} {counted(len(chosen), 'connection')} at once; jobs wait, mail does not"
        names = telling.names_of(Incidents(state.ledger), state.tenants)
        for connection in chosen:
            names.see_nobody_else(connection.tenant_id, arguments.why)
        confirm(what, arguments.incident, yes=arguments.yes)
        outcomes = containing.contain(
            books,
            Incidents(state.ledger),
            arguments.incident,
            chosen,
            how=arguments.how,
            why=arguments.why,
            who=By(arguments).who,
        )
    return _say(arguments, outcomes)


def _release(arguments: argparse.Namespace) -> int:
    with _books(arguments) as (state, books):
        chosen = _chosen(state, arguments) if not arguments.all else Connections(state.ledger).all()
        confirm("this opens connections again", arguments.incident, yes=arguments.yes)
        store = Incidents(state.ledger)
        outcomes = containing.release(books, store, arguments.incident, chosen, By(arguments).who)
    return _say(arguments, outcomes)


def _cell(value: Json) -> str:
    return ("no", "yes")[value] if isinstance(value, bool) else str(value)


def _say(arguments: argparse.Namespace, outcomes: list[containing.Outcome]) -> int:
    rows: list[dict[str, Json]] = [
        {"tenant": o.connection.tenant, "app": o.connection.app, "done": o.done, "words": o.words} for o in outcomes
    ]
    if arguments.json:
        answer_json([*rows])
    else:
        answer_table(("tenant", "app", "done", "words"), [tuple(map(_cell, row.values())) for row in rows], "none")
    return 0 if all(outcome.done for outcome in outcomes) else 1
