"""``counterfoil credential standby`` and ``cut-over``: a credential in reserve, and the emergency it is there for."""

import argparse

from counterfoil import clock
from counterfoil.app import standby
from counterfoil.app.campaigning import control_of
from counterfoil.app.connecting import opened_books
from counterfoil.app.house import Books
from counterfoil.cli.output import answer_json, answer_text
from counterfoil.cli.state import confirm, note, opened, operator
from counterfoil.config import load
from counterfoil.model.errors import Refused
from counterfoil.model.trust import Connection
from counterfoil.tenant.door import Door
from counterfoil.tenant.token import Tokens


def prepare(arguments: argparse.Namespace) -> int:
    """Make, publish and try a standby, then put it away."""
    with opened(arguments) as state, opened_books(arguments.data, load(arguments.config), state.ledger) as books:
        connection = _one(books, arguments)
        control = control_of(books, connection)
        if control is None:
            raise Refused(
                f"{connection.tenant} has no control application to publish with",
                "counterfoil credential create --standby, and have the administrator upload the certificate",
            )
        note(state.ledger, "standby-prepare", connection.stem, connection.tenant_id)
        door = Door(Tokens(control, books.connections.current(control), books.through.for_use, books.means))
        made = standby.prepare(books, connection, door, days=arguments.days, sleep=clock.sleep)
    if arguments.json:
        answer_json({"credential": made.name, "state": made.state.value, "tenant": connection.tenant})
    else:
        answer_text(f"{made.name} is published, believed, and put away; any use of it is an alarm")
    return 0


def cut_over(arguments: argparse.Namespace) -> int:
    """Make the standby the credential in use, at once."""
    with opened(arguments) as state, opened_books(arguments.data, load(arguments.config), state.ledger) as books:
        connection = _one(books, arguments)
        confirm(f"{connection.tenant}: the credential in use is tainted for good", connection.tenant, yes=arguments.yes)
        done = standby.cut_over(books, connection, operator().who)
    if arguments.json:
        answer_json({"old": done.old.name, "current": done.new.name, "tenant": connection.tenant})
    else:
        answer_text(f"{done.new.name} is in use from now on; {done.old.name} is tainted and signs nothing more")
        answer_text(f"It is still listed in the tenant: counterfoil rotate apply NAME --only {connection.tenant}")
    return 0


def _one(books: Books, arguments: argparse.Namespace) -> Connection:
    found = [
        one
        for one in books.connections.all(arguments.tenant)
        if arguments.app == one.app or (arguments.app is None and not _controls(one))
    ]
    if len(found) != 1:
        raise Refused(
            f"{len(found)} connections of {arguments.tenant} fit", "say which with --app: counterfoil connection list"
        )
    return found[0]


def _controls(connection: Connection) -> bool:
    return connection.roles is not None and "Application.ReadWrite.OwnedBy" in connection.roles
