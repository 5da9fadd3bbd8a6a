"""Appends and publishes until it is killed, and says what it was given."""

import sys
from datetime import UTC, datetime
from pathlib import Path

from counterfoil.database import open_database
from counterfoil.ledger.ledger import open_ledger
from counterfoil.ledger.stubs import stub_at

data, rounds = Path(sys.argv[1]), int(sys.argv[2])
ledger = open_ledger(open_database(data / "counterfoil.db"), data, interval=3600)
now = datetime(2026, 3, 1, tzinfo=UTC)
for _ in range(rounds):
    start = ledger.size()
    stubs = [stub_at("message", now, id=f"m{start + n}") for n in range(90)]
    indexes = ledger.append_all(stubs)
    sys.stdout.write(f"given {indexes[0]} {indexes[-1]}\n")
    sys.stdout.flush()
    checkpoint = ledger.checkpoint()
    sys.stdout.write(f"published {checkpoint.size} {checkpoint.root.hex()}\n")
    sys.stdout.flush()
ledger.close()
