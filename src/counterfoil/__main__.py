"""``counterfoil``: find the command, run it, turn what went wrong into a sentence and an exit code."""

import argparse
import importlib
import os
import sys
import traceback
from collections.abc import Sequence

from counterfoil import __version__
from counterfoil.cli import COMMANDS
from counterfoil.cli.output import fail
from counterfoil.cli.parser import Parser, data_folder
from counterfoil.model.errors import CounterfoilError, Misconfigured


def parser_for(command: str | None) -> argparse.ArgumentParser:
    """Build the parser; only the arguments of ``command`` are filled in."""
    parser = Parser(
        prog="counterfoil",
        description="Email security for Microsoft 365 that keeps a stub of everything it does.",
    )
    parser.add_argument("--version", action="version", version=f"counterfoil {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, summary in COMMANDS.items():
        sub = commands.add_parser(name, help=summary, description=summary[0].upper() + summary[1:] + ".")
        sub.add_argument("--json", action="store_true", help="answer in JSON on stdout")
        sub.add_argument(
            "--data",
            type=data_folder,
            metavar="DIR",
            default=os.environ.get("COUNTERFOIL_DATA", "counterfoil-data"),
            help="where state lives (COUNTERFOIL_DATA, else ./counterfoil-data)",
        )
        if name == command:
            importlib.import_module(f"counterfoil.cli.{name}").add_arguments(sub)
    return parser


def _arguments(words: list[str]) -> argparse.Namespace:
    """Read the command line; who says nothing is shown the commands."""
    parser = parser_for(next((word for word in words if word in COMMANDS), None))
    if not words:
        parser.print_help(sys.stderr)
        parser.exit(2)
    if words[0].startswith("-") and words[0] not in {"-h", "--help", "--version"}:
        parser.error(f"a command comes first, and its options after it: counterfoil COMMAND {words[0]}")
    return parser.parse_args(words)


def _run(arguments: argparse.Namespace) -> int:
    """Run the command, and see that somebody read it before its exit code is given."""
    code = int(importlib.import_module(f"counterfoil.cli.{arguments.command}").run(arguments))
    sys.stdout.flush()
    return code


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    try:
        arguments = _arguments(list(sys.argv[1:] if argv is None else argv))
        return _run(arguments)
    except CounterfoilError as error:
        return fail(error)
    except BrokenPipeError:
        # The reader (``| head``) has gone; what is left to say goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 2
    except KeyboardInterrupt:
        return 130
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        return fail(Misconfigured(f"{place}{error.strerror or error}", "name a file or folder that you may use"))
    except Exception:  # noqa: BLE001 - a fault of ours, printed whole; 1 would be an answer of some commands
        traceback.print_exc()
        return 2


if __name__ == "__main__":
    sys.exit(main())
