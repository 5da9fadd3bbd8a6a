"""``counterfoil score``: reconcile a simulated case, and compare the answer with its truth.

Exit: 1 if anybody was falsely clean or falsely touched; 2 if no answer could be made; else 0.
Abstentions and what was told wrongly besides are printed, and do not change the exit code.
"""

import argparse
import json
from pathlib import Path
from typing import Any

from counterfoil.cases.score import Score, score
from counterfoil.cli.output import answer_json, answer_text
from counterfoil.cli.reconcile import made
from counterfoil.model.errors import Misconfigured
from counterfoil.model.instant import from_rfc3339


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("directory", type=Path, metavar="DIR", help="a folder that counterfoil simulate wrote")
    parser.epilog = (
        "Exit codes: 1 somebody falsely clean or falsely touched; 2 no answer could be made; else 0. An abstention is "
        "counted under the fault that justifies it, and named where none does."
    )


def run(arguments: argparse.Namespace) -> int:
    """Reconcile, score, print, and say it in the exit code."""
    case: Path = arguments.directory
    truth = _truth(case / "truth.json")
    until = from_rfc3339(truth["until"])
    asked = argparse.Namespace(
        stubs=case / "stubs.jsonl",
        logs=[case / "logs"],
        since=from_rfc3339(truth["since"]),
        until=until,
        as_of=until,
        shelf=None,
    )
    with made(asked) as answer:
        pass  # what is asked below is all in memory
    if answer is None:
        return 2
    result = score(truth, answer.document)
    if arguments.json:
        answer_json(result.figures())
    else:
        answer_text("\n".join(_lines(result)))
    return 1 if result.failed else 0


def _truth(path: Path) -> dict[str, Any]:
    try:
        truth: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Misconfigured(f"{path} cannot be read: {error}", "make a case: counterfoil simulate DIR") from error
    return truth


def _lines(result: Score) -> list[str]:
    """Say the score in lines; names only where something is wrong or left open."""
    lines = []
    for name, value in result.figures().items():
        words = f"{value:.3f}" if isinstance(value, float) else "-" if value is None else value
        if isinstance(value, list):
            words = f"{len(value)}" + "".join(f"\n  {entry}" for entry in value)
        if isinstance(value, dict):
            words = f"{sum(value.values())}" + "".join(f"\n  {fault}: {count}" for fault, count in value.items())
        lines.append(f"{name.replace('_', ' ')}: {words}")
    return lines
