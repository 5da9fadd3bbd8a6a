"""``incident reporter``: who outside may report a stolen certificate over the network, each with a secret."""

import argparse

from counterfoil.app import reporting
from counterfoil.cli.incident_open import By, add_by
from counterfoil.cli.output import answer_json, answer_table, answer_text
from counterfoil.cli.parser import add_config
from counterfoil.cli.state import opened
from counterfoil.cli.verbs import Run, Verbs
from counterfoil.model.errors import Refused


def add_reporters(verbs: Verbs) -> None:
    """Declare ``reporter`` with its verbs."""
    reporter = Verbs(verbs.add("reporter", _nothing, "who outside may report a theft over the network"))
    for name, run, summary in (
        ("add", _add, "give somebody a secret, or a new one; it is printed once"),
        ("remove", _remove, "take their secret away; what they reported stays"),
    ):
        verb = _verb(reporter, name, run, summary)
        verb.add_argument("reporter", metavar="NAME", help="small letters, digits and hyphens; part of their address")
        add_by(verb)
    _verb(reporter, "list", _list, "list who may report")


def _verb(verbs: Verbs, name: str, run: Run, summary: str) -> argparse.ArgumentParser:
    verb = verbs.add(name, run, summary)
    add_config(verb)
    return verb


def _nothing(_arguments: argparse.Namespace) -> int:
    raise Refused("a verb is missing", "see --help")


def _add(arguments: argparse.Namespace) -> int:
    with opened(arguments) as state:
        secret = reporting.add_reporter(state.ledger, arguments.data, arguments.reporter, By(arguments).now())
    path = f"/reports/{arguments.reporter}"
    if arguments.json:
        answer_json({"reporter": arguments.reporter, "path": path, "secret": secret})
    else:
        answer_text(f"secret: {secret}\nthey send to {path} of the console; the secret is not shown again")
    return 0


def _remove(arguments: argparse.Namespace) -> int:
    with opened(arguments) as state:
        reporting.remove_reporter(state.ledger, arguments.data, arguments.reporter, By(arguments).now())
    if arguments.json:
        answer_json({"reporter": arguments.reporter, "removed": True})
    else:
        answer_text(f"{arguments.reporter} can report nothing any more")
    return 0


def _list(arguments: argparse.Namespace) -> int:
    with opened(arguments):
        found = reporting.reporters(arguments.data)
    if arguments.json:
        answer_json([{**one} for one in found])
    else:
        answer_table(
            ("reporter", "since", "added by"),
            [(one["reporter"], one["added"], one["by"]) for one in found],
            "nobody may report over the network: counterfoil incident reporter add NAME",
        )
    return 0
