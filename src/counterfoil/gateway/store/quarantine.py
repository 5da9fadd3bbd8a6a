"""Held messages and what may become of them: released, deleted or expired, each a disposition of its own.

A release is first wanted (a row, durable), then tried until every recipient's next hop has said 250. Each
try is claimed for some time first, so that two processes never send one message at once, and so that a try
that dies is simply tried again when its claim has run out.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from counterfoil.gateway.store.dispositions import disposition, not_held, settle, tell
from counterfoil.gateway.store.held_files import HeldFiles
from counterfoil.gateway.store.tables import held, messages, recipients, sortable, storable
from counterfoil.gateway.store.tenants import Operator
from counterfoil.ledger.equation import RELEASE
from counterfoil.ledger.ledger import Ledger
from counterfoil.model.errors import Refused
from counterfoil.model.mail import Direction, Envelope, Json, Outcome
from counterfoil.model.trust import Stub

CLAIM = timedelta(minutes=15)
"""How long one try may take (RFC 5321 section 4.5.3.2 gives the dot alone 10 minutes)."""

_DIED = "a try to release it ended without a result; who was to get it may have it already"

LONGEST_PAUSE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Held:
    """A held message that is to be sent: ``envelope.recipients`` are those that do not have it yet."""

    message: str
    envelope: Envelope
    utf8: bool
    sha256: str
    wanted_by: str
    tries: int


class Quarantine:
    """The held messages. ``tenant=None`` means every tenant; else another tenant's message is not there at all."""

    def __init__(self, engine: sa.Engine, ledger: Ledger, files: HeldFiles, pause: timedelta) -> None:
        self._engine = engine
        self._ledger = ledger
        self._files = files
        self._pause = pause

    def want(self, message: str, tenant: str | None, by: Operator) -> None:
        """Ask for a release; whoever runs the release loop sends it.

        Raises:
            Refused: If no such message is held, or its bytes are not those that were held.
        """
        row = self._row(message, tenant)
        self.raw(message, tenant)
        now = sortable(by.now)

        def mark(connection: sa.Connection) -> None:
            # Asking twice sends nothing twice: a claim stands, and only the pause between two tries is cut short.
            wanted = {"wanted_by": sa.func.coalesce(held.c.wanted_by, by.who), "next_try": now}
            if connection.execute(sa.update(held).where(held.c.message == message).values(wanted)).rowcount != 1:
                raise Refused(f"{message} is no longer held", "see: counterfoil track")

        body: dict[str, Json] = {"actor": by.who, "action": "release-wanted", "subject": message}
        self._ledger.append(Stub("action", by.now, row.tenant, body), also=mark)

    def raw(self, message: str, tenant: str | None) -> bytes:
        """Return the bytes of a held message, compared with their hash.

        Raises:
            Refused: If no such message is held, or the bytes are gone or changed.
        """
        return self._files.read(message, self._row(message, tenant).sha256)

    def due(self, now: datetime) -> list[str]:
        """Return the messages whose release this gateway has to try now, oldest claim first."""
        mine = (held.c.next_try <= sortable(now)) & _free(now) & (messages.c.gateway == self._files.owner)
        waiting = sa.select(held.c.message).select_from(held.join(messages)).where(mine).order_by(held.c.next_try)
        with self._engine.connect() as connection:
            return list(connection.execute(waiting).scalars())

    def claim(self, message: str, now: datetime) -> Held:
        """Take one try for ourselves, with a stub before anything is sent.

        Raises:
            Refused: If it is not due, because another process has it or it was deleted.
        """
        row = self._row(message, None)
        # Whoever claimed it before has died: the next hop may have it, and may now get it twice (RFC 1047).
        doubt = [] if row.claimed is None else [_doubt(message, row.tenant, _DIED, now)]

        def take(connection: sa.Connection) -> None:
            due = (held.c.message == message) & (held.c.next_try <= sortable(now)) & _free(now)
            taken = {"claimed": sortable(now + CLAIM), "tries": held.c.tries + 1}
            if connection.execute(sa.update(held).where(due).values(taken)).rowcount != 1:
                raise Refused(f"the release of {message} is not due, or under way", "wait, then: counterfoil track")
            for stub in doubt:
                tell(connection, stub)

        body: dict[str, Json] = {"actor": row.wanted_by or "", "action": "release-try", "subject": message}
        self._ledger.append_all([*doubt, Stub("action", now, row.tenant, body)], also=take)
        mine = (recipients.c.message == message) & recipients.c.released.is_(None)
        with self._engine.connect() as connection:
            left = connection.execute(sa.select(recipients.c.address).where(mine).order_by(recipients.c.position))
            envelope = Envelope(
                sender=row.sender,
                recipients=tuple(left.scalars()),
                tenant=row.tenant,
                direction=Direction(row.direction),
            )
        return Held(message, envelope, row.utf8, row.sha256, row.wanted_by or "", row.tries + 1)

    def tried(self, item: Held, accepted: Iterable[str], words: str, now: datetime, *, unknown: bool = False) -> bool:
        """Write down a try: who has the message now, in the next hop's words; return whether all have it.

        Dying before this is durable means that the next try may send a second copy (RFC 1047), as it does where
        the next hop did not say what it made of the dot (``unknown``). Either is a disposition ``unknown``.
        """
        done = set(accepted)
        mine = (recipients.c.message == item.message) & recipients.c.address.in_(done)
        given = sa.update(recipients).where(mine).values(released=sortable(now))
        pause = min(self._pause * 2 ** min(item.tries - 1, 20), LONGEST_PAUSE)
        if done >= set(item.envelope.recipients):
            self._end(item.message, Outcome.RELEASED, words, actor=item.wanted_by, now=now, first=given)
            return True

        doubt = [_doubt(item.message, item.envelope.tenant, words, now)] if unknown else []

        def later(connection: sa.Connection) -> None:
            for stub in doubt:
                tell(connection, stub)
            connection.execute(given)
            again = {"next_try": sortable(now + pause), "claimed": None, "last_words": storable(words)}
            connection.execute(sa.update(held).where(held.c.message == item.message).values(again))

        detail: dict[str, Json] = {"words": storable(words), "accepted": len(done)}
        body: dict[str, Json] = {
            "actor": item.wanted_by,
            "action": "release-deferred",
            "subject": item.message,
            "detail": detail,
        }
        self._ledger.append_all([*doubt, Stub("action", now, item.envelope.tenant, body)], also=later)
        return False

    def delete(self, message: str, tenant: str | None, why: str, by: Operator) -> None:
        """Delete a held message for good, also one whose release is wanted and never succeeds.

        What became of it is a disposition; that somebody did it is an action, as asking for a release is.

        Raises:
            Refused: If no such message is held, or it is being sent at this moment.
        """
        body: dict[str, Json] = {"actor": by.who, "action": "held-delete", "subject": message}
        deed = Stub("action", by.now, self._row(message, tenant).tenant, body)
        words = why or "deleted by an operator"
        self._end(message, Outcome.DELETED, words, actor=by.who, now=by.now, deeds=(deed,))

    def expire(self, now: datetime) -> int:
        """End what has been held as long as the policy says; what is wanted is kept. Return how many ended."""
        over = (held.c.expires <= sortable(now)) & held.c.wanted_by.is_(None)
        over &= messages.c.gateway == self._files.owner
        with self._engine.connect() as connection:
            ended = sa.select(held.c.message).select_from(held.join(messages)).where(over)
            old = list(connection.execute(ended).scalars())
        for message in old:
            self._end(message, Outcome.EXPIRED, "held as long as the policy says", actor="policy", now=now)
        return len(old)

    def _end(
        self,
        message: str,
        outcome: Outcome,
        words: str,
        *,
        actor: str,
        now: datetime,
        first: sa.Update | None = None,
        deeds: tuple[Stub, ...] = (),
    ) -> None:
        row = self._row(message, None)
        stub = disposition(message, row.tenant, outcome, words=words, actor=actor, now=now)

        def end(connection: sa.Connection) -> None:
            mine = held.c.message == message
            if outcome is not Outcome.RELEASED:
                mine &= _free(now)
            if outcome is Outcome.EXPIRED:
                mine &= held.c.wanted_by.is_(None)
            if first is not None:
                connection.execute(first)
            if connection.execute(sa.delete(held).where(mine)).rowcount != 1:
                raise Refused(f"{message} is being sent, or is no longer held", "see: counterfoil track")
            settle(connection, stub, {})

        self._ledger.append_all([*deeds, stub], also=end)
        # Dying here leaves a file without a row, which the sweep at the next start removes.
        self._files.remove(message, row.sha256)

    def _row(self, message: str, tenant: str | None) -> sa.Row[tuple[object, ...]]:
        columns = (messages.c.tenant, messages.c.sender, messages.c.direction, messages.c.utf8)
        statement = sa.select(held, *columns).select_from(held.join(messages)).where(held.c.message == message)
        if tenant is not None:
            statement = statement.where(messages.c.tenant == tenant)
        with self._engine.connect() as connection:
            row = connection.execute(statement).first()
            if row is None:
                raise not_held(connection, message, tenant)
        return row


def _doubt(message: str, tenant: str | None, words: str, now: datetime) -> Stub:
    return disposition(message, tenant, Outcome.UNKNOWN, words=words, actor=RELEASE, now=now)


def _free(now: datetime) -> sa.ColumnElement[bool]:
    """Nobody is sending it, or whoever was has died."""
    return held.c.claimed.is_(None) | (held.c.claimed <= sortable(now))
