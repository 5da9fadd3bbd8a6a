"""Evidence bundles: collect what one tenant may have, seal it in the ledger, and write the zip; reports as PDF."""

import hashlib
import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path

from counterfoil import clock
from counterfoil.app.receipts import receipts
from counterfoil.evidence.checks import checks
from counterfoil.evidence.stubs import read_objects
from counterfoil.gateway.store.tenants import Operator
from counterfoil.incident import bundle, report
from counterfoil.incident.facts import Customer
from counterfoil.incident.record import Incident, Kind, Said
from counterfoil.incident.store import Incidents, action
from counterfoil.ledger import durable
from counterfoil.ledger.exchange import document
from counterfoil.ledger.ledger import Ledger
from counterfoil.model.errors import Misconfigured, Unavailable
from counterfoil.model.mail import Json

SECONDS = 60.0


def customer_bundle(
    incidents: Incidents, incident: Incident, customer: Customer, path: Path, who: str, *, with_pdf: bool = False
) -> Path:
    """Write the bundle of one customer: the answer, the report, every stub of that tenant, the verifier.

    Raises:
        Unavailable: If the report is wanted as PDF too, and chromium is not there.
    """
    contents = tenant_contents(incidents.ledger, incident, customer)
    if with_pdf:
        contents["report.pdf"] = pdf(contents["report.html"].decode("utf-8"))
    return _seal(incidents, incident, contents, customer.tenant, path=path, who=who)


def fleet_bundle(
    incidents: Incidents,
    incident: Incident,
    customers: Iterable[Customer],
    *,
    page: str,
    answer: dict[str, Json],
    path: Path,
    who: str,
    with_pdf: bool = False,
) -> Path:
    """Write the bundle of the fleet for the incident lead: the fleet report, and a folder for every customer.

    Raises:
        Unavailable: If the report is wanted as PDF too, and chromium is not there.
    """
    contents = {"report.html": page.encode("utf-8", "replace"), "report.json": _json(answer)}
    if with_pdf:
        contents["report.pdf"] = pdf(page)
    for customer in customers:
        inside = tenant_contents(incidents.ledger, incident, customer)
        contents |= {f"{customer.tenant}/{name}": octets for name, octets in inside.items()}
    contents |= _of_incident(incidents.ledger, incident)
    return _seal(incidents, incident, contents, None, path=path, who=who)


def tenant_contents(ledger: Ledger, incident: Incident, customer: Customer) -> dict[str, bytes]:
    """Return the files about one tenant. Stubs are those of that tenant id, so nobody else's can be among them."""
    ledger.checkpoint()
    contents: dict[str, bytes] = {
        "report.html": report.tenant(customer, incident.reference, clock.now()).encode("utf-8", "replace")
    }
    if customer.part is not None:
        # The same text whose SHA-256 the stub "incident-finding" of this tenant holds.
        text = json.dumps(customer.part, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
        contents["answer.json"] = text.encode("utf-8", "replace")
        contents["attack-layer.json"] = _json(report.layer([customer.part], incident.reference))
    contents |= _checks(ledger, customer.tenant)
    return contents | receipts(ledger, ledger.stubs(tenant=customer.tenant), "stubs")


def _checks(ledger: Ledger, tenant: str) -> dict[str, bytes]:
    """Return the queries with which a customer checks us on his own logs, made from his own stubs alone."""
    queries = checks(read_objects(enumerate(map(document, ledger.exported(tenant)), 1)), [tenant])
    return {name: text.encode() for name, text in queries.get(tenant, {}).items()}


def _of_incident(ledger: Ledger, incident: Incident) -> dict[str, bytes]:
    """Return the stubs of the incident itself, those about no single tenant included: for the lead."""
    ledger.checkpoint()
    return receipts(ledger, ledger.stubs(subject=incident.reference), "incident")


def _seal(
    incidents: Incidents, incident: Incident, contents: dict[str, bytes], tenant: str | None, *, path: Path, who: str
) -> Path:
    """Put the manifest's hash into the ledger, and its receipt into the zip."""
    ledger = incidents.ledger
    if ledger.publication is None:
        raise Misconfigured("this ledger is not published", "open it with a data directory")
    latest = ledger.publication.latest()
    if latest is not None:
        contents["checkpoint"] = latest[1]
    contents[bundle.VERIFIER] = bundle.verifier()
    contents["README.txt"] = bundle.readme(incident.reference, str(ledger.publication.key), fleet=tenant is None)
    listed = bundle.manifest(contents)
    digest = hashlib.sha256(listed).hexdigest()
    by = Operator(who, clock.now())
    sealed = action("bundle-sealed", by, incident.reference, tenant, {"manifest": digest, "files": len(contents)})
    index = ledger.append(sealed)
    ledger.checkpoint()
    row = next(row for row in list(ledger.stubs(subject=incident.reference, start=index)) if row.index == index)
    assert row.salt is not None
    assert row.octets is not None
    contents |= {bundle.MANIFEST: listed, bundle.STUB: row.octets}
    contents[bundle.PROOF] = bytes(ledger.prove(index, extra=row.salt))
    write(path, bundle.packed(contents.items(), f"{incident.reference}-evidence"))
    detail: dict[str, Json] = {"manifest": digest, "file": path.name}
    incidents.add(incident.name, Said(Kind.SEALED, f"evidence bundle {path.name}", tenant, detail), by)
    return path


def write(path: Path, octets: bytes) -> None:
    """Write a file that only its owner reads.

    Raises:
        Misconfigured: If it cannot be written.
    """
    try:
        durable.write(path, octets, mode=0o600)
    except OSError as error:
        raise Misconfigured(
            f"{path} cannot be written: {error.strerror}", "name a file in a folder of your own"
        ) from error


def pdf(page: str) -> bytes:
    """Print a page to PDF with Debian's chromium, which loads nothing from anywhere.

    Raises:
        Unavailable: If chromium is not there or does not do it.
    """
    program = shutil.which("chromium")
    if program is None:
        raise Unavailable("no PDF: chromium is not there", "install the Debian package chromium, or print the HTML")
    with tempfile.TemporaryDirectory(prefix="counterfoil-pdf-") as scratch:
        source, made = Path(scratch) / "page.html", Path(scratch) / "page.pdf"
        source.write_text(page, encoding="utf-8", errors="replace")
        line = [program, "--headless", "--disable-gpu", "--no-sandbox", "--disable-background-networking"]
        line += [
            "--host-resolver-rules=MAP * ~NOTFOUND",
            f"--user-data-dir={scratch}/profile",
            "--no-pdf-header-footer",
        ]
        try:
            subprocess.run(  # noqa: S603 - our own page, which forbids scripts and loading
                [*line, f"--print-to-pdf={made}", source.as_uri()], capture_output=True, timeout=SECONDS, check=True
            )
            return made.read_bytes()
        except (OSError, subprocess.SubprocessError) as error:
            raise Unavailable(f"no PDF: chromium did not print it: {error}", "print the HTML instead") from error


def _json(document: object) -> bytes:
    return (json.dumps(document, ensure_ascii=False, indent=1) + "\n").encode("utf-8", "replace")
