"""What outlives a theft in a connected tenant, found by listing and not by a log: logs have an end, lists show what is.

Credentials on our application or its principal that are not ours, permissions beyond those that we asked for, and
change notifications, of which we make none. Where a connection could make inbox rules and may list them, once a day
those that send mail away, hide or delete it; a list does not say whose a rule is, so that one alone is no finding.
Import sessions cannot be listed by anybody: those are found in the logs.
"""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from counterfoil.app.connecting import unknown_credentials
from counterfoil.app.house import Books
from counterfoil.app.leftovers import announced, unasked
from counterfoil.app.standing import FOUND, GOOD, Standing, Standings, failure
from counterfoil.evidence.persistence import (
    CERTIFICATE,
    CHANGE,
    CONSENT,
    FEDERATED,
    FORWARDING,
    LISTING,
    RULE,
    SECRET,
    SUBSCRIPTION,
)
from counterfoil.model.errors import CounterfoilError
from counterfoil.model.trust import Connection, Job
from counterfoil.tenant import grants
from counterfoil.tenant.door import Door
from counterfoil.tenant.registration import Registration
from counterfoil.tenant.rules import RULE_OF, SENDS, list_rules

LEFT_BEHIND = "left-behind"
INBOX_RULES = "inbox-rules"
RULES_MINUTES = 24 * 60.0
"""Time between two lists of inbox rules: it takes a call for each mailbox."""

MOST_RULES = 100
"""So many of a tenant's rules are named."""

NEEDS = "Application.Read.All"
_SEE = "; see: counterfoil incident open"
_KINDS = {
    "certificate": CERTIFICATE,
    "secret": SECRET,
    "federated": FEDERATED,
    "subscription": SUBSCRIPTION,
    "a consent": CONSENT,
    "inbox rule": RULE,
}
NO_RULES = "no rule sends mail away, hides it or deletes it"


def lists(connection: Connection) -> bool:
    """Say whether a connection may list what is on its own application; where its roles are unknown it is tried."""
    return connection.roles is None or NEEDS in connection.roles


def look(books: Books, connection: Connection, door: Door, job: Job, now: datetime) -> Standing:
    """List, and tell what is there that should not be."""
    try:
        found = list(_left(books, connection, door, job))
    except CounterfoilError as error:
        return failure(error, now)
    if not found:
        return Standing(GOOD, "nothing that is not ours", now, now)
    return Standing(FOUND, f"{'; '.join(found)}{_SEE}", now, now)


def look_at_rules(books: Books, connection: Connection, data: Path, now: datetime) -> Standing:
    """List the inbox rules of a tenant, note what there is, and tell it.

    Raises:
        Refused: If the connection has no current credential.
    """
    with books.at_work(connection, "collect-logs", now) as (tokens, job):
        try:
            standing = _rules(list_rules(Door(tokens), job).words, now)
        except CounterfoilError as error:
            standing = failure(error, now)
    Standings(data).note(connection, INBOX_RULES, standing)
    return standing


def _rules(words: tuple[str, ...], now: datetime) -> Standing:
    more = [f"inbox rules: {len(words) - MOST_RULES} more"] if len(words) > MOST_RULES else []
    return Standing(GOOD, "; ".join([*words[:MOST_RULES], *more]) or NO_RULES, now, now)


def listed(standings: Standings) -> dict[str, list[dict[str, Any]]]:
    """Return by tenant what the last listing found, in the form of ``radius.persistence``."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for tenant, standing in standings.all_of(LEFT_BEHIND):
        if standing.state == FOUND:
            found[tenant] += [_entry(words, standing) for words in standing.words.removesuffix(_SEE).split("; ")]
    for tenant, standing in standings.all_of(INBOX_RULES):
        if standing.state == GOOD and standing.words != NO_RULES:
            found[tenant] += [_entry(words, standing) for words in standing.words.split("; ")]
    return dict(found)


def _entry(words: str, standing: Standing) -> dict[str, Any]:
    kind = next((kind for start, kind in _KINDS.items() if words.lower().startswith(start)), CHANGE)
    mailbox = None
    if words.startswith(RULE_OF):
        mailbox = words.removeprefix(RULE_OF).partition(": ")[0]
    if kind == RULE and any(f", {way}" in words.rpartition("»")[2] for way in SENDS):
        kind = FORWARDING
    when = {"time": standing.at, "record": LISTING}
    return {"kind": kind, "what": f"listed in the tenant: {words}", "mailbox": mailbox, "keys": [], **when}


def _left(books: Books, connection: Connection, door: Door, job: Job) -> Iterator[str]:
    yield from unknown_credentials(books, connection, door, job)
    registration = Registration(door, connection)
    yield from announced(registration, job)
    if connection.roles is not None:
        yield from unasked(grants.by_listing(registration, job), connection)
