"""What somebody sees while a campaign is driven: a table that moves on a terminal, else a line a change."""

import time
from collections import Counter
from collections.abc import Mapping
from typing import Self

from rich.live import Live
from rich.table import Table

from counterfoil.cli.output import stderr
from counterfoil.credential.campaign import Place


class Progress:
    """How many tenants stand where, on stderr."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._told: list[tuple[str, int]] = []
        self._live = Live(console=stderr, refresh_per_second=4, transient=True) if stderr.is_terminal else None

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    def tell(self, places: Mapping[str, Place]) -> None:
        """Say where the tenants stand; without a terminal only where that is news."""
        now = Counter(place.state.value for place in places.values()).most_common()
        if self._live is not None:
            self._live.update(_table(now))
        elif now != self._told:
            line = ", ".join(f"{count} {state}" for state, count in now)
            stderr.print(f"{time.monotonic() - self._began:5.1f} s  {line}", markup=False)
            self._told = now


def _table(counts: list[tuple[str, int]]) -> Table:
    table = Table(box=None, show_header=False)
    for state, count in counts:
        table.add_row(str(count), state)
    return table
