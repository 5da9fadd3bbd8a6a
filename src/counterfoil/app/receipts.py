"""Receipts for others: stubs with their inclusion proofs, as files that verify offline with the one-file verifier."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from functools import lru_cache

from counterfoil.ledger import rows
from counterfoil.ledger.exchange import EXPORTED
from counterfoil.ledger.ledger import Ledger
from counterfoil.ledger.note import parse_checkpoint, parse_note
from counterfoil.ledger.proof import Proof
from counterfoil.ledger.rows import Row
from counterfoil.ledger.tree import inclusion_proof


def receipts(ledger: Ledger, found: Iterable[Row], folder: str) -> dict[str, bytes]:
    """Return stubs and receipts; of one that was erased only its hash is left, which proves nothing to a reader.

    ``N.stub.json`` has the octets of the stub, ``N.tlog-proof`` its proof, whose extra line is the salt.
    """
    chosen = [row for row in found if row.octets is not None and row.salt is not None]
    contents: dict[str, bytes] = {}
    for row, proof in zip(chosen, _proofs(ledger, [row.index for row in chosen]), strict=True):
        contents[f"{folder}/{row.index}.stub.json"] = row.octets or b""
        contents[f"{folder}/{row.index}.tlog-proof"] = bytes(replace(proof, extra=row.salt))
    return contents


def of_tenant(ledger: Ledger, tenant: str, since: datetime, until: datetime) -> Iterator[Row]:
    """Yield what the ledger has of one tenant for a window: its tokens and calls, and all of its credentials.

    Jobs are about more customers than one and are left out; so is every row that names another tenant.
    """
    for row in ledger.stubs(kinds=EXPORTED - {"job", "gap"}, tenant=tenant):
        if row.stub is None or row.stub.tenant != tenant:
            continue
        if row.stub.kind in ("tenant", "credential") or since <= row.stub.time < until:
            yield row


def _proofs(ledger: Ledger, indices: list[int]) -> Iterator[Proof]:
    """Prove many entries under one checkpoint, reading each part of the tree once."""
    if not indices:
        return
    first = ledger.prove(indices[-1])  # sees that the rows are those that the checkpoint signs
    size = parse_checkpoint(parse_note(first.checkpoint).text).size
    with ledger.engine.connect() as connection:
        node = lru_cache(maxsize=None)(rows.reader(connection, size))
        for index in indices:
            yield Proof(index, tuple(inclusion_proof(index, size, node)), first.checkpoint)
