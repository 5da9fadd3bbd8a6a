"""A standby credential: published beside the one in use, its key kept apart, so that an emergency waits for nothing.

``prepare`` makes the key, publishes its certificate through the tenant's control application and sees by real use
that it is believed; then it is put away, and from then on any use of it is an alarm. ``cut_over`` makes it the one in
use: no certificate has to be published first, nobody has to wait for replicas.
"""

from collections.abc import Callable
from dataclasses import dataclass

from counterfoil.app.graveyard import CONTROLS_FROM
from counterfoil.app.house import Books, key_credential
from counterfoil.credential import registry
from counterfoil.credential.collect import take_in
from counterfoil.model.errors import Refused, Unavailable
from counterfoil.model.trust import Connection, Credential, CredentialState
from counterfoil.tenant.door import Door
from counterfoil.tenant.endpoints import GRAPH
from counterfoil.tenant.registration import Registration
from counterfoil.tenant.token import TokenRefused, Tokens

DAYS = 180
TRIES = 30
_S = CredentialState


@dataclass(frozen=True, slots=True)
class CutOver:
    """Which credential was in use, and which is now."""

    old: Credential
    new: Credential


def prepare(
    books: Books, connection: Connection, control: Door, *, days: int = DAYS, sleep: Callable[[float], None]
) -> Credential:
    """Make, publish and try a standby, then put it away; what an earlier try left is gone on with.

    Raises:
        Refused: If the connection has a standby already.
        Unavailable: If the tenant does not believe the new certificate yet; try again then.
    """
    if any(one.state is _S.STANDBY for one in _of(books, connection)):
        raise Refused(f"{connection.tenant} has a standby already", "list it: counterfoil credential list")
    one = _made(books, connection, days)
    _publish(books, connection, control, one)
    if one.state is _S.STAGED:
        one = _mark(books, one, _S.PUBLISHED)
    tokens = Tokens(connection, one, books.through.for_use, books.means)
    for attempt in range(TRIES):
        try:
            tokens.fresh(GRAPH, books.new_job("verify", connection.tenant))
        except TokenRefused as error:
            if attempt + 1 == TRIES:
                raise Unavailable(
                    f"the standby of {connection.tenant} is published and not believed yet: {error.message}",
                    "run this again in some minutes",
                ) from error
            sleep(1.0)
        else:
            break
    # If we die here, it is published and works; the next try finds it and puts it away.
    return _mark(books, one, _S.STANDBY)


def _made(books: Books, connection: Connection, days: int) -> Credential:
    mine = _of(books, connection)
    begun = [c for c in registry.apart(books.ledger.engine, connection) if c.state in {_S.STAGED, _S.PUBLISHED}]
    if begun:
        return begun[-1]
    generation = 1 + max((c.generation for c in mine if c.generation < CONTROLS_FROM), default=0)
    which = (connection.tenant_id, connection.app, generation)
    take_in(books.ledger, books.custodian.certificate(*which, days, standby=True))
    return registry.find(books.ledger.engine, f"{connection.tenant_id}/{connection.app}/{generation}")


def _publish(books: Books, connection: Connection, control: Door, one: Credential) -> None:
    job = books.new_job("rotate", connection.tenant)
    registration = Registration(control, connection)
    here = [
        entry for entry in registration.credentials(job) if (entry.where, entry.kind) == ("application", "certificate")
    ]
    if all(entry.thumbprint_sha256 != one.thumbprint_sha256 for entry in here):
        certificate = registry.certificate_of(books.ledger.engine, one.name)
        registration.replace_certificates([*(entry.raw for entry in here), key_credential(certificate, one.name)], job)


def cut_over(books: Books, connection: Connection, actor: str) -> CutOver:
    """Make the standby the credential in use, and taint the one that was; nothing is removed from the tenant.

    In this order, so that there is a usable one at every moment: (1) the pointer, (2) the standby is current at the
    signer, (3) the old one is tainted. If we die between, running it again ends it.

    Raises:
        Refused: If there is no standby that is valid now.
    """
    now, old = books.means.clock(), books.connections.current(connection)
    if old.state is _S.STANDBY:  # an earlier try got as far as (1)
        return _settle(books, connection, old)
    fit = [c for c in _of(books, connection) if c.state is _S.STANDBY and c.not_before <= now < c.not_after]
    if not fit:
        raise Refused(f"{connection.tenant} has no standby", "make one beforehand: counterfoil credential standby")
    if not books.connections.make_current(fit[-1], books.connections.fence(connection), now, actor):
        raise Refused("a rotation is at work on this connection", "hold it first: counterfoil rotate hold")
    return _settle(books, connection, fit[-1])


def _settle(books: Books, connection: Connection, new: Credential) -> CutOver:
    others = [c for c in _of(books, connection) if c.state is _S.CURRENT and c.generation != new.generation]
    new = _mark(books, new, _S.CURRENT)
    tainted = [_mark(books, one, _S.TAINTED) for one in others]
    if not tainted:
        tainted = [c for c in _of(books, connection) if c.state is _S.TAINTED]
    return CutOver(tainted[-1] if tainted else new, new)


def _of(books: Books, connection: Connection) -> list[Credential]:
    return [c for c in registry.listed(books.ledger.engine, connection.tenant_id) if c.app == connection.app]


def _mark(books: Books, one: Credential, state: CredentialState) -> Credential:
    take_in(books.ledger, books.custodian.mark(one.tenant, one.app, one.name, state))
    return registry.find(books.ledger.engine, one.name)
