"""``counterfoil touched --cert THUMBPRINT``: across all tenants, who was touched by somebody else's use of it.

Exit: as ``counterfoil reconcile``, for the tenants that have this certificate; 3 also where nothing names it.
"""

import argparse

from counterfoil.cli.output import answer_json, answer_lines, columns
from counterfoil.cli.reconcile import add_inputs, faults, made
from counterfoil.evidence.ids import guid, thumbprint
from counterfoil.evidence.touched import exit_code, touched, touched_lines
from counterfoil.model.errors import Misconfigured


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``counterfoil touched``."""
    parser.add_argument(
        "--cert", nargs="+", required=True, metavar="THUMBPRINT", help="SHA-1, SHA-256 or key id, in any spelling"
    )
    add_inputs(parser)


def run(arguments: argparse.Namespace) -> int:
    """Reconcile, and tell what concerns these certificates."""
    wanted = {cert: _read(cert) for cert in arguments.cert}
    with made(arguments) as answer:
        pass  # what is asked below is all in memory
    if answer is None:
        return 2
    document = touched(answer.tenants, answer.books, answer.lookup.registry, set(wanted.values()))
    if arguments.json:
        answer_json(document)
        faults(answer)
    else:
        answer_lines(touched_lines(document, sorted(wanted.values()), columns()))
    return exit_code(document)


def _read(text: str) -> str:
    print_ = thumbprint(text)
    value = print_.hex if print_ else guid(text)
    if value is None:
        raise Misconfigured(f"neither a thumbprint nor a key id: {text}", "counterfoil id VALUE shows every spelling")
    return value
