"""What commands that look into the data folder share: --config, the opened state, and who is at the keyboard."""

import argparse
import getpass
import os
import sys
from contextlib import AbstractContextManager
from pathlib import Path

from counterfoil import clock
from counterfoil.app.state import State, open_state
from counterfoil.config import load
from counterfoil.gateway.store.tenants import Operator
from counterfoil.model.errors import Refused


def add_config(parser: argparse.ArgumentParser) -> None:
    """Declare --config."""
    parser.add_argument("--config", type=Path, metavar="FILE", help="the configuration that serve runs with")


def opened(arguments: argparse.Namespace, *, create: bool = False) -> AbstractContextManager[State]:
    """Open the data folder that the arguments name."""
    return open_state(arguments.data, load(arguments.config), create=create)


def operator() -> Operator:
    """Return who is at the keyboard, and the time."""
    try:
        who = getpass.getuser()
    except (KeyError, OSError):
        # A container may run under a number that has no name.
        who = f"uid {os.getuid()}"
    return Operator(who, clock.now())


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
