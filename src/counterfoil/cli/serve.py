"""``counterfoil serve``: the gateway in one process tree, until SIGTERM or SIGINT.

Exit codes: 0 stopped when asked to, or with --check the configuration is sound; 2 it could not start, and the
message says why.
"""

import argparse

from counterfoil.app.serving import serve
from counterfoil.cli.output import answer_json, answer_text
from counterfoil.cli.parser import add_config
from counterfoil.config import load


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.epilog = (
        "Exit codes: 0 stopped when asked to, or sound; 2 it could not start. Logs are JSON lines on stderr."
    )
    add_config(parser, "a TOML file (docs/configuration.md); embedded defaults without one")
    parser.add_argument("--check", action="store_true", help="only say whether the configuration is sound")


def run(arguments: argparse.Namespace) -> int:
    """Serve until told to stop, or only check."""
    config = load(arguments.config)
    if not arguments.check:
        serve(arguments.data, config)
    elif arguments.json:
        answer_json({"sound": True})
    else:
        answer_text("the configuration is sound")
    return 0
