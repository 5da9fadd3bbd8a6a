"""The laboratory's one lock: a request goes in, the world changes, the change is kept, the answer goes out."""

import fcntl
import logging
import os
import random
import threading
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

from counterfoil import clock
from counterfoil.lab import authority
from counterfoil.lab.graph import notify
from counterfoil.lab.logs import mailbox_audit
from counterfoil.lab.objects import Scheduled
from counterfoil.lab.operations import OPERATIONS, see_arguments
from counterfoil.lab.settings import Settings
from counterfoil.lab.store import Store
from counterfoil.lab.wire import Call, Errand, Pending, Reply
from counterfoil.lab.world import World
from counterfoil.model.errors import Misconfigured, Refused

_log = logging.getLogger(__name__)
T = TypeVar("T")
Face = Callable[[World, Call], Reply | Pending]


class Engine:
    """Holds the world and its store; every entry takes the lock, since all work is short and in memory.

    Args:
        directory: Where state, keys and certificates live; it is made where it is new.
        seed: Makes chance repeatable; the count of starts is mixed in, so that ids never repeat.
    """

    def __init__(self, directory: Path, seed: int | None = None) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self._claim = _claimed(directory)
        self.authority, self.server, self.signing = authority.open_authority(directory, clock.now())
        self.trusted = authority.trusted_file(directory, self.authority)
        self._store = Store(directory / "lab.sqlite")
        starts = int(self._store.fact("starts") or 0)
        self._store.remember("starts", starts + 1)
        dice = random.Random(f"{seed}:{starts}" if seed is not None else None)  # noqa: S311 - chance of a laboratory
        settings = Settings(**(self._store.fact("settings") or {}))
        self.world = World(dice, self.signing.key.read_bytes(), self.signing.certificate.read_bytes(), settings)
        self.world.issuers = self._store.fact("issuers") or {}
        self._store.load(self.world)
        self._lock = threading.RLock()

    def handle(self, face: Face, call: Call) -> Reply | Pending:
        """Let a face answer a request, and keep what it changed before anyone sees the answer."""
        with self._lock:
            reply = face(self.world, call)
            self._store.save(self.world.drain())
            return reply

    def finish(self, pending: Pending, answers: list[bool]) -> Reply:
        """Let a pending answer go on, now that its errands are done."""
        with self._lock:
            reply = pending.then(answers)
            self._store.save(self.world.drain())
            return reply

    def ask(self, question: Callable[[World], T]) -> T:
        """Let a pure function look at the world."""
        with self._lock:
            return question(self.world)

    def operate(self, name: str, arguments: dict[str, Any]) -> Any:
        """Run one of ``OPERATIONS``.

        Raises:
            Refused: If there is none of that name, or it refuses.
        """
        see_arguments(name, arguments)
        with self._lock:
            try:
                answer = OPERATIONS[name](self.world, clock.now().timestamp(), **arguments)
            except (TypeError, ValueError) as error:
                raise Refused(f"{name}: {error}") from error
            self._store.save(self.world.drain())
            if name in {"set_settings", "set_realistic", "add_issuer"}:
                self._store.remember("settings", asdict(self.world.settings))
                self._store.remember("issuers", self.world.issuers)
            return answer

    def ripen(self) -> list[Errand]:
        """Do what time brings: write audit rows that are due, sweep subscriptions; return notices to post."""
        now = clock.now().timestamp()
        with self._lock:
            mailbox_audit.settle(self.world, now)
            notify.sweep(self.world, now)
            self._keep_appointments(now)
            notices, self.world.notices = self.world.notices, []
            self._store.save(self.world.drain())
            return notices

    def missed(self, errand: Errand) -> None:
        """Remember that a notification was not taken: the life-cycle URL is told so once somebody answers there."""
        with self._lock:
            notify.missed(self.world, errand)

    def _keep_appointments(self, now: float) -> None:
        for appointment in self.world.every(Scheduled):
            if appointment.at <= now:
                self.world.remove(appointment)
                operation = OPERATIONS.get(appointment.operation)
                try:
                    if operation is None:
                        raise Refused("there is no such operation")  # noqa: TRY301 - logged like any other refusal
                    operation(self.world, now, **appointment.arguments)
                except (Refused, TypeError, ValueError) as error:
                    _log.warning("the appointment %s was not kept: %s", appointment.operation, error)

    def ripen_rows(self) -> None:
        """Write audit rows that are due by now."""
        with self._lock:
            mailbox_audit.settle(self.world, clock.now().timestamp(), at_once=True)
            self._store.save(self.world.drain())

    def request_id(self) -> str:
        """Make an id for a request."""
        with self._lock:
            return self.world.guid()

    def recall_ports(self) -> dict[str, int]:
        """Return the ports of the last start, so that a restart is found where it was."""
        return dict(self._store.fact("ports") or {})

    def remember_ports(self, ports: dict[str, int]) -> None:
        """Keep the ports."""
        self._store.remember("ports", ports)

    def close(self) -> None:
        """Close the store."""
        with self._lock:
            self._store.close()
            os.close(self._claim)


def _claimed(directory: Path) -> int:
    """Hold the directory for ourselves; the system lets go of it when the process ends, however it ends.

    Raises:
        Misconfigured: If another laboratory holds it.
    """
    handle = os.open(directory / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(handle)
        raise Misconfigured(
            f"another laboratory runs on {directory}", "stop it first, or give --data another directory"
        ) from error
    return handle


def readable(directory: Path) -> None:
    """Say plainly when a path cannot be the laboratory's directory.

    Raises:
        Misconfigured: If it is a file.
    """
    if directory.exists() and not directory.is_dir():
        raise Misconfigured(f"{directory} is a file", "give --data a directory, new or of an earlier laboratory")
