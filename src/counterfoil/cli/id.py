"""``counterfoil id VALUE...``: every spelling of a Microsoft 365 identifier.

Exit: 0 every value was understood; 1 some value is in no spelling we know.
"""

import argparse

from counterfoil.cli.output import answer_json, answer_text, visible
from counterfoil.evidence.ids import spellings
from counterfoil.model.mail import Json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``counterfoil id``."""
    parser.epilog = "Exit codes: 0 every value was understood; 1 some value is in no spelling that we know."
    parser.add_argument("values", nargs="+", metavar="VALUE", help="a uti, sign-in id, key id or thumbprint")


def run(arguments: argparse.Namespace) -> int:
    """Print what each value can mean, and each meaning in every spelling."""
    answers = {value: spellings(value) for value in arguments.values}
    if arguments.json:
        document: list[Json] = [
            {"value": value, "meanings": {meaning: {**forms} for meaning, forms in found.items()}}
            for value, found in answers.items()
        ]
        answer_json(document)
    else:
        for value, found in answers.items():
            answer_text(visible(value) if found else f"{visible(value)}: in no spelling we know")
            for meaning, forms in found.items():
                answer_text(f"  {meaning}")
                for name, form in forms.items():
                    answer_text(f"    {name:<12} {form}")
    return 0 if all(answers.values()) else 1
