"""Our own book of mail: an intent before the relay, a disposition after it, and the quarantine's way in."""

import asyncio
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

import sqlalchemy as sa

from counterfoil.gateway.received import Received
from counterfoil.gateway.store.dispositions import disposition, settle
from counterfoil.gateway.store.held_files import HeldFiles
from counterfoil.gateway.store.report import Hosts, known
from counterfoil.gateway.store.tables import held, messages, recipients, sortable, storable, tenants
from counterfoil.gateway.store.unheard import Unheard, forget, owe
from counterfoil.ledger.ledger import Ledger
from counterfoil.model.mail import Decision, Json, Outcome, Scan
from counterfoil.model.trust import Stub

Clock = Callable[[], datetime]


class Journal:
    """``flows.mail.Journal`` and ``flows.mail.Holder`` over the tables, the held files and the ledger.

    ``hold_days`` is for tenants whose policy does not say; ``hosts`` tells where a link leads.
    """

    def __init__(
        self, engine: sa.Engine, ledger: Ledger, files: HeldFiles, clock: Clock, hold_days: int, *, hosts: Hosts
    ) -> None:
        self._engine = engine
        self._ledger = ledger
        self._files = files
        self._clock = clock
        self._hold_days = hold_days
        self._hosts = hosts
        self._unheard = Unheard(engine, ledger, clock)

    async def intent(self, received: Received) -> None:
        """Write the intent stub and the message's row; durable on return.

        Raises:
            Unavailable: If it cannot be made durable, or the store is suspect.
        """
        self._files.require_sound()
        envelope = received.envelope
        rows = [
            {"message": received.id, "position": position, "address": storable(address)}
            for position, address in enumerate(envelope.recipients)
        ]

        heard = self._unheard.taken()

        def insert(connection: sa.Connection) -> None:
            forget(connection, heard)
            connection.execute(sa.insert(messages), _row(received) | {"gateway": self._files.owner})
            if rows:
                connection.execute(sa.insert(recipients), rows)

        body: dict[str, Json] = {
            "id": received.id,
            "sha256": received.sha256,
            "size": received.size,
            "via": received.via,
            "direction": envelope.direction,
            "sender": storable(envelope.sender),
            "recipients": [storable(address) for address in envelope.recipients],
            "client": envelope.client_address,
            "next_hop": None if received.next_hop is None else str(received.next_hop),
        }
        try:
            await self._ledger.record(Stub("message", received.time, envelope.tenant, body), also=insert)
        except BaseException:
            self._unheard.given_back(heard)
            raise

    async def settled(
        self, received: Received, outcome: Outcome, words: str, scan: Scan | None, decision: Decision | None
    ) -> None:
        """Write the disposition and what the scan found; durable on return."""
        now = self._clock()
        stub = disposition(received.id, received.envelope.tenant, outcome, words=words, actor=received.via, now=now)
        stub.body.update(_why(decision))
        columns = known(scan, decision, self._hosts)

        def write(connection: sa.Connection) -> None:
            settle(connection, stub, columns)
            if outcome is Outcome.HANDED_ON:
                owe(connection, received.id)

        await self._ledger.record(stub, also=write)

    def answered(self, received: Received, *, heard: bool) -> None:
        """Take note that the sender heard our 250, or that it may not have; returns at once."""
        self._unheard.answered(received.id, received.envelope.tenant, heard=heard)

    def close(self) -> None:
        """Write down what is only noted. Called when no message is under way any more."""
        self._unheard.close()

    async def hold(self, received: Received, raw: bytes, scan: Scan, decision: Decision) -> None:
        """Keep the bytes; durable on return, with the disposition ``held`` in the row's own commit.

        Raises:
            Unavailable: If it cannot be made durable; nothing is held then.
        """
        now = self._clock()
        sha256 = await asyncio.to_thread(self._files.write, received.id, raw)
        # Dying here leaves a file and no row: no 250 was given, and the sweep at the next start removes it.
        stub = disposition(
            received.id, received.envelope.tenant, Outcome.HELD, words="held by policy", actor=received.via, now=now
        )
        stub.body.update(_why(decision) | {"held_sha256": sha256})
        columns = known(scan, decision, self._hosts)

        def insert(connection: sa.Connection) -> None:
            settle(connection, stub, columns)
            owe(connection, received.id)
            expires = sortable(now + timedelta(days=self._days(connection, received.envelope.tenant)))
            row = {"message": received.id, "sha256": sha256, "size": len(raw), "expires": expires}
            connection.execute(sa.insert(held).values(row))

        try:
            await self._ledger.record(stub, also=insert)
        except Exception:
            if not await asyncio.to_thread(self._is_held, received.id):
                self._files.remove(received.id, sha256)
            raise

    def recover(self) -> int:
        """Settle as ``unknown`` what the last run left open or unheard, and remove files without a row.

        Returns how many they were; what other gateways on the same database are at work on is left alone. Call
        it before anything is accepted. If we die in here, the rest is settled at the next start.
        """
        with self._engine.connect() as connection:
            ours = messages.c.outcome.is_(None) & (messages.c.gateway == self._files.owner)
            open_intents = connection.execute(sa.select(messages.c.id, messages.c.tenant).where(ours)).all()
            owned = {f"{row.sha256}.{row.message}" for row in connection.execute(sa.select(held)).all()}
        for row in open_intents:
            words = "the process ended before an outcome was written; the sender may try again"
            stub = disposition(row.id, row.tenant, Outcome.UNKNOWN, words=words, actor="restart", now=self._clock())
            self._ledger.append(stub, also=partial(settle, stub=stub, known={}))
        self._files.sweep(owned)
        return len(open_intents) + self._unheard.recover(self._files.owner)

    def _is_held(self, message: str) -> bool:
        with self._engine.connect() as connection:
            return connection.execute(sa.select(held).where(held.c.message == message)).first() is not None

    def _days(self, connection: sa.Connection, tenant: str | None) -> int:
        policy = connection.execute(sa.select(tenants.c.policy).where(tenants.c.name == tenant)).scalar()
        days = json.loads(policy or "{}").get("hold_days")
        return days if isinstance(days, int) else self._hold_days


def _row(received: Received) -> dict[str, Json]:
    envelope = received.envelope
    return {
        "id": received.id,
        "time": sortable(received.time),
        "tenant": envelope.tenant,
        "direction": envelope.direction,
        "via": received.via,
        "sender": storable(envelope.sender),
        "client_address": envelope.client_address,
        "helo": storable(envelope.helo),
        "next_hop": None if received.next_hop is None else str(received.next_hop),
        "utf8": received.utf8,
        "sha256": received.sha256,
        "size": received.size,
    }


def _why(decision: Decision | None) -> dict[str, Json]:
    if decision is None:
        return {}
    return {"verdict": decision.verdict, "action": decision.action, "reasons": list(decision.reasons)}
