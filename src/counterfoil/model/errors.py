"""Three errors, named by what the caller should do; everything expected is a value instead.

A ``hint`` tells a person what to do next; the command line prints it below the message.
"""


class CounterfoilError(Exception):
    """The root of what we raise on purpose.

    Args:
        message: One sentence: what is wrong.
        hint: What a person can do about it, or ``None`` where nothing can be done.
    """

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class Unavailable(CounterfoilError):
    """Try again later: a next hop is down, a disk is full, a service throttles."""


class Refused(CounterfoilError):
    """Never, as asked: the other side or one of our laws says no."""


class Misconfigured(CounterfoilError):
    """An operator has to change something first; the hint says what."""
