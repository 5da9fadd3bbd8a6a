"""What a customer gets: his own tenant's answer and page, our stubs with receipts, and queries that check us.

Each folder is made from one tenant's data, and names nobody else: not even the files of a mixed export, which
may be named after somebody else. Pure: whoever writes the files brings the receipts.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from counterfoil.evidence.answer import TenantAnswer, document, tenant_document
from counterfoil.evidence.attack import navigator
from counterfoil.evidence.checks import checks
from counterfoil.evidence.report import report
from counterfoil.evidence.stubs import Books
from counterfoil.model.mail import Json

PRIVATE = frozenset({"file", "place", "copies"})
"""What an evidence row says of our own exports; the record's id in the tenant's own log stays."""

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]|^\.")

_README = """What was done in your Microsoft 365 with our connection, {since} to {until} (UTC)

answer.json        what the comparison of your logs with our books gave
report.html        the same for people; it loads nothing from anywhere
attack-layer.json  for the MITRE ATT&CK Navigator, where there is something to show
check.kql          a query for your own Log Analytics workspace or Sentinel: sign-ins, Graph calls and mailbox
                   audit of our application that our books do not explain
check.sql          the same for DuckDB, over files that you exported yourself; how is said in it
"""

_RECEIPTS = """stubs/             what our ledger has of your tenant for this time, each entry with its receipt
checkpoint         the signed state of the ledger
verify_ledger.py   verifies the receipts, with Python and the package cryptography and nothing of ours:

    python verify_ledger.py receipts . '{key}'

Take the key from somewhere else than this folder (our website, a letter): here it only spares you typing.
The token ids in the queries are those of the stubs. A successful sign-in with another one was not made by us.
"""

_UNPROVEN = """
The stubs behind this came from a file and not from a ledger, so there are no receipts: you have our word for them.
"""


@dataclass(frozen=True, slots=True)
class Proofs:
    """What the ledger gives to a customer: files of receipts of a tenant, files for everybody, and its key."""

    of_tenant: Callable[[str], Mapping[str, bytes]]
    key: str
    besides: Mapping[str, bytes] = field(default_factory=dict)


def customer_files(
    answers: Iterable[TenantAnswer],
    books: Books,
    since: datetime,
    until: datetime,
    proofs: Proofs | None = None,
) -> Iterator[tuple[str, bytes]]:
    """Yield (path, octets) of every file, tenant by tenant.

    Args:
        answers: Of the reconciliation.
        books: Our side, for the queries.
        since: Start of the window.
        until: Its end.
        proofs: Of the ledger that the stubs are from; ``None`` where they are from a file.
    """
    listed = list(answers)
    queries = checks(books, [answer.tenant for answer in listed], (since, until))
    for answer in listed:
        contents = {name: text.encode() for name, text in queries.get(answer.tenant, {}).items()}
        contents |= _of_answer(answer, since, until)
        words = _README.format(since=f"{since:%Y-%m-%d %H:%M}", until=f"{until:%Y-%m-%d %H:%M}")
        if proofs is None:
            words += _UNPROVEN
        else:
            words += _RECEIPTS.format(key=proofs.key)
            contents |= {**proofs.besides, **proofs.of_tenant(answer.tenant)}
        contents["README.txt"] = words.encode()
        for name, octets in sorted(contents.items()):
            yield f"{folder_of(answer.tenant)}/{name}", octets


def folder_of(tenant: str) -> str:
    """Name a tenant's folder; ids that a file system could not tell apart get folders of their own."""
    safe = _UNSAFE.sub("_", tenant)[:100]
    unchanged = safe == tenant == tenant.lower()
    return safe if unchanged else f"{safe}-{hashlib.sha256(tenant.encode('utf-8', 'replace')).hexdigest()[:12]}"


def _of_answer(answer: TenantAnswer, since: datetime, until: datetime) -> dict[str, bytes]:
    part = for_customer(tenant_document(answer))
    page = report([answer], {**document([answer], int(answer.connected)), "tenants": [part]}, [], since, until)
    contents = {"answer.json": _json(part), "report.html": page.encode("utf-8", "replace")}
    if answer.radius.techniques:
        layer = navigator(answer.radius.techniques, f"Counterfoil: {answer.name or answer.tenant}")
        contents["attack-layer.json"] = _json(layer)
    return contents


def for_customer(tenant: Mapping[str, Any]) -> dict[str, Json]:
    """Take out of a tenant's part what it says of our own files."""
    found = [
        {
            **entry,
            "evidence": [
                {name: value for name, value in row.items() if name not in PRIVATE} for row in entry["evidence"]
            ],
        }
        for entry in tenant["discrepancies"]
    ]
    return {**tenant, "discrepancies": [*found]}


def _json(value: object) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode("utf-8", "replace")
