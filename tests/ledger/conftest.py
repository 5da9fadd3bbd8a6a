"""A published ledger that publishes only when asked, and can be left and opened again."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from counterfoil.database import open_database
from counterfoil.ledger.ledger import Ledger, open_ledger
from counterfoil.ledger.stubs import stub_at
from counterfoil.model.trust import Stub

NOW = datetime(2026, 3, 1, 12, 0, 0, 250, tzinfo=UTC)


def message(number: int | str) -> Stub:
    """A mail intent with an id of its own."""
    return stub_at("message", NOW, id=f"m{number}", size=7)


@dataclass
class House:
    """A data directory with its ledger."""

    data: Path
    engine: sa.Engine
    ledger: Ledger

    def fill(self, count: int, start: int = 0) -> None:
        """Append so many messages in one commit."""
        self.ledger.append_all([message(n) for n in range(start, start + count)])

    def close(self) -> None:
        """Leave it."""
        self.ledger.close()
        self.engine.dispose()

    def stop_without_publishing(self) -> None:
        """Leave it as a crash would, between two checkpoints."""
        self.ledger._writer.close()
        self.ledger._publisher = None
        self.engine.dispose()


@pytest.fixture
def opened(tmp_path):
    """A function that opens the ledger of the test's directory, as after a restart."""
    houses = []

    def opened() -> House:
        engine = open_database(tmp_path / "counterfoil.db")
        houses.append(House(tmp_path, engine, open_ledger(engine, tmp_path, interval=3600)))
        return houses[-1]

    yield opened
    for house in houses:
        house.stop_without_publishing()
