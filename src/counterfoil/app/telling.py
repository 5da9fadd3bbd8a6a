"""Telling customers: gather one customer's data, draft, and send or export what a person approved."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from counterfoil import clock
from counterfoil.app.incidents import concerned
from counterfoil.app.releases import Send
from counterfoil.credential.campaign import Pace, Place, token_may_live_until
from counterfoil.credential.campaigns import Campaigns
from counterfoil.gateway.routing import NextHop
from counterfoil.gateway.store.directory import Directory
from counterfoil.gateway.store.quarantine import Held
from counterfoil.gateway.store.tenants import Operator, Tenants
from counterfoil.incident.containment import Containment
from counterfoil.incident.facts import Customer, telling
from counterfoil.incident.notice import Notice, Paper, State, facts_notice, mail
from counterfoil.incident.notices import Notices
from counterfoil.incident.record import Incident, Kind, Subject
from counterfoil.incident.store import Incidents
from counterfoil.ledger import durable
from counterfoil.model.errors import Misconfigured, Refused
from counterfoil.model.mail import Envelope, Json
from counterfoil.tenant.registry import Connections


@dataclass(frozen=True, slots=True)
class Names:
    """What tenants are called: tenant id to the name that we use, and to the one that people read.

    ``marks`` are all names by which a tenant could be recognised, by the name that we use.
    """

    ours: dict[str, str]
    read: dict[str, str]
    marks: dict[str, frozenset[str]] = field(default_factory=dict)

    def tenant_id(self, name: str) -> str:
        """Return the tenant id of a name or an id.

        Raises:
            Refused: If no connection of that name is entered.
        """
        if name in self.ours:
            return name
        found = [tenant for tenant, ours in self.ours.items() if ours == name]
        if len(found) != 1:
            raise Refused(f"there is no tenant {name} with a connection", "list them: counterfoil connection list")
        return found[0]

    def see_nobody_else(self, tenant: str, words: str) -> None:
        """See that an operator's words about one tenant name no other: they go into that tenant's evidence (law 11).

        Raises:
            Refused: If they do.
        """
        own = self.marks.get(self.ours.get(tenant, ""), frozenset()) | {tenant}
        others = {mark for marks in self.marks.values() for mark in marks} | set(self.ours)
        for mark in sorted(others - own):
            if re.search(rf"(?<!\w){re.escape(mark)}(?!\w)", words, re.IGNORECASE):
                raise Refused(
                    f"these words about {self.ours.get(tenant, tenant)} name another customer: {mark}",
                    "say it without; what is said about a tenant goes into that tenant's evidence",
                )

    def see_nobody_elses_address(self, tenant: str, addresses: Iterable[str]) -> None:
        """See that what is said about one tenant is not mailed into another's domain (law 11).

        Raises:
            Refused: If an address is in the domain of another tenant and not of this one.
        """
        own = {mark.lower() for mark in self.marks.get(self.ours.get(tenant, ""), frozenset())}
        others = {mark.lower() for marks in self.marks.values() for mark in marks} - own
        for address in addresses:
            if address.rpartition("@")[2].lower() in others:
                raise Refused(
                    f"{address} is in the domain of another customer than {self.ours.get(tenant, tenant)}",
                    "if the person belongs to both, say so: --other-domain",
                )


def names_of(incidents: Incidents, tenants: Tenants) -> Names:
    """Read what tenants are called."""
    ours = {c.tenant_id: c.tenant for c in Connections(incidents.ledger).all()}
    known = tenants.all()
    display = {tenant.name: tenant.display for tenant in known}
    marks = {name: frozenset({name}) for name in ours.values()}
    marks |= {t.name: frozenset({t.name, t.display, *(d.domain for d in t.domains)}) for t in known}
    return Names(ours, {tenant: display.get(name, name) for tenant, name in ours.items()}, marks)


def customers(incidents: Incidents, incident: Incident, tenants: Tenants, pace: Pace) -> list[Customer]:
    """Gather what is known of every customer whom the incident concerns, each by itself.

    Those are the customers with a connection that the subject opens, and those whom it touched. An incident
    without a subject yet concerns everybody whom the answer does not call clean.
    """
    names, parts = names_of(incidents, tenants), incidents.scope(incident.name)
    having: dict[str, set[str]] = defaultdict(set)
    for one in concerned(incidents.ledger, incident.subject):
        having[one.connection.tenant_id] |= {c.thumbprint_sha256 for c in one.credentials}
    named = incident.subject != Subject()
    asked_for = [
        t for t, part in parts.items() if part["state"] in (("touched",) if named else ("touched", "cannot-say"))
    ]
    uses, shut, refused = _tokens(incidents, having, incident.containments)
    places = _places(incidents, incident)
    by_hand = {entry.said.tenant for entry in incident.of(Kind.HANDOVER)}
    found = []
    for tenant in sorted({*having, *asked_for}):
        mine = places.get(tenant, [])
        found.append(
            Customer(
                name=names.read.get(tenant, tenant),
                tenant=tenant,
                has=tenant in having,
                uses=uses[tenant],
                part=parts.get(tenant),
                places=tuple(mine),
                may_live_until=tuple(token_may_live_until(place, pace) for place in mine),
                containments=tuple(c for c in shut if c.tenant == tenant),
                refused=refused[tenant],
                by_hand=tenant in by_hand,
            )
        )
    return found


def _tokens(
    incidents: Incidents, having: dict[str, set[str]], shut: list[Containment]
) -> tuple[Counter[str], list[Containment], Counter[str]]:
    """Count our own tokens with the certificates concerned, and find each gap's end and what was refused in it."""
    uses: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    gaps = list(shut)
    for row in incidents.ledger.stubs(kinds=frozenset({"token"})):
        if row.stub is None or row.stub.tenant is None:
            continue
        tenant, body, time = row.stub.tenant, row.stub.body, row.stub.time
        if body["outcome"] == "issued" and body.get("thumbprint_sha256") in having.get(tenant, ()):
            uses[tenant] += 1
        inside = [n for n, c in enumerate(gaps) if _within(time, body["app"], c, tenant)]
        for number in inside:
            if body["outcome"] == "issued":
                gaps[number] = replace(gaps[number], again=time)
            elif body["outcome"] == "refused":
                gaps[number] = replace(gaps[number], refused=gaps[number].refused + 1)
        refused[tenant] += bool(inside) and body["outcome"] == "refused"
    return uses, gaps, refused


def _within(time: datetime, app: Json, shut: Containment, tenant: str) -> bool:
    return (shut.tenant, shut.app) == (tenant, app) and shut.since <= time and shut.again is None


def _places(incidents: Incidents, incident: Incident) -> dict[str, list[Place]]:
    found: dict[str, list[Place]] = defaultdict(list)
    for campaign in incident.campaigns:
        for key, place in Campaigns(incidents.ledger).places(campaign).items():
            found[key.partition("/")[0]].append(place)
    return found


def draft(
    incidents: Incidents, incident: Incident, some: Iterable[Customer], sender: str, by: Operator
) -> list[Notice]:
    """Draft the facts for customers; return the drafts that are new."""
    made = [
        Notice(
            incident.name,
            customer.tenant,
            Paper.FACTS,
            *facts_notice(telling(customer), incident.reference, sender, by.now),
            State.DRAFT,
            by.who,
            by.now,
        )
        for customer in some
    ]
    return Notices(incidents).draft(incident.name, made, by)


def export(notices: Notices, some: Iterable[Notice], names: Names, folder: Path, who: str) -> list[Path]:
    """Write approved notices as files, one folder a customer, and write down that they left us this way."""
    written: list[Path] = []
    for notice in some:
        place = folder / _file_name(names.ours.get(notice.tenant, notice.tenant))
        files = [place / f"{notice.paper.value}.html", place / f"{notice.paper.value}.txt"]
        notices.exported(notice, f"exported for {names.read.get(notice.tenant, notice.tenant)}", _by(who))
        for path, text in zip(files, (notice.html, notice.text), strict=True):
            _write(path, text)
        written += files
    return written


def _file_name(name: str) -> str:
    return "".join(c if c.isalnum() or c in "-_." else "_" for c in name).lstrip(".") or "customer"


def _write(path: Path, text: str) -> None:
    try:
        durable.write(path, text.encode("utf-8", "replace"), mode=0o600)
    except OSError as error:
        raise Misconfigured(f"{path} cannot be written: {error.strerror}", "name a folder of your own") from error


@dataclass(frozen=True, slots=True)
class Post:
    """How a notice is mailed: our sender, the way out, and where mail for a recipient goes."""

    sender: str
    send: Send
    directory: Directory
    outbound: NextHop | None

    def hop(self, address: str) -> NextHop:
        """Return where mail for an address goes: a tenant's own next hop, else the outbound relay.

        Raises:
            Misconfigured: If there is neither.
        """
        route = self.directory.route_now(address)
        if route is not None:
            return route.next_hop
        if self.outbound is None:
            raise Misconfigured(f"there is no way to {address}", "set [outbound] relay, or export the notice")
        return self.outbound


async def send(
    notices: Notices, notice: Notice, post: Post, recipients: tuple[str, ...], who: str, *, again: bool = False
) -> bool:
    """Mail an approved notice to each recipient over our own relay; say whether all took it.

    With ``again`` it goes out as a reminder: the text is the one that was approved, and the subject says so.

    The attempt is in the ledger before it is made, so that a crash shows a customer who may have been told.
    """
    told = True
    for number, recipient in enumerate(recipients):
        hop = post.hop(recipient)
        now = clock.now()
        identity = f"<{notice.sha256[:24]}.{number}.{int(now.timestamp())}@{post.sender.rpartition('@')[2]}>"
        raw = mail(notice, post.sender, (recipient,), identity, now, again=again)
        said: dict[str, Json] = {"to": recipient, "message_id": identity, "result": "unknown", "reminder": again}
        what = "a reminder " if again else ""
        notices.told(notice, "mail", f"about to mail {what}to {recipient}", dict(said), _by(who))
        envelope = Envelope(post.sender, (recipient,))
        delivery = await post.send(hop, Held(identity, envelope, False, notice.sha256, who, 0), raw)  # noqa: FBT003 - no SMTPUTF8
        taken = recipient in delivery.accepted
        said["result"] = "accepted" if taken else "not accepted"
        words = f"{'' if taken else 'not '}mailed {what}to {recipient}: {delivery.words}"
        notices.told(notice, "mail", words, said, _by(who))
        told = told and taken
    return told


def _by(who: str) -> Operator:
    return Operator(who, clock.now())
