"""``counterfoil connection test``: what real use shows, in words and as JSON."""

import argparse
from collections.abc import Iterable
from dataclasses import asdict

from counterfoil.app import connecting
from counterfoil.app.campaigning import is_control
from counterfoil.app.connecting import Tested
from counterfoil.app.scope import WORDS, Probes, Scope
from counterfoil.cli.output import answer_json, answer_text, visible
from counterfoil.cli.state import note, opened, operator
from counterfoil.config import load
from counterfoil.model.errors import Refused
from counterfoil.model.mail import Json
from counterfoil.model.trust import Connection
from counterfoil.tenant.known_permissions import described, opens
from counterfoil.tenant.permissions import needed


def run_test(arguments: argparse.Namespace) -> int:
    """Test every connection of a tenant; return 1 if something was found."""
    probes = Probes(arguments.inside, arguments.outside)
    config = load(arguments.config)
    with opened(arguments) as state, connecting.opened_books(arguments.data, config, state.ledger) as books:
        found = [c for c in books.connections.all(arguments.tenant) if arguments.app in {None, c.app}]
        if not found:
            raise Refused(f"{arguments.tenant} has no such connection", "list them: counterfoil connection list")
        for one in found:
            note(state.ledger, "connection-test", one.stem, one.tenant_id)
        who, products = operator().who, arguments.product or ()
        tested = {c.app: connecting.test(books, c, _wanted(c, products), who, probes) for c in found}
    if arguments.json:
        answers: list[Json] = [_as_json(app, result) for app, result in tested.items()]
        answer_json(answers)
    else:
        answer_text("\n".join(line for app, result in tested.items() for line in _lines(app, result)))
    return 1 if any(finds(result, probes) for result in tested.values()) else 0


def _wanted(connection: Connection, products: Iterable[str]) -> tuple[str, ...]:
    """Say what a connection should have: what the products need, or what was entered; a control application its own."""
    chosen = tuple(name for name in products if name != "control")
    if is_control(connection):
        return tuple(needed(("control",)))
    return tuple(needed(chosen or ("scan-internal",))) if chosen or connection.roles is None else connection.roles


def finds(result: Tested, probes: Probes) -> bool:
    """Say whether a person has to look: something lacks, is too much, is unknown, or reaches too far."""
    too_far = probes.outside is not None and result.scope is Scope.UNSCOPED
    return not result.works or bool(result.missing or result.too_much or result.unknown) or too_far or result.clock_off


def _as_json(app: str, result: Tested) -> dict[str, Json]:
    fields: dict[str, Json] = {name: list(v) if isinstance(v, tuple) else v for name, v in asdict(result).items()}
    named = {*result.granted, *result.missing, *result.too_much}
    what: dict[str, Json] = {name: {**opens(name)} for name in sorted(named)}
    return {"app": app, **fields, "scope": result.scope.value, "opens": what}


def _lines(app: str, result: Tested) -> list[str]:
    unknown = "may not be listed by this connection" if result.unknown is None else ", ".join(result.unknown) or "none"
    return [
        f"{app}: {'works' if result.works else 'does not work'}: {visible(result.words)}",
        *([] if result.hint is None else [f"  what to do: {visible(result.hint)}"]),
        *_permissions("granted:", result.granted),
        *_permissions("missing:", result.missing),
        *_permissions("too much:", result.too_much),
        f"  mailboxes: {WORDS[result.scope]}",
        f"  credentials that are not ours: {visible(unknown)}",
    ]


def _permissions(about: str, names: tuple[str, ...]) -> list[str]:
    """Say of each permission what it reads and changes, one a line."""
    lines = [visible(described(name)) for name in names] or ["nothing"]
    return [f"  {about if number == 0 else '':<9} {line}" for number, line in enumerate(lines)]
