"""Pull a connected tenant's own logs into the evidence folder, going on where the last pull ended.

    DATA/evidence/<tenant id>/sign-ins/2026-10-05T09.json        one file an hour of events, whole pages
    DATA/evidence/<tenant id>/directory-audit/2026-10-05T09.json
    DATA/evidence/<tenant id>/mailbox-audit/<digest of the content id>.json    one file a blob
    DATA/evidence/<tenant id>/storage/...    blobs of the customer's containers (:mod:`counterfoil.app.containers`)

Files are exports like any other: ``reconcile`` reads them in its bounded worker. An hour is written again
with what came late; a record counts once by its id. A refusal lies there as the page that said it.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from counterfoil.app.containers import NONE, STORAGE, Containers, containers_of, pull_containers
from counterfoil.app.house import Books
from counterfoil.app.left_behind import LEFT_BEHIND, lists, look
from counterfoil.app.standing import GOOD, Standing, Standings, failure
from counterfoil.ledger import durable
from counterfoil.model.errors import CounterfoilError, Unavailable
from counterfoil.model.number import counted
from counterfoil.model.trust import Connection, Job
from counterfoil.tenant.door import CallRefused, Door
from counterfoil.tenant.logs import Logs

EVIDENCE = "evidence"
FIRST_REACH = timedelta(days=7)
"""How far the first pull goes back."""

STEP = timedelta(hours=24)
"""How much is pulled at once; how far it got is noted after each step."""

LATE = timedelta(hours=6)
"""How late a record may come and still be found by the next pull (Microsoft names no bound)."""

SIGN_INS, DIRECTORY, MAILBOX = "sign-ins", "directory-audit", "mailbox-audit"
NEEDS = {SIGN_INS: "AuditLog.Read.All", DIRECTORY: "AuditLog.Read.All", MAILBOX: "ActivityFeed.Read"}
_TIMES = {SIGN_INS: "createdDateTime", DIRECTORY: "activityDateTime"}
_CONTEXT = {
    SIGN_INS: "https://graph.microsoft.com/beta/$metadata#auditLogs/signIns",
    DIRECTORY: "https://graph.microsoft.com/v1.0/$metadata#auditLogs/directoryAudits",
}


def pulls(connection: Connection, containers: Containers = NONE) -> tuple[str, ...]:
    """Name what can be pulled of a connection's tenant; where its roles are unknown it is tried."""
    logs = _logs(connection)
    if lists(connection):
        logs = (*logs, LEFT_BEHIND)
    return (*logs, STORAGE) if containers_of(containers, connection) else logs


def _logs(connection: Connection) -> tuple[str, ...]:
    return tuple(log for log, role in NEEDS.items() if connection.roles is None or role in connection.roles)


@dataclass(frozen=True, slots=True)
class Pull:
    """One tenant's logs through one connection."""

    logs: Logs
    folder: Path
    job: Job

    def report(self, log: str, since: datetime, until: datetime) -> int:
        """Pull a Graph report of [since, until); return how many records came."""
        fetch = self.logs.sign_ins if log == SIGN_INS else self.logs.directory_audits
        hours: dict[str, list[dict[str, Any]]] = defaultdict(list)
        count = 0
        for record in fetch(since, until, self.job):
            hours[_hour(record.get(_TIMES[log]))].append(record)
            count += 1
        for hour, records in sorted(hours.items()):
            # If we die here the next pull begins before this hour again: how far we are is noted at the end.
            _lay(self.folder / log / f"{hour}.json", _CONTEXT[log], records)
        return count

    def audit(self, since: datetime, until: datetime) -> int:
        """Pull audit blobs that became available in [since, until); one that is here is not fetched again."""
        self.logs.subscribe(self.job)
        count = 0
        for blob in self.logs.audit_contents(since, until, self.job):
            path = self.folder / MAILBOX / f"{hashlib.sha256(blob.id.encode()).hexdigest()[:32]}.json"
            if not path.exists():
                records = self.logs.records(blob, self.job)
                durable.write(path, json.dumps(records, ensure_ascii=False).encode(), mode=0o600)
                count += len(records)
        return count


def pull(
    books: Books, connection: Connection, data: Path, now: datetime, containers: Containers = NONE
) -> dict[str, Standing]:
    """Pull every log that a connection may read, and its containers; one that fails keeps none of the others back.

    Raises:
        Refused: If the connection has no current credential, and there is a log that needs one.
    """
    standings = Standings(data)
    folder = data / EVIDENCE / connection.tenant_id
    # Two pulls at once would write over each other's hours; the second waits for the first.
    with durable.lock(folder / ".lock"):
        if own := containers_of(containers, connection):
            standings.note(connection, STORAGE, pull_containers(own, books.means, folder / STORAGE, now))
        if pulls(connection):
            _through_connection(books, connection, standings, folder, now)
    return {log: standings.of(connection).duties[log] for log in pulls(connection, containers)}


def _through_connection(
    books: Books, connection: Connection, standings: Standings, folder: Path, now: datetime
) -> None:
    with books.at_work(connection, "collect-logs", now) as (tokens, job):
        door = Door(tokens)
        one = Pull(Logs(door), folder, job)
        if lists(connection):
            standings.note(connection, LEFT_BEHIND, look(books, connection, door, job, now))
        for log in _logs(connection):
            before = standings.of(connection).duties.get(log)
            start = now - FIRST_REACH if before is None or before.until is None else before.until - LATE
            for standing in _in_steps(one, log, start, now):
                # If we die here, the next pull goes on from the end of this step.
                standings.note(connection, log, standing)


def _in_steps(one: Pull, log: str, since: datetime, until: datetime) -> Iterator[Standing]:
    """Pull step by step, and tell how each went; the first that fails is the last."""
    total = 0
    while since < until:
        end = min(since + STEP, until)
        count, failed = _tried(one, log, since, end, now=until)
        if failed is not None:
            yield failed
            return
        total += count
        since = end
        yield Standing(GOOD, f"{counted(total, 'record')} came", until, end)


def _tried(one: Pull, log: str, since: datetime, until: datetime, *, now: datetime) -> tuple[int, Standing | None]:
    """Pull one step; return how many records came, and how it failed if it did."""
    refusal = one.folder / log / "refused.json"
    try:
        count = one.audit(since, until) if log == MAILBOX else one.report(log, since, until)
    except CallRefused as error:
        document = {"error": {"code": error.code, "message": error.message}}
        durable.write(refusal, json.dumps(document).encode(), mode=0o600)
        return 0, failure(error, now)
    except CounterfoilError as error:
        return 0, failure(error, now)
    except OSError as error:
        words = f"what came cannot be kept: {error.strerror}"
        return 0, failure(Unavailable(words, f"make room for {one.folder}; nothing is lost, it is pulled again"), now)
    refusal.unlink(missing_ok=True)
    return count, None


def _hour(text: object) -> str:
    """Return the hour of a record's time as the name of a file; other text is not believed."""
    try:
        return f"{datetime.fromisoformat(str(text)):%Y-%m-%dT%H}"
    except ValueError:
        return "without-time"


def _lay(path: Path, context: str, records: Iterable[dict[str, Any]]) -> None:
    """Add records to the file of their hour; one that is there by id is replaced by what came last."""
    kept: dict[str, dict[str, Any]] = {}
    if path.exists():
        kept = {_key(record): record for record in json.loads(path.read_bytes())["value"]}
    kept |= {_key(record): record for record in records}
    document = {"@odata.context": context, "value": list(kept.values())}
    durable.write(path, json.dumps(document, ensure_ascii=False).encode(), mode=0o600)


def _key(record: dict[str, Any]) -> str:
    """Name a record: by its id, or where it has none by all that it says."""
    return str(record.get("id") or hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest())
