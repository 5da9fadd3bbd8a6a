"""Campaigns as an operator has them: what one would do, in words, and how it begins."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from counterfoil.app.commanding import tell
from counterfoil.app.house import Books
from counterfoil.app.rotation import begin, by_stem, is_left, taint
from counterfoil.config.settings import Config
from counterfoil.credential import registry
from counterfoil.credential.campaign import Pace, Place
from counterfoil.credential.campaigns import Campaign, Campaigns, LeftOut, Why
from counterfoil.credential.collect import take_in
from counterfoil.credential.rotation import Kind, Observation
from counterfoil.credential.waves import Brakes
from counterfoil.ledger.ledger import Ledger
from counterfoil.model.errors import Refused
from counterfoil.model.number import counted
from counterfoil.model.trust import Connection, Credential, CredentialState
from counterfoil.tenant.registry import Connections, Standing

CONTROL = "Application.ReadWrite.OwnedBy"


@dataclass(frozen=True, slots=True)
class Plan:
    """What a campaign would do; ``names`` are our names of the tenants of all connections that have what it replaces.

    ``superseded`` are places of campaigns that have not ended: a compromise ends them, and ends their keys too.
    """

    campaign: Campaign
    places: list[Place]
    names: dict[str, str]
    superseded: tuple[Place, ...] = ()

    def left(self, why: Why) -> tuple[str, ...]:
        """Name the tenants of connections that it passes over for a reason."""
        return tuple(sorted(self.names[one.tenant] for one in self.campaign.left_out if one.why is why))

    def words(self) -> list[str]:
        """Say in words what will happen, wave by wave."""
        kind = self.campaign.kind
        reach = f"{counted(len(self.places), 'connection')} in {counted(len(self.campaign.waves), 'wave')}"
        lines = [f"campaign {self.campaign.id}: {kind}, {reach}"]
        if self.places and kind is Kind.COMPROMISE:
            lines.append("the old credentials are tainted at once: jobs that need them wait, mail does not")
        if self.places:
            lines.append(
                "each gets a key of its own, published, verified by real use, made current; then the old one is"
            )
            lines.append("removed with every unknown one, tried until it is refused, and destroyed once proven dead")
        for number, wave in enumerate(self.campaign.waves, 1):
            shown = ", ".join(self.names[tenant] for tenant in wave[:8])
            lines.append(f"wave {number}: {len(wave)}: {shown}{' ...' if len(wave) > 8 else ''}")
        lines += [f"ended in {p.campaign}, which this supersedes: {self.names[p.tenant]}" for p in self.superseded]
        by_hand = self.left(Why.BY_HAND)
        lines += [f"cannot be rotated by us, no control application: {name}" for name in by_hand]
        if by_hand:
            lines.append(
                "  give them one (docs/first-tenant.md), or their administrators do it: counterfoil incident steps"
            )
        return lines + self._same_key()

    def _same_key(self) -> list[str]:
        """Say of a shared certificate that it stays in use where the campaign does not come."""
        old = {mark for place in self.places for mark in place.old}
        spared = [one for one in self.campaign.left_out if one.why is Why.NOT_CHOSEN and one.thumbprint in old]
        return [f"goes on with the same certificate, not chosen: {self.names[one.tenant]}" for one in spared]


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
    """Which connections: by the thumbprints of their credentials, by tenant; all where neither is named.

    ``spared`` are tenants that are left out; ``own_test`` is our own test tenant, whose wave is the first.
    """

    thumbprints: tuple[str, ...] = ()
    tenants: tuple[str, ...] = ()
    spared: tuple[str, ...] = ()
    own_test: str | None = None


class Registers(Protocol):
    """What planning reads; no signer is asked."""

    @property
    def ledger(self) -> Ledger:
        """The ledger."""

    @property
    def connections(self) -> Connections:
        """The register of connections."""


@dataclass(frozen=True, slots=True)
class Shelf:
    """The registers alone: what only reads, or only says a word, needs no signer."""

    ledger: Ledger
    connections: Connections


def make_plan(books: Registers, name: str, kind: Kind, wish: Wanted, *, now: datetime, actor: str) -> Plan:
    """Plan a campaign.

    Raises:
        Refused: If no connection fits, or a tenant or a certificate is named that there is not, or one is in a campaign
            that has not ended; a compromise supersedes that one.
    """
    everybody = books.connections.standings()
    _see_known({one.connection.tenant for one in everybody}, wish)
    fitting = [one for one in everybody if one.current is not None and not is_control(one.connection)]
    fitting = _with(books, fitting, wish.thumbprints)
    meant = (set(wish.tenants) or {one.connection.tenant for one in everybody}) - set(wish.spared)
    controlled = {one.connection.tenant_id for one in everybody if is_control(one.connection)}
    left_out = [
        LeftOut(one.stem, Why.BY_HAND if one.connection.tenant in meant else Why.NOT_CHOSEN, _mark(one))
        for one in fitting
        if one.connection.tenant not in meant or one.connection.tenant_id not in controlled
    ]
    if all(one.why is Why.NOT_CHOSEN for one in left_out) and len(left_out) == len(fitting):
        raise Refused("no connection fits", "list connections: counterfoil connection list")
    names = {one.stem: one.connection.tenant for one in fitting}
    wanted = {one.stem for one in fitting} - {one.tenant for one in left_out}
    under_way = _under_way(books, kind, wanted, names)
    campaign, places = begin(
        books.ledger,
        books.connections,
        name,
        kind,
        [one.connection for one in fitting if one.stem in wanted],
        now=now,
        actor=actor,
        own_test=wish.own_test,
        promised={stem: [place.label for place in places] for stem, places in under_way.items()},
    )
    superseded = tuple(place for places in under_way.values() for place in places)
    return Plan(replace(campaign, left_out=tuple(left_out)), places, names, superseded)


def _under_way(books: Registers, kind: Kind, stems: set[str], names: dict[str, str]) -> dict[str, list[Place]]:
    """Return the places of these connections in campaigns that have not ended, which only a compromise supersedes."""
    found = {stem: places for stem, places in Campaigns(books.ledger).unfinished().items() if stem in stems}
    if found and kind is Kind.ROUTINE:
        stem, (place, *_) = next(iter(found.items()))
        hint = f"end it first: counterfoil rotate apply {place.campaign}, or rotate back; or --except {names[stem]}"
        raise Refused(f"{names[stem]} is in the campaign {place.campaign}, which has not ended", hint)
    return found


def _see_known(known: set[str], wish: Wanted) -> None:
    for tenant in (*wish.tenants, *wish.spared):
        if tenant not in known:
            raise Refused(f"there is no connection of {tenant}", "list connections: counterfoil connection list")
    if wish.own_test is not None and wish.own_test not in known:
        raise Refused(f"there is no connection of {wish.own_test}", "set rotation.test_tenant to one that there is")


def _with(books: Registers, some: list[Standing], thumbprints: Collection[str]) -> list[Standing]:
    """Return the connections that have one of these certificates, in use or tainted; all where none is named."""
    if not thumbprints:
        return some
    keys = by_stem(registry.listed(books.ledger.engine))
    marks = {one.stem: marks_of(one, keys.get(one.stem, ())) for one in some}
    for mark in sorted({mark.upper() for mark in thumbprints} - set().union(*marks.values())):
        # One mistyped among several must not leave the connections out that were meant.
        raise Refused(
            f"no connection fits: nobody has the certificate {mark} in use", "list them: counterfoil credential list"
        )
    return [one for one in some if marks[one.stem] & {mark.upper() for mark in thumbprints}]


def marks_of(standing: Standing, mine: Iterable[Credential]) -> set[str]:
    """Return the thumbprints (SHA-1 and SHA-256) of what a campaign would replace on a connection."""
    current = [] if standing.current is None else [standing.current]
    old = [*current, *(credential for credential in mine if is_left(credential))]
    return {mark for credential in old for mark in (credential.thumbprint_sha1, credential.thumbprint_sha256)}


def _mark(standing: Standing) -> str:
    return "" if standing.current is None else standing.current.thumbprint_sha256


def still_by_hand(books: Registers, campaign: Campaign) -> list[str]:
    """Name the tenants that a campaign could not rotate and whose credential of then is in use still."""
    at = {one.stem: one for one in books.connections.standings()}
    left = [one for one in campaign.left_out if one.why is Why.BY_HAND and one.tenant in at]
    return [at[one.tenant].connection.tenant for one in left if _mark(at[one.tenant]) == one.thumbprint]


def is_control(connection: Connection) -> bool:
    """Say whether this is the second application of a tenant, which may write credentials and reads no mail."""
    return connection.roles is not None and CONTROL in connection.roles


def control_of(books: Registers, connection: Connection) -> Connection | None:
    """Return the control application of a connection's tenant, if it has one."""
    for other in books.connections.all(connection.tenant):
        if other.tenant_id == connection.tenant_id and is_control(other):
            return other
    return None


def see_somebody(plan: Plan) -> None:
    """See that there is somebody in a plan whom we can rotate.

    Raises:
        Refused: If there is not.
    """
    if not plan.places:
        names = ", ".join(plan.left(Why.BY_HAND))
        raise Refused(
            f"nobody here can be rotated by us, no control application: {names}",
            "have the administrators do it: counterfoil incident steps draft",
        )


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
