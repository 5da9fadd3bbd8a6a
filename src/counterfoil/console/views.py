"""What each page asks for, and what is made of it. Runs in threads, never in an event loop."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, time

from counterfoil.console.books import Books
from counterfoil.console.page import Asked, Page, Row, Table
from counterfoil.console.pages import campaigns as campaign_pages
from counterfoil.console.pages import credentials as credential_pages
from counterfoil.console.pages import incidents as incident_pages
from counterfoil.console.pages import ledger as ledger_pages
from counterfoil.console.pages import mail, overview, tenants
from counterfoil.console.webhook import Desk
from counterfoil.credential.campaigns import Campaign, Campaigns
from counterfoil.gateway.store.quarantine import Quarantine
from counterfoil.gateway.store.stories import Query, Stories
from counterfoil.gateway.store.tenants import Tenants
from counterfoil.incident.notices import Notices
from counterfoil.incident.store import Incidents
from counterfoil.ledger.audit import Audit
from counterfoil.ledger.ledger import Ledger
from counterfoil.model.errors import Refused
from counterfoil.model.instant import from_rfc3339
from counterfoil.model.mail import Json, Scan
from counterfoil.model.trust import Connection
from counterfoil.operators.accounts import Accounts
from counterfoil.operators.roles import Permission, Scope
from counterfoil.scan import policy_document
from counterfoil.scan.verdict import REASONS

COVERAGE = 50
"""Tenants whose coverage the first page shows; all are with their incidents."""


@dataclass(slots=True)
class Verified:
    """What the last verification of the ledger said, and when; shared by all who may see it."""

    last: tuple[datetime, Audit] | None = None
    running: bool = False


@dataclass(frozen=True, slots=True)
class Sources:
    """What pages and deeds work with. ``look`` takes held bytes apart in a bounded worker (law 12).

    ``duties`` tells how a connection stands: rows of duty, state, words, at, until. ``by_hand`` names the tenants that
    a campaign cannot rotate and whose administrators have not done it. ``desk`` is where reports from outside are
    taken in.
    """

    ledger: Ledger
    books: Books
    stories: Stories
    quarantine: Quarantine
    tenants: Tenants
    accounts: Accounts
    campaigns: Campaigns
    incidents: Incidents
    look: Callable[[bytes], Scan]
    duties: Callable[[Connection], list[Row]]
    by_hand: Callable[[Campaign], list[str]]
    clock: Callable[[], datetime]
    desk: Desk
    verified: Verified = field(default_factory=Verified)


def first(sources: Sources, asked: Asked) -> Page:
    """Show how things are: each part for the tenants that this account may see it of."""
    books, account = sources.books, asked.account
    mail_of = account.scope(Permission.SEE_MAIL)
    midnight = datetime.combine(asked.now.date(), time(), UTC)
    campaigns_of = account.scope(Permission.SEE_CAMPAIGNS)
    found = overview.Overview(
        today=books.mail(mail_of, midnight) if mail_of else None,
        ever=books.outcomes(mail_of) if mail_of else [],
        waiting=books.waiting(mail_of) if mail_of else {},
        campaigns=_campaigns(sources, campaigns_of),
        alarms=books.deeds(account.scope(Permission.SEE_LEDGER), 20, alarms=True),
        coverage=[incident_pages.finding(row) for row in books.findings(account.scope(Permission.SEE_INCIDENTS))][
            :COVERAGE
        ],
    )
    return overview.page(found)


def messages(sources: Sources, asked: Asked) -> Page:
    """Search messages."""
    try:
        query = _query(asked)
    except ValueError as error:
        return mail.tracking([], asked, str(error))
    return mail.tracking(sources.stories.find(query, held_only=False, limit=mail.limit(asked)), asked)


def held(sources: Sources, asked: Asked) -> Page:
    """Search held messages."""
    try:
        query = _query(asked)
    except ValueError as error:
        return mail.quarantine([], asked, str(error))
    return mail.quarantine(sources.stories.find(query, held_only=True, limit=mail.limit(asked)), asked)


def message(sources: Sources, asked: Asked) -> Page:
    """Tell one message's whole story."""
    return mail.story(told(sources, asked.place["id"], asked.scope), asked)


def held_message(sources: Sources, asked: Asked) -> Page:
    """Tell one held message's whole story."""
    return mail.story(told(sources, asked.place["id"], asked.scope, held_only=True), asked)


def told(sources: Sources, name: str, scope: Scope, *, held_only: bool = False) -> dict[str, Json]:
    """Return a message's story, for a scope.

    Raises:
        Refused: If there is no such message; another tenant's is not there either, in the same words.
    """
    found = sources.stories.find(Query(id=name, tenants=scope.tenants), held_only=held_only, limit=1)
    if not found:
        raise Refused(f"there is no {'held ' if held_only else ''}message {name}")
    tenant = found[0]["tenant"]
    return sources.stories.story(name, None if tenant is None else str(tenant), held_only=held_only)


def _query(asked: Asked) -> Query:
    """Read the search form.

    Raises:
        ValueError: If a time is none, in words.
    """
    text = {name: asked.query.get(name, "").strip() or None for name in mail.FIELDS}
    scope = asked.scope.narrowed(text["tenant"])
    return Query(
        tenants=scope.tenants,
        message_id=text["message_id"],
        sender=text["sender"],
        recipient=text["recipient"],
        subject=text["subject"],
        verdict=text["verdict"],
        outcome=text["outcome"],
        since=_time(text["since"]),
        until=_time(text["until"]),
    )


def _time(text: str | None) -> datetime | None:
    """Read a day, a minute (as browsers send it, taken as UTC) or RFC 3339."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else from_rfc3339(text)
    except (ValueError, OverflowError):
        raise ValueError(f"{text} is no time: write 2026-01-31, 2026-01-31T08:00 or RFC 3339") from None


def all_tenants(sources: Sources, asked: Asked) -> Page:
    """List tenants."""
    return tenants.listing(sources.books.tenants(asked.scope))


def tenant(sources: Sources, asked: Asked) -> Page:
    """Show one tenant with its policy and credentials."""
    name = asked.place["name"]
    scope = asked.scope.narrowed(name)
    if not sources.books.tenants(scope):
        raise Refused(f"there is no tenant {name}")
    found = sources.tenants.one(name)
    policy = policy_document.write(policy_document.read(found.policy, REASONS))
    credentials_of = asked.account.scope(Permission.SEE_CONNECTIONS).narrowed(name)
    return tenants.one(found, policy, credential_pages.table(sources.books.credentials(credentials_of), asked.now))


def credentials(sources: Sources, asked: Asked) -> Page:
    """List connections and credentials."""
    duties: list[Row] = [
        {"tenant": name, "app": stem.partition("/")[2], **duty}
        for stem, name in sources.books.stems(asked.scope).items()
        for duty in sources.duties(_connection(stem, name))
    ]
    return credential_pages.page(sources.books.credentials(asked.scope), duties, asked.now)


def _connection(stem: str, name: str) -> Connection:
    tenant_id, _, app = stem.partition("/")
    return Connection(name, tenant_id, app, "", "", None)


def campaigns(sources: Sources, asked: Asked) -> Page:
    """List campaigns."""
    return campaign_pages.listing(_campaigns(sources, asked.scope))


def _campaigns(sources: Sources, scope: Scope) -> list[Row]:
    """Return the campaigns that have a connection in scope, as rows."""
    if not scope:
        return []
    only = None if scope.everything else sources.books.stems(scope)
    rows = []
    for campaign in sources.campaigns.all():
        places = sources.campaigns.places(campaign.id, only)
        if places or scope.everything:
            rows.append(campaign_pages.row(campaign, places, everything=scope.everything))
    return rows


def campaign(sources: Sources, asked: Asked) -> Page:
    """Show one campaign as it stands."""
    name, names = asked.place["id"], sources.books.stems(asked.scope)
    places = sources.campaigns.places(name, None if asked.scope.everything else names)
    if not places and not asked.scope.everything:
        raise Refused(f"there is no campaign {name}")
    found = _campaign(sources, name)
    by_hand = [tenant for tenant in sources.by_hand(found) if asked.scope.has(tenant)]
    return campaign_pages.one(found, places, names, asked, by_hand)


def _campaign(sources: Sources, name: str) -> Campaign:
    try:
        return sources.campaigns.campaign(name)
    except Refused:
        raise Refused(f"there is no campaign {name}") from None


def incidents(sources: Sources, asked: Asked) -> Page:
    """List incidents."""
    books, whole = sources.books, sources.incidents.all() if asked.scope.everything else None
    findings = [incident_pages.finding(row) for row in books.findings(asked.scope)]
    return incident_pages.listing(books.incidents(asked.scope), findings, whole)


def incident(sources: Sources, asked: Asked) -> Page:
    """Show one incident, or what of it concerns the tenants of this account."""
    books, reference = sources.books, asked.place["id"]
    if reference not in {head["reference"] for head in books.incidents(asked.scope)}:
        raise Refused(f"there is no incident {reference}")
    findings = [incident_pages.finding(row) for row in books.findings(asked.scope, reference)]
    entries = books.incident_entries(asked.scope, reference)
    if not asked.scope.everything:
        return incident_pages.one(reference, findings, entries, None)
    whole, names = next(i for i in sources.incidents.all() if i.reference == reference), books.tenant_ids(asked.scope)
    by_hand = incident_pages.by_hand(whole, names, asked.now)
    notices = incident_pages.notices(whole, Notices(sources.incidents).all(whole.name), names)
    more = [
        Table("by_hand", "Who replaces the certificate by hand", incident_pages.BY_HAND, by_hand, "Nobody was asked."),
        Table("notices", "Who is told", incident_pages.NOTICES, notices, "No notice was drafted yet."),
    ]
    return incident_pages.one(reference, findings, entries, whole, more)


def ledger(sources: Sources, asked: Asked) -> Page:
    """Show the checkpoint and what verifying said; a verification names messages of all, so only who sees all."""
    publication = sources.ledger.publication
    latest = publication.latest() if publication is not None else None
    everything = asked.scope.everything
    return ledger_pages.page(
        sources.ledger.size() if everything else None,
        None if latest is None else latest[0],
        "" if publication is None else str(publication.key),
        sources.books.deeds(asked.scope, 100),
        sources.verified.last if everything else None,
        may_verify=asked.account.scope(Permission.VERIFY_LEDGER).everything,
    )
