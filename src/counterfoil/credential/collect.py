"""Bring the signer's stubs into the ledger, and open a ledger whose checkpoints the signer signs.

A stub that the application never got (it died first, or its data directory was restored from a backup)
comes late. What was done with its signature may be lost with it, so a late signature opens a ``gap``.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from counterfoil.credential.custodian import Custodian
from counterfoil.credential.registry import credential_stub, enter
from counterfoil.ledger import rows
from counterfoil.ledger.high_water import FOLDER, HighWater
from counterfoil.ledger.keyfile import embedded_key
from counterfoil.ledger.ledger import EMBEDDED_KEY, Ledger
from counterfoil.ledger.note import VerifierKey
from counterfoil.ledger.publish import Publication
from counterfoil.ledger.stubs import stub_at
from counterfoil.model.errors import Misconfigured
from counterfoil.model.instant import rfc3339
from counterfoil.model.trust import Stub

SOCKET = Path("signer") / "signer.sock"
"""Where the signer's socket is below a data directory."""

LATE = timedelta(minutes=1)
_USES = frozenset({"assertion", "proof", "death-test"})
CHECKPOINT_KEY = "checkpoint-key"
"""The fact that names who signs checkpoints, once that is a signer process."""


@dataclass(frozen=True, slots=True)
class Collected:
    """How many stubs were new, and the gap that late signatures among them opened, if any."""

    new: int
    gap: Stub | None


class _OldNews(Exception):
    """What a stub says was known before, or is not so any more."""


def take_in(ledger: Ledger, stub: Stub) -> int:
    """Write one stub of the signer to the ledger, with what follows from it; again is no error. Return its index."""
    if stub.kind not in {"certificate", "mark"}:
        return ledger.append(stub)

    def write(connection: sa.Connection) -> None:
        if not enter(connection, stub):
            raise _OldNews

    try:
        return ledger.append_all([stub, credential_stub(stub)], also=write)[0]
    except _OldNews:
        return ledger.append(stub)


def collect(ledger: Ledger, custodian: Custodian, now: datetime) -> Collected:
    """Fetch every stub that the ledger lacks.

    Raises:
        Misconfigured: If the signer is not the one that this ledger trusts.
        Refused: If a stub is not truly the signer's, or contradicts one that we have.
    """
    signer = introduce(ledger, custodian, now)
    known = ledger.newest_sequence(signer)
    before = _certain_until(ledger, signer, known)
    new = 0
    late: list[datetime] = []
    while page := custodian.stubs(known):
        for stub in page:
            known = int(str(stub.body["sequence"]))
            if not ledger.holds(signer, known):
                take_in(ledger, stub)
                new += 1
                if stub.kind in _USES and now - stub.time > LATE:
                    late.append(stub.time)
    if not late:
        return Collected(new, None)
    # What came between the last that is surely ours and the first that we lacked is as unknown as what came after.
    since = min([*late, before or now])
    said = {"since": rfc3339(since), "until": rfc3339(now), "reason": "signer-ahead"}
    gap = stub_at("gap", now, **said)
    ledger.append(gap)
    return Collected(new, gap)


def introduce(ledger: Ledger, custodian: Custodian, now: datetime) -> VerifierKey:
    """Trust the signer at first sight, and no other after it.

    Raises:
        Misconfigured: If the ledger trusts another.
    """
    signer, trusted = custodian.stub_key(), ledger.trusted()
    if not trusted:
        ledger.trust(signer, now)
    elif signer not in trusted:
        raise Misconfigured(
            f"this is another signer ({signer}) than the one that the ledger trusts",
            "if you have set it up yourself: counterfoil ledger trust KEY",
        )
    return signer


def _certain_until(ledger: Ledger, signer: VerifierKey, sequence: int) -> datetime | None:
    """Return the time up to which no stub can be lost, ``None`` if it is not known.

    The newest row is no such time: after a restore from backup the house goes on writing. But the last stub of the
    signer that we have was here before anything was lost, and so was all that is published under its checkpoint.
    """
    query = (rows.signed.c.signer == str(signer)) & (rows.signed.c.sequence == sequence)
    held = sa.select(rows.entries.c.time).join(rows.signed, rows.signed.c.leaf_index == rows.entries.c.leaf_index)
    with ledger.engine.connect() as connection:
        time = connection.execute(held.where(query)).scalar()
    latest = None if ledger.publication is None else ledger.publication.latest()
    published = None if latest is None else newest_time(ledger.engine, latest[0].size)
    known = [moment for moment in (published, None if time is None else rows.instant(time)) if moment is not None]
    return max(known, default=None)


def newest_time(engine: sa.Engine, below: int) -> datetime | None:
    """Return the time of the newest of the first ``below`` stubs."""
    query = sa.select(sa.func.max(rows.entries.c.time)).where(rows.entries.c.leaf_index < below)
    with engine.connect() as connection:
        newest = connection.execute(query).scalar()
    return None if newest is None else rows.instant(newest)


def publication_of(engine: sa.Engine, data: Path) -> Publication:
    """Return where a data directory's ledger is published: signed by its signer if it has one, else by a key file.

    The signer's key is written down at first contact; from then on the ledger opens without the signer,
    mail flows, and checkpoints follow when the signer is back (law 8).
    """
    custodian = Custodian(data / SOCKET)
    with engine.connect() as connection:
        fact = connection.execute(sa.select(rows.facts.c.value).where(rows.facts.c.name == CHECKPOINT_KEY)).scalar()
    if fact is None:
        if (data / EMBEDDED_KEY).exists() or not (data / SOCKET).exists():
            return Publication(data / "ledger", *embedded_key(data / EMBEDDED_KEY))
        fact = str(custodian.checkpoint_key())
        with engine.begin() as connection:
            connection.execute(sa.insert(rows.facts).values(name=CHECKPOINT_KEY, value=fact))
    return Publication(data / "ledger", VerifierKey.parse(fact), custodian.sign_checkpoint)


def open_ledger_of(engine: sa.Engine, data: Path, *, interval: float = 5.0) -> Ledger:
    """Open the ledger of a data directory."""
    return Ledger(engine, publication_of(engine, data), high_water=HighWater(data / FOLDER), interval=interval)
