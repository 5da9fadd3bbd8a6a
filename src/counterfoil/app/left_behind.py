"""What outlives a theft in a connected tenant, found by listing and not by a log: logs have an end, lists show what is.

Credentials on our application or its principal that are not ours, permissions beyond those that we asked for, and
change notifications, of which we make none. Import sessions cannot be listed by anybody, and listing inbox rules
and forwarding takes a permission that none of our products asks for: those are found in the logs.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from counterfoil.app.connecting import unknown_credentials
from counterfoil.app.house import Books
from counterfoil.app.standing import FOUND, GOOD, Standing, Standings, failure
from counterfoil.evidence.persistence import CERTIFICATE, CHANGE, CONSENT, FEDERATED, SECRET, SUBSCRIPTION
from counterfoil.model.errors import CounterfoilError
from counterfoil.model.trust import Connection, Job
from counterfoil.tenant import grants
from counterfoil.tenant.door import Door
from counterfoil.tenant.registration import Registration

LEFT_BEHIND = "left-behind"
NEEDS = "Application.Read.All"
_SEE = "; see: counterfoil incident open"
_KINDS = {
    "certificate": CERTIFICATE,
    "secret": SECRET,
    "federated": FEDERATED,
    "subscription": SUBSCRIPTION,
    "a consent": CONSENT,
}


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


def listed(standings: Standings) -> dict[str, list[dict[str, Any]]]:
    """Return by tenant what the last listing found, in the form of ``radius.persistence``."""
    return {
        tenant: [_entry(words, standing) for words in standing.words.removesuffix(_SEE).split("; ")]
        for tenant, standing in standings.all_of(LEFT_BEHIND)
        if standing.state == FOUND
    }


def _entry(words: str, standing: Standing) -> dict[str, Any]:
    kind = next((kind for start, kind in _KINDS.items() if words.lower().startswith(start)), CHANGE)
    when = {"time": standing.at, "record": "listing"}
    return {"kind": kind, "what": f"listed in the tenant: {words}", "mailbox": None, "keys": [], **when}


def _left(books: Books, connection: Connection, door: Door, job: Job) -> Iterator[str]:
    yield from unknown_credentials(books, connection, door, job)
    registration = Registration(door, connection)
    for entry in registration.subscriptions(job):
        yield f"subscription {entry['id']} to {entry.get('notificationUrl')}"
    wanted = connection.roles
    if wanted is not None:
        granted = grants.by_listing(registration, job)
        yield from (f"a consent to {role} that we did not ask for" for role in sorted(granted - set(wanted)))
