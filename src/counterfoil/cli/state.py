"""What commands that look into the data folder share: the opened state, and who is at the keyboard."""

import argparse
import os
import pwd
import sys
from contextlib import AbstractContextManager

from counterfoil import clock
from counterfoil.app.state import State, open_state
from counterfoil.config import load
from counterfoil.gateway.store.tenants import Operator
from counterfoil.ledger.ledger import Ledger
from counterfoil.ledger.stubs import stub_at
from counterfoil.model.errors import Refused
from counterfoil.model.mail import Json


def opened(arguments: argparse.Namespace, *, create: bool = False) -> AbstractContextManager[State]:
    """Open the data folder that the arguments name."""
    return open_state(arguments.data, load(arguments.config), create=create)


def operator() -> Operator:
    """Return who is at the keyboard, and the time.

    The system's user, as the kernel knows it; where several people share one, whom COUNTERFOIL_OPERATOR or sudo names
    as well: ``anna (as counterfoil)``. That name is their word, and nothing is permitted or refused by it.
    """
    try:
        user = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        # A container may run under a number that has no name.
        user = f"uid {os.getuid()}"
    named = os.environ.get("COUNTERFOIL_OPERATOR") or os.environ.get("SUDO_USER") or user
    named = "".join(character for character in named if character.isprintable())[:64]
    return Operator(user if named in {user, ""} else f"{named} (as {user})", clock.now())


def note(ledger: Ledger, action: str, subject: str, tenant: str | None = None, **detail: str | None) -> None:
    """Write down who does what, before it is done: for what leaves no stub with a name of its own."""
    by = operator()
    said = {"actor": by.who, "action": action, "subject": subject}
    more: dict[str, Json] = {name: words for name, words in detail.items() if words is not None}
    ledger.append(stub_at("action", by.now, tenant, **said, detail=more))


def confirm(question: str, typed: str, *, yes: bool) -> None:
    """Have the operator type a word before something that cannot be undone.

    Raises:
        Refused: If they typed something else, or there is no terminal and no --yes.
    """
    if yes:
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise Refused(f"{question}: nobody is here to say yes", "say --yes")
    sys.stderr.write(f"{question}. Type {typed} to go on: ")
    sys.stderr.flush()
    if sys.stdin.readline().strip() != typed:
        raise Refused("nothing was done", None)
