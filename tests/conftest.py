"""What every test may use: the corpora where they are, and a plain word where something is missing."""

import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.missing import missing
from tests.postgres import postgres

__all__ = ["missing"]

CORPORA = Path(__file__).resolve().parents[2] / "shared" / "corpora"


def require_program(name: str) -> str:
    """Return the path of a program, or skip the test for want of it."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if found is None:
        missing(f"the program {name} (tests/debian-packages.txt lists its package)")
    assert found is not None
    return found


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The URL of a PostgreSQL server of the tests' own, started when the first test asks."""
    with postgres() as url:
        yield url


@pytest.fixture
def postgresql_database(postgresql: str) -> Iterator[str]:
    """The URL of an empty database on it."""
    name = f"t{secrets.token_hex(6)}"
    server = sa.create_engine(postgresql, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    yield postgresql.replace("/postgres?", f"/{name}?")
    with server.connect() as connection:
        connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))
    server.dispose()


@pytest.fixture(scope="session")
def corpora() -> Path:
    """The folder of the shared corpora beside the checkout; the test is skipped where it is absent."""
    if not CORPORA.is_dir():
        pytest.skip("not here: the shared corpora beside the checkout")
    return CORPORA
