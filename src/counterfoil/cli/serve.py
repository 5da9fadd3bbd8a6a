"""``counterfoil serve``: the gateway in one process tree, until SIGTERM or SIGINT.

Exit codes: 0 stopped when asked to; 2 it could not start, and the message says why.
"""

import argparse
from pathlib import Path

from counterfoil.app.serving import serve
from counterfoil.config import load


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.epilog = "Exit codes: 0 stopped when asked to; 2 it could not start. Logs are JSON lines on stderr."
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help="a TOML file (docs/configuration.md); embedded defaults without one"
    )


def run(arguments: argparse.Namespace) -> int:
    """Serve until told to stop."""
    serve(arguments.data, load(arguments.config))
    return 0
