"""Containment: a named operator shuts a connection at once, and opens it again; mail never waits for it (laws 7, 8).

The write goes through the tenant's control application. An intent is in the ledger before it, so that a
crash between the two shows a connection that may be shut.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from counterfoil import clock
from counterfoil.app.campaigning import control_of
from counterfoil.app.house import Books
from counterfoil.gateway.store.tenants import Operator
from counterfoil.incident.record import Kind, Said
from counterfoil.incident.store import Incidents
from counterfoil.model.errors import CounterfoilError, Refused
from counterfoil.model.mail import Json
from counterfoil.model.number import counted
from counterfoil.model.trust import Connection, Job
from counterfoil.tenant.door import Door
from counterfoil.tenant.registration import Registration
from counterfoil.tenant.token import Tokens

DISABLE, REMOVE = "disable", "remove"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one connection; ``done`` is false where it could not be reached, and the words say why."""

    connection: Connection
    done: bool
    words: str


def contain(
    books: Books, incidents: Incidents, name: str, connections: Iterable[Connection], *, how: str, why: str, who: str
) -> list[Outcome]:
    """Shut connections at once; one that cannot be reached does not keep the others open."""
    if how not in (DISABLE, REMOVE):
        raise Refused(f"{how} is no way to shut a connection", "say disable or remove")
    return [_contain(books, incidents, name, connection, how, why, who) for connection in connections]


def _contain(  # noqa: PLR0917 - one call of the function above, spelled out
    books: Books, incidents: Incidents, name: str, connection: Connection, how: str, why: str, who: str
) -> Outcome:
    detail: dict[str, Json] = {"app": connection.app, "how": how, "why": why}
    incidents.add(name, Said(Kind.CONTAINING, f"about to {how}: {why}", connection.tenant_id, detail), _by(who))
    try:
        job = books.new_job("contain", incidents.one(name).reference)
        words = _shut(_registration(books, connection), how, job)
    except CounterfoilError as error:
        said = Said(Kind.NOTE, f"could not {how}: {error.message}", connection.tenant_id, {"app": connection.app})
        incidents.add(name, said, _by(who))
        return Outcome(connection, done=False, words=error.message)
    # If we die here, it is shut and the record says that it may be; containing it again finds it so.
    incidents.add(name, Said(Kind.CONTAINED, words, connection.tenant_id, detail), _by(who))
    return Outcome(connection, done=True, words=words)


def _shut(registration: Registration, how: str, job: Job) -> str:
    if how == DISABLE:
        registration.set_enabled(False, job)
        return "the service principal is disabled: no new token is given; tokens already given may work until they end"
    listed = [entry for entry in registration.credentials(job) if entry.where == "application"]
    registration.replace_certificates([], job)
    for entry in listed:
        if entry.kind == "secret":
            registration.remove_secret(entry.key_id, job)
        elif entry.kind == "federated":
            registration.remove_federated(entry.key_id, job)
    count = counted(len(listed), "credential")
    return f"{count} of the application removed, none is left; only a rotation puts a new one there"


def release(
    books: Books, incidents: Incidents, name: str, connections: Iterable[Connection], who: str
) -> list[Outcome]:
    """Open connections again that are shut.

    Raises:
        Refused: If none of them is shut in this incident.
    """
    shut = [c for c in incidents.one(name).containments if c.released is None]
    wanted = [(one, c.how) for one in connections for c in shut if (c.tenant, c.app) == (one.tenant_id, one.app)]
    if not wanted:
        raise Refused("no connection that was named is shut in this incident", "see: counterfoil incident show")
    return [_release(books, incidents, name, connection, how, who) for connection, how in wanted]


def _release(  # noqa: PLR0917 - one call of the function above, spelled out
    books: Books, incidents: Incidents, name: str, connection: Connection, how: str, who: str
) -> Outcome:
    try:
        if how == DISABLE:
            job = books.new_job("contain", incidents.one(name).reference)
            _registration(books, connection).set_enabled(True, job)
    except CounterfoilError as error:
        return Outcome(connection, done=False, words=error.message)
    # If we die here, it is open and the record says that it is shut; releasing it again finds it so.
    words = "enabled again" if how == DISABLE else "the order to keep it without credentials ends; rotate it"
    said = Said(Kind.RELEASED, words, connection.tenant_id, {"app": connection.app, "how": how})
    incidents.add(name, said, _by(who))
    return Outcome(connection, done=True, words=words)


def _registration(books: Books, connection: Connection) -> Registration:
    control = control_of(books, connection)
    if control is None:
        raise Refused(
            f"{connection.tenant} has no control application", "its administrator has to: counterfoil incident steps"
        )
    if (control.tenant_id, control.app) == (connection.tenant_id, connection.app):
        raise Refused("this is the control application itself", "its administrator has to shut it")
    tokens = Tokens(control, books.connections.current(control), books.through.for_use, books.means)
    return Registration(Door(tokens), connection)


def _by(who: str) -> Operator:
    return Operator(who, clock.now())
