"""The ledger: does it lack stubs, and does anybody outside know what it says?"""

from collections.abc import Iterator

from counterfoil.app.doctor.finding import Finding, Patient, note
from counterfoil.ledger import witnesses
from counterfoil.ledger.audit import gap_text
from counterfoil.model.errors import Misconfigured

BEHIND = 100_000
"""Stubs that no checkpoint covers yet; serve publishes every few seconds."""


def ledger(patient: Patient) -> Iterator[Finding]:
    """Are there gaps, is the last checkpoint near, is it witnessed?"""
    books = patient.state.ledger
    for row in books.stubs(kinds=frozenset({"gap"})):
        if row.stub is not None:
            fix = "a restore or a crash does this; reconcile says cannot-say for that time, never theft"
            yield note("ledger", f"it lacks stubs: {gap_text(row.stub)}", fix)
    for name, ranges in books.missing().items():
        spans = ", ".join(f"{first} to {last}" for first, last in ranges[:5])
        cause = f"stubs {spans} of the signer {name} never came"
        yield Finding("ledger", cause, "start the signer, then: counterfoil credential collect")
    with books.engine.connect() as connection:
        known = witnesses.listed(connection)
    for witness in known:
        if books.publication is not None and witnesses.is_behind(books.publication, witness.key):
            cause = f"the witness {witness.key.name} has not cosigned the last checkpoint"
            yield note("ledger", cause, "counterfoil ledger witness list says what it answers")
    if not known:
        cause = "no witness cosigns its checkpoints: we alone could show two people two histories"
        yield note("ledger", cause, "counterfoil ledger witness add")
    yield from _published(patient)


def _published(patient: Patient) -> Iterator[Finding]:
    books = patient.state.ledger
    if books.publication is None:
        return
    try:
        latest = books.publication.latest()
    except Misconfigured as error:
        yield Finding("ledger", error.message, error.hint or "counterfoil ledger verify")
        return
    if latest is None:
        yield note("ledger", "no checkpoint has been published yet", "counterfoil ledger checkpoint")
    elif (behind := books.size() - latest[0].size) > BEHIND:
        yield Finding("ledger", f"{behind} stubs lie beyond the last checkpoint", "counterfoil ledger checkpoint")
