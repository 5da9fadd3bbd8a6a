"""The evidence bundle: a zip that verifies offline with the one-file verifier that lies in it. Pure.

    bundle/manifest.json           SHA-256 of every other file
    bundle/manifest.stub.json      the stub that names the SHA-256 of the manifest, and
    bundle/manifest.tlog-proof     its receipt: so the checkpoint of the ledger signs the whole bundle
    bundle/verify_ledger.py        python verify_ledger.py bundle DIR KEY
    bundle/...                     answer, reports, stubs with salts and receipts

What an attacker who can change the bundle gains: nothing that verification does not show, as long as the
verifier key is taken from somewhere else.
"""

import hashlib
import io
import json
import zipfile
from collections.abc import Iterable, Mapping
from importlib.resources import files

from counterfoil.model.mail import Json

EPOCH = (1980, 1, 1, 0, 0, 0)
MANIFEST, STUB, PROOF = "manifest.json", "manifest.stub.json", "manifest.tlog-proof"
VERIFIER = "verify_ledger.py"

README = """Evidence of {reference}

answer.json     what the comparison of your logs with our ledger gave
report.html     the same for people; report.pdf where it was asked for
attack-layer.json  what was done as a layer for the ATT&CK Navigator
stubs/          our ledger's entries of your tenant, each with its receipt (.tlog-proof); the extra line of a
                receipt is the salt without which the ledger reveals nothing of the entry
checkpoint      the signed state of the ledger when this was made
check.kql       a query for your own Log Analytics: uses of our application that our ledger does not explain
check.sql       the same of exported sign-ins, for DuckDB
manifest.json   the SHA-256 of every file; it is itself an entry of the ledger, so the checkpoint signs it

Verify, with Python and the package cryptography (pip install cryptography), without anything of ours but one
file that you can read. In the folder where this file lies:

    python verify_ledger.py bundle . '{key}'

Take the key from somewhere else than this bundle (our website, a letter): here it only spares you typing.
It prints how many files and stubs it verified, and ends with exit code 0; 1 is not verified, and it says what.
To check us against your own logs without handing them over, run check.kql or check.sql: the token ids in it
are those of the stubs here. A successful sign-in of our application with another one was not made by us; one
that is older than every stub here may stand in the books that were kept before our ledger: ask us for them.
Jobs (why we did something) are left out: they are about more customers than you.
"""


def manifest(contents: Mapping[str, bytes]) -> bytes:
    """Spell the manifest of files: JSON, names in order."""
    names: dict[str, Json] = {name: hashlib.sha256(octets).hexdigest() for name, octets in sorted(contents.items())}
    return (json.dumps({"files": names}, ensure_ascii=False, indent=1) + "\n").encode()


FLEET = """Evidence of {reference}, for the incident lead: every customer is named in it

report.html     the whole incident, for people (report.pdf where it was asked for); report.json for programs
incident/       every entry of the incident as the ledger has it, with its receipt
TENANT ID/      what each customer gets: answer, report, queries, the ledger's entries of that tenant

    python verify_ledger.py bundle . '{key}'

Take the key from somewhere else than this bundle.
"""


def readme(reference: str, key: str, *, fleet: bool) -> bytes:
    """Spell the instructions, of one customer's bundle or of the lead's."""
    return (FLEET if fleet else README).format(reference=reference, key=key).encode()


def verifier() -> bytes:
    """Return the verifier, which shares no code with us."""
    return (files("counterfoil.incident") / "templates" / "verify_ledger.py.txt").read_bytes()


def packed(contents: Iterable[tuple[str, bytes]], folder: str) -> bytes:
    """Pack a zip; the same contents give the same octets."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, octets in sorted(contents):
            info = zipfile.ZipInfo(f"{folder}/{name}", EPOCH)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            archive.writestr(info, octets)
    return out.getvalue()
