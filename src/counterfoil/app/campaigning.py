"""Campaigns as an operator has them: plan, begin, drive, hold, rehearse; houses made from the registers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from counterfoil import clock
from counterfoil.app.gauging import Gauging
from counterfoil.app.house import Books, TenantHouse
from counterfoil.app.rotation import Driver, Joiners, begin, first_place, taint
from counterfoil.config.settings import Config
from counterfoil.credential.campaign import Pace, Place, moved
from counterfoil.credential.campaigns import Campaign, Campaigns
from counterfoil.credential.collect import take_in
from counterfoil.credential.rotation import FINAL, Illegal, Kind, Observation
from counterfoil.credential.waves import Brakes
from counterfoil.flows.rotate import House
from counterfoil.ledger.ledger import Ledger
from counterfoil.model.errors import Refused
from counterfoil.model.number import counted
from counterfoil.model.trust import Connection, CredentialState
from counterfoil.tenant.door import Door
from counterfoil.tenant.registry import Connections
from counterfoil.tenant.token import Tokens

CONTROL = "Application.ReadWrite.OwnedBy"


@dataclass(frozen=True, slots=True)
class Plan:
    """What a campaign would do; ``without_control`` are tenants whose administrator has to do it by hand.

    ``superseded`` are places of campaigns that have not ended: a compromise ends them, and ends their keys too.
    """

    campaign: Campaign
    places: list[Place]
    names: dict[str, str]
    without_control: tuple[str, ...]
    superseded: tuple[Place, ...] = ()

    def words(self) -> list[str]:
        """Say in words what will happen, wave by wave."""
        kind = self.campaign.kind
        reach = f"{counted(len(self.places), 'connection')} in {counted(len(self.campaign.waves), 'wave')}"
        lines = [f"campaign {self.campaign.id}: {kind}, {reach}"]
        if kind is Kind.COMPROMISE:
            lines.append("the old credentials are tainted at once: jobs that need them wait, mail does not")
        lines.append("each gets a key of its own, published, verified by real use, made current; then the old one is")
        lines.append("removed with every unknown one, tried until it is refused, and destroyed once proven dead")
        for number, wave in enumerate(self.campaign.waves, 1):
            shown = ", ".join(self.names[tenant] for tenant in wave[:8])
            lines.append(f"wave {number}: {len(wave)}: {shown}{' ...' if len(wave) > 8 else ''}")
        lines += [f"ended in {p.campaign}, which this supersedes: {self.names[p.tenant]}" for p in self.superseded]
        lines += [f"cannot be rotated by us, no control application: {name}" for name in self.without_control]
        return lines


def pace_of(config: Config) -> tuple[Pace, Brakes]:
    """Read how often is often enough, and when a campaign holds by itself."""
    rotation = config.rotation
    pace = Pace(
        reads=rotation.reads,
        successes=rotation.successes,
        refusals=rotation.refusals,
        spacing=timedelta(seconds=rotation.spacing_seconds),
        propagation=timedelta(seconds=rotation.propagation_seconds),
        longest_token_life=timedelta(seconds=rotation.longest_token_life_seconds),
        import_session_life=timedelta(seconds=rotation.import_session_life_seconds),
    )
    return pace, Brakes(bake=timedelta(seconds=rotation.bake_seconds))


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which connections: by the thumbprint of their current credential, by tenant; all where neither is named.

    ``spared`` are tenants that are left out.
    """

    thumbprints: tuple[str, ...] = ()
    tenants: tuple[str, ...] = ()
    spared: tuple[str, ...] = ()


class Registers(Protocol):
    """What planning reads; no signer is asked."""

    @property
    def ledger(self) -> Ledger:
        """The ledger."""

    @property
    def connections(self) -> Connections:
        """The register of connections."""


def make_plan(books: Registers, name: str, kind: Kind, wish: Wanted, *, now: datetime, actor: str) -> Plan:
    """Plan a campaign.

    Raises:
        Refused: If no connection fits, or a tenant is named that there is not, or one is in a campaign that has not
            ended; a compromise supersedes that one.
    """
    everybody = books.connections.all()
    _see_known({one.tenant for one in everybody}, (*wish.tenants, *wish.spared))
    marks, named = {mark.upper() for mark in wish.thumbprints}, set(wish.tenants)
    wanted: list[Connection] = []
    without: list[Connection] = []
    for connection in everybody:
        if is_control(connection) or connection.tenant in wish.spared:
            continue  # control applications are rotated by hand: nobody may write their own credentials
        if (not named or connection.tenant in named) and _fits(books, connection, marks):
            (wanted if control_of(books, connection) else without).append(connection)
    if not wanted and not without:
        raise Refused("no connection fits", "list connections: counterfoil connection list")
    names = {f"{c.tenant_id}/{c.app}": c.tenant for c in wanted}
    unfinished = Campaigns(books.ledger).unfinished()
    under_way = {stem: places for stem, places in unfinished.items() if stem in names}
    if under_way and kind is Kind.ROUTINE:
        stem, (place, *_) = next(iter(under_way.items()))
        hint = f"end it first: counterfoil rotate apply {place.campaign}, or rotate back; or --except {names[stem]}"
        raise Refused(f"{names[stem]} is in the campaign {place.campaign}, which has not ended", hint)
    promised = {stem: [place.label for place in places] for stem, places in under_way.items()}
    campaign, places_of = begin(
        books.ledger, books.connections, name, kind, wanted, now=now, actor=actor, promised=promised
    )
    left = tuple(place for places in under_way.values() for place in places)
    return Plan(campaign, places_of, names, tuple(sorted(connection.tenant for connection in without)), left)


def _see_known(known: set[str], named: tuple[str, ...]) -> None:
    for tenant in named:
        if tenant not in known:
            raise Refused(f"there is no connection of {tenant}", "list connections: counterfoil connection list")


def _fits(books: Registers, connection: Connection, marks: set[str]) -> bool:
    try:
        current = books.connections.current(connection)
    except Refused:
        return False
    return not marks or bool(marks & {current.thumbprint_sha1, current.thumbprint_sha256})


def is_control(connection: Connection) -> bool:
    """Say whether this is the second application of a tenant, which may write credentials and reads no mail."""
    return connection.roles is not None and CONTROL in connection.roles


def control_of(books: Registers, connection: Connection) -> Connection | None:
    """Return the control application of a connection's tenant, if it has one."""
    for other in books.connections.all(connection.tenant):
        if other.tenant_id == connection.tenant_id and is_control(other):
            return other
    return None


def open_campaign(books: Books, plan: Plan) -> None:
    """Begin: in a compromise the old credentials are tainted first, so that from here on nobody of us uses them."""
    if plan.campaign.kind is Kind.COMPROMISE:
        taint(books.ledger, plan.places, lambda name, state: mark(books, name, state))
    for place in plan.superseded:
        # A worker that is at it now ends its step: before anything is removed it looks whether its key is in use.
        tell(books.ledger, place, Observation.SUPERSEDED, f"superseded by {plan.campaign.id}")
    Campaigns(books.ledger).open(plan.campaign, plan.places)


def mark(books: Books, name: str, state: CredentialState) -> None:
    """Move a credential to another state, at the signer and in the ledger."""
    tenant, app, _ = name.split("/")
    take_in(books.ledger, books.custodian.mark(tenant, app, name, state))


def driver(books: Books, pace: Pace, brakes: Brakes) -> Driver:
    """Make what moves campaigns forward."""
    return Driver(
        Campaigns(books.ledger),
        houses(books, pace),
        pace,
        brakes,
        clock=clock.now,
        gauges=Gauging(books.ledger, clock.now).read,
        joiners=joiners(books),
    )


def joiners(books: Books) -> Joiners:
    """Make the function that finds connections entered or restored meanwhile with a credential that is replaced.

    It looks when the number of connections has changed. In a compromise the newcomer's credential is tainted
    like the others.
    """
    seen = [0]

    def find(campaign: Campaign, places: Mapping[str, Place]) -> list[Place]:
        everybody = books.connections.all()
        if seen[0] == len(everybody):
            return []
        seen[0] = len(everybody)
        marks = {mark for place in places.values() for mark in place.old}
        strange = [c for c in everybody if f"{c.tenant_id}/{c.app}" not in places and not is_control(c)]
        # Without a control application its administrator does it by hand: no place of ours could move.
        fresh = [c for c in strange if _fits(books, c, marks) and control_of(books, c) is not None]
        found = [first_place(books.ledger, books.connections, campaign.id, campaign.kind, c) for c in fresh]
        joined = [place for place in found if place is not None]
        if campaign.kind is Kind.COMPROMISE:
            taint(books.ledger, joined, lambda name, state: mark(books, name, state))
        return joined

    return find


def houses(books: Books, pace: Pace) -> Callable[[Place, Callable[[Place], bool]], House]:
    """Make the function that makes the house of a place; doors to control applications are kept."""
    doors: dict[str, Door] = {}

    def house(place: Place, gate: Callable[[Place], bool]) -> House:
        tenant_id, app = place.tenant.split("/")
        connection = books.connections.one(tenant_id, app)
        if place.tenant not in doors:
            control = control_of(books, connection)
            if control is None:
                raise Refused(f"{connection.tenant} has no control application any more", "enter it again")
            current = books.connections.current(control)
            doors[place.tenant] = Door(Tokens(control, current, books.through.for_use, books.means))
        return TenantHouse(connection, doors[place.tenant], books, gate, pace)

    return house


def tell_all(ledger: Ledger, name: str, seen: Observation, where: Callable[[Place], bool], words: str = "") -> int:
    """Put an operator's word (hold, resume, roll back) into every fitting place; return how many moved.

    Raises:
        Refused: If the table has no such move for one of them.
    """
    fitting = [p for p in Campaigns(ledger).places(name).values() if p.state not in FINAL and where(p)]
    return sum(tell(ledger, place, seen, words or f"an operator: {seen}") for place in fitting)


def tell(ledger: Ledger, place: Place, seen: Observation, words: str) -> bool:
    """Put a word into one place; say whether it could be leased."""
    campaigns = Campaigns(ledger)
    # The way back must know what was done, so it waits for the worker; the other words are stronger than its step.
    leased = campaigns.lease(place, clock.now(), force=seen in (Observation.HOLD, Observation.SUPERSEDED))
    if leased is None:
        return False
    try:
        after = moved(leased, seen)
    except Illegal as error:
        campaigns.save(leased, clock.now())
        raise Refused(f"{place.tenant}: {error}", "see: counterfoil rotate status") from error
    campaigns.save(replace(after, words=words), clock.now())
    return True
