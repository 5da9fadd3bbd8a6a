"""A token bucket for each credential: what a thief who is inside the application can have in a minute. Pure."""

from datetime import datetime

from counterfoil.model.errors import Unavailable


class Rate:
    """Allows ``burst`` at once and ``per_minute`` in the long run, for each name by itself."""

    def __init__(self, per_minute: float, burst: int) -> None:
        self._per_second = per_minute / 60
        self._burst = float(burst)
        self._buckets: dict[str, tuple[float, datetime]] = {}

    def spend(self, name: str, now: datetime) -> None:
        """Take one.

        Raises:
            Unavailable: If there is none; the hint says when there will be.
        """
        left, then = self._buckets.get(name, (self._burst, now))
        # A clock that is set back must not lock anybody out, nor refill anything.
        elapsed = max(0.0, (now - then).total_seconds())
        left = min(self._burst, left + elapsed * self._per_second)
        if left < 1:
            wait = (1 - left) / self._per_second
            raise Unavailable(f"the credential {name} signs too often", f"try again in {wait:.1f} s")
        self._buckets[name] = (left - 1, now)
