"""Commands with verbs (``counterfoil tenant add``): each verb a parser of its own that also takes --json and --data."""

import argparse
from collections.abc import Callable

from counterfoil.cli.parser import data_folder

Run = Callable[[argparse.Namespace], int]


class Verbs:
    """The verbs of one command.

    ``--json`` and ``--data`` are understood before and after the verb.
    """

    def __init__(self, parser: argparse.ArgumentParser) -> None:
        self._parsers = parser.add_subparsers(dest="verb", metavar="VERB", required=True)

    def add(self, name: str, run: Run, summary: str) -> argparse.ArgumentParser:
        """Declare a verb and what runs it; return its parser, to be given arguments."""
        verb = self._parsers.add_parser(name, help=summary, description=summary[0].upper() + summary[1:] + ".")
        verb.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="answer in JSON on stdout")
        verb.add_argument(
            "--data",
            type=data_folder,
            metavar="DIR",
            default=argparse.SUPPRESS,
            help="where state lives (COUNTERFOIL_DATA, else ./counterfoil-data)",
        )
        verb.set_defaults(run_verb=run)
        return verb

    def group(self, name: str, summary: str) -> argparse.ArgumentParser:
        """Declare a verb that has verbs of its own; return its parser."""
        return self._parsers.add_parser(name, help=summary, description=summary[0].upper() + summary[1:] + ".")


def run_verb(arguments: argparse.Namespace) -> int:
    """Run the verb that was asked for."""
    run: Run = arguments.run_verb
    return run(arguments)
