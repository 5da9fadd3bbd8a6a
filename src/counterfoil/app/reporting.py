"""Reports from outside: as a file or over the network, who may send them, and the incident that one opens.

Nothing in a report is evidence: it says where to look, and the logs decide. A thumbprint that is no certificate of ours
is recorded all the same, for somebody to look at: it may be one that we have forgotten.
"""

import base64
import json
import re
import secrets
from pathlib import Path

from counterfoil import clock
from counterfoil.app.exhibits import hold, hold_octets
from counterfoil.app.incidents import concerned, read_text
from counterfoil.gateway.store.tenants import Operator
from counterfoil.incident.outside import Report, read_report
from counterfoil.incident.record import Incident, Kind, Origin, Said, Status, Subject
from counterfoil.incident.store import Incidents, action
from counterfoil.ledger import durable
from counterfoil.ledger.ledger import Ledger
from counterfoil.model.errors import Misconfigured, Refused
from counterfoil.model.instant import rfc3339
from counterfoil.model.mail import Json

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,40}")
SECRET_OCTETS = 32


def open_by_report(incidents: Incidents, data: Path, name: str, path: Path, by: Operator) -> Incident:
    """Open an incident because somebody outside told us; what they said is kept under hold."""
    report = read_report(read_text(path))
    _open(incidents, name, report, {}, by)
    hold(incidents, data, name, [path], by)
    return incidents.one(name)


def take_in(incidents: Incidents, data: Path, reporter: str, ident: str, body: bytes) -> str:
    """Take in a report that came over the network; return the reference of the incident that it is about.

    The same report again (same reporter, same id) changes nothing. A report about certificates that an open
    incident is about already is added to that one.

    Raises:
        Refused: If it is no report; the message names every problem, one a line.
    """
    try:
        report = read_report(body.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise Refused("the report is no UTF-8", "send JSON in UTF-8") from error
    with durable.lock(data / ".reports.lock"):  # the same report twice at once must not open two incidents
        return _taken(incidents, data, reporter, report, body, mark=f"{reporter}/{ident}")


def _taken(incidents: Incidents, data: Path, reporter: str, report: Report, body: bytes, *, mark: str) -> str:
    by, known = Operator(f"reporter:{reporter}", clock.now()), incidents.all()
    for incident in known:
        if any(entry.said.detail.get("report") == mark for entry in incident.of(Kind.NOTE)):
            return incident.reference
    detail: dict[str, Json] = {"report": mark}
    same = [i for i in known if i.status is not Status.CLOSED and set(report.thumbprints) <= set(i.subject.thumbprints)]
    if same:
        name = same[0].name
        incidents.add(name, _said(report, detail), by)
    else:
        name = f"report-{reporter}-{by.now:%Y%m%d-%H%M%S-%f}"
        _open(incidents, name, report, detail, by)
    # If we die before this, the report is in the record without its words as they came; nothing else is missing.
    hold_octets(incidents, data, name, by, file_name=f"report-{reporter}.json", octets=body)
    return incidents.one(name).reference


def _open(incidents: Incidents, name: str, report: Report, detail: dict[str, Json], by: Operator) -> None:
    """Open an incident; one about certificates that are none of ours now waits for a review."""
    told = f"{report.reporter} reports use of a certificate of ours"
    subject = Subject(thumbprints=report.thumbprints)
    status = Status.OPEN
    if not concerned(incidents.ledger, subject):
        status = Status.REVIEW
        told = f"{report.reporter} reports use of a certificate that is on no connection of ours now"
    words = f"{told}: {report.words}" if report.words else told
    incidents.open(name, Origin.REPORT, status, subject, words=words, by=by)
    incidents.add(name, _said(report, detail), by)


def _said(report: Report, detail: dict[str, Json]) -> Said:
    seen = f"seen {report.first or '?'} to {report.last or '?'}"
    said = f"{seen}, from {', '.join(report.addresses) or 'no address named'}"
    marks: dict[str, Json] = {"addresses": [*report.addresses], "first": report.first, "last": report.last}
    return Said(Kind.NOTE, said, detail=marks | detail)


def add_reporter(ledger: Ledger, data: Path, name: str, by: Operator) -> str:
    """Give somebody outside a secret of their own, or a new one; return it: it is shown once.

    Raises:
        Refused: If the name is none.
    """
    place = _place(data, name)
    secret = f"whsec_{base64.b64encode(secrets.token_bytes(SECRET_OCTETS)).decode()}"
    ledger.append(action("reporter-added", by, name, None, {}))
    # If we die here, the ledger says that there may be such a secret, and there is none.
    document = {"secret": secret, "added": rfc3339(by.now), "by": by.who}
    try:
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        durable.write(place, (json.dumps(document) + "\n").encode(), mode=0o600)
    except OSError as error:
        raise Misconfigured(f"{place} cannot be written: {error.strerror}", "free or repair the disk") from error
    return secret


def remove_reporter(ledger: Ledger, data: Path, name: str, by: Operator) -> None:
    """Take a reporter's secret away; what they reported stays.

    Raises:
        Refused: If there is no such reporter.
    """
    place = _place(data, name)
    if not place.is_file():
        raise Refused(f"there is no reporter {name}", "list them: counterfoil incident reporter list")
    place.unlink()
    durable.sync_directory(place.parent)
    ledger.append(action("reporter-removed", by, name, None, {}))


def reporters(data: Path) -> list[dict[str, str]]:
    """Return who may report, since when, and who said so; never a secret."""
    found = []
    for place in sorted((data / "reporters").glob("*.json")):
        document = json.loads(place.read_text(encoding="utf-8"))
        found.append({"reporter": place.stem, "added": document["added"], "by": document["by"]})
    return found


def secret_of(data: Path, name: str) -> bytes | None:
    """Return a reporter's secret; ``None`` where there is no such reporter."""
    if not NAME.fullmatch(name):
        return None
    try:
        document = json.loads(_place(data, name).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return base64.b64decode(str(document["secret"]).removeprefix("whsec_"), validate=True)


def _place(data: Path, name: str) -> Path:
    if not NAME.fullmatch(name):
        raise Refused(f"{name} is no name for a reporter", "small letters, digits and hyphens, at most 41")
    return data / "reporters" / f"{name}.json"
