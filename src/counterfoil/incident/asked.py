"""Who was asked to replace a certificate by hand, and where each stands: read out of an incident's record. Pure."""

from datetime import datetime

from counterfoil.incident.notice import Paper
from counterfoil.incident.record import Entry, Incident, Kind
from counterfoil.incident.steps import Met, Observed, Standing, standing
from counterfoil.model.instant import from_rfc3339
from counterfoil.model.mail import Json


def handovers(incident: Incident) -> list[Entry]:
    """Return the newest entry for each connection that was handed over."""
    newest = {(e.said.tenant, str(e.said.detail["app"])): e for e in incident.of(Kind.HANDOVER)}
    return list(newest.values())


def stands(incident: Incident, entry: Entry, now: datetime) -> Standing:
    """Say where one customer stands with the work by hand."""
    mine = [e for e in incident.of(Kind.OBSERVED) if _same(e, entry)]
    seen = [
        Observed(
            e.time,
            Met(str(e.said.detail["old"])),
            Met(str(e.said.detail["new"])),
            _flag(e.said.detail["old_listed"]),
            _flag(e.said.detail["new_listed"]),
            bool(e.said.detail.get("anew")),
        )
        for e in mine
    ]
    said = [e.time for e in incident.of(Kind.TOLD) if _same(e, entry) and e.said.detail.get("how") == "their-word"]
    return standing(seen, said[-1] if said else None, from_rfc3339(str(entry.said.detail["deadline"])), now)


def mailed(incident: Incident, tenant: str) -> int:
    """Count the mails with the page that a customer's server took, reminders too."""
    return sum(
        e.said.tenant == tenant
        and e.said.detail.get("paper") == Paper.STEPS.value
        and e.said.detail.get("result") == "accepted"
        for e in incident.of(Kind.TOLD)
    )


def _same(one: Entry, other: Entry) -> bool:
    return (one.said.tenant, one.said.detail.get("app")) == (other.said.tenant, other.said.detail["app"])


def _flag(value: Json) -> bool | None:
    return value if isinstance(value, bool) else None
