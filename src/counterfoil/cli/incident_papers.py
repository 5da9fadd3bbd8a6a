"""``incident report`` and ``incident bundle``: papers for the incident lead, and evidence that verifies offline."""

import argparse
import json
from pathlib import Path

from counterfoil import clock
from counterfoil.app import bundling, exhibits, telling
from counterfoil.app.state import State
from counterfoil.cli.incident_notices import pace
from counterfoil.cli.incident_open import By, add_by, find
from counterfoil.cli.output import answer_json, answer_text, stderr
from counterfoil.cli.parser import add_config
from counterfoil.cli.state import opened
from counterfoil.cli.verbs import Run, Verbs
from counterfoil.incident import report
from counterfoil.incident.asked import handovers, stands
from counterfoil.incident.notices import Notices
from counterfoil.incident.store import Incidents
from counterfoil.model.errors import Refused, Unavailable


def add_papers(verbs: Verbs) -> None:
    """Declare the verbs."""
    paper = _verb(verbs, "report", _report, "the report for the incident lead: HTML, JSON, PDF, ATT&CK Navigator layer")
    paper.add_argument("--html", type=Path, metavar="FILE", help="write the page here")
    paper.add_argument("--pdf", type=Path, metavar="FILE", help="and as PDF, where Debian's chromium is there")
    paper.add_argument("--navigator", type=Path, metavar="FILE", help="write the ATT&CK Navigator layer here")
    bundle = _verb(
        verbs, "bundle", _bundle, "a sealed evidence bundle that verifies offline: of one tenant, or the fleet"
    )
    which = bundle.add_mutually_exclusive_group(required=True)
    which.add_argument("--tenant", metavar="TENANT", help="for this customer: nothing of anybody else is in it")
    which.add_argument("--fleet", action="store_true", help="for the incident lead: every customer is in it")
    bundle.add_argument("--out", type=Path, required=True, metavar="FILE", help="the zip to write")
    bundle.add_argument("--pdf", action="store_true", help="the report as PDF too; needs Debian's chromium")
    add_by(bundle)


def _verb(verbs: Verbs, name: str, run_it: Run, summary: str) -> argparse.ArgumentParser:
    verb = verbs.add(name, run_it, summary)
    verb.add_argument("incident", metavar="NAME", help="the incident")
    add_config(verb)
    return verb


def _rows(state: State, arguments: argparse.Namespace) -> list[report.Row]:
    store, incident = Incidents(state.ledger), find(state, arguments)
    customers = telling.customers(store, incident, state.tenants, pace(arguments))
    standing = {str(e.said.tenant): stands(incident, e, clock.now()) for e in handovers(incident)}
    return report.rows(customers, Notices(store).all(incident.name), incident, standing)


def _report(arguments: argparse.Namespace) -> int:
    with opened(arguments) as state:
        incident, lines = find(state, arguments), _rows(state, arguments)
        bad = exhibits.damaged(arguments.data, incident)
        parts = Incidents(state.ledger).scope(incident.name)
    page = report.fleet(incident, lines, bad, clock.now())
    for path, text in ((arguments.html, page), (arguments.navigator, None)):
        if path is not None:
            layer = json.dumps(report.layer(parts.values(), incident.reference), indent=1) + "\n"
            bundling.write(path, (layer if text is None else text).encode("utf-8", "replace"))
    skipped = False
    if arguments.pdf is not None:
        try:
            bundling.write(arguments.pdf, bundling.pdf(page))
        except Unavailable as error:
            skipped = True
            stderr.print(f"{error.message}; {error.hint}", markup=False)
    if arguments.json:
        answer_json(report.document(incident, lines))
    else:
        answer_text("\n".join(f"{name.replace('_', ' ')}: {count}" for name, count in report.counts(lines).items()))
    return 1 if bad or skipped else 0


def _bundle(arguments: argparse.Namespace) -> int:
    with opened(arguments) as state:
        store, incident, who = Incidents(state.ledger), find(state, arguments), By(arguments).who
        if arguments.fleet:
            lines = _rows(state, arguments)
            page = report.fleet(incident, lines, exhibits.damaged(arguments.data, incident), clock.now())
            path = bundling.fleet_bundle(
                store,
                incident,
                [row.customer for row in lines],
                page=page,
                answer=report.document(incident, lines),
                path=arguments.out,
                who=who,
                with_pdf=arguments.pdf,
            )
        else:
            names = telling.names_of(store, state.tenants)
            tenant = names.tenant_id(arguments.tenant)
            names.see_nobody_else(tenant, arguments.out.name)
            customers = telling.customers(store, incident, state.tenants, pace(arguments))
            mine = next((customer for customer in customers if customer.tenant == tenant), None)
            if mine is None:
                raise Refused(f"the incident does not concern {arguments.tenant}", "see: counterfoil incident scope")
            path = bundling.customer_bundle(store, incident, mine, arguments.out, who, with_pdf=arguments.pdf)
        publication = state.ledger.publication
        key = str(publication.key) if publication is not None else ""
    if arguments.json:
        answer_json({"bundle": str(path), "key": key})
    else:
        answer_text(f"{path}\nunpack it, then: python verify_ledger.py bundle . '{key}'")
    return 0
