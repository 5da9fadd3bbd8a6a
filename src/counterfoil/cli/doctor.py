"""``counterfoil doctor``: is it set up right? Each finding with its cause and what to do.

Exit codes: 0 nothing is wrong (notes are no problem); 1 something is; 2 it could not run.
"""

import argparse

from rich.text import Text

from counterfoil.app.doctor.examine import Looked, examine
from counterfoil.app.doctor.finding import Weight
from counterfoil.cli.output import answer_json, answer_text, stdout, visible
from counterfoil.cli.parser import add_config
from counterfoil.config import load
from counterfoil.model.mail import Json

MARKS = {Weight.PROBLEM: "✗", Weight.NOTE: "·", Weight.UNTRIED: "?"}
COLOURS = {Weight.PROBLEM: "bold red", Weight.NOTE: "yellow", Weight.UNTRIED: "yellow"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.epilog = (
        "To see whether mail can pass the gateway by, it hands one real message a domain straight to its next hop, "
        "as a stranger, for the mailbox of the heartbeats; an open back door delivers it. "
        "A check that could not be tried, or not all of it, has a ? for its ✓. "
        "Exit codes: 0 nothing is wrong; 1 something is; 2 it could not run. Notes are no problem."
    )
    add_config(parser)
    parser.add_argument(
        "--offline", action="store_true", help="make no connection: not to tenants, next hops or the token service"
    )


def run(arguments: argparse.Namespace) -> int:
    """Look at everything, print as it goes, and say it in the exit code."""
    config = load(arguments.config)
    looked: list[Looked] = []
    for one in examine(arguments.data, config, offline=arguments.offline):
        looked.append(one)
        if not arguments.json:
            _print(one)
    problems = sum(f.weight is Weight.PROBLEM for one in looked for f in one.findings)
    if arguments.json:
        checks: list[Json] = [_as_json(one) for one in looked]
        answer_json({"well": problems == 0, "problems": problems, "checks": checks})
    elif problems:
        answer_text(f"\n{problems} {'problem' if problems == 1 else 'problems'}")
    else:
        answer_text("\nnothing is wrong")
    return 1 if problems else 0


def _as_json(one: Looked) -> dict[str, Json]:
    findings: list[Json] = [
        {"about": f.about, "cause": f.cause, "fix": f.fix, "weight": f.weight.value} for f in one.findings
    ]
    return {"check": one.check, "well": one.well, "tried": one.tried, "findings": findings}


def _print(one: Looked) -> None:
    head = ("✗ ", "bold red") if not one.well else ("✓ ", "green") if one.tried else ("? ", "yellow")
    stdout.print(Text.assemble(head, one.check))
    for finding in one.findings:
        mark = (f"  {MARKS[finding.weight]} ", COLOURS[finding.weight])
        stdout.print(Text.assemble(mark, visible(f"{finding.about}: {finding.cause}")))
        stdout.print(Text.assemble(("    → ", "dim"), visible(finding.fix)))
