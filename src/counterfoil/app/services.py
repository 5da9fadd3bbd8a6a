"""What ``serve`` does for connections beside the mail: heartbeats, pulling logs, collecting the signer's stubs.

It works in a thread of its own and only where a signer is; whatever goes wrong here is a state that is
shown, and never touches mail (law 8).
"""

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from pathlib import Path

from counterfoil import clock
from counterfoil.app.connecting import opened_books
from counterfoil.app.containers import NONE, Containers, read_containers
from counterfoil.app.heartbeat import HEARTBEAT, Sender, beat, beats, mailbox_of
from counterfoil.app.house import Books
from counterfoil.app.left_behind import INBOX_RULES, RULES_MINUTES, look_at_rules
from counterfoil.app.leftovers import may_list_rules
from counterfoil.app.pulling import pull, pulls
from counterfoil.app.standing import FAILED, GOOD, NOT_POSSIBLE, Standing, Standings
from counterfoil.app.state import State
from counterfoil.config.settings import Config
from counterfoil.credential.collect import SOCKET
from counterfoil.model.errors import CounterfoilError, Misconfigured
from counterfoil.model.trust import Connection

log = logging.getLogger(__name__)

PAUSE = 30.0
"""Seconds between two looks for what is due."""

AT_ONCE = 8

SOONER = 5.0
"""Minutes after which what did not go well is tried again."""


@dataclass(frozen=True, slots=True)
class Services:
    """The services on one data folder."""

    data: Path
    config: Config
    state: State
    sender: Sender

    async def run(self, stop: asyncio.Event) -> None:
        """Work until told to stop; then every pause ends at once, and what is under way is given up soon."""
        ending = threading.Event()
        while not stop.is_set():
            work = asyncio.create_task(asyncio.to_thread(self.round, ending))
            await asyncio.wait({work, waiting := asyncio.create_task(stop.wait())}, return_when="FIRST_COMPLETED")
            if stop.is_set():
                ending.set()
            await work
            waiting.cancel()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), PAUSE)

    def round(self, ending: threading.Event) -> None:
        """Do once what is due for every connection; several connections at a time."""
        if not (self.data / SOCKET).exists():
            return
        try:
            with opened_books(self.data, self.config, self.state.ledger) as books:
                patient = replace(books, means=replace(books.means, pause=lambda seconds: _wait(ending, seconds)))
                with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="services") as pool:
                    list(pool.map(lambda one: self._connection(patient, one, ending), books.connections.all()))
        except CounterfoilError as error:
            log.warning("connections wait", extra={"facts": {"reason": error.message, "hint": error.hint}})
        except Exception:
            log.exception("connections wait for the next round")

    def _connection(self, books: Books, connection: Connection, ending: threading.Event) -> None:
        standings = Standings(self.data)
        settings = self.config.evidence
        duties: list[tuple[str, float, Callable[[], object]]] = []
        containers = self._containers()
        if settings.pull_minutes and (logs := pulls(connection, containers)):
            pulling = partial(pull, books, connection, self.data, clock.now(), containers)
            duties.append((logs[0], settings.pull_minutes, pulling))
        if settings.pull_minutes and may_list_rules(connection):
            looking = partial(look_at_rules, books, connection, self.data, clock.now())
            duties.append((INBOX_RULES, RULES_MINUTES, looking))
        if settings.heartbeat_minutes and beats(connection):
            duties.append((HEARTBEAT, settings.heartbeat_minutes, lambda: self._beat(books, connection, standings)))
        for duty, minutes, work in duties:
            if ending.is_set() or not _is_due(standings, connection, duty, minutes):
                continue
            try:
                work()
            except CounterfoilError as error:
                words = error.message if error.hint is None else f"{error.message}; {error.hint}"
                standings.note(connection, duty, Standing(NOT_POSSIBLE, words, clock.now()))
            except Exception:
                log.exception("a duty failed", extra={"facts": {"tenant": connection.tenant, "duty": duty}})
                words = "a fault of ours; the log of serve has it"
                standings.note(connection, duty, Standing(FAILED, words, clock.now()))
            self._say(standings, connection, duty)

    def _containers(self) -> Containers:
        """Read which containers there are; a file that cannot be used keeps nothing else from being done."""
        try:
            return read_containers(self.config.evidence)
        except Misconfigured as error:
            log.warning("containers are not pulled", extra={"facts": {"reason": error.message, "hint": error.hint}})
            return NONE

    def _say(self, standings: Standings, connection: Connection, duty: str) -> None:
        standing = standings.of(connection).duties.get(duty)
        if standing is not None and not standing.good:
            facts = {"tenant": connection.tenant, "duty": duty, "state": standing.state, "words": standing.words}
            log.warning("a connection needs a look", extra={"facts": facts})

    def _beat(self, books: Books, connection: Connection, standings: Standings) -> None:
        beat(books, connection, mailbox_of(connection, self.state, self.config), standings, self.sender.send)


def _is_due(standings: Standings, connection: Connection, duty: str, minutes: float) -> bool:
    before = standings.of(connection).duties.get(duty)
    if before is None:
        return True
    pause = minutes if before.state == GOOD else min(minutes, SOONER)
    return clock.now() - before.at >= timedelta(minutes=pause)


def _wait(ending: threading.Event, seconds: float) -> None:
    ending.wait(seconds)
