"""Points in time: aware datetimes in UTC inside, RFC 3339 with ``Z`` outside."""

from datetime import UTC, datetime


def rfc3339(instant: datetime) -> str:
    """Spell an aware datetime as RFC 3339 in UTC, with microseconds only where there are any.

    Raises:
        ValueError: If ``instant`` is naive.
    """
    if instant.tzinfo is None:
        message = "a point in time needs a time zone"
        raise ValueError(message)
    here = instant if instant.tzinfo is UTC else instant.astimezone(UTC)
    return here.isoformat()[:-6] + "Z"


def from_rfc3339(text: str) -> datetime:
    """Read RFC 3339 (any offset, ``T`` or a blank) into an aware datetime in UTC.

    Raises:
        ValueError: If the text is no RFC 3339 date-time or carries no offset.
    """
    instant = datetime.fromisoformat(text.strip())
    if instant.tzinfo is None:
        message = f"not RFC 3339, it says no offset: {text!r}"
        raise ValueError(message)
    return instant.astimezone(UTC)


def hour_of(instant: datetime) -> datetime:
    """Return the start of the hour that a point in time lies in."""
    return instant.replace(minute=0, second=0, microsecond=0)
