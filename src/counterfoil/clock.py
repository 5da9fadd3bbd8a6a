"""The one place that reads the wall clock; everything that decides takes ``now`` as an argument."""

import time
from datetime import UTC, datetime


def now() -> datetime:
    """Return the time, aware and in UTC."""
    return datetime.now(UTC)  # noqa: TID251 - this is the edge that the rule names


def sleep(seconds: float) -> None:
    """Wait; only the edges do."""
    time.sleep(seconds)
