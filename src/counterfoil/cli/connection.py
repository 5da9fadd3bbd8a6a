"""``counterfoil connection``: plan, import, test, list. Connect a tenant's Microsoft 365.

Exit codes: 0 done, and for ``test`` it works as planned; 1 ``test`` found something missing, too much or
unknown; 2 refused or wrong, and nothing was changed.
"""

import argparse
from dataclasses import asdict
from pathlib import Path

from counterfoil.app import connecting
from counterfoil.app.connecting import Tested
from counterfoil.cli.output import answer_json, answer_table, answer_text, visible
from counterfoil.cli.state import add_config, opened, operator
from counterfoil.cli.verbs import Run, Verbs, run_verb
from counterfoil.config import load
from counterfoil.config.settings import Config
from counterfoil.credential.registry import certificate_of, shared
from counterfoil.credential.registry import listed as listed_credentials
from counterfoil.model.errors import Misconfigured, Refused
from counterfoil.model.mail import Json
from counterfoil.model.trust import Connection
from counterfoil.tenant import plan
from counterfoil.tenant.permissions import PRODUCTS, needed
from counterfoil.tenant.registry import Connections

run = run_verb


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verbs."""
    parser.epilog = "Exit codes: 0 done; 1 a test found something; 2 refused or wrong, and nothing was changed."
    verbs = Verbs(parser)
    planning = _verb(verbs, "plan", _plan, "print what a tenant's administrator must allow, and why")
    planning.add_argument("--product", action="append", choices=[*PRODUCTS], metavar="NAME", help=", ".join(PRODUCTS))
    planning.add_argument("--gateway", required=True, metavar="NAME", help="the name in our client certificate")
    planning.add_argument("--powershell", action="store_true", help="as lines for Microsoft Graph PowerShell")
    entering = _verb(verbs, "import", _import, "enter a connection; its key is made, or taken from a file")
    for name, what in IDS.items():
        entering.add_argument(f"--{name}", required=True, metavar="ID", help=what)
    entering.add_argument("--role", action="append", metavar="NAME", help="a permission that was granted")
    entering.add_argument("--key-file", type=Path, metavar="FILE", help="a key that exists, PKCS #12 or PEM")
    entering.add_argument("--passphrase-file", type=Path, metavar="FILE", help="what opens it")
    entering.add_argument("--days", type=int, default=90, metavar="N", help="life of the certificate (default 90)")
    testing = _verb(verbs, "test", _test, "see by real use what was granted, and which credentials are there")
    testing.add_argument("--product", action="append", choices=[*PRODUCTS], metavar="NAME", help=", ".join(PRODUCTS))
    listing = verbs.add("list", _list, "list connections and their current credentials")
    add_config(listing)


IDS = {
    "tenant-id": "the tenant's id",
    "app": "the application's client id",
    "object-id": "the application's object id",
    "principal": "the service principal's object id",
}


def _verb(verbs: Verbs, name: str, run_it: Run, summary: str) -> argparse.ArgumentParser:
    verb = verbs.add(name, run_it, summary)
    add_config(verb)
    verb.add_argument("tenant", metavar="TENANT", help="our name for the tenant")
    return verb


def _config(arguments: argparse.Namespace) -> Config:
    return load(arguments.config)


def _plan(arguments: argparse.Namespace) -> int:
    products = tuple(arguments.product or PRODUCTS)
    made = plan.make(arguments.tenant, products, arguments.gateway, _config(arguments).gateway.secret_header)
    if arguments.json:
        answer_json(plan.as_json(made))
    else:
        answer_text(plan.as_powershell(made) if arguments.powershell else plan.as_text(made))
    return 0


def _import(arguments: argparse.Namespace) -> int:
    roles = tuple(arguments.role) if arguments.role else None
    ids = (arguments.tenant_id, arguments.app, arguments.object_id, arguments.principal)
    connection = Connection(arguments.tenant, *ids, roles)
    with opened(arguments) as state, connecting.opened_books(arguments.data, _config(arguments), state.ledger) as books:
        credential = connecting.enter(books, connection, operator().who, arguments.days, _key(arguments))
        name = f"{credential.tenant}/{credential.app}/{credential.generation}"
        pem = connecting.as_pem(certificate_of(state.ledger.engine, name))
    if arguments.json:
        answer_json({"credential": name, "thumbprint_sha1": credential.thumbprint_sha1, "certificate": pem})
    else:
        answer_text(f"{pem}\nUpload this certificate to the application, consent, then:")
        answer_text(f"  counterfoil connection test {arguments.tenant}")
    return 0


def _key(arguments: argparse.Namespace) -> tuple[bytes, str | None] | None:
    if arguments.key_file is None:
        return None
    try:
        passphrase = arguments.passphrase_file.read_text().rstrip("\n") if arguments.passphrase_file else None
        return arguments.key_file.read_bytes(), passphrase
    except OSError as error:
        raise Misconfigured(f"{error.filename} cannot be read: {error.strerror}", "name a file you may read") from error


def _test(arguments: argparse.Namespace) -> int:
    wanted = tuple(needed(tuple(arguments.product or ("scan-internal",))))
    with opened(arguments) as state, connecting.opened_books(arguments.data, _config(arguments), state.ledger) as books:
        found = books.connections.all(arguments.tenant)
        if not found:
            raise Refused(f"{arguments.tenant} has no connection", "enter one: counterfoil connection import")
        tested = {c.app: connecting.test(books, c, wanted, operator().who) for c in found}
    if arguments.json:
        answers: list[Json] = [_as_json(app, result) for app, result in tested.items()]
        answer_json(answers)
    else:
        answer_text("\n".join(line for app, result in tested.items() for line in _lines(app, result)))
    return 1 if any(_finds(result) for result in tested.values()) else 0


def _finds(result: Tested) -> bool:
    return not result.works or bool(result.missing or result.too_much or result.unknown)


def _as_json(app: str, result: Tested) -> dict[str, Json]:
    fields: dict[str, Json] = {name: list(v) if isinstance(v, tuple) else v for name, v in asdict(result).items()}
    return {"app": app, **fields}


def _lines(app: str, result: Tested) -> list[str]:
    unknown = "may not be listed by this connection" if result.unknown is None else ", ".join(result.unknown) or "none"
    return [
        f"{app}: {'works' if result.works else 'does not work'}: {visible(result.words)}",
        f"  granted:  {', '.join(result.granted) or 'nothing'}",
        f"  missing:  {', '.join(result.missing) or 'nothing'}",
        f"  too much: {', '.join(result.too_much) or 'nothing'}",
        f"  credentials that are not ours: {visible(unknown)}",
    ]


def _list(arguments: argparse.Namespace) -> int:
    with opened(arguments) as state:
        register = Connections(state.ledger)
        rows = [_row(register, connection) for connection in register.all()]
        common = len(shared(listed_credentials(state.ledger.engine)))
    if arguments.json:
        entries: list[Json] = [dict(zip(COLUMNS, row, strict=True)) for row in rows]
        answer_json(entries)
        return 0
    answer_table(COLUMNS, rows, "no connection yet: counterfoil connection plan TENANT")
    if common:
        answer_text(f"{common} certificates are shared by several connections: rotate them to keys of their own")
    return 0


COLUMNS = ("tenant", "tenant_id", "app", "roles", "generation", "thumbprint_sha1", "valid_until")


def _row(register: Connections, connection: Connection) -> tuple[str, ...]:
    roles = "unknown" if connection.roles is None else " ".join(connection.roles)
    try:
        current = register.current(connection)
    except Refused:
        return (connection.tenant, connection.tenant_id, connection.app, roles, "", "", "")
    until = f"{current.not_after:%Y-%m-%d}"
    head = (connection.tenant, connection.tenant_id, connection.app, roles)
    return (*head, str(current.generation), current.thumbprint_sha1, until)
