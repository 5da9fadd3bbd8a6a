"""The days before the drill, as ``counterfoil simulate`` makes them: our own hourly use, and the thief's first visits.

The connections are older than the drill, and so is the theft. The books of that time are stubs in the exchange form,
since our ledger takes in no token that our signer did not sign; it holds their SHA-256.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from counterfoil import clock
from counterfoil.app.drill.cast import Part
from counterfoil.app.drill.customers import Customer
from counterfoil.app.drill.stage import Stage
from counterfoil.cases.cast import Setting, Tenant
from counterfoil.cases.chance import Chance
from counterfoil.cases.rows import Key
from counterfoil.cases.write import write_case
from counterfoil.ledger.stubs import stub_at
from counterfoil.model.instant import hour_of
from counterfoil.model.mail import Json

DAYS = 2
CALLS_AN_HOUR = 1
LAST_ACT = timedelta(minutes=57)
"""After so much of an hour nothing happens in a case any more, so that the hour may be counted as gone by."""


@dataclass(frozen=True, slots=True)
class Before:
    """What there is of the days before: a folder with ``stubs.jsonl`` and ``logs``, and what the thief did in them.

    ``written`` is when the drill took over: whatever happened in the story happened before it, and all else after.
    ``read`` are the Message-IDs that the thief read, by the ids of the tenants that he entered.
    """

    folder: Path
    since: datetime
    written: datetime
    read: Mapping[str, frozenset[str]]

    @property
    def logs(self) -> Path:
        """The exports that the tenants have of that time."""
        return self.folder / "logs"

    @property
    def stub_file(self) -> Path:
        """Our books of that time."""
        return self.folder / "stubs.jsonl"

    def stubs(self) -> Iterator[Mapping[str, Any]]:
        """Return our books of that time, in the exchange form."""
        with self.stub_file.open(encoding="utf-8") as lines:
            yield from map(json.loads, lines)


def go_by(here: Stage, customers: list[Customer], seed: int) -> Before:
    """Let the days before have gone by, until now, for every customer with a connection."""
    now = clock.now()
    until = hour_of(now - LAST_ACT) + timedelta(hours=1)
    stage = Setting(until - timedelta(days=DAYS), DAYS * 24, CALLS_AN_HOUR, seed)
    connected = [customer for customer in customers if customer.connections]
    visited = _visited(connected, seed)
    folder = here.folder / "before"
    told = write_case(folder, [_tenant(here, one, seed, visited) for one in connected], stage)
    before = Before(
        folder,
        stage.start,
        now,
        {one["tenant"]: frozenset(one["read"]["messages"]) for one in told["tenants"] if one["touched"]},
    )
    octets = before.stub_file.read_bytes()
    detail: dict[str, Json] = {"sha256": hashlib.sha256(octets).hexdigest(), "stubs": octets.count(b"\n")}
    here.state.ledger.append(stub_at("action", now, actor="drill", action="books-taken-over", detail=detail))
    return before


def _visited(connected: list[Customer], seed: int) -> set[str]:
    """Choose by the seed where the thief has been already: in one at least of those whose mail he reads."""
    chance = Chance(seed, "first visits")
    robbed = [one.name for one in connected if one.part is Part.READ]
    return {robbed[place] for place in chance.sample(list(range(len(robbed))), chance.between(1, len(robbed)))}


def _tenant(here: Stage, customer: Customer, seed: int, visited: set[str]) -> Tenant:
    """Spell a customer of the laboratory as the generator of cases knows tenants: same ids, key and mailboxes."""
    chance = Chance(seed, "before", customer.name)
    connection = customer.mail
    listed = here.lab.operate("credentials", app_id=connection.app)["keys"][0]
    name = str(listed["display_name"])
    return Tenant(
        name=customer.name,
        tenant=UUID(customer.tenant_id),
        app=UUID(connection.app),
        application=UUID(connection.object_id),
        service_principal=UUID(connection.service_principal),
        key=Key(UUID(listed["key_id"]), listed["thumbprint_sha1"], listed["thumbprint_sha256"], name),
        standby=Key(chance.guid(), chance.hex(20), chance.hex(32), f"{name} (standby)"),
        shared_key=customer.shared > 0,
        style="graph",
        mailboxes=customer.mailboxes,
        roles=tuple(connection.roles or ()),
        address=f"198.51.100.{chance.between(1, 40)}",
        faults=("unlicensed",) if customer.part is Part.UNLICENSED else (),
        thief="stolen-key" if customer.name in visited else None,
    )
