"""Where the laboratory's state lives: one SQLite file, one JSON document an object."""

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import asdict, fields, is_dataclass
from pathlib import Path
from typing import Any, get_args, get_type_hints

from counterfoil.lab.objects import KINDS
from counterfoil.lab.world import World

_BY_NAME = {kind.__name__: kind for kind in KINDS}


class Store:
    """Keeps what changed; opening reads everything back.

    Args:
        path: The file; it is made where it is new.
    """

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, check_same_thread=False)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=NORMAL")
        self._connection.execute(
            "CREATE TABLE IF NOT EXISTS object "
            "(kind TEXT, id TEXT, body TEXT NOT NULL, PRIMARY KEY (kind, id)) WITHOUT ROWID"
        )
        self._connection.execute("CREATE TABLE IF NOT EXISTS fact (name TEXT PRIMARY KEY, body TEXT NOT NULL)")
        self._connection.commit()

    def load(self, world: World) -> None:
        """Fill a world with what was kept."""
        for kind, body in self._connection.execute("SELECT kind, body FROM object"):
            world.load(_restore(_BY_NAME[kind], json.loads(body)))

    def save(self, changes: Iterable[tuple[type[Any], str, Any]]) -> None:
        """Keep changes in one transaction; ``None`` means that the object is gone."""
        listed = list(changes)
        if not listed:
            return
        with self._connection:
            for kind, id_, thing in listed:
                if thing is None:
                    self._connection.execute("DELETE FROM object WHERE kind = ? AND id = ?", (kind.__name__, id_))
                else:
                    row = (kind.__name__, id_, json.dumps(asdict(thing)))
                    self._connection.execute("INSERT OR REPLACE INTO object VALUES (?, ?, ?)", row)

    def fact(self, name: str) -> Any:
        """Return a single kept value, or ``None``."""
        row = self._connection.execute("SELECT body FROM fact WHERE name = ?", (name,)).fetchone()
        return None if row is None else json.loads(row[0])

    def remember(self, name: str, value: Any) -> None:
        """Keep a single value."""
        with self._connection:
            self._connection.execute("INSERT OR REPLACE INTO fact VALUES (?, ?)", (name, json.dumps(value)))

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


def _restore(kind: type[Any], document: dict[str, Any]) -> Any:
    """Rebuild an object from its document, lists of dataclasses included."""
    hints = get_type_hints(kind)
    values = {}
    for field in fields(kind):
        if field.name not in document:
            continue
        value = document[field.name]
        inner = next((arg for arg in get_args(hints[field.name]) if is_dataclass(arg)), None)
        if inner is not None and isinstance(value, list):
            value = [_restore(inner, item) for item in value]  # type: ignore[arg-type]
        values[field.name] = value
    return kind(**values)
