"""``counterfoil simulate``: write exports and stubs of invented tenants, with the truth beside them."""

import argparse
import shlex
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from rich.progress import Progress

from counterfoil.cases import story
from counterfoil.cases.faults import FAULTS
from counterfoil.cases.write import write_case
from counterfoil.cli.output import answer_json, answer_text, stderr
from counterfoil.model.errors import Misconfigured
from counterfoil.model.instant import from_rfc3339

START = datetime(2026, 10, 5, tzinfo=UTC)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("directory", type=Path, metavar="DIR", help="a new folder for stubs, logs and truth.json")
    parser.add_argument("--tenants", type=int, default=20, metavar="N", help="how many tenants (20)")
    parser.add_argument("--days", type=float, default=1, metavar="N", help="how many days, fractions allowed (1)")
    parser.add_argument("--calls", type=int, default=2_000, metavar="N", help="about how many calls of ours (2000)")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="the same seed gives the same case (1)")
    parser.add_argument("--start", type=from_rfc3339, default=START, metavar="T", help="when it begins (RFC 3339)")
    parser.add_argument(
        "--faults", default="all", metavar="NAMES", help="all, none, or names of the lists below, separated by commas"
    )
    parser.add_argument("--planted", action="store_true", help="the scenario of 2021 instead of a mixed one")
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = "\n".join([*_names(), "", "Exit codes: 0 written; 2 not, and the message says why."])


def _names() -> Iterator[str]:
    """List every fault and thief with what it is; docs/simulate.md says more."""
    lists = (("faults", {name: fault.says for name, fault in FAULTS.items()}), ("thieves", story.thieves()))
    for heading, named in lists:
        yield f"{heading}:"
        yield from (f"  {name:20}  {says}" for name, says in named.items())
    yield "docs/simulate.md says what is written, and how it is scored."


def run(arguments: argparse.Namespace) -> int:
    """Write the case; exit 0."""
    if arguments.tenants < 1 or arguments.days <= 0:
        raise Misconfigured("a case needs at least one tenant and some time", "say --tenants 1 --days 0.5, or more")
    names = story.known_names(arguments.faults)
    stage = story.setting(arguments.start, arguments.days, arguments.tenants, arguments.calls, arguments.seed, names)
    others = story.bystanders(arguments.tenants, arguments.seed) if arguments.planted else []
    if arguments.planted:
        tenants = story.planted(arguments.tenants, arguments.seed)
    else:
        tenants = story.cast(arguments.tenants, arguments.seed, names)
    with Progress(console=stderr, transient=True, disable=not stderr.is_terminal) as progress:
        bar = progress.add_task("writing tenants", total=len(tenants))
        truth = write_case(arguments.directory, tenants, stage, others=others, advance=lambda: progress.advance(bar))
    summary = {
        "directory": str(arguments.directory),
        "tenants": len(truth["tenants"]),
        "touched": sum(bool(fact["touched"]) for fact in truth["tenants"]),
        "since": truth["since"],
        "until": truth["until"],
    }
    if arguments.json:
        answer_json(summary)
    else:
        answer_text("\n".join(f"{name}: {value}" for name, value in summary.items()))
        place = shlex.quote(str(arguments.directory))
        answer_text(f"try it: counterfoil reconcile --stubs {place}/stubs.jsonl --logs {place}/logs")
        answer_text(f"and compare with the truth: counterfoil score {place}")
    return 0
