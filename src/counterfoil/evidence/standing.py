"""What the ``tenant`` lines of the stubs come to: is there a connection in a window, and what may it do? Pure.

A tenant may have several applications, and each line may speak of one of them, of all, or be a slip of the pen. So no
line ever takes a duty away that another one founds: a wrong word costs coverage, it never makes anybody clean.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

GONE: Final = frozenset({"retired", "dead"})
"""States of a credential that no tenant has to fear any more."""


@dataclass(frozen=True, slots=True)
class Said:
    """One ``tenant`` line; whatever it does not say is ``None``."""

    name: str | None
    connected: bool | None
    roles: tuple[str, ...] | None
    time: datetime | None


@dataclass(frozen=True, slots=True)
class Connection:
    """A tenant in a window; ``roles`` are those of all its applications, ``None`` if those of any are unknown."""

    name: str | None
    connected: bool
    roles: tuple[str, ...] | None


def standing(lines: Sequence[Said], since: datetime, *, used: bool) -> Connection:
    """Put the lines of one tenant together.

    Without a connection is only who is nowhere said to have one, or whose only one ended before the window: a later
    ``connected: false`` may mean one of several.

    Args:
        lines: At least one, in any order.
        since: Start of the window.
        used: Whether a token, a call or a living credential is in the books: then there is a connection.
    """
    held = list(lines) if used else _held(lines, since)
    names = [line.name for line in lines if line.name]
    open_ = [line for line in held if line.connected is not False]
    connected = used or bool(open_)
    # What an ended connection could do counts too where it is named; where nothing is, nothing is known.
    unknown = any(line.roles is None for line in open_) or not open_
    roles = None if unknown else tuple(dict.fromkeys(role for line in held for role in line.roles or ()))
    return Connection(names[-1] if names else None, connected, roles if connected else ())


def _held(lines: Iterable[Said], since: datetime) -> list[Said]:
    """Leave out a connection that was the only one and ended before the window."""
    held = [line for line in lines if line.time is None and line.connected is not False]
    dated = sorted((line for line in lines if line.time is not None), key=lambda line: line.time or since)
    for line in dated:
        if line.connected is not False:
            held.append(line)
        elif len(held) == 1 and _ends(line, held[0], since):
            held.clear()
    return held


def _ends(line: Said, begun: Said, since: datetime) -> bool:
    return begun.time is not None and line.time is not None and begun.time < line.time <= since


def living(credentials: Iterable[Mapping[str, Any]]) -> set[str]:
    """Return the tenants that have a credential of ours of which no line says that it is gone."""
    keys = ("tenant", "sha1", "sha256", "key_id")
    gone = {tuple(row[key] for key in keys) for row in credentials if (row["state"] or "").lower() in GONE}
    return {row["tenant"] for row in credentials if row["tenant"] and tuple(row[key] for key in keys) not in gone}
