"""``counterfoil connection pull|status``: a tenant's own logs into the evidence folder, and how duties stand."""

import argparse
from collections.abc import Iterator

from counterfoil import clock
from counterfoil.app import connecting
from counterfoil.app.containers import read_containers
from counterfoil.app.left_behind import INBOX_RULES, look_at_rules
from counterfoil.app.leftovers import may_list_rules
from counterfoil.app.pulling import pull, pulls
from counterfoil.app.standing import Standing, Standings
from counterfoil.cli.output import answer_json, answer_text, visible
from counterfoil.cli.state import note, opened
from counterfoil.config import load
from counterfoil.model.errors import Refused
from counterfoil.model.instant import rfc3339
from counterfoil.model.mail import Json
from counterfoil.model.trust import Connection
from counterfoil.tenant.registry import Connections

COLUMNS = ("tenant", "app", "duty", "state", "at", "until", "words")


def run_pull(arguments: argparse.Namespace) -> int:
    """Pull now; return 1 if some log could not be pulled whole."""
    config = load(arguments.config)
    containers = read_containers(config.evidence)
    with opened(arguments) as state, connecting.opened_books(arguments.data, config, state.ledger) as books:
        every = books.connections.all(arguments.tenant)
        able = [connection for connection in every if pulls(connection, containers) or may_list_rules(connection)]
        for one in able:
            note(state.ledger, "logs-pull", one.stem, one.tenant_id)
        found = [(one, pull(books, one, arguments.data, clock.now(), containers)) for one in able]
        for one, all_of in found:
            if may_list_rules(one):
                all_of[INBOX_RULES] = look_at_rules(books, one, arguments.data, clock.now())
    if not found:
        raise Refused(
            f"no connection of {arguments.tenant} may read its logs",
            "it needs AuditLog.Read.All and ActivityFeed.Read (counterfoil connection plan --product watch), or a "
            "container in the file of evidence.containers",
        )
    _print(
        arguments,
        [_row(connection, duty, standing) for connection, all_of in found for duty, standing in all_of.items()],
    )
    return 0 if all(standing.good for _, all_of in found for standing in all_of.values()) else 1


def run_status(arguments: argparse.Namespace) -> int:
    """Show how every duty stands; return 1 if one needs a look."""
    standings = Standings(arguments.data)
    with opened(arguments) as state:
        connections = Connections(state.ledger).all(arguments.tenant)
    found = [(c, duty, s) for c in connections for duty, s in sorted(standings.of(c).duties.items())]
    _print(arguments, [_row(*entry) for entry in found])
    return 0 if all(standing.good for _, _, standing in found) else 1


def _row(connection: Connection, duty: str, standing: Standing) -> tuple[str, ...]:
    until = "" if standing.until is None else rfc3339(standing.until.replace(microsecond=0))
    at = rfc3339(standing.at.replace(microsecond=0))
    return (connection.tenant, connection.app, duty, standing.state, at, until, standing.words)


def _print(arguments: argparse.Namespace, rows: list[tuple[str, ...]]) -> None:
    if arguments.json:
        entries: list[Json] = [dict(zip(COLUMNS, row, strict=True)) for row in rows]
        answer_json(entries)
        return
    answer_text("\n".join(_lines(rows)) or EMPTY)


EMPTY = "nothing was done yet: serve makes heartbeats and pulls logs, where a signer runs"


def _lines(rows: list[tuple[str, ...]]) -> Iterator[str]:
    """Yield a heading for each connection, and below it a line for each duty."""
    heading = None
    for tenant, app, duty, state, at, until, words in rows:
        if heading != (tenant, app):
            yield f"{visible(tenant)} ({app})"
            heading = (tenant, app)
        reach = f", whole until {until}" if until and until != at else ""
        yield f"  {duty:<16} {state:<13} {at}{reach}: {visible(words)}"
