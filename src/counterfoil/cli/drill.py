"""``counterfoil drill``: practise a theft from alert to proof, in the laboratory.

Exit codes: 0 every claim was true; 1 a claim differs from the truth; 2 it could not be played.
"""

import argparse
import tempfile
from pathlib import Path

from counterfoil.app.drill.customers import FEWEST_CONNECTED
from counterfoil.app.drill.story import Told, play
from counterfoil.cli.output import answer_json, answer_text, stderr
from counterfoil.model.errors import Misconfigured
from counterfoil.model.mail import Json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.epilog = "Exit codes: 0 every claim was true; 1 a claim differs from the truth; 2 it could not be played."
    parser.add_argument("--tenants", type=int, default=20, metavar="N", help="how many customers (20)")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="the laboratory's seed (1)")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="a new folder for report, logs, ledger and journals")


def run(arguments: argparse.Namespace) -> int:
    """Play, tell, and say in the exit code whether every claim was true."""
    if arguments.tenants < FEWEST_CONNECTED:
        raise Misconfigured(
            f"a drill needs at least {FEWEST_CONNECTED} tenants: three that are read, one whose token is replayed, "
            "one that cannot be judged, one that is clean",
            "say --tenants 20",
        )
    if arguments.keep is not None and arguments.keep.exists() and any(arguments.keep.iterdir()):
        raise Misconfigured(f"{arguments.keep} is not empty", "name a new folder")
    with tempfile.TemporaryDirectory(prefix="counterfoil-drill-") as scratch:
        folder = (arguments.keep or Path(scratch)).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        told = play(folder, arguments.tenants, arguments.seed, lambda words: stderr.print(words, markup=False))
    if arguments.json:
        answer_json(_document(told, arguments.keep))
    else:
        answer_text("\n".join(_lines(told, arguments.keep)))
    return 1 if told.verdict.differences else 0


def _document(told: Told, kept: Path | None) -> dict[str, Json]:
    seconds: dict[str, Json] = dict(told.seconds)
    differences: list[Json] = list(told.verdict.differences)
    report = str(told.report) if kept else None
    return {"figures": told.verdict.figures, "differences": differences, "seconds": seconds, "report": report}


def _lines(told: Told, kept: Path | None) -> list[str]:
    lines = [""]
    for name, figure in told.verdict.figures.items():
        claimed = figure["claimed"] if isinstance(figure, dict) else figure
        words = f"{len(claimed)}" if isinstance(claimed, list | dict) else str(claimed)
        mark = "differs" if any(text.startswith(f"{name}: ") for text in told.verdict.differences) else "true"
        lines.append(f"{name:<60} {words:>8}  {mark}")
    lines += [f"DIFFERS  {text}" for text in told.verdict.differences]
    if kept:
        lines.append(f"report: {told.report}")
    lines.append("every claim was true" if not told.verdict.differences else "a claim differs from the truth")
    return lines
