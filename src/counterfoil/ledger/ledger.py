"""The ledger: stubs go in, become durable, and are published as a tree that nobody can quietly change.

    ledger = open_ledger(engine, data)
    index = ledger.append(stub, also=lambda connection: connection.execute(...))

All writes of the product go through ``append`` or ``record``, so that a stub and the rows that depend on
it are committed together.
"""

import asyncio
import heapq
import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa

from counterfoil import clock
from counterfoil.ledger import admission, rows, witnesses
from counterfoil.ledger.exchange import EXPORTED, told
from counterfoil.ledger.high_water import FOLDER, HighWater
from counterfoil.ledger.keyfile import embedded_key
from counterfoil.ledger.note import Checkpoint, CheckpointSigner, VerifierKey
from counterfoil.ledger.proof import Proof
from counterfoil.ledger.publish import Publication, agree
from counterfoil.ledger.restore import continue_after_restore
from counterfoil.ledger.stubs import stub_at
from counterfoil.ledger.tree import inclusion_proof
from counterfoil.ledger.witness import ALARMS, Asked, Turns
from counterfoil.ledger.writer import Also, Grown, Request, Writer
from counterfoil.model.errors import Misconfigured, Unavailable
from counterfoil.model.trust import Stub

EMBEDDED_KEY = "checkpoint.key"
"""Name of the key file in a data directory whose ledger no signer process signs."""

_log = logging.getLogger(__name__)


class Ledger:
    """One ledger on one database; safe to use from many threads, and beside other processes.

    Args:
        engine: From ``database.open_database``.
        publication: Where tiles and checkpoints go; ``None`` keeps rows only.
        high_water: Remembers outside the database how far it has come, so that a restore from backup is seen.
        interval: Seconds between checkpoints while stubs arrive.
        at_most: Publish sooner once this many stubs are new.
    """

    def __init__(
        self,
        engine: sa.Engine,
        publication: Publication | None = None,
        *,
        high_water: HighWater | None = None,
        interval: float = 5.0,
        at_most: int = 10_000,
    ) -> None:
        self.engine = engine
        self.publication = publication
        self._interval = interval
        self._at_most = at_most
        self._pending = 0
        self._wake = threading.Event()
        self._closing = False
        self._turns = Turns()
        self._alarms: set[tuple[str, str]] = set()
        self._high_water = high_water
        gap = continue_after_restore(engine, publication, high_water, clock.now())
        if gap is not None:
            said = (gap.body[name] for name in ("since", "until", "reason"))
            _log.warning("stubs may be missing from %s to %s (%s): docs/ledger.md, After a restore", *said)
        self._writer = Writer(engine, self._durable, self._grown)
        self._publisher: threading.Thread | None = None
        if publication is not None:
            self._publisher = threading.Thread(target=self._publish_often, name="ledger-publisher", daemon=True)
            self._publisher.start()

    def append(self, stub: Stub, *, also: Also | None = None) -> int:
        """Write a stub, and in the same commit what ``also`` does; return the index once it is durable.

        Raises:
            Refused: If the stub is none of ours, or may not be written (law 1).
            Unavailable: If it could not be made durable; then nothing of it exists.
        """
        return self._submit([stub], also).result()[0]

    def append_all(self, stubs: Sequence[Stub], *, also: Also | None = None) -> list[int]:
        """Write several stubs in one commit, all or none."""
        return self._submit(stubs, also).result()

    async def record(self, stub: Stub, *, also: Also | None = None) -> int:
        """``append`` for asyncio."""
        return (await asyncio.wrap_future(self._submit([stub], also)))[0]

    async def record_all(self, stubs: Sequence[Stub], *, also: Also | None = None) -> list[int]:
        """``append_all`` for asyncio."""
        return await asyncio.wrap_future(self._submit(stubs, also))

    def _submit(self, stubs: Sequence[Stub], also: Also | None) -> Future[list[int]]:
        return self._writer.submit(Request(stubs, also))

    def trust(self, signer: VerifierKey, now: datetime, actor: str = "counterfoil") -> None:
        """Accept stubs that this signer signed, from now on; who said so is itself a stub."""
        with self.engine.connect() as connection:
            known = connection.execute(sa.select(rows.signers.c.id).where(rows.signers.c.id == str(signer))).first()
        if known is not None:
            return

        def pin(connection: sa.Connection) -> None:
            connection.execute(sa.insert(rows.signers).values(id=str(signer), since=rows.microseconds(now)))

        self.append(stub_at("action", now, actor=actor, action="trust-signer", subject=str(signer)), also=pin)

    def trusted(self) -> list[VerifierKey]:
        """Return the signers whose stubs are accepted."""
        with self.engine.connect() as connection:
            return [VerifierKey.parse(key) for key in connection.execute(sa.select(rows.signers.c.id)).scalars()]

    def missing(self) -> dict[str, list[tuple[int, int]]]:
        """Return for each signer the ranges of its stubs that we lack."""
        with self.engine.connect() as connection:
            return admission.missing(connection)

    def newest_sequence(self, signer: VerifierKey) -> int:
        """Return the highest sequence number of a signer's stubs below which none is missing; 0 for none."""
        with self.engine.connect() as connection:
            gaps = admission.missing(connection).get(str(signer))
            if gaps:
                return gaps[0][0] - 1
            newest = sa.select(sa.func.max(rows.signed.c.sequence)).where(rows.signed.c.signer == str(signer))
            return connection.execute(newest).scalar() or 0

    def holds(self, signer: VerifierKey, sequence: int) -> bool:
        """Say whether a stub of a signer is here already."""
        wanted = (rows.signed.c.signer == str(signer)) & (rows.signed.c.sequence == sequence)
        with self.engine.connect() as connection:
            return connection.execute(sa.select(rows.signed.c.leaf_index).where(wanted)).first() is not None

    def stubs(
        self,
        *,
        kinds: frozenset[str] | None = None,
        tenant: str | None = None,
        subject: str | None = None,
        start: int = 0,
    ) -> Iterator[rows.Row]:
        """Yield rows in order; see ``rows.select``."""
        with self.engine.connect() as connection:
            yield from rows.select(connection, kinds=kinds, tenant=tenant, subject=subject, start=start)

    def exported(self, tenant: str | None = None, kinds: frozenset[str] | None = EXPORTED) -> Iterator[Stub]:
        """Yield what reconciling reads, in order: of all, or of one tenant with the gaps, which concern everybody.

        Without the gaps that tenant would take our own lost stubs for a theft.
        """
        if tenant is None:
            found = self.stubs(kinds=kinds)
        else:
            both = (self.stubs(kinds=kinds, tenant=tenant), self.stubs(kinds=frozenset({"gap"})))
            found = heapq.merge(*both, key=lambda row: row.index)
        stubs = (row.stub for row in found if row.stub is not None)
        return stubs if tenant is None else map(told, stubs)

    def size(self) -> int:
        """Return the number of entries."""
        with self.engine.connect() as connection:
            return rows.size(connection)

    def checkpoint(self) -> Checkpoint:
        """Publish all rows there are, and return the checkpoint.

        Raises:
            Misconfigured: If nothing is published, or the rows are not those that were.
            Unavailable: If the files cannot be written, or the signer cannot be reached.
        """
        try:
            return self._published().publish(self.engine)
        except OSError as error:
            raise Unavailable(f"the checkpoint could not be published: {error}", "free or repair the disk") from error

    def prove(self, index: int, *, extra: bytes | None = None) -> Proof:
        """Return the inclusion proof of an entry under the published checkpoint; ``extra`` is carried along.

        Raises:
            Unavailable: If no checkpoint covers the entry yet.
        """
        latest = self._published().latest()
        if latest is None or latest[0].size <= index:
            raise Unavailable(f"no checkpoint covers entry {index} yet", "run `counterfoil ledger checkpoint`")
        checkpoint, note = latest
        with self.engine.connect() as connection:
            agree(connection, checkpoint, rows.size(connection))
            hashes = inclusion_proof(index, checkpoint.size, rows.reader(connection, checkpoint.size))
        return Proof(index, tuple(hashes), note, extra)

    def ask_witnesses(self, wanted: Callable[[witnesses.Witness], bool] = lambda _: True) -> dict[str, Asked]:
        """Ask the witnesses to cosign what is published; what an alarm says is written down as a stub.

        Raises:
            Unavailable: If a cosignature cannot be kept.
        """
        try:
            said = witnesses.ask_all(self.engine, self._published(), wanted)
        except OSError as error:
            raise Unavailable(f"a cosignature could not be kept: {error}", "free or repair the disk") from error
        for key, asked in said.items():
            self._turns.took(key, asked.verdict, time.monotonic())
            if asked.verdict in ALARMS and (key, asked.words) not in self._alarms:
                self._alarms.add((key, asked.words))
                _log.error("the witness %s %s: %s", key.partition("+")[0], asked.verdict, asked.words)
                told = {"verdict": asked.verdict.value, "words": asked.words}
                self.append(
                    stub_at("action", clock.now(), actor="ledger", action="alarm-witness", subject=key, detail={**told})
                )
        return said

    def close(self) -> None:
        """Commit what is queued, publish it, and end the threads."""
        self._writer.close()
        if self._publisher is not None:
            self._closing = True
            self._wake.set()
            self._publisher.join()
            self._publish_once()

    def _published(self) -> Publication:
        if self.publication is None:
            raise Misconfigured("this ledger is not published", "open it with a data directory")
        return self.publication

    def _durable(self, grown: Grown) -> None:
        if self._high_water is None:
            return
        try:
            self._high_water.advance(grown.size, grown.entry, sync=grown.uses)
        except OSError as error:
            # The stubs are durable all the same; that they are gone would not be seen if they ever were.
            _log.error("the high-water mark was not moved on: %s", error)

    def _grown(self, new: int) -> None:
        self._pending += new
        if self._pending >= self._at_most:
            self._wake.set()

    def _publish_often(self) -> None:
        while not self._closing:
            self._wake.wait(self._interval)
            self._wake.clear()
            if self._pending and not self._closing:
                self._pending = 0
                self._publish_once()
            if not self._closing:
                self._ask_in_turn()

    def _ask_in_turn(self) -> None:
        def wanted(witness: witnesses.Witness) -> bool:
            due = self._turns.due(str(witness.key), time.monotonic())
            return due and witnesses.is_behind(self._published(), witness.key)

        try:
            self.ask_witnesses(wanted)
        except (Unavailable, Misconfigured, sa.exc.DatabaseError) as error:
            _log.error("the witnesses were not asked: %s", error)

    def _publish_once(self) -> None:
        try:
            self.checkpoint()
        except (Unavailable, Misconfigured) as error:
            # The stubs are durable all the same; the next round tries again and `ledger verify` says what is wrong.
            _log.error("the ledger was not published: %s (%s)", error.message, error.hint)


def open_ledger(
    engine: sa.Engine,
    data: Path,
    *,
    key: VerifierKey | None = None,
    sign: CheckpointSigner | None = None,
    interval: float = 5.0,
) -> Ledger:
    """Open the ledger that is published below ``data/ledger``.

    Args:
        engine: The database.
        data: The data directory.
        key: The verifier key of whoever signs checkpoints; its name is the origin.
        sign: Signs checkpoints, the signer's ``checkpoint``. Without it a key file in ``data`` signs.
        interval: Seconds between checkpoints.
    """
    if key is None or sign is None:
        key, sign = embedded_key(data / EMBEDDED_KEY)
    publication = Publication(data / "ledger", key, sign)
    return Ledger(engine, publication, high_water=HighWater(data / FOLDER), interval=interval)
