"""Incidents as an operator has them: how they open, and whom they concern.

Five ways to open one: by hand, by a report from outside (``reporting``), by the answer of a reconciliation (a
theft, or a failed use that somebody has to review), and by an alarm in the ledger (a standby or dead key that worked).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from counterfoil.app.exhibits import hold
from counterfoil.credential import registry
from counterfoil.gateway.store.tenants import Operator
from counterfoil.incident import scope
from counterfoil.incident.attribution import Meant, narrowed, summary_words
from counterfoil.incident.record import Incident, Kind, Origin, Said, Status, Subject
from counterfoil.incident.store import Incidents
from counterfoil.ledger.ledger import Ledger
from counterfoil.model.errors import Misconfigured, Refused
from counterfoil.model.mail import Json
from counterfoil.model.number import counted
from counterfoil.model.trust import Connection, Credential, CredentialState
from counterfoil.tenant.permissions import needed
from counterfoil.tenant.registry import Connections

LARGEST_ANSWER = 512 * 2**20


@dataclass(frozen=True, slots=True)
class Concerned:
    """A connection that the subject of an incident opens, and the credentials of it that do."""

    connection: Connection
    credentials: tuple[Credential, ...]


def concerned(ledger: Ledger, subject: Subject) -> list[Concerned]:
    """Return the connections that a subject opens: by thumbprint, by key store, by product."""
    listed = registry.listed(ledger.engine)
    products = [set(needed((product,))) for product in subject.products]
    found: list[Concerned] = []
    for connection in Connections(ledger).all():
        mine = [c for c in listed if (c.tenant, c.app) == (connection.tenant_id, connection.app)]
        whole = any(wanted <= set(connection.roles or ()) for wanted in products)
        hit = tuple(c for c in mine if whole or _is_meant(c, subject))
        if hit:
            found.append(Concerned(connection, hit))
    return found


def _is_meant(credential: Credential, subject: Subject) -> bool:
    marks = {credential.thumbprint_sha1, credential.thumbprint_sha256}
    return bool(marks & set(subject.thumbprints)) or credential.key.startswith(tuple(subject.key_stores) or ("\0",))


def open_by_hand(incidents: Incidents, name: str, subject: Subject, words: str, by: Operator) -> Incident:
    """Open an incident because an operator says so; one about nothing that is on a connection of ours is a review."""
    if not (subject.thumbprints or subject.key_stores or subject.products):
        raise Refused("an incident needs a subject", "say --thumbprint, --key-store or --product")
    status, told = Status.OPEN, "opened by hand"
    if not concerned(incidents.ledger, subject):
        status, told = Status.REVIEW, "opened by hand, about what is on no connection of ours now"
    return incidents.open(name, Origin.OPERATOR, status, subject, words=f"{told}: {words}" if words else told, by=by)


def open_by_answer(
    incidents: Incidents, data: Path, name: str, path: Path, by: Operator, *, logs: Iterable[Path] = ()
) -> Incident:
    """Open an incident because a reconciliation found a theft, or a failed use that somebody has to review.

    Raises:
        Refused: If the answer holds neither.
    """
    parts = scope.read_answer(read_text(path))
    touched = [part for part in parts.values() if part.state == "touched"]
    review = scope.to_review(parts.values())
    if not touched and not review:
        raise Refused("the answer holds nothing to open an incident for", "open one by hand: counterfoil incident open")
    origin = Origin.FINDING if touched else Origin.REVIEW
    status = Status.OPEN if touched else Status.REVIEW
    words = (
        f"reconciliation: {counted(len(touched), 'tenant')} touched by somebody else"
        if touched
        else f"reconciliation: uses that failed or are unexplained in {counted(len(review), 'tenant')}, to be reviewed"
    )
    named = (*scope.suspects(parts.values()), *_behind(incidents.ledger, scope.tokens(parts.values())))
    marks = _ours(incidents.ledger, named)
    words += _canary(incidents.ledger, marks)
    incidents.open(name, origin, status, Subject(thumbprints=marks), words=words, by=by)
    return attach(incidents, data, name, path, by, logs=logs)


def _canary(ledger: Ledger, marks: tuple[str, ...]) -> str:
    """Say that a standby key is among what was used: nobody of us uses one, so whoever has it was in its key store."""
    standing = [c for c in registry.listed(ledger.engine) if c.state is CredentialState.STANDBY]
    names = [c.name for c in standing if c.thumbprint_sha256 in marks]
    return f"; a standby key that nobody uses is among what was used: {', '.join(names)}" if names else ""


def _behind(ledger: Ledger, tokens: frozenset[str]) -> list[str]:
    """Return the certificates that won these tokens of ours: whoever has the token may have more."""
    if not tokens:
        return []
    stubs = (row.stub for row in ledger.stubs(kinds=frozenset({"token"})) if row.stub is not None)
    return [str(stub.body["thumbprint_sha256"]) for stub in stubs if stub.body.get("uti") in tokens]


def _ours(ledger: Ledger, marks: Iterable[str]) -> tuple[str, ...]:
    """Keep the thumbprints that are ours, as SHA-256; a foreign one is a finding and no subject."""
    by_mark: dict[str, Credential] = {}
    for credential in registry.listed(ledger.engine):
        by_mark |= dict.fromkeys((credential.thumbprint_sha1, credential.thumbprint_sha256), credential)
    return tuple(dict.fromkeys(by_mark[mark].thumbprint_sha256 for mark in marks if mark in by_mark))


def attach(
    incidents: Incidents, data: Path, name: str, path: Path, by: Operator, *, logs: Iterable[Path] = ()
) -> Incident:
    """Take scope and blast radius from an answer, of the incident's subject alone, and keep the answer under hold.

    With ``logs``, what was given to reconcile, the files that the answer cites are kept too.
    """
    text = read_text(path)
    given, cited = scope.read_answer(text), scope.cites(text)
    incident = incidents.one(name)
    parts = narrowed(given, _meant(incidents.ledger, incident))
    hold(incidents, data, name, [path], by)
    hold(incidents, data, name, logs, by, only=cited)
    having = {one.connection.tenant_id for one in concerned(incidents.ledger, incident.subject)}
    everybody = incident.subject == Subject()
    counts = scope.summary(p for p in parts.values() if everybody or p.tenant in having or p.state == "touched")
    words = f"{counts['touched']} touched, {counts['cannot_say']} cannot be judged, {counts['clean']} clean"
    if lacking := having - set(parts):
        words = f"{words}; {len(lacking)} not in the answer"
    none = summary_words(given.values(), parts.values())
    words = f"{words}; {none}" if none else words
    rows = {part.tenant: (part.state, part.text, part.sha256) for part in parts.values()}
    incidents.put_scope(name, rows, Said(Kind.SCOPE, words, detail=counts | {"cites": [*cited]}), by)
    return incidents.one(name)


def _meant(ledger: Ledger, incident: Incident) -> Meant | None:
    """Gather what counts for the subject of an incident; ``None`` where it has none yet."""
    subject = incident.subject
    if not (subject.thumbprints or subject.key_stores or subject.products):
        return None
    opened = concerned(ledger, subject)
    mine = {c for one in opened for c in one.credentials}
    mine |= {c for c in registry.listed(ledger.engine) if _is_meant(c, subject)}
    marks = frozenset({*subject.thumbprints, *(m for c in mine for m in (c.thumbprint_sha1, c.thumbprint_sha256))})
    stubs = (row.stub for row in ledger.stubs(kinds=frozenset({"token"})) if row.stub is not None)
    tokens = frozenset(
        str(stub.body["uti"]) for stub in stubs if stub.body.get("uti") and stub.body.get("thumbprint_sha256") in marks
    )
    whole = frozenset(one.connection.tenant_id for one in opened) if subject.products else frozenset()
    return Meant(marks, tokens, incident.origin in (Origin.FINDING, Origin.REVIEW), whole)


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something in the ledger that should never happen: a standby key that signed, a dead key that was accepted."""

    index: int
    time: str
    what: str
    credential: str
    thumbprint: str | None
    incident: str | None


def alarms(incidents: Incidents) -> list[Alarm]:
    """Return the alarms of the ledger, and which incident each one belongs to."""
    ledger = incidents.ledger
    by_stub = {
        int(str(entry.said.detail["alarm"])): incident.name
        for incident in incidents.all()
        for entry in incident.of(Kind.NOTE)
        if "alarm" in entry.said.detail
    }
    marks = {c.name: c.thumbprint_sha256 for c in registry.listed(ledger.engine)}
    return [
        Alarm(index, time, what, credential, marks.get(credential), by_stub.get(index))
        for index, time, what, credential in _alarming(ledger)
    ]


def _alarming(ledger: Ledger) -> Iterator[tuple[int, str, str, str]]:
    for row in ledger.stubs(kinds=frozenset({"action", "assertion", "proof"})):
        if row.stub is None:
            continue
        body, time = row.stub.body, row.stub.time.isoformat()
        if row.stub.kind == "action" and str(body["action"]).startswith("alarm-"):
            yield row.index, time, str(body["action"]).removeprefix("alarm-"), str(body.get("subject"))
        elif body.get("alarm"):
            yield row.index, time, str(body["alarm"]), str(body["credential"])


def open_by_alarm(incidents: Incidents, name: str, alarm: Alarm, by: Operator) -> Incident:
    """Open an incident for an alarm."""
    if alarm.incident is not None:
        raise Refused(f"the alarm belongs to {alarm.incident} already", f"counterfoil incident show {alarm.incident}")
    subject = Subject(thumbprints=(alarm.thumbprint,) if alarm.thumbprint else ())
    words = f"alarm in the ledger: {alarm.what}, {alarm.credential}"
    incidents.open(name, Origin.ALARM, Status.OPEN, subject, words=words, by=by)
    detail: dict[str, Json] = {"alarm": alarm.index}
    incidents.add(name, Said(Kind.NOTE, f"the alarm is entry {alarm.index} of the ledger", detail=detail), by)
    return incidents.one(name)


def read_text(path: Path) -> str:
    """Read a file of UTF-8 that may come from anywhere.

    Raises:
        Refused: If it is too large.
        Misconfigured: If it cannot be read.
    """
    try:
        if path.stat().st_size > LARGEST_ANSWER:
            raise Refused(f"{path} is larger than {LARGEST_ANSWER >> 20} MiB", "reconcile a shorter window")
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(f"{path} cannot be read: {error}", "name a file of UTF-8 JSON") from error
