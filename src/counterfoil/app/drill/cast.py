"""Who is in the story and what becomes of them: invented customers, or the operator's own. Pure.

One certificate is stolen, and every customer that has it is in the thief's hands. He reads mail with the key in
some, replays a token in one, and one has no licence for its logs, so it cannot be judged; nothing is done to the rest.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from counterfoil.model.mail import Json

FEWEST = 6
"""Customers in an invented drill: three that are read, one replayed, one that cannot be judged, one clean."""

ROLES = ("Mail.ReadWrite", "AuditLog.Read.All", "ActivityFeed.Read")
"""What a connection in the drill may do at least: without them the thief finds no mail and we read no logs."""


class Part(StrEnum):
    """What the story does with a customer."""

    READ = "read"
    REPLAYED = "replayed"
    UNLICENSED = "unlicensed"
    CLEAN = "clean"
    BYSTANDER = "bystander"


@dataclass(frozen=True, slots=True)
class Opening:
    """A connection to be built: its roles, and whether it has the certificate that is stolen."""

    roles: tuple[str, ...] = ROLES
    stolen: bool = True


@dataclass(frozen=True, slots=True)
class Wanted:
    """A customer to be built in the laboratory.

    ``control`` says that a control application is there, so that we can rotate; else its administrator has to
    do it by hand. ``policy`` is the tenant's own, ``{}`` for the default.
    """

    name: str
    display: str
    domains: tuple[str, ...]
    part: Part = Part.BYSTANDER
    openings: tuple[Opening, ...] = ()
    control: bool = True
    policy: Mapping[str, Json] = field(default_factory=dict)


def parts(count: int) -> list[Part]:
    """Give so many customers with the stolen certificate their parts; with few of them fewer things happen."""
    read = min(3, max(1, count - 3))
    rest = [Part.REPLAYED] * (count >= 3) + [Part.UNLICENSED] * (count >= 4)
    return ([Part.READ] * read + rest + [Part.CLEAN] * count)[:count]


def invented(count: int) -> list[Wanted]:
    """Invent customers: all have mail, one in ten has the connection, and one in ten of those no control application.

    Those at least six have it, or there is no story.
    """
    connected = min(count, max(FEWEST, count // 10))
    given = parts(connected)
    by_hand = connected // 10
    made = []
    for number in range(count):
        name = f"customer-{number:03d}"
        has = number < connected
        made.append(
            Wanted(
                name,
                name,
                (f"{name}.example",),
                given[number] if has else Part.BYSTANDER,
                (Opening(),) if has else (),
                control=number < connected - by_hand,
            )
        )
    return made
