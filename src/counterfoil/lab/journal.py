"""The thief's journal: the truth, as JSON lines."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from counterfoil import clock
from counterfoil.model.instant import rfc3339


class Journal:
    """The truth, as JSON lines."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("a", encoding="utf-8")

    def write(self, line: Mapping[str, Any]) -> None:
        """Add a line, with the time."""
        self._file.write(json.dumps({"time": rfc3339(clock.now()), **line}, ensure_ascii=False) + "\n")
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()
