"""``counterfoil reconcile --export DIR``: a folder for each tenant, with receipts where a ledger is."""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from counterfoil.app.receipts import of_tenant, receipts
from counterfoil.cli.opening import opened_ledger
from counterfoil.cli.output import visible
from counterfoil.evidence.customer import Proofs, customer_files
from counterfoil.flows.reconcile import Answer
from counterfoil.incident.bundle import VERIFIER, verifier
from counterfoil.ledger.ledger import Ledger
from counterfoil.model.errors import CounterfoilError, Misconfigured


def export(answer: Answer, arguments: argparse.Namespace) -> None:
    """Write the folders; they are for their owner's eyes only until he hands each to its customer.

    Raises:
        Misconfigured: If they cannot be written.
    """
    since, until = answer.window.since, answer.window.until
    with _proofs(answer, arguments) as proofs:
        for name, octets in customer_files(answer.tenants, answer.books, since, until, proofs):
            _write(arguments.export / name, octets)


@contextmanager
def _proofs(answer: Answer, arguments: argparse.Namespace) -> Iterator[Proofs | None]:
    """Open the ledger for its receipts; without a checkpoint that covers them there are none, and that is said."""
    if arguments.stubs is not None:
        yield None
        return
    where = argparse.Namespace(data=arguments.ledger or arguments.data, config=arguments.config)
    with opened_ledger(where) as ledger:
        yield _of_ledger(ledger, answer)


def _of_ledger(ledger: Ledger, answer: Answer) -> Proofs | None:
    try:
        ledger.checkpoint()
    except CounterfoilError as error:
        # What was published before still proves most; only the newest entries have no receipt then.
        sys.stderr.write(f"counterfoil: no new checkpoint: {visible(error.message)}\n")
    latest = None if ledger.publication is None else ledger.publication.latest()
    if latest is None or ledger.publication is None:
        sys.stderr.write("counterfoil: no receipts: nothing of this ledger is published yet\n")
        return None
    size, since, until = latest[0].size, answer.window.since, answer.window.until

    def files(tenant: str) -> dict[str, bytes]:
        rows = (row for row in of_tenant(ledger, tenant, since, until) if row.index < size)
        return receipts(ledger, rows, "stubs")

    return Proofs(files, str(ledger.publication.key), {"checkpoint": latest[1], VERIFIER: verifier()})


def _write(path: Path, octets: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.write_bytes(octets)
    except OSError as error:
        raise Misconfigured(
            f"{path} cannot be written: {error.strerror}", "give --export a folder of your own"
        ) from error
