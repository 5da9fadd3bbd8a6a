"""Parsers whose own usage stands above an error of theirs, and what every command reads in the same way."""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

CONFIG = "COUNTERFOIL_CONFIG"


class Parser(argparse.ArgumentParser):
    """A parser that refuses an unknown option itself; argparse leaves that to the parser of the whole program."""

    def parse_known_args(  # type: ignore[override] # the overloads of typeshed only tell kinds of namespace apart
        self, args: Sequence[str] | None = None, namespace: Any = None
    ) -> tuple[Any, list[str]]:
        """Read the words, and refuse those that nobody declared."""
        found, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return found, unknown


def data_folder(text: str) -> Path:
    """Read --data or COUNTERFOIL_DATA; a shell variable that is not set must not mean the folder we are in."""
    if not text:
        raise argparse.ArgumentTypeError("the name of the data folder is empty (--data, else COUNTERFOIL_DATA)")
    return Path(text)


def config_file(text: str) -> Path:
    """Read --config or COUNTERFOIL_CONFIG; a shell variable that is not set must not mean the defaults."""
    if not text:
        raise argparse.ArgumentTypeError(f"the name of the configuration is empty (--config, else {CONFIG})")
    return Path(text)


def add_config(parser: argparse.ArgumentParser, summary: str = "the configuration that serve runs with") -> None:
    """Declare --config."""
    parser.add_argument(
        "--config",
        type=config_file,
        metavar="FILE",
        default=os.environ.get(CONFIG),
        help=f"{summary} (else {CONFIG})",
    )
