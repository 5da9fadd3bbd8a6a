"""Structured logs on stderr, never with the content of a message: JSON lines, or for a person at a terminal plain ones.

What a record says beyond its sentence comes as ``extra={"facts": {...}}``: ids, outcomes, counts, addresses
of hosts; no subject, no body, no file name from a message.
"""

import json
import logging
import sys
import traceback
from datetime import UTC, datetime

from counterfoil.model.errors import CounterfoilError
from counterfoil.model.instant import rfc3339


class JsonLines(logging.Formatter):
    """Formats a record as one line of JSON: time, level, logger, message, and the facts."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; an exception comes as its type, its place and, for ours, its sentence."""
        line: dict[str, object] = {
            "time": rfc3339(datetime.fromtimestamp(record.created, UTC)),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        facts = getattr(record, "facts", None)
        if isinstance(facts, dict):
            line |= facts
        if record.exc_info and record.exc_info[1] is not None:
            line["exception"] = _describe(record.exc_info[1])
        return json.dumps(line, ensure_ascii=True, default=str)


class Plain(logging.Formatter):
    """Formats a record for a person: the time of day, the sentence, and the facts behind it."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; one that is no "info" begins with its level."""
        time = f"{datetime.fromtimestamp(record.created, UTC):%H:%M:%SZ}"
        level = "" if record.levelno == logging.INFO else f"{record.levelname.lower()}: "
        pieces = [time, f"{level}{record.getMessage()}"]
        facts = getattr(record, "facts", None)
        if isinstance(facts, dict):
            pieces += [f"{name}={_plain(value)}" for name, value in facts.items()]
        if record.exc_info and record.exc_info[1] is not None:
            pieces += [f"{name}={_plain(value)}" for name, value in _describe(record.exc_info[1]).items()]
        return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in "  ".join(pieces))


def _plain(value: object) -> str:
    return ", ".join(map(str, value)) or "none" if isinstance(value, list | tuple) else str(value)


def _describe(error: BaseException) -> dict[str, object]:
    # The text of a foreign exception may quote a message, so its type and its place have to do.
    frames = traceback.extract_tb(error.__traceback__)
    described: dict[str, object] = {"type": type(error).__name__}
    if isinstance(error, CounterfoilError):
        described |= {"says": error.message, "hint": error.hint}
    return described | {"at": [f"{frame.filename}:{frame.lineno}" for frame in frames[-8:]]}


def log_to_stderr(level: str) -> None:
    """Send every log record of the process to stderr: JSON lines, unless a person is looking."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Plain() if sys.stderr.isatty() else JsonLines())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for chatty in ("httpx", "httpcore", "msal"):
        # At "info" they write down every URL, and ours name mailboxes.
        logging.getLogger(chatty).setLevel(logging.WARNING)
    # At "info" it tells of its own workings while the first schema is made.
    logging.getLogger("alembic").setLevel(logging.WARNING)
