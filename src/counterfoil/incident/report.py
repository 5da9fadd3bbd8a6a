"""Reports: of the fleet for the incident lead, of one tenant for its customer, and the ATT&CK Navigator layer. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from counterfoil.evidence.attack import navigator
from counterfoil.evidence.techniques import VERSION
from counterfoil.incident import pages
from counterfoil.incident.containment import gap_document
from counterfoil.incident.facts import Customer, Telling, telling
from counterfoil.incident.notice import Notice
from counterfoil.incident.record import Incident, Kind
from counterfoil.incident.scope import techniques
from counterfoil.incident.steps import Standing
from counterfoil.model.instant import rfc3339
from counterfoil.model.mail import Json

ORDER = {"touched": 0, "cannot-say": 1, "clean": 2, "not-concerned": 3}


@dataclass(frozen=True, slots=True)
class Row:
    """One customer's line in the fleet report."""

    customer: Customer
    telling: Telling
    notices: tuple[Notice, ...]
    told: bool
    lines: tuple[str, ...]
    stands: Standing | None


def rows(
    customers: Iterable[Customer], notices: Iterable[Notice], incident: Incident, stands: Mapping[str, Standing]
) -> list[Row]:
    """Put together the lines of the fleet report, the worst first."""
    papers = list(notices)
    # An attempt to mail is shown only as long as nobody knows what came of it.
    known = {
        e.said.detail.get("message_id") for e in incident.of(Kind.TOLD) if e.said.detail.get("result") != "unknown"
    }
    lines = [
        e
        for e in incident.entries
        if e.said.kind in (Kind.TOLD, Kind.EXPORTED)
        and (e.said.detail.get("result") != "unknown" or e.said.detail.get("message_id") not in known)
    ]
    found = [
        Row(
            customer,
            telling(customer),
            tuple(notice for notice in papers if notice.tenant == customer.tenant),
            incident.told(customer.tenant),
            tuple(f"{pages.when(e.time)}: {e.said.words}" for e in lines if e.said.tenant == customer.tenant),
            stands.get(customer.tenant),
        )
        for customer in customers
    ]
    return sorted(found, key=lambda row: (ORDER[row.telling.state], row.customer.name))


def counts(lines: Iterable[Row]) -> dict[str, Json]:
    """Count what the lead asks for first."""
    found = list(lines)
    places = [place for row in found for place in row.customer.places]
    return {
        "concerned": sum(row.customer.has for row in found),
        "touched": sum(row.telling.state == "touched" for row in found),
        "cannot_say": sum(row.telling.state == "cannot-say" for row in found),
        "clean": sum(row.telling.state == "clean" for row in found),
        "told": sum(row.told for row in found),
        "removed": sum(place.removed_at is not None for place in places),
        "proven_dead": sum(place.dead_at is not None for place in places),
        "attacker_out": sum(place.out_at is not None for place in places),
        "rotating": len(places),
    }


def document(incident: Incident, lines: Iterable[Row]) -> dict[str, Json]:
    """Spell the fleet report as JSON."""
    found = list(lines)
    return {"incident": incident.document(), "counts": counts(found), "tenants": [_line(row) for row in found]}


def _line(row: Row) -> dict[str, Json]:
    customer = row.customer
    return {
        "tenant": customer.tenant,
        "name": customer.name,
        "state": row.telling.state,
        "has_the_certificate": customer.has,
        "tokens_of_ours": customer.uses,
        "facts": [
            {"question": f.question, "answer": f.answer, "grade": f.grade.value, "because": [*f.because]}
            for f in row.telling.facts
        ],
        "did": [{"time": rfc3339(d.time) if d.time else None, "words": d.words} for d in row.telling.did],
        "must": [*row.telling.must],
        "containments": [gap_document(c) for c in customer.containments],
        "refused_meanwhile": customer.refused,
        "notices": [{"paper": n.paper.value, "state": n.state.value, "sha256": n.sha256} for n in row.notices],
        "told": row.told,
        "handed_out": [*row.lines],
        "by_hand": None if row.stands is None else stands_document(row.stands),
    }


def stands_document(stands: Standing) -> dict[str, Json]:
    """Spell where a customer stands with the work by hand as JSON."""
    return {
        "state": stands.state,
        "words": stands.words,
        "overdue": stands.overdue,
        "gap_since": rfc3339(stands.gap_since) if stands.gap_since else None,
        "gap_until": rfc3339(stands.gap_until) if stands.gap_until else None,
    }


def fleet(incident: Incident, lines: Iterable[Row], damaged: list[str], now: datetime) -> str:
    """Return the page for the incident lead. It names every customer: it is for nobody else."""
    found = list(lines)
    names = {row.customer.tenant: row.customer.name for row in found}
    return pages.page(
        "fleet.html",
        i=incident,
        rows=found,
        counts=counts(found),
        names=names,
        damaged=damaged,
        now=now,
        attack=VERSION,
    )


def tenant(customer: Customer, reference: str, now: datetime) -> str:
    """Return the page for one customer's bundle: every row, every message, every hour of its own."""
    return pages.page(
        "tenant.html", t=telling(customer), part=customer.part, reference=reference, now=now, attack=VERSION
    )


def layer(parts: Iterable[Mapping[str, Any]], reference: str) -> dict[str, object]:
    """Return the ATT&CK Navigator layer."""
    return navigator(techniques(parts), f"Counterfoil {reference}")
