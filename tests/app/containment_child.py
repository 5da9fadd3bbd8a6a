"""Shut or open one connection, and die by SIGKILL at a numbered side effect: ``python -m tests.app.containment_child``.

A side effect is a commit, a remote call or a question to the signer, as in ``rotation_child``.
"""

import os
import sys
from pathlib import Path

import sqlalchemy as sa
from tests.app.rotation_child import Numbered

from counterfoil.app import containing
from counterfoil.app.connecting import opened_books
from counterfoil.app.state import open_state
from counterfoil.config import load
from counterfoil.credential import custodian, signer_client
from counterfoil.incident.store import Incidents
from counterfoil.tenant.wire import Wire


def main():
    """Do it to the end, or die."""
    data, config, verb, how, name, tenant, app, die_at = sys.argv[1:]
    effects = Numbered(int(die_at))
    settings = load(Path(config))
    with (
        open_state(Path(data), settings, create=False) as state,
        opened_books(Path(data), settings, state.ledger) as books,
    ):
        sa.Connection._commit_impl = effects.around(sa.Connection._commit_impl)
        Wire.send = effects.around(Wire.send)
        signer_client.ask = effects.around(signer_client.ask)
        custodian.ask = effects.around(custodian.ask)
        store, connection = Incidents(state.ledger), books.connections.one(tenant, app)
        if verb == "contain":
            outcomes = containing.contain(books, store, name, [connection], how=how, why="it is stolen", who="grace")
        else:
            outcomes = containing.release(books, store, name, [connection], "grace")
        sys.stdout.write(f"{effects.count} {outcomes[0].done}\n")
        sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
