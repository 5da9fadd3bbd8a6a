"""The shape of 2021 in the tenants: a new certificate for each administrator, and real use to see what was done."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from counterfoil import clock
from counterfoil.app.campaigning import CONTROL, mark
from counterfoil.app.connecting import as_pem
from counterfoil.app.graveyard import CONTROLS_FROM
from counterfoil.app.house import Books
from counterfoil.app.incidents import Concerned
from counterfoil.app.telling import Names
from counterfoil.credential import registry
from counterfoil.credential.collect import take_in
from counterfoil.gateway.store.tenants import Operator
from counterfoil.incident.asked import handovers
from counterfoil.incident.notice import Notice, Paper, State, steps_notice
from counterfoil.incident.notices import Notices
from counterfoil.incident.record import Entry, Incident, Kind, Said
from counterfoil.incident.steps import Handover, Met, Observed, met
from counterfoil.incident.store import Incidents
from counterfoil.model.errors import Refused, Unavailable
from counterfoil.model.instant import rfc3339
from counterfoil.model.mail import Json
from counterfoil.model.trust import Connection, Credential, CredentialState, Job
from counterfoil.tenant.door import CallRefused, Door
from counterfoil.tenant.endpoints import GRAPH
from counterfoil.tenant.registration import Registration
from counterfoil.tenant.token import TokenRefused, Tokens

DAYS = 90
DONE = (CredentialState.TAINTED, CredentialState.DEAD)


def hand_over(
    books: Books,
    incidents: Incidents,
    name: str,
    some: Iterable[Concerned],
    names: Names,
    *,
    deadline: datetime,
    sender: str,
    who: str,
) -> list[Notice]:
    """Have a new certificate made for each connection, taint the old one, and draft the page for the administrator."""
    incident, by_tenant = incidents.one(name), defaultdict[str, list[Handover]](list)
    for one in some:
        handover = _ask(books, incidents, incident, one, names, deadline=deadline, who=who)
        by_tenant[one.connection.tenant_id].append(handover)
    now = clock.now()
    made = [
        Notice(name, tenant, Paper.STEPS, *steps_notice(work, incident.reference, sender, now), State.DRAFT, who, now)
        for tenant, work in by_tenant.items()
    ]
    Notices(incidents).draft(name, made, Operator(who, clock.now()))
    return made


def _ask(
    books: Books,
    incidents: Incidents,
    incident: Incident,
    one: Concerned,
    names: Names,
    *,
    deadline: datetime,
    who: str,
) -> Handover:
    """Make the new certificate of one connection, taint the old one, and write down that its administrator is asked."""
    connection = one.connection
    new = _new(books, incident, connection)
    old = [c for c in one.credentials if c.thumbprint_sha256 != new.thumbprint_sha256]
    for credential in old:
        if credential.state not in DONE:
            mark(books, credential.name, CredentialState.TAINTED)
    detail: dict[str, Json] = {"app": connection.app, "new": new.name, "deadline": rfc3339(deadline)}
    detail["old"] = [c.name for c in old]
    detail["others"] = [one.app for one in _beside(books, connection.tenant_id, connection.app)]
    said = Said(Kind.HANDOVER, "the administrator is asked to replace the certificate", connection.tenant_id, detail)
    incidents.add(incident.name, said, Operator(who, clock.now()))
    return Handover(
        names.read.get(connection.tenant_id, connection.tenant),
        connection.tenant_id,
        connection.app,
        tuple(c.thumbprint_sha1 for c in old),
        new.thumbprint_sha1,
        as_pem(registry.certificate_of(books.ledger.engine, new.name)),
        deadline,
        tuple(connection.roles or ()),
    )


def _beside(books: Books, tenant_id: str, app: str) -> list[Connection]:
    return [one for one in books.connections.all() if one.tenant_id == tenant_id and one.app != app]


def _new(books: Books, incident: Incident, connection: Connection) -> Credential:
    """Return the certificate that this incident made for a connection, or have one made."""
    for entry in handovers(incident):
        if (entry.said.tenant, entry.said.detail["app"]) == (connection.tenant_id, connection.app):
            return registry.find(books.ledger.engine, str(entry.said.detail["new"]))
    listed = registry.listed(books.ledger.engine, connection.tenant_id)
    mine = [c.generation for c in listed if c.app == connection.app and c.generation < CONTROLS_FROM]
    generation = 1 + max(mine, default=0)
    stub = books.custodian.certificate(connection.tenant_id, connection.app, generation, DAYS)
    take_in(books.ledger, stub)
    return registry.find(books.ledger.engine, f"{connection.tenant_id}/{connection.app}/{generation}")


def observe(books: Books, incidents: Incidents, name: str, entry: Entry, who: str) -> Observed:
    """Try the old key and the new one, and look at the list where the new one may; the new key becomes current.

    Where an application was registered in place of the old one and entered, its key is the new one.
    """
    connection = _connection(books, str(entry.said.tenant), str(entry.said.detail["app"]))
    reference = incidents.one(name).reference
    job = books.new_job("prove-dead", reference)
    new = registry.find(books.ledger.engine, str(entry.said.detail["new"]))
    olds = [registry.find(books.ledger.engine, str(old)) for old in _texts(entry.said.detail["old"])]
    tried = [_try(Tokens(connection, old, books.through.for_death_test, books.means), job) for old in olds]
    tokens = Tokens(connection, new, books.through.for_use, books.means)
    wins = _try(tokens, books.new_job("verify", reference))
    if wins is Met.ACCEPTED:
        _settle(books, new, who)
    listed = _listed(tokens, connection, books.new_job("inspect", reference)) if wins is Met.ACCEPTED else None
    anew = wins is not Met.ACCEPTED and _works_anew(books, entry, reference)
    seen = Observed(
        clock.now(),
        _worst(tried),
        Met.ACCEPTED if anew else wins,
        None if listed is None else any(old.thumbprint_sha256 in listed for old in olds),
        None if listed is None else new.thumbprint_sha256 in listed,
        anew,
    )
    detail: dict[str, Json] = {"app": connection.app, "old": seen.old.value, "new": seen.new.value}
    detail |= {"old_listed": seen.old_listed, "new_listed": seen.new_listed, "anew": anew}
    words = f"old key {seen.old}, new key {seen.new}, list {'read' if listed is not None else 'not open to us'}"
    words += ", on an application that was made anew" if anew else ""
    incidents.add(name, Said(Kind.OBSERVED, words, connection.tenant_id, detail), Operator(who, seen.time))
    return seen


def _connection(books: Books, tenant_id: str, app: str) -> Connection:
    """Return a connection; of one that was taken out of the register, what is needed to try its old key."""
    found = [one for one in books.connections.all() if (one.tenant_id, one.app) == (tenant_id, app)]
    return found[0] if found else Connection("", tenant_id, app, "", "", None)


def _works_anew(books: Books, entry: Entry, reference: str) -> bool:
    """Say whether a connection that was entered since the administrator was asked works with a key of its own."""
    before = {str(app) for app in _texts(entry.said.detail.get("others"))}
    for one in _beside(books, str(entry.said.tenant), str(entry.said.detail["app"])):
        if one.app in before or CONTROL in (one.roles or ()):
            continue
        try:
            current = books.connections.current(one)
        except Refused:
            continue  # entered, and not tested yet: connection test makes its credential current
        tokens = Tokens(one, current, books.through.for_use, books.means)
        if current.state not in DONE and _try(tokens, books.new_job("verify", reference)) is Met.ACCEPTED:
            return True
    return False


def _try(tokens: Tokens, job: Job) -> Met:
    try:
        tokens.fresh(GRAPH, job)
    except TokenRefused as error:
        return met(error.code)
    except (Unavailable, Refused):
        return Met.UNKNOWN  # Microsoft did not say; or our signer keeps a retired key shut
    return Met.ACCEPTED


def _worst(tried: list[Met]) -> Met:
    """Several old keys count as the one that is worst for us."""
    order = (Met.ACCEPTED, Met.UNKNOWN, Met.OFF, Met.GONE, Met.REFUSED)
    return min(tried, key=order.index, default=Met.UNKNOWN)


def _listed(tokens: Tokens, connection: Connection, job: Job) -> set[str] | None:
    try:
        found = Registration(Door(tokens), connection).credentials(job)
    except (CallRefused, Unavailable):
        return None  # most connections may not read their own registration
    return {entry.thumbprint_sha256 for entry in found if entry.thumbprint_sha256}


def _settle(books: Books, new: Credential, who: str) -> None:
    for state in (CredentialState.PUBLISHED, CredentialState.CURRENT):
        if registry.find(books.ledger.engine, new.name).state in (CredentialState.STAGED, CredentialState.PUBLISHED):
            mark(books, new.name, state)
    connection = books.connections.one(new.tenant, new.app)
    try:
        if books.connections.current(connection).generation == new.generation:
            return
    except Refused:
        pass  # nothing is current yet: this one will be
    fresh = registry.find(books.ledger.engine, new.name)
    books.connections.make_current(fresh, books.connections.fence(connection), clock.now(), who)


def _texts(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []
