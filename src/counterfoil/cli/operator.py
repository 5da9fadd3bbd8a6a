"""``counterfoil operator``: who may use the console, with which roles, for which tenants.

Exit codes: 0 done; 2 refused or wrong, and nothing was changed.
"""

import argparse
import getpass
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from counterfoil.app.state import State
from counterfoil.cli.output import answer_json, answer_table, answer_text, visible
from counterfoil.cli.parser import add_config
from counterfoil.cli.state import confirm, opened, operator
from counterfoil.cli.verbs import Run, Verbs, run_verb
from counterfoil.model.errors import Misconfigured, Refused
from counterfoil.model.mail import Json
from counterfoil.operators.accounts import Account, Accounts
from counterfoil.operators.passwords import new_password
from counterfoil.operators.roles import PERMITS, Grant, Role

run = run_verb


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verbs."""
    parser.epilog = "Exit codes: 0 done; 2 refused or wrong, and nothing was changed. Roles: docs/console.md."
    verbs = Verbs(parser)
    add = _verb(verbs, "add", _add, "add an account with its first role")
    add.add_argument("--role", choices=[role.value for role in Role], required=True, help="what it is for")
    _tenant_arguments(add)
    _password_arguments(add)
    listing = verbs.add("list", _list, "list every account and its roles")
    add_config(listing)
    _verb(verbs, "show", _show, "show an account, its roles and what they permit")
    remove = _verb(verbs, "remove", _remove, "remove an account; what it did stays in the ledger")
    remove.add_argument("--yes", action="store_true", help="do not ask")
    role = _verb(verbs, "role", _role, "give an account a role, or take it away")
    role.add_argument("role", choices=[role.value for role in Role], help="the role")
    role.add_argument("--remove", action="store_true", help="take it away")
    _tenant_arguments(role)
    _password_arguments(_verb(verbs, "password", _password, "set another password; whoever is logged in no longer is"))


def _verb(verbs: Verbs, name: str, run_it: Run, summary: str) -> argparse.ArgumentParser:
    verb = verbs.add(name, run_it, summary)
    verb.add_argument("name", metavar="NAME", help="the account")
    add_config(verb)
    return verb


def _tenant_arguments(parser: argparse.ArgumentParser) -> None:
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--tenant", action="append", metavar="NAME", help="for this tenant; may be said several times")
    which.add_argument("--all-tenants", action="store_true", help="for every tenant, and for what is no tenant's")


def _password_arguments(parser: argparse.ArgumentParser) -> None:
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--password-file", type=Path, metavar="FILE", help="take it from FILE; - is standard input")
    how.add_argument("--generate", action="store_true", help="make one and print it, once")


@contextmanager
def _opened(arguments: argparse.Namespace, *, create: bool = False) -> Iterator[tuple[State, Accounts]]:
    with opened(arguments, create=create) as state:
        yield state, Accounts(state.ledger)


def _add(arguments: argparse.Namespace) -> int:
    password = _password_of(arguments)
    with _opened(arguments, create=True) as (state, accounts):
        by = operator()
        accounts.add(arguments.name, password, _grants(arguments, state), by.now, by.who)
        return _said(arguments, accounts.one(arguments.name), password)


def _password(arguments: argparse.Namespace) -> int:
    password = _password_of(arguments)
    with _opened(arguments) as (_, accounts):
        by = operator()
        accounts.set_password(arguments.name, password, by.now, by.who)
        return _said(arguments, accounts.one(arguments.name), password)


def _list(arguments: argparse.Namespace) -> int:
    with _opened(arguments) as (_, accounts):
        found = accounts.all()
    if arguments.json:
        answer_json([_document(account) for account in found])
        return 0
    rows: list[tuple[str, ...]] = [
        (account.name, grant.role.value, grant.tenant or "every tenant", account.added)
        for account in found
        for grant in account.grants
    ]
    rows += [(account.name, "none", "", account.added) for account in found if not account.grants]
    empty = "no accounts yet; add one: counterfoil operator add NAME --role operator --all-tenants"
    answer_table(("account", "role", "for", "added"), rows, empty)
    return 0


def _show(arguments: argparse.Namespace) -> int:
    with _opened(arguments) as (_, accounts):
        return _said(arguments, accounts.one(arguments.name))


def _remove(arguments: argparse.Namespace) -> int:
    with _opened(arguments) as (_, accounts):
        accounts.one(arguments.name)
        confirm(f"This removes the account {arguments.name}", arguments.name, yes=arguments.yes)
        by = operator()
        accounts.remove(arguments.name, by.now, by.who)
    if arguments.json:
        answer_json({"removed": arguments.name})
    else:
        answer_text(f"removed {arguments.name}")
    return 0


def _role(arguments: argparse.Namespace) -> int:
    with _opened(arguments) as (state, accounts):
        by = operator()
        for grant in _grants(arguments, None if arguments.remove else state):
            change = accounts.take if arguments.remove else accounts.give
            change(arguments.name, grant, by.now, by.who)
        return _said(arguments, accounts.one(arguments.name))


def _grants(arguments: argparse.Namespace, state: State | None) -> list[Grant]:
    """Return the grants that the arguments name; with a state, tenants must be there."""
    tenants: list[str] = arguments.tenant or []
    if state is not None:
        for tenant in tenants:
            state.tenants.one(tenant)
    role = Role(arguments.role)
    return [Grant(role, tenant) for tenant in dict.fromkeys(tenants)] if tenants else [Grant(role, None)]


def _password_of(arguments: argparse.Namespace) -> str:
    if arguments.generate:
        return new_password()
    if arguments.password_file is not None:
        return _from_file(arguments.password_file)
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise Refused("nobody is here to type a password", "say --password-file FILE, or --generate")
    first = getpass.getpass(f"Password for {arguments.name}: ", sys.stderr)
    if getpass.getpass("Once more: ", sys.stderr) != first:
        raise Refused("the two were not the same", "nothing was changed; try again")
    return first


def _from_file(file: Path) -> str:
    try:
        text = sys.stdin.readline() if str(file) == "-" else file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(f"the password cannot be read from {file}: {error}", "a file of one line, UTF-8") from error
    return text.rstrip("\r\n")


def _said(arguments: argparse.Namespace, account: Account, password: str | None = None) -> int:
    shown = password if password is not None and arguments.generate else None
    if arguments.json:
        answer_json(_document(account) | ({} if shown is None else {"password": shown}))
        return 0
    answer_text(visible(f"{account.name}  (since {account.added})"))
    rows: list[tuple[str, ...]] = [
        (grant.role.value, grant.tenant or "every tenant", ", ".join(sorted(PERMITS[grant.role])))
        for grant in account.grants
    ]
    answer_table(("role", "for", "permits"), rows, "no roles: it can log in and see nothing")
    if shown is not None:
        answer_text(f"password: {shown}")
    return 0


def _document(account: Account) -> dict[str, Json]:
    given: list[Json] = [{"role": grant.role.value, "tenant": grant.tenant} for grant in account.grants]
    return {"name": account.name, "added": account.added, "grants": given}
