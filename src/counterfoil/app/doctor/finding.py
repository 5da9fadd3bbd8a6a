"""What the doctor says: findings, and what the checks look at."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from counterfoil.app.house import Books
from counterfoil.app.state import State
from counterfoil.config.settings import Config


class Weight(StrEnum):
    """``PROBLEM``: something is wrong or open. ``NOTE``: to know of. ``UNTRIED``: it could not be looked at."""

    PROBLEM = "problem"
    NOTE = "note"
    UNTRIED = "untried"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found: what it is about, why it is so, what to do."""

    about: str
    cause: str
    fix: str
    weight: Weight = Weight.PROBLEM


def note(about: str, cause: str, fix: str) -> Finding:
    """Make a finding that is no problem."""
    return Finding(about, cause, fix, Weight.NOTE)


def untried(about: str, cause: str, fix: str) -> Finding:
    """Make a finding that says that it could not be tried: neither well nor a problem."""
    return Finding(about, cause, fix, Weight.UNTRIED)


@dataclass(frozen=True, slots=True)
class Patient:
    """What is looked at. ``books`` is ``None`` where no signer answers; ``offline`` forbids every connection."""

    data: Path
    config: Config
    state: State
    books: Books | None
    now: datetime
    offline: bool = False
