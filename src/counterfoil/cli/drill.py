"""``counterfoil drill``: practise a theft from alert to proof, in the laboratory.

Exit codes: 0 every claim was true; 1 a claim differs from the truth; 2 it could not be played.
"""

import argparse
import json
import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from rich.status import Status

from counterfoil import clock
from counterfoil.app.drill import own, page
from counterfoil.app.drill.cast import FEWEST, Wanted, invented
from counterfoil.app.drill.story import Told, play
from counterfoil.cli.output import answer_json, answer_lines, stderr, visible
from counterfoil.cli.parser import CONFIG, add_config
from counterfoil.config import load
from counterfoil.incident.outside import mark_of
from counterfoil.ledger import durable
from counterfoil.model.errors import Misconfigured
from counterfoil.model.number import counted

GOOD, BAD = "bold green", "bold red"
CODES = "Exit codes: 0 every claim was true; 1 a claim differs from the truth; 2 it could not be played."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.epilog = CODES
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--tenants", type=int, default=20, metavar="N", help="how many invented customers (20)")
    which.add_argument(
        "--from", dest="own", type=Path, metavar="DIR", help="your own tenants instead: this data folder, only read"
    )
    add_config(parser, "with --from: the configuration that serve runs with")
    parser.add_argument(
        "--thumbprint", metavar="HEX", help="with --from: the certificate that is stolen; the most shared if left out"
    )
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="the laboratory's seed (1)")
    parser.add_argument(
        "--keep",
        type=Path,
        metavar="DIR",
        help="a new folder for all that it leaves: report, logs, ledger, journals; else the report lies under --data",
    )


def run(arguments: argparse.Namespace) -> int:
    """Play, tell, and say in the exit code whether every claim was true."""
    wanted, words = _cast(arguments)
    if arguments.keep is not None and arguments.keep.exists() and any(arguments.keep.iterdir()):
        raise Misconfigured(f"{arguments.keep} is not empty", "name a new folder")
    with tempfile.TemporaryDirectory(prefix="counterfoil-drill-") as scratch:
        folder = (arguments.keep or Path(scratch)).resolve()
        _make(folder)
        with Progress() as progress:
            told = play(folder, wanted, arguments.seed, progress.chapter, progress.tick)
        kept = folder if arguments.keep else _place(arguments.data.resolve())
        document = page.document(told, arguments.seed, words)
        document["report"] = str(kept / "report.html")
        _write(kept / "report.html", page.page(told, arguments.seed, words))
        _write(kept / "claims.json", json.dumps(document, ensure_ascii=False, indent=1) + "\n")
        _write(kept / "reconcile.html", told.reconciled)
        if kept != folder:
            _write(kept / "incident.html", (folder / "incident.html").read_text(encoding="utf-8"))
    if arguments.json:
        answer_json(document)
    else:
        answer_lines(_lines(told, words, kept))
    return 1 if told.verdict.differences else 0


def _cast(arguments: argparse.Namespace) -> tuple[Sequence[Wanted], tuple[str, ...]]:
    """Return who plays, and what is to be said about it."""
    if arguments.own is None:
        if arguments.tenants < FEWEST:
            raise Misconfigured(
                f"a drill needs at least {FEWEST} tenants: three that are read, one whose token is replayed, "
                "one that cannot be judged, one that is clean",
                "say --tenants 20",
            )
        if arguments.thumbprint or (arguments.config and str(arguments.config) != os.environ.get(CONFIG)):
            raise Misconfigured("--thumbprint and --config are about your own tenants", "say --from DIR too")
        return invented(arguments.tenants), ()
    mark = mark_of(arguments.thumbprint) if arguments.thumbprint else None
    found = own.of_operator(arguments.own, load(arguments.config), mark)
    concerned = [one.name for one in found.wanted if any(opening.stolen for opening in one.openings)]
    head = (
        f"your own {counted(len(found.wanted), 'tenant')}, rebuilt in the laboratory; stolen: {found.thumbprint}, "
        f"on {counted(found.shared, 'connection')} of {', '.join(concerned)}"
    )
    return found.wanted, (head, *found.words)


class Progress:
    """Says on stderr what is going on: on a terminal the last line moves, else there are lines alone."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._status = Status("", console=stderr) if stderr.is_terminal else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._status is not None:
            self._status.stop()

    def chapter(self, words: str) -> None:
        """Begin a chapter."""
        line = f"{time.monotonic() - self._began:5.1f} s  {words}"
        stderr.print(line, markup=False)
        if self._status is not None:
            self._status.update("")
            self._status.start()

    def tick(self, words: str) -> None:
        """Say how far it is."""
        if self._status is not None:
            self._status.update(visible(words))
        elif not words.endswith("on board"):
            stderr.print(f"         {words}", markup=False)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)  # logs and journals of a theft lie here, and with --from the names of your customers
    except OSError as error:
        raise Misconfigured(f"{folder} cannot be used: {error.strerror}", "name a folder of your own") from error


def _place(data: Path) -> Path:
    """Return where a drill's report is kept that nobody named a folder for."""
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder = data / "drills" / f"{clock.now():%Y%m%d-%H%M%S}"
    _make(folder)
    return folder


def _write(path: Path, text: str) -> None:
    durable.write(path, text.encode("utf-8", "replace"), mode=0o600)


def _lines(told: Told, words: tuple[str, ...], kept: Path) -> list[tuple[str, str]]:
    """Spell the summary: each line with its style on a terminal."""
    lines = [("", "")]
    for name, figure in told.verdict.figures.items():
        known = isinstance(figure, dict) and "true" in figure
        claimed = page.spelled(figure["claimed"] if known else figure)
        differs = told.verdict.differs(name)
        mark = "differs" if differs else "true" if known else "counted"
        lines.append((f"{name:<60} {claimed:>8}  {mark}", BAD if differs else ""))
    lines += [
        (f"{name + ' after the alert':<60} {f'{seconds:.0f} s':>8}", "") for name, seconds in told.since_alert().items()
    ]
    lines += [(f"DIFFERS  {text}", BAD) for text in told.verdict.differences]
    lines += [(line, "dim") for line in words]
    lines.append((f"report: {kept / 'report.html'}", ""))
    good = not told.verdict.differences
    lines.append(("every claim was true", GOOD) if good else ("a claim differs from the truth", BAD))
    return lines
