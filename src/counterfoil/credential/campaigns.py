"""Campaigns on disk: each tenant's place, who holds the lease on it, and the fencing number of every write.

A place is written in the same commit as the stub that says so. Whoever works on a place takes a lease
first; taking one raises the fencing number, and a write under an older number is refused, so a worker
that was thought dead cannot undo what its successor did.
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

import sqlalchemy as sa

from counterfoil.credential.campaign import Place
from counterfoil.credential.place_document import place_of, row_of
from counterfoil.credential.rotation import FINAL, Kind
from counterfoil.database import metadata
from counterfoil.ledger.ledger import Ledger
from counterfoil.ledger.rows import microseconds
from counterfoil.ledger.stubs import stub_at
from counterfoil.model.errors import Refused
from counterfoil.model.instant import from_rfc3339, rfc3339
from counterfoil.model.mail import Json
from counterfoil.model.trust import Stub

campaigns = sa.Table(
    "campaign",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("opened", sa.Text, nullable=False),
    sa.Column("opened_by", sa.Text, nullable=False),
    sa.Column("waves", sa.Text, nullable=False, comment="JSON list of lists of places"),
    sa.Column("held", sa.Text, comment="why the campaign holds; null while it runs"),
    sa.Column("left_out", sa.Text, nullable=False, comment="JSON list of connections that it passed over, and why"),
)

places = sa.Table(
    "campaign_place",
    metadata,
    sa.Column("campaign", sa.ForeignKey("campaign.id"), primary_key=True),
    sa.Column("tenant", sa.Text, primary_key=True, comment="tenant id and application, as the signer names them"),
    sa.Column("state", sa.Text, nullable=False, index=True),
    sa.Column("document", sa.Text, nullable=False),
    sa.Column("fence", sa.Integer, nullable=False),
    sa.Column("leased_until", sa.BigInteger, nullable=False),
)

LEASE = timedelta(minutes=2)
SEE = "see: counterfoil rotate status"


class Why(StrEnum):
    """Why a campaign passed over a connection that has what it replaces."""

    BY_HAND = "by-hand"
    NOT_CHOSEN = "not-chosen"


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A connection that a campaign passed over.

    ``tenant`` is the tenant id and application, as the signer names them; ``thumbprint`` the SHA-256 of the credential
    that was in use then: while it is in use still, nobody has replaced it by hand.
    """

    tenant: str
    why: Why
    thumbprint: str


@dataclass(frozen=True, slots=True)
class Campaign:
    """A rotation of many tenants; ``held`` says why it does not go on, or is ``None``.

    A rehearsal has no waves: nobody is ever cut over in it, whoever goes on with it. ``left_out`` are connections that
    have what it replaces and are not in it.
    """

    id: str
    kind: Kind
    opened: datetime
    opened_by: str
    waves: tuple[tuple[str, ...], ...]
    held: str | None
    left_out: tuple[LeftOut, ...] = ()

    @property
    def rehearsal(self) -> bool:
        """Whether its keys never become current."""
        return not self.waves


class Campaigns:
    """Reads and writes campaigns; every write is a stub and rows in one commit."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def open(self, campaign: Campaign, begin: list[Place]) -> None:
        """Write a campaign with the first place of each tenant; again, with the same id, is refused."""
        if self._find(campaign.id) is not None:
            raise Refused(f"there is a campaign {campaign.id} already", "look at it: counterfoil rotate status")
        row = {
            "id": campaign.id,
            "kind": campaign.kind.value,
            "opened": rfc3339(campaign.opened),
            "opened_by": campaign.opened_by,
            "waves": json.dumps(campaign.waves),
            "held": campaign.held,
            "left_out": json.dumps([[one.tenant, one.why.value, one.thumbprint] for one in campaign.left_out]),
        }

        def write(connection: sa.Connection) -> None:
            connection.execute(sa.insert(campaigns).values(**row))
            if begin:
                connection.execute(sa.insert(places), [row_of(place) | {"leased_until": 0} for place in begin])

        detail: dict[str, Json] = {"kind": campaign.kind.value, "tenants": len(begin)}
        said = {"actor": campaign.opened_by, "action": "campaign-opened", "subject": campaign.id}
        self._ledger.append(stub_at("action", campaign.opened, **said, detail=detail), also=write)

    def join(self, campaign: Campaign, place: Place, now: datetime) -> None:
        """Give a tenant that turned up meanwhile a place of its own, in the last wave."""
        waves = (*campaign.waves[:-1], (*campaign.waves[-1], place.tenant)) if campaign.waves else ((place.tenant,),)

        def write(connection: sa.Connection) -> None:
            change = sa.update(campaigns).where(campaigns.c.id == campaign.id)
            connection.execute(change.values(waves=json.dumps(waves)))
            connection.execute(sa.insert(places).values(row_of(place) | {"leased_until": 0}))

        detail: dict[str, Json] = {"campaign": campaign.id}
        said = {"actor": "rotation", "action": "campaign-joined", "subject": place.tenant}
        self._ledger.append(stub_at("action", now, **said, detail=detail), also=write)

    def campaign(self, name: str) -> Campaign:
        """Return a campaign.

        Raises:
            Refused: If there is none of that name.
        """
        found = self._find(name)
        if found is None:
            raise Refused(f"there is no campaign {name}", "list them: counterfoil rotate status")
        return found

    def all(self) -> list[Campaign]:
        """Return every campaign, the newest first."""
        with self._ledger.engine.connect() as connection:
            rows = connection.execute(sa.select(campaigns).order_by(campaigns.c.opened.desc())).mappings()
            return [_campaign(row) for row in rows]

    def places(self, campaign: str, only: Collection[str] | None = None) -> dict[str, Place]:
        """Return every tenant's place, or those of the tenants in ``only`` (as the signer names them)."""
        query = sa.select(places.c.document).where(places.c.campaign == campaign).order_by(places.c.tenant)
        if only is not None:
            query = query.where(places.c.tenant.in_(sorted(only)))
        with self._ledger.engine.connect() as connection:
            found = [place_of(text) for text in connection.execute(query).scalars()]
        return {place.tenant: place for place in found}

    def lease(self, place: Place, now: datetime, *, force: bool = False) -> Place | None:
        """Take the lease on a place; return the place as it is now under a new fencing number, or ``None``.

        With ``force`` also from a worker that has it: what that one saves is refused.
        """
        here = (places.c.campaign == place.campaign) & (places.c.tenant == place.tenant)
        found: list[Place] = []

        def take(connection: sa.Connection) -> None:
            free = here if force else here & (places.c.leased_until <= microseconds(now))
            change = sa.update(places).where(free)
            change = change.values(fence=places.c.fence + 1, leased_until=microseconds(now + LEASE))
            if connection.execute(change).rowcount == 1:
                row = connection.execute(sa.select(places.c.document, places.c.fence).where(here)).one()
                found.append(replace(place_of(row.document), fence=row.fence))

        # No stub, but together with those of others and in their queue: twenty workers take leases at once.
        self._ledger.append_all([], also=take)
        return found[0] if found else None

    def intend(self, place: Place, now: datetime) -> None:
        """Write down which step is about to be taken, before it is."""
        self._ledger.append(self._stub("rotation-intent", place, now))

    def save(self, place: Place, now: datetime, *, said: Sequence[Stub] = ()) -> None:
        """Write where a tenant stands after a step, and give the lease back.

        Args:
            place: Where it stands.
            now: The time.
            said: What somebody said that is written in the same commit, with a name, in place of a step's stub.

        Raises:
            Refused: If another worker holds a newer lease; nothing is written then.
        """
        here = (places.c.campaign == place.campaign) & (places.c.tenant == place.tenant)

        def write(connection: sa.Connection) -> None:
            change = sa.update(places).where(here & (places.c.fence == place.fence))
            if connection.execute(change.values(**row_of(place), leased_until=0)).rowcount != 1:
                raise Refused("another worker has taken this tenant over", "nothing was changed")

        self._ledger.append_all(said or [self._stub("rotation-step", place, now)], also=write)

    def hold(self, campaign: str, why: str | None, now: datetime, actor: str) -> None:
        """Hold a campaign and say why, or let it go on (``None``).

        Raises:
            Refused: If it is at its end, or is not held and is to go on.
        """
        action = "campaign-resumed" if why is None else "campaign-held"
        detail: dict[str, Json] = {"why": why}

        def write(connection: sa.Connection) -> None:
            goes_on = (places.c.campaign == campaign) & places.c.state.not_in([state.value for state in FINAL])
            if why is not None and connection.execute(sa.select(places.c.tenant).where(goes_on)).first() is None:
                raise Refused(f"the campaign {campaign} is at its end: there is nothing to hold", SEE)
            here = campaigns.c.id == campaign
            if why is None:
                here &= campaigns.c.held.is_not(None)
            if connection.execute(sa.update(campaigns).where(here).values(held=why)).rowcount != 1:
                raise Refused(f"the campaign {campaign} is not held: it goes on with apply", SEE)

        self._ledger.append(
            stub_at("action", now, actor=actor, action=action, subject=campaign, detail=detail), also=write
        )

    def unfinished(self) -> dict[str, list[Place]]:
        """Return the places that are not at their end, by tenant (as the signer names them)."""
        query = sa.select(places.c.document).where(places.c.state.not_in([state.value for state in FINAL]))
        found: dict[str, list[Place]] = {}
        with self._ledger.engine.connect() as connection:
            for text in connection.execute(query).scalars():
                place = place_of(text)
                found.setdefault(place.tenant, []).append(place)
        return found

    def _find(self, name: str) -> Campaign | None:
        with self._ledger.engine.connect() as connection:
            row = connection.execute(sa.select(campaigns).where(campaigns.c.id == name)).mappings().first()
        return None if row is None else _campaign(row)

    @staticmethod
    def _stub(action: str, place: Place, now: datetime) -> Stub:
        detail: dict[str, Json] = {
            "campaign": place.campaign,
            "state": place.here.state.value,
            "step": place.here.step.value,
            "words": place.words,
            "fence": place.fence,
        }
        return stub_at("action", now, actor="rotation", action=action, subject=place.tenant, detail=detail)


def _campaign(row: sa.RowMapping) -> Campaign:
    waves = tuple(tuple(wave) for wave in json.loads(row["waves"]))
    left = tuple(LeftOut(tenant, Why(why), mark) for tenant, why, mark in json.loads(row["left_out"]))
    opened = from_rfc3339(row["opened"])
    return Campaign(row["id"], Kind(row["kind"]), opened, row["opened_by"], waves, row["held"], left)
