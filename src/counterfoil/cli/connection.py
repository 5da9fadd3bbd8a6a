"""``counterfoil connection``: plan, import, test, list, status, pull, unsubscribe, remove. Connect Microsoft 365.

Exit codes: 0 done, and for ``test`` it works as planned; 1 ``test`` found something missing, too much or
unknown, ``pull`` or ``status`` something that needs a look; 2 refused or wrong, and nothing was changed.
"""

import argparse
import difflib
import sys
import uuid
from pathlib import Path

from counterfoil import clock
from counterfoil.app import connecting
from counterfoil.app.campaigning import is_control
from counterfoil.app.flags import flags_of, troubles
from counterfoil.app.standing import Standings
from counterfoil.cli.connection_logs import run_pull, run_status
from counterfoil.cli.connection_trial import run_test
from counterfoil.cli.connection_unsubscribe import add_unsubscribe, run_unsubscribe
from counterfoil.cli.output import answer_json, answer_text, visible
from counterfoil.cli.parser import add_config
from counterfoil.cli.state import confirm, opened, operator
from counterfoil.cli.verbs import Run, Verbs, run_verb
from counterfoil.config import load
from counterfoil.config.settings import Config
from counterfoil.credential.registry import certificate_of, shared
from counterfoil.credential.registry import listed as listed_credentials
from counterfoil.gateway.store import names
from counterfoil.model.errors import Misconfigured, Refused
from counterfoil.model.mail import Json
from counterfoil.model.trust import Connection, Credential
from counterfoil.tenant import plan
from counterfoil.tenant.known_permissions import KNOWN, opens
from counterfoil.tenant.permissions import PRODUCTS
from counterfoil.tenant.plan_page import as_html
from counterfoil.tenant.registry import Connections

run = run_verb


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verbs."""
    parser.epilog = "Exit codes: 0 done; 1 something was found that needs a look; 2 refused, and nothing was changed."
    verbs = Verbs(parser)
    planning = _verb(verbs, "plan", _plan, "print what a tenant's administrator must allow, and why")
    planning.add_argument("--product", action="append", choices=[*PRODUCTS], metavar="NAME", help=", ".join(PRODUCTS))
    planning.add_argument("--gateway", required=True, metavar="NAME", help="the name in our client certificate")
    planning.add_argument(
        "--outbound-gateway", metavar="NAME", help="the host of the outbound listener; the gateway's name if left out"
    )
    planning.add_argument("--app", type=_guid, metavar="ID", help="the application, where it is registered already")
    planning.add_argument(
        "--mailboxes",
        metavar="GROUP",
        help="open the mailboxes of this group's members alone, by a role in Exchange (RBAC for Applications)",
    )
    form = planning.add_mutually_exclusive_group()
    form.add_argument("--powershell", action="store_true", help="as lines for Microsoft Graph PowerShell")
    form.add_argument("--html", action="store_true", help="as a page for the tenant's administrator")
    entering = _verb(verbs, "import", _import, "enter a connection; its key is made, or taken from a file")
    for name, what in IDS.items():
        entering.add_argument(f"--{name}", required=True, type=_guid, metavar="ID", help=what)
    entering.add_argument("--role", action="append", metavar="NAME", help="a permission that was granted")
    entering.add_argument("--key-file", type=Path, metavar="FILE", help="a key that exists, PKCS #12 or PEM")
    entering.add_argument("--passphrase-file", type=Path, metavar="FILE", help="what opens it")
    entering.add_argument("--days", type=int, default=90, metavar="N", help="life of the certificate (default 90)")
    testing = _verb(verbs, "test", run_test, "see by real use what was granted, and which credentials are there")
    testing.add_argument("--product", action="append", choices=[*PRODUCTS], metavar="NAME", help=", ".join(PRODUCTS))
    testing.add_argument("--app", metavar="ID", help="only this application")
    testing.add_argument("--inside", metavar="ADDRESS", help="a mailbox that the connection should reach")
    testing.add_argument("--outside", metavar="ADDRESS", help="a mailbox that it should not reach")
    listing = verbs.add("list", _list, "list connections, their current credentials, and what is wrong with them")
    add_config(listing)
    status = verbs.add("status", run_status, "how heartbeats and log pulling stand, connection by connection")
    add_config(status)
    status.add_argument("tenant", nargs="?", metavar="TENANT", help="only this tenant")
    _verb(verbs, "pull", run_pull, "pull the tenant's own logs into DATA/evidence, going on where the last pull ended")
    add_unsubscribe(_verb(verbs, "unsubscribe", run_unsubscribe, "delete change notifications that a stranger left"))
    removing = _verb(verbs, "remove", _remove, "take a connection out, and retire its credentials")
    removing.add_argument("--app", metavar="ID", help="the application, where the tenant has several")
    removing.add_argument("--yes", action="store_true", help="do not ask")


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


def _guid(text: str) -> str:
    try:
        return str(uuid.UUID(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no GUID; the portal shows it on the overview page") from error


def _config(arguments: argparse.Namespace) -> Config:
    return load(arguments.config)


def _plan(arguments: argparse.Namespace) -> int:
    products = tuple(arguments.product or PRODUCTS)
    header = _config(arguments).gateway.secret_header
    made = plan.make(
        arguments.tenant,
        products,
        arguments.gateway,
        header,
        arguments.outbound_gateway,
        app=arguments.app,
        mailboxes=arguments.mailboxes,
    )
    if arguments.json:
        answer_json(plan.as_json(made))
    else:
        form = plan.as_powershell if arguments.powershell else as_html if arguments.html else plan.as_text
        answer_text(form(made))
    return 0


def _import(arguments: argparse.Namespace) -> int:
    roles = tuple(arguments.role) if arguments.role else None
    names.tenant_name(arguments.tenant)
    for role in roles or ():
        _refuse_slip(role)
    ids = (arguments.tenant_id, arguments.app, arguments.object_id, arguments.principal)
    connection = Connection(arguments.tenant, *ids, roles)
    # The signer's home is in the data folder: one that is not there is mistyped.
    with (
        opened(arguments, create=arguments.data.is_dir()) as state,
        connecting.opened_books(arguments.data, _config(arguments), state.ledger) as books,
    ):
        credential = connecting.enter(books, connection, operator().who, arguments.days, _key(arguments))
        strange = arguments.tenant not in {tenant.name for tenant in state.tenants.all()}
        name = credential.name
        pem = connecting.as_pem(certificate_of(state.ledger.engine, name))
    if arguments.json:
        answer_json({"credential": name, "thumbprint_sha1": credential.thumbprint_sha1, "certificate": pem})
    else:
        answer_text(f"{pem}\nUpload this certificate to the application, consent, then:")
        answer_text(f"  counterfoil connection test {arguments.tenant}")
    if strange:
        sys.stderr.write(f"{arguments.tenant} is no tenant yet: add it with its domain, or no heartbeat can be made.\n")
    return 0


def _refuse_slip(role: str) -> None:
    """Refuse what is nearly the name of a permission; one that is like none we know may be right all the same."""
    near = [] if role in KNOWN else difflib.get_close_matches(role, KNOWN, n=1, cutoff=0.8)
    if near:
        raise Misconfigured(f"no application permission is called {role}", f"did you mean {near[0]}?")


def _key(arguments: argparse.Namespace) -> tuple[bytes, str | None] | None:
    if arguments.key_file is None:
        if arguments.passphrase_file is not None:
            raise Misconfigured("--passphrase-file opens a key file, and none was named", "say --key-file FILE too")
        return None
    try:
        passphrase = arguments.passphrase_file.read_text().rstrip("\n") if arguments.passphrase_file else None
        return arguments.key_file.read_bytes(), passphrase
    except OSError as error:
        raise Misconfigured(f"{error.filename} cannot be read: {error.strerror}", "name a file you may read") from error


def _remove(arguments: argparse.Namespace) -> int:
    with opened(arguments) as state, connecting.opened_books(arguments.data, _config(arguments), state.ledger) as books:
        found = [c for c in books.connections.all(arguments.tenant) if arguments.app in {None, c.app}]
        if len(found) != 1:
            raise Refused(
                f"{arguments.tenant} has {len(found)} such connections", "say --app: counterfoil connection list"
            )
        confirm(f"This ends the connection {found[0].app}", arguments.tenant, yes=arguments.yes)
        retired = connecting.leave(books, found[0], operator().who)
    if arguments.json:
        answer_json({"removed": found[0].app, "retired": retired})
    else:
        answer_text(f"removed; {retired} credentials sign no more")
        answer_text(f"Its administrator now deletes the application {found[0].app} in {found[0].tenant_id}.")
    return 0


def _list(arguments: argparse.Namespace) -> int:
    now = clock.now()
    standings = Standings(arguments.data)
    with opened(arguments) as state:
        register = Connections(state.ledger)
        common = shared(listed_credentials(state.ledger.engine))
        rows = []
        for connection in register.all():
            try:
                current = register.current(connection)
            except Refused:
                current = None
            flags = [*flags_of(connection, current, common, now)]
            flags += [f"{duty}:{standing.state}" for duty, standing in troubles(standings.of(connection).duties)]
            rows.append((is_control(connection), _row(connection, current, flags)))
    if arguments.json:
        entries: list[Json] = [
            {**dict(zip(COLUMNS, row, strict=True)), "control": control, "flags": [*row[-1].split()]}
            for control, row in rows
        ]
        answer_json(entries)
        return 0
    # Not a table: ids and thumbprints are copied from here, and have to stay whole.
    answer_text("\n".join(line for control, row in rows for line in _card(row, control=control)) or EMPTY)
    if any(row[-1] for _, row in rows):
        answer_text("what each flag means, and what to do: counterfoil doctor")
    return 0


EMPTY = "no connection yet: counterfoil connection plan TENANT"


def _card(row: tuple[str, ...], *, control: bool) -> list[str]:
    tenant, tenant_id, app, roles, generation, thumbprint, until, flags = row
    what = (
        "control application (it writes the credentials of the other, and reads no mail)" if control else "application"
    )
    lines = [
        f"{visible(tenant)}",
        f"  {what} {app} in {tenant_id}",
        *_may(roles),
        f"  credential {generation}, {thumbprint}, until {until}" if generation else "  no current credential",
    ]
    return [*lines, f"  ! {flags}"] if flags else lines


def _may(roles: str) -> list[str]:
    """Say which permissions it has, and what they read and change."""
    lines = [f"  may: {visible(roles)}"]
    for what in ("reads", "changes"):
        told = dict.fromkeys(words for name in roles.split() if (words := opens(name)[what]))
        lines.append(f"    {what + ':':<8} {'; '.join(told) or 'nothing'}")
    return lines if roles != UNKNOWN else lines[:1]


UNKNOWN = "unknown"
COLUMNS = ("tenant", "tenant_id", "app", "roles", "generation", "thumbprint_sha1", "valid_until", "flags")


def _row(connection: Connection, current: Credential | None, flags: list[str]) -> tuple[str, ...]:
    roles = UNKNOWN if connection.roles is None else " ".join(connection.roles)
    head = (connection.tenant, connection.tenant_id, connection.app, roles)
    if current is None:
        return (*head, "", "", "", " ".join(flags))
    until = f"{current.not_after:%Y-%m-%d}"
    return (*head, str(current.generation), current.thumbprint_sha1, until, " ".join(flags))
