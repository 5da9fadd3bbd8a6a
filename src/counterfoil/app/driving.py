"""What moves campaigns forward: a driver, with houses made from the registers, and a look for tenants that join."""

from collections.abc import Callable, Mapping

from counterfoil import clock
from counterfoil.app.campaigning import control_of, is_control, mark
from counterfoil.app.gauging import Gauging
from counterfoil.app.house import Books, TenantHouse
from counterfoil.app.rotation import Driver, Joiners, by_stem, first_place, taint
from counterfoil.credential import registry
from counterfoil.credential.campaign import Pace, Place
from counterfoil.credential.campaigns import Campaign, Campaigns, Why
from counterfoil.credential.rotation import Kind
from counterfoil.credential.waves import Brakes
from counterfoil.flows.rotate import House
from counterfoil.model.errors import Refused
from counterfoil.tenant.door import Door
from counterfoil.tenant.token import Tokens


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

    It looks when others have a credential in use than when nobody was found last. Those that were there and not chosen
    stay out. In a compromise the newcomer's credential is tainted like the others.
    """
    seen: list[frozenset[tuple[str, str]]] = [frozenset()]

    def find(campaign: Campaign, places: Mapping[str, Place]) -> list[Place]:
        provided = books.connections.provided()
        if provided == seen[0]:
            return []
        everybody = books.connections.standings()
        marks = {mark for place in places.values() for mark in place.old}
        known = {*places, *(one.tenant for one in campaign.left_out if one.why is Why.NOT_CHOSEN)}
        # Without a control application its administrator does it by hand: no place of ours could move.
        controlled = {one.connection.tenant_id for one in everybody if is_control(one.connection)}
        joined: list[Place] = []
        for one in everybody:
            strange = one.stem not in known and not is_control(one.connection)
            fits = one.current is not None and one.current.thumbprint_sha256 in marks
            if strange and fits and one.connection.tenant_id in controlled:
                keys = by_stem(registry.listed(books.ledger.engine, one.connection.tenant_id))
                place = first_place(campaign.id, campaign.kind, one, keys.get(one.stem, ()))
                joined += [] if place is None else [place]
        if campaign.kind is Kind.COMPROMISE:
            taint(books.ledger, joined, lambda name, state: mark(books, name, state))
        if not joined:  # else it looks again: whether they are written down now is not for us to know
            seen[0] = provided
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
