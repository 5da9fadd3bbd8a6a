"""Incidents: who was touched, who cannot be judged, and what was done.

Who sees single tenants reads of an incident by its reference alone, and of his own tenants' findings and entries;
its name and subject are the operator's words and may name anybody.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime

from counterfoil.console.page import Column, Fact, Page, Row, Table
from counterfoil.incident import asked
from counterfoil.incident.notice import Notice
from counterfoil.incident.record import Incident
from counterfoil.incident.report import stands_document
from counterfoil.model.instant import rfc3339
from counterfoil.model.mail import Json

LISTED = (
    Column("reference", "Incident", "code", "/incidents/{reference}"),
    Column("name", "Name"),
    Column("status", "Status", "mark"),
    Column("opened", "Opened", "time"),
    Column("subject", "In other hands"),
    Column("touched", "Touched", "number"),
    Column("cannot_say", "Cannot say", "number"),
)
FINDINGS = (
    Column("tenant", "Tenant", "text", "/tenants/{tenant}"),
    Column("state", "State", "mark"),
    Column("reasons", "Why"),
    Column("reference", "Incident", "code", "/incidents/{reference}"),
    Column("tenant_id", "Tenant id", "data"),
)
_HERE = tuple(column for column in FINDINGS if column.key != "reference")
ENTRIES = (
    Column("time", "Time", "time"),
    Column("actor", "By"),
    Column("kind", "What", "mark"),
    Column("words", "Words"),
    Column("tenant", "Tenant", "text", "/tenants/{tenant}"),
)
BY_HAND = (
    Column("tenant", "Tenant", "text", "/tenants/{tenant}"),
    Column("state", "State", "mark"),
    Column("overdue", "Overdue", "flag"),
    Column("deadline", "Until", "time"),
    Column("mailed", "Mails", "number"),
    Column("words", "What was seen"),
    Column("gap_since", "No key since", "time"),
    Column("gap_until", "until", "time"),
)
NOTICES = (
    Column("tenant", "Tenant", "text", "/tenants/{tenant}"),
    Column("paper", "Notice"),
    Column("state", "State", "mark"),
    Column("approved_by", "Approved by"),
    Column("told", "Told", "flag"),
)
NONE = "No incident. Open one: counterfoil incident open NAME"


def finding(row: Row) -> Row:
    """Return what was found of one tenant, its reasons read out of its part of the answer."""
    part = json.loads(str(row["document"]))
    reasons: list[Json] = [str(reason) for reason in part.get("reasons", [])]
    kept = {name: value for name, value in row.items() if name != "document"}
    return {**kept, "reasons": reasons}


def listing(heads: Sequence[Row], findings: Sequence[Row], incidents: Sequence[Incident] | None) -> Page:
    """Return the list; ``incidents`` are whole records, for who sees everything."""
    known = {incident.reference: incident for incident in incidents or ()}
    rows: list[Row] = []
    for head in heads:
        states = [row["state"] for row in findings if row["reference"] == head["reference"]]
        incident = known.get(str(head["reference"]))
        rows.append(
            {
                **head,
                "name": incident.name if incident else None,
                "status": incident.status.value if incident else None,
                "subject": incident.subject.words() if incident else None,
                "touched": states.count("touched"),
                "cannot_say": states.count("cannot-say"),
            }
        )
    return Page("Incidents", tables=(Table("incidents", "Incidents", LISTED, rows, NONE),))


def by_hand(incident: Incident, names: Mapping[str, str], now: datetime) -> list[Row]:
    """Return where each customer stands who has to replace a certificate by hand, those who have not done it first."""
    rows: list[Row] = []
    for entry in asked.handovers(incident):
        tenant = str(entry.said.tenant)
        found = stands_document(asked.stands(incident, entry, now))
        rows.append(
            {
                **found,
                "tenant": names.get(tenant, tenant),
                "deadline": entry.said.detail["deadline"],
                "mailed": asked.mailed(incident, tenant),
            }
        )
    return sorted(rows, key=lambda row: (row["state"] == "done", str(row["tenant"])))


def notices(incident: Incident, made: Sequence[Notice], names: Mapping[str, str]) -> list[Row]:
    """Return which notices there are, and who was told."""
    return [
        {
            "tenant": names.get(notice.tenant, notice.tenant),
            "paper": notice.paper.value,
            "state": notice.state.value,
            "approved_by": notice.approved_by,
            "told": incident.told(notice.tenant, notice.paper.value),
        }
        for notice in made
    ]


def one(
    reference: str,
    findings: Sequence[Row],
    entries: Sequence[Row],
    incident: Incident | None,
    more: Sequence[Table] = (),
) -> Page:
    """Return one incident; ``more`` is for who sees everything."""
    facts = [Fact("Reference", reference, "code")]
    if incident is not None:
        facts += [
            Fact("Name", incident.name),
            Fact("Status", incident.status.value, "mark"),
            Fact("In other hands", incident.subject.words()),
            Fact("Opened", rfc3339(incident.opened), "time"),
            Fact("Opened by", incident.opened_by),
        ]
        facts += [Fact("Campaign", name, "text", f"/campaigns/{name}") for name in incident.campaigns]
    empty = "Nobody was judged yet: counterfoil incident scope"
    tables = (
        Table("findings", "What was found", _HERE, findings, empty),
        *more,
        Table("timeline", "What was done", ENTRIES, entries, "Nothing yet that concerns you."),
    )
    return Page(f"Incident {reference}", tables=tables, facts=tuple(facts))
