"""Chance by seed: the same seed gives the same case, on every machine."""

import random
from datetime import datetime, timedelta
from uuid import UUID

from counterfoil.cases.rows import Record


class Chance:
    """A named stream of chance; streams of different names do not disturb each other."""

    def __init__(self, seed: int, *names: object) -> None:
        self._random = random.Random(":".join(map(str, (seed, *names))))  # noqa: S311 - invented data, no secret

    def guid(self) -> UUID:
        """Return a version 4 GUID."""
        return UUID(bytes=self._random.randbytes(16), version=4)

    def request(self) -> UUID:
        """Return an id as the token service makes them: version 4, and its last octet is zero."""
        return UUID(str(self.guid())[:-2] + "00")

    def hex(self, octets: int) -> str:
        """Return upper-case hex of that many octets."""
        return self._random.randbytes(octets).hex().upper()

    def pick(self, choices: list[str] | tuple[str, ...]) -> str:
        """Return one of the choices."""
        return self._random.choice(choices)

    def sample(self, choices: list[int], count: int) -> list[int]:
        """Return ``count`` different ones of the choices."""
        return self._random.sample(choices, count)

    def between(self, low: int, high: int) -> int:
        """Return a whole number, both ends included."""
        return self._random.randint(low, high)

    def within(self, start: datetime, seconds: float) -> datetime:
        """Return a moment less than so many seconds after ``start``, to the microsecond."""
        return start + timedelta(microseconds=self._random.randrange(int(seconds * 1_000_000)))

    def happens(self, probability: float) -> bool:
        """Return whether something of that probability happens this time."""
        return self._random.random() < probability

    def shuffled(self, rows: list[Record]) -> list[Record]:
        """Return the rows in another order."""
        return self._random.sample(rows, len(rows))
