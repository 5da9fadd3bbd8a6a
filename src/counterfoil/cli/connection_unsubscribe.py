"""``counterfoil connection unsubscribe``: delete change notifications that a stranger left in a tenant."""

import argparse

from counterfoil.app import connecting
from counterfoil.app.unsubscribing import unsubscribe
from counterfoil.cli.output import answer_json, answer_text, visible
from counterfoil.cli.state import opened, operator
from counterfoil.config import load


def add_unsubscribe(verb: argparse.ArgumentParser) -> None:
    """Declare what it takes beside the tenant."""
    verb.add_argument("subscription", nargs="+", metavar="ID", help="as connection status or rotate status names it")
    verb.add_argument("--why", required=True, metavar="WORDS", help="the reason, for the record")


def run_unsubscribe(arguments: argparse.Namespace) -> int:
    """Delete them with the connection's own token; each leaves a stub with a name first."""
    with (
        opened(arguments) as state,
        connecting.opened_books(arguments.data, load(arguments.config), state.ledger) as books,
    ):
        gone = unsubscribe(books, arguments.tenant, arguments.subscription, operator(), arguments.why)
    if arguments.json:
        answer_json([{"id": name, "address": address} for name, address in gone])
    else:
        answer_text("\n".join(f"deleted: subscription {visible(name)} to {visible(address)}" for name, address in gone))
    return 0
