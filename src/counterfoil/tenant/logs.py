"""Pull a tenant's own logs: sign-ins and directory audit by Graph, mailbox audit by the management API.

What comes is returned as it came, record by record; the readers of ``evidence`` judge it like any
export. Windows overlap on purpose: both sources repeat and reorder records, and readers count a record
id once (Microsoft Graph signIn and directoryAudit; Office 365 Management Activity API).
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from counterfoil.model.errors import Unavailable
from counterfoil.model.instant import rfc3339
from counterfoil.model.trust import Job
from counterfoil.tenant.door import Ask, CallRefused, Door
from counterfoil.tenant.endpoints import MANAGEMENT
from counterfoil.tenant.pages import items

LONGEST_WINDOW = timedelta(hours=24)
OLDEST_CONTENT = timedelta(days=7)
MARGIN = timedelta(minutes=5)
ALREADY_STARTED = "AF20024"
CONTENT = ("Audit.Exchange", "Audit.AzureActiveDirectory")


@dataclass(frozen=True, slots=True)
class Blob:
    """Audit content that can be fetched; ``id`` is opaque and names it for good."""

    content: str
    id: str
    path: str


class Logs:
    """The logs of one tenant, through its door."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._feed = f"/api/v1.0/{door.tokens.connection.tenant_id}/activity/feed"

    def sign_ins(self, since: datetime, until: datetime, job: Job) -> Iterator[dict[str, Any]]:
        """Yield service-principal sign-ins created in [since, until).

        Raises:
            CallRefused: With status 403 where the tenant has no licence for it.
        """
        kind = "signInEventTypes/any(t: t eq 'servicePrincipal')"
        wanted = f"{kind} and {_between('createdDateTime', since, until)}"
        return self._report("/beta/auditLogs/signIns", wanted, job)

    def directory_audits(self, since: datetime, until: datetime, job: Job) -> Iterator[dict[str, Any]]:
        """Yield directory audit records of activities in [since, until)."""
        return self._report("/v1.0/auditLogs/directoryAudits", _between("activityDateTime", since, until), job)

    def _report(self, path: str, wanted: str, job: Job) -> Iterator[dict[str, Any]]:
        query = f"$filter={wanted.replace(' ', '%20')}&$top=1000"
        return items(self._door, Ask("GET", f"{path}?{query}", "none"), job)

    def subscribe(self, job: Job) -> None:
        """Start the feeds of mailbox audit; a feed that runs already is left as it is."""
        for content in CONTENT:
            try:
                path = f"{self._feed}/subscriptions/start?contentType={content}"
                self._door.call(Ask("POST", path, "none", body=b"", audience=MANAGEMENT), job)
            except CallRefused as error:
                if error.code != ALREADY_STARTED:
                    raise

    def audit_contents(self, since: datetime, until: datetime, job: Job) -> Iterator[Blob]:
        """Yield what audit content became *available* in [since, until), not yet its records.

        Times are of availability, not of the event: whoever asks for a window of events asks for more. What is
        older than seven days is gone, and is not asked for.
        """
        start = max(since, self._door.means.clock() - OLDEST_CONTENT + MARGIN)
        for content in CONTENT:
            for low, high in _windows(start, until):
                for entry in self._content(content, low, high, job):
                    path = self._door.path_of(str(entry["contentUri"]), MANAGEMENT)
                    yield Blob(content, str(entry["contentId"]), path)

    def records(self, blob: Blob, job: Job) -> list[dict[str, Any]]:
        """Fetch the audit records of one blob.

        Raises:
            Unavailable: If they are no list.
        """
        found = self._door.read_json(Ask("GET", blob.path, "none", audience=MANAGEMENT), job)
        if not isinstance(found, list):
            raise Unavailable("the management API answered with a blob that is no list")
        return found

    def _content(self, content: str, start: datetime, end: datetime, job: Job) -> Iterator[dict[str, Any]]:
        window = f"startTime={start:%Y-%m-%dT%H:%M:%S}&endTime={end:%Y-%m-%dT%H:%M:%S}"
        path: str | None = f"{self._feed}/subscriptions/content?contentType={content}&{window}"
        seen: set[str] = set()
        while path is not None:
            if path in seen:
                raise Unavailable("the management API answered with a next page that it gave before")
            seen.add(path)
            answer = self._door.call(Ask("GET", path, "none", audience=MANAGEMENT), job)
            try:
                yield from json.loads(answer.content)
            except ValueError as error:
                raise Unavailable("the management API answered with something that is no JSON") from error
            link = answer.headers.get("nextpageuri")
            path = self._door.path_of(link, MANAGEMENT) if link else None


def _between(field: str, since: datetime, until: datetime) -> str:
    return f"{field} ge {rfc3339(since)} and {field} lt {rfc3339(until)}"


def _windows(since: datetime, until: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Cut [since, until) into windows that the API takes."""
    start = since
    while start < until:
        end = min(start + LONGEST_WINDOW, until)
        yield start, end
        start = end
