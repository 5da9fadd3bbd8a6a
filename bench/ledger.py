"""The ledger beside bare SQLite that commits in groups, and the time to verify a million leaves.

Both sides make the same octets durable in groups of the same size, one fsync a group; ours numbers, salts, hashes
and grows the tree besides. A million leaves are verified as a customer does it: tools/verify_ledger.py over the
published tiles, which reads every entry, hashes the tree and compares it with a signed checkpoint.
"""

import argparse
import hashlib
import secrets
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bench.measure import Side, Spent, in_turns, middle, table, timed
from bench.places import folder
from counterfoil.database import open_database
from counterfoil.ledger.high_water import FOLDER, HighWater
from counterfoil.ledger.ledger import Ledger
from counterfoil.ledger.note import Checkpoint, VerifierKey, sign_note
from counterfoil.ledger.stubs import canonical, stub_at
from counterfoil.ledger.tiles import WIDTH, pack_entries, subtree_root, tiles_between
from counterfoil.ledger.tree import Frontier, leaf_hash
from counterfoil.model.trust import Stub

NOW = datetime(2026, 3, 1, tzinfo=UTC)
GROUPS = ((1, 400), (16, 4_000), (64, 12_000), (256, 24_000))
LEAVES = 1_000_000


def run(arguments: argparse.Namespace) -> None:
    """Measure appending by size of group, then verifying."""
    with folder() as place:
        fresh = (_made(place / str(number)) for number in count())
        for group, amount in GROUPS:
            stubs = _stubs(amount)
            sides = [
                Side("SQLite alone", lambda s=stubs, g=group: _bare(next(fresh), s, g)),
                Side("counterfoil's ledger", lambda s=stubs, g=group: _ours(next(fresh), s, g)),
            ]
            in_turns(sides, arguments.repetitions)
            table(f"{amount} stubs in groups of {group}", sides[::-1], unit="stubs", per_core=False)
    _leaves(arguments.repetitions)


def _made(place: Path) -> Path:
    place.mkdir()
    return place


def _stubs(amount: int) -> list[Stub]:
    """Message intents as the gateway writes them."""
    body = {"sha256": "0" * 64, "size": 4096, "via": "smtp", "direction": "inbound", "sender": "a@example.org"}
    more = {"recipients": ["b@example.com"], "client": "192.0.2.1", "next_hop": "mx.example.com:25"}
    return [stub_at("message", NOW, "tenant", id=f"{n:032x}", **body, **more) for n in range(amount)]


def _ours(place: Path, stubs: list[Stub], group: int) -> Spent:
    engine = open_database(place / "ours.db")
    ledger = Ledger(engine, high_water=HighWater(place / FOLDER))

    def work() -> int:
        for at in range(0, len(stubs), group):
            ledger.append_all(stubs[at : at + group])
        ledger.close()
        engine.dispose()
        return len(stubs)

    return timed(work)


def _bare(place: Path, stubs: list[Stub], group: int) -> Spent:
    """WAL and synchronous=FULL, as ours."""
    database = sqlite3.connect(place / "bare.db", isolation_level=None)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=FULL")
    database.execute("CREATE TABLE entry (n INTEGER PRIMARY KEY, kind TEXT, tenant TEXT, salt BLOB, stub BLOB)")

    def work() -> int:
        rows = [(n, "message", "tenant", secrets.token_bytes(32), canonical(stub)) for n, stub in enumerate(stubs)]
        for at in range(0, len(rows), group):
            database.execute("BEGIN IMMEDIATE")
            database.executemany("INSERT INTO entry VALUES (?, ?, ?, ?, ?)", rows[at : at + group])
            database.execute("COMMIT")
        database.close()
        return len(rows)

    return timed(work)


def _leaves(repetitions: int) -> None:
    """Publish a million leaves and have them verified; beside it the hashing alone."""
    entries = [b"\1" + hashlib.sha256(number.to_bytes(8, "big")).digest() for number in range(LEAVES)]
    with folder() as place:
        key = _publish(place, entries)
        verified = [_seconds(lambda: _verify(place, key)) for _ in range(repetitions)]
    hashed = [_seconds(lambda: [leaf_hash(entry) for entry in entries]) for _ in range(repetitions)]
    hashes = [leaf_hash(entry) for entry in entries]
    grown = [_seconds(lambda: _root(hashes)) for _ in range(repetitions)]
    print(f"\n{LEAVES:,} leaves, seconds\n\n| what | smallest / middle / largest |\n|---|---|")
    print(f"| tools/verify_ledger.py log, all entries and tiles | {middle(verified)} |")
    print(f"| hashing the leaves | {middle(hashed)} |\n| growing the tree over them | {middle(grown)} |")


def _publish(place: Path, entries: list[bytes]) -> str:
    """Write the tiles and a signed checkpoint; return the verifier key."""
    signing = Ed25519PrivateKey.generate()
    key = VerifierKey("bench.example/log", signing.public_key().public_bytes_raw())
    levels: dict[int, list[bytes]] = {-1: entries, 0: [leaf_hash(entry) for entry in entries]}
    for tile in tiles_between(0, LEAVES):
        if tile.level not in levels:
            below = levels[tile.level - 1]
            whole = len(below) // WIDTH * WIDTH
            levels[tile.level] = [subtree_root(below[at : at + WIDTH]) for at in range(0, whole, WIDTH)]
        inside = levels[tile.level][tile.number * WIDTH : tile.number * WIDTH + tile.width]
        path = place / tile.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(pack_entries(inside) if tile.level < 0 else b"".join(inside))
    checkpoint = Checkpoint(key.name, LEAVES, _root(levels[0]))
    (place / "checkpoint").write_bytes(sign_note(checkpoint.body, key.name, signing))
    return str(key)


def _root(hashes: list[bytes]) -> bytes:
    frontier = Frontier()
    frontier.extend(hashes)
    return frontier.root()


def _verify(place: Path, key: str) -> None:
    tool = Path(__file__).parents[1] / "tools/verify_ledger.py"
    said = subprocess.run(
        [sys.executable, str(tool), "log", str(place), key], capture_output=True, text=True, check=True
    )
    if f"{LEAVES} entries verified" not in said.stdout:
        raise RuntimeError(said.stdout + said.stderr)


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
