"""What an unpacker yields: members, and refusals where it could not see inside."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from counterfoil.scan.limits import Budget


@dataclass(frozen=True, slots=True)
class Member:
    """Bytes found inside a container.

    ``step`` is appended to the ``via`` of the container, e.g. ``"zip"``, ``"vba"``,
    ``"ole:decrypt:default-password"``. ``names`` are all plausible names, most literal first.
    """

    step: str
    data: bytes
    names: tuple[str, ...] = ()
    declared_type: str = ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Something that could not be opened (law 3): becomes ``uninspectable`` on the container's part."""

    reason: str


@dataclass(frozen=True, slots=True)
class Oddity:
    """Something a container does that an honest one does not; becomes evidence of a finding.

    ``name`` is from a closed set that the unpacker documents, e.g. ``"zip:two-directories"``.
    """

    name: str
    detail: str


Unpacker = Callable[[bytes, Budget], Iterator[Member | Refusal | Oddity]]
"""Takes the container's bytes and the message's budget; may raise ``Exhausted``. The caller counts each
member with ``Budget.spend``, and turns any other exception into ``uninspectable``.
"""
