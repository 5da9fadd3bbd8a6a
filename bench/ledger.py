"""The ledger against bare group-committed SQLite, and the time to verify a million leaves: ``python -m bench.ledger``.

Both sides write the same octets in groups of the same size, one fsync a group; ours numbers, salts, hashes and
grows the tree besides. The aim is twice the bare time, and about a
second for the leaves.
"""

import hashlib
import secrets
import sqlite3
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from counterfoil.database import open_database
from counterfoil.ledger.ledger import Ledger
from counterfoil.ledger.stubs import canonical, stub_at
from counterfoil.ledger.tree import Frontier, leaf_hash
from counterfoil.model.trust import Stub

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def stubs(count: int) -> list[Stub]:
    """Message intents as the gateway writes them."""
    body = {"sha256": "0" * 64, "size": 4096, "via": "smtp", "direction": "inbound", "sender": "a@example.org"}
    more = {"recipients": ["b@example.com"], "client": "192.0.2.1", "next_hop": "mx.example.com:25"}
    return [stub_at("message", NOW, "tenant", id=f"{n:032x}", **body, **more) for n in range(count)]


def ours(place: Path, made: list[Stub], group: int) -> float:
    """Seconds for the ledger."""
    engine = open_database(place / "ours.db")
    ledger = Ledger(engine)
    start = time.perf_counter()
    for at in range(0, len(made), group):
        ledger.append_all(made[at : at + group])
    taken = time.perf_counter() - start
    ledger.close()
    engine.dispose()
    return taken


def bare(place: Path, made: list[Stub], group: int) -> float:
    """Seconds for SQLite alone, WAL and synchronous=FULL, the same octets."""
    rows = [(n, "message", "tenant", secrets.token_bytes(32), canonical(stub)) for n, stub in enumerate(made)]
    database = sqlite3.connect(place / "bare.db", isolation_level=None)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=FULL")
    database.execute("CREATE TABLE entry (n INTEGER PRIMARY KEY, kind TEXT, tenant TEXT, salt BLOB, stub BLOB)")
    start = time.perf_counter()
    for at in range(0, len(rows), group):
        database.execute("BEGIN IMMEDIATE")
        database.executemany("INSERT INTO entry VALUES (?, ?, ?, ?, ?)", rows[at : at + group])
        database.execute("COMMIT")
    taken = time.perf_counter() - start
    database.close()
    return taken


def leaves(count: int) -> tuple[float, float]:
    """Seconds to hash so many leaves, and to grow the tree over them."""
    entries = [hashlib.sha256(n.to_bytes(8, "big")).digest() for n in range(count)]
    start = time.perf_counter()
    hashes = [leaf_hash(entry) for entry in entries]
    middle = time.perf_counter()
    frontier = Frontier()
    frontier.extend(hashes)
    frontier.root()
    return middle - start, time.perf_counter() - middle


def main() -> None:
    """Measure and print."""
    print("group   ours/s   bare/s   bare time x")
    for group, count in ((1, 400), (16, 4_000), (64, 12_000), (256, 24_000)):
        made = stubs(count)
        with tempfile.TemporaryDirectory() as place:
            # Interleaved and the best of three each, so that a busy moment falls on both.
            taken = [(ours(_fresh(place, n), made, group), bare(_fresh(place, -n), made, group)) for n in (1, 2, 3)]
        mine, theirs = (min(times) for times in zip(*taken, strict=True))
        print(f"{group:5} {count / mine:8.0f} {count / theirs:8.0f} {mine / theirs:9.2f}")
    hashing, growing = leaves(1_000_000)
    print(f"a million leaves: {hashing:.2f} s to hash, {growing:.2f} s for the tree")


def _fresh(place: str, number: int) -> Path:
    path = Path(place) / str(number)
    path.mkdir()
    return path


if __name__ == "__main__":
    main()
