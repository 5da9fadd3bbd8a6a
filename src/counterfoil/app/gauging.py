"""What a campaign watches while it runs, read from the ledger as it grows: throttled calls, and mail that waits."""

from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta

from counterfoil.credential.waves import Gauges
from counterfoil.ledger.ledger import Ledger

WINDOW = timedelta(minutes=5)
FEWEST = 20
"""Of fewer calls a share says nothing."""

THROTTLED = frozenset({429, 503})
KINDS = frozenset({"call", "message", "disposition"})


class Gauging:
    """Reads on from where it read last; what was before it began is not looked at.

    Args:
        ledger: Whose stubs are read.
        clock: Returns the time.
    """

    def __init__(self, ledger: Ledger, clock: Callable[[], datetime]) -> None:
        self._ledger, self._clock = ledger, clock
        self._next = ledger.size()
        self._calls: deque[tuple[datetime, bool]] = deque()
        self._under_way: dict[str, datetime] = {}

    def read(self) -> Gauges:
        """Return the share of throttled calls of the last minutes, and the age of the oldest mail under way."""
        for row in self._ledger.stubs(kinds=KINDS, start=self._next):
            self._next = row.index + 1
            if row.stub is None:
                continue
            body, time = row.stub.body, row.stub.time
            if row.stub.kind == "message":
                self._under_way[str(body["id"])] = time
            elif row.stub.kind == "disposition":
                self._under_way.pop(str(body["id"]), None)
            elif body.get("status") is not None:
                self._calls.append((time, body["status"] in THROTTLED))
        now = self._clock()
        while self._calls and now - self._calls[0][0] > WINDOW:
            self._calls.popleft()
        throttled = sum(one for _, one in self._calls) / len(self._calls) if len(self._calls) >= FEWEST else 0.0
        oldest = max(((now - time).total_seconds() for time in self._under_way.values()), default=0.0)
        return Gauges(throttled, oldest)
