"""Did the sender hear our 250? Until we know, a message that has a home is written down as unheard.

A row is made in the commit of the disposition and goes when the client has spoken again or hung up in good
order, so what is left after a crash are the messages that their senders may send again (RFC 1047). Each of
them gets a further disposition, ``unknown``: that is what makes "doubled at most as many as unknown" true.

Rows go with the next intent's commit, so that a busy gateway commits nothing of its own for them.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable
from datetime import datetime
from functools import partial

import sqlalchemy as sa

from counterfoil.gateway.store.dispositions import disposition, tell
from counterfoil.gateway.store.tables import messages, unheard
from counterfoil.ledger.ledger import Ledger
from counterfoil.model.errors import Refused
from counterfoil.model.mail import Outcome
from counterfoil.model.trust import Stub

log = logging.getLogger(__name__)

PAUSE = 0.5
"""Seconds that an idle gateway waits for an intent to come along."""

_RESTART = "the process ended before the sender is known to have heard our reply; it may try again"
_BROKE = "the connection to the sender broke before it is known to have heard our reply; it may try again"

_HEARD = sa.delete(unheard).where(unheard.c.message == sa.bindparam("heard"))


class Unheard:
    """The messages whose senders may not have heard our 250. All but ``recover`` belongs to one event loop."""

    def __init__(self, engine: sa.Engine, ledger: Ledger, clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._ledger = ledger
        self._clock = clock
        self._heard: list[str] = []
        self._due: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def answered(self, message: str, tenant: str | None, *, heard: bool) -> None:
        """Take note of how the reply went; returns at once."""
        if not heard:
            self._start(self._broke(message, tenant))
            return
        self._heard.append(message)
        if self._due is None:
            self._due = asyncio.get_running_loop().call_later(PAUSE, self._write)

    def taken(self) -> tuple[str, ...]:
        """Hand over what has been heard of, to be forgotten (``forget``) in somebody's commit."""
        heard, self._heard = tuple(self._heard), []
        return heard

    def given_back(self, heard: Iterable[str]) -> None:
        """Take it back: that commit failed."""
        self._heard += heard

    def close(self) -> None:
        """Forget at once what has been heard of. Called when no loop runs any more."""
        heard = self.taken()
        if heard:
            self._ledger.append_all([], also=partial(forget, heard=heard))

    def recover(self, owner: str) -> int:
        """Give each message that a crash left unheard its ``unknown``; return how many there were."""
        left = sa.select(messages.c.id, messages.c.tenant).select_from(unheard.join(messages))
        with self._engine.connect() as connection:
            found = connection.execute(left.where(messages.c.gateway == owner)).all()
        for row in found:
            now = self._clock()
            stub = disposition(row.id, row.tenant, Outcome.UNKNOWN, words=_RESTART, actor="restart", now=now)
            self._ledger.append(stub, also=partial(_doubt, stub=stub))
        return len(found)

    def _write(self) -> None:
        self._due = None
        if self._heard:
            self._start(self._forget_now())

    async def _forget_now(self) -> None:
        heard = self.taken()
        try:
            await self._ledger.record_all([], also=partial(forget, heard=heard))
        except BaseException:
            self.given_back(heard)
            raise

    async def _broke(self, message: str, tenant: str | None) -> None:
        stub = disposition(message, tenant, Outcome.UNKNOWN, words=_BROKE, actor="gateway", now=self._clock())
        await self._ledger.record(stub, also=partial(_doubt, stub=stub))

    def _start(self, work: Coroutine[None, None, None]) -> None:
        """Run it beside the mail; where it fails the row stays, and the next start says ``unknown``."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("what a sender heard could not be written down", exc_info=error)


def owe(connection: sa.Connection, message: str) -> None:
    """Write down, in the commit of its disposition, that a 250 is about to be said for a message."""
    connection.execute(sa.insert(unheard), {"message": message})


def forget(connection: sa.Connection, heard: tuple[str, ...]) -> None:
    """Take off what its senders have heard of."""
    if heard:
        connection.execute(_HEARD, [{"heard": message} for message in heard])


def _doubt(connection: sa.Connection, stub: Stub) -> None:
    if connection.execute(sa.delete(unheard).where(unheard.c.message == stub.body["id"])).rowcount != 1:
        # Its disposition could not be written, so its intent is open and says the same.
        raise Refused(f"no reply is due for {stub.body['id']}")
    tell(connection, stub)
