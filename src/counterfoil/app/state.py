"""The data folder opened: database, ledger, held files, and what the commands and the gateway make of them."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import sqlalchemy as sa

from counterfoil import clock
from counterfoil.config.settings import Config
from counterfoil.credential.collect import open_ledger_of
from counterfoil.database import open_database, telling_damage
from counterfoil.gateway.store.directory import Directory
from counterfoil.gateway.store.held_files import HeldFiles
from counterfoil.gateway.store.journal import Journal
from counterfoil.gateway.store.quarantine import Quarantine
from counterfoil.gateway.store.stories import Stories
from counterfoil.gateway.store.tenants import Tenants
from counterfoil.ledger import durable
from counterfoil.ledger.ledger import Ledger
from counterfoil.model.errors import Misconfigured
from counterfoil.scan.hosts import hosts_of
from counterfoil.scan.policy import DEFAULT_POLICY

DATABASE = "counterfoil.db"
INSTANCE = "instance"
LEDGER = "ledger"

BEGIN = "say --data DIR, or set COUNTERFOIL_DATA; or begin there: counterfoil tenant add, or counterfoil serve"
ELSEWHERE = "its database is gone, or on a server: say --config FILE, the configuration that serve runs with"


@dataclass(frozen=True, slots=True)
class State:
    """Everything that outlives the process."""

    tenants: Tenants
    directory: Directory
    journal: Journal
    quarantine: Quarantine
    stories: Stories
    ledger: Ledger


def begun(data: Path, config: Config) -> bool:
    """Say whether an installation was begun in this folder; a database on a server is that of no folder alone."""
    signs = (INSTANCE, LEDGER) if config.database.url else (DATABASE,)
    return any((data / sign).exists() for sign in signs)


def see_begun(data: Path, config: Config) -> None:
    """Refuse a folder without an installation, so that what only reads builds none in it.

    Raises:
        Misconfigured: If there is none.
    """
    if begun(data, config):
        return
    elsewhere = not config.database.url and (data / INSTANCE).exists()
    raise Misconfigured(f"there is no data in {data}", ELSEWHERE if elsewhere else BEGIN)


@contextmanager
def open_state(data: Path, config: Config, *, create: bool, examine: bool = False) -> Iterator[State]:
    """Open the data folder, and close the ledger and the database at the end.

    Args:
        data: The folder.
        config: Says where the database is.
        create: Begin an installation where there is none; without it a folder that holds none is a mistake.
        examine: Look at the whole database for damage; what creates does so too.

    Raises:
        Misconfigured: If there is nothing there, it may not be written, or the database is damaged.
    """
    if not create:
        see_begun(data, config)
    try:
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
        files = HeldFiles(data / "held", _instance(data))
        if not config.database.url:
            (data / DATABASE).touch(mode=0o600)
    except OSError as error:
        raise Misconfigured(f"{data} cannot be used: {error.strerror}", "give --data a folder of your own") from error
    engine = open_database(config.database.url or data / DATABASE, examine=create or examine)
    with telling_damage(engine):
        yield from _opened(engine, data, config, files)


def _opened(engine: sa.Engine, data: Path, config: Config, files: HeldFiles) -> Iterator[State]:
    ledger = open_ledger_of(engine, data)
    try:
        pause = timedelta(seconds=config.quarantine.retry_seconds)
        journal = Journal(engine, ledger, files, clock.now, DEFAULT_POLICY.hold_days, hosts=hosts_of)
        yield State(
            tenants=Tenants(engine, ledger),
            directory=Directory(engine),
            journal=journal,
            quarantine=Quarantine(engine, ledger, files, pause),
            stories=Stories(engine),
            ledger=ledger,
        )
        journal.close()
    finally:
        ledger.close()
        engine.dispose()


def _instance(data: Path) -> str:
    """Return the name of this data folder, made at the first opening: several gateways may share a database."""
    place = data / INSTANCE
    with durable.lock(data / ".instance.lock"):
        if not place.exists():
            durable.write(place, secrets.token_hex(8).encode(), mode=0o600)
    return place.read_text(encoding="ascii")
