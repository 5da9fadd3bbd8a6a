"""Opening the ledger of the data directory that the arguments name, without the rest of the house."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from counterfoil.app.state import BEGIN, DATABASE, begun
from counterfoil.config import load
from counterfoil.credential.collect import open_ledger_of
from counterfoil.database import open_database, telling_damage
from counterfoil.ledger.ledger import Ledger
from counterfoil.model.errors import Misconfigured


@contextmanager
def opened_database(arguments: argparse.Namespace, *, create: bool = False) -> Iterator[sa.Engine]:
    """Open the database alone; the directory must be there, and with ``create`` it may be empty."""
    data: Path = arguments.data
    config = load(arguments.config)
    url = config.database.url
    if not data.is_dir() or not (create or begun(data, config)):
        raise Misconfigured(f"there is no ledger in {data}", BEGIN)
    engine = open_database(url or data / DATABASE)
    try:
        with telling_damage(engine):
            yield engine
    finally:
        engine.dispose()


@contextmanager
def opened_ledger(arguments: argparse.Namespace, *, create: bool = False) -> Iterator[Ledger]:
    """Open the ledger of the data directory that the arguments name; the directory must be there."""
    with opened_database(arguments, create=create) as engine:
        ledger = open_ledger_of(engine, arguments.data, interval=3600)
        try:
            yield ledger
        finally:
            ledger.close()
