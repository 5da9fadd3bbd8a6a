"""``counterfoil tenant``: tenants, their domains and next hops, what proves their outbound mail, their policies.

Exit codes: 0 done; 2 refused or wrong, and nothing was changed.
"""

import argparse
import json
import sys
import tomllib
from dataclasses import asdict
from pathlib import Path

from counterfoil.app.state import State
from counterfoil.cli.output import answer_json, answer_table, answer_text, visible
from counterfoil.cli.parser import add_config
from counterfoil.cli.state import confirm, opened, operator
from counterfoil.cli.verbs import Run, Verbs, run_verb
from counterfoil.config import load
from counterfoil.config.values import Wrong, read_host_port
from counterfoil.gateway.routing import NextHop, Tls
from counterfoil.gateway.store import names
from counterfoil.gateway.store.tenants import Domain, Sender, Tenant, secret_hash
from counterfoil.model.errors import Misconfigured, Refused
from counterfoil.model.mail import Json
from counterfoil.model.number import counted
from counterfoil.operators.accounts import Accounts
from counterfoil.scan import policy_document
from counterfoil.scan.verdict import REASONS
from counterfoil.tenant.registry import Connections

run = run_verb


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verbs."""
    parser.epilog = "Exit codes: 0 done; 2 refused or wrong, and nothing was changed."
    verbs = Verbs(parser)
    add = _verb(verbs, "add", _add, "add a tenant")
    add.add_argument("--display", metavar="TEXT", default="", help="the name that people read")
    add.add_argument("--domain", metavar="DOMAIN", help="its first domain; needs --next-hop")
    add.add_argument("--again", action="store_true", help="it is the customer that had this name before")
    _hop_arguments(add)
    listing = verbs.add("list", _list, "list every tenant")
    add_config(listing)
    _verb(verbs, "show", _show, "show a tenant with its domains, senders and policy")
    remove = _verb(verbs, "remove", _remove, "remove a tenant; the story of its messages stays")
    remove.add_argument("--yes", action="store_true", help="do not ask")
    domain = _verb(verbs, "domain", _domain, "add a domain, change its next hop, or take it away")
    domain.add_argument("domain", metavar="DOMAIN", help="a mail domain, as in an address")
    domain.add_argument("--remove", action="store_true", help="take the domain away; its mail is refused from then on")
    _hop_arguments(domain)
    sender = _verb(verbs, "sender", _sender, "say what proves outbound mail to be this tenant's")
    what = sender.add_mutually_exclusive_group(required=True)
    what.add_argument("--new-secret", action="store_true", help="make a secret header value and print it, once")
    what.add_argument("--secret", metavar="VALUE", help="a secret header value, to remove it")
    what.add_argument("--range", metavar="CIDR", help="an address range that the tenant owns alone")
    what.add_argument("--certificate", metavar="NAME", help="the DNS name in its own host's client certificate")
    sender.add_argument("--remove", action="store_true", help="take this proof away")
    policy = _verb(verbs, "policy", _policy, "print the policy, or replace it")
    policy.add_argument("--set", type=Path, metavar="FILE", help="a policy as TOML or JSON")
    policy.add_argument("--reset", action="store_true", help="back to the default policy")


def _verb(verbs: Verbs, name: str, run_it: Run, summary: str) -> argparse.ArgumentParser:
    verb = verbs.add(name, run_it, summary)
    verb.add_argument("name", metavar="NAME", help="the tenant")
    add_config(verb)
    return verb


def _hop_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--next-hop", metavar="HOST[:PORT]", help="who takes its mail from us; port 25 if left out")
    parser.add_argument(
        "--tls",
        choices=[tls.value for tls in Tls],
        default=Tls.VERIFY.value,
        help="what STARTTLS must achieve there (verify)",
    )


def _add(arguments: argparse.Namespace) -> int:
    domain = None
    if arguments.domain or arguments.next_hop:
        domain = _domain_of(arguments)
    with opened(arguments, create=True) as state:
        by = operator()
        if arguments.name not in [tenant.name for tenant in state.tenants.all()]:
            if not arguments.again:
                _refuse_heir(state, arguments.name)
            Accounts(state.ledger).forget_tenant(arguments.name, by.now, by.who)
        state.tenants.add(arguments.name, arguments.display, by, domain)
        return _print(state.tenants.one(arguments.name), arguments)


def _refuse_heir(state: State, name: str) -> None:
    """Refuse a name whose messages are kept: who has it is shown them (law 11).

    Raises:
        Refused: If a tenant that was removed had it.
    """
    try:
        state.stories.see_tenant(name)
    except Refused:
        return
    raise Refused(
        f"a tenant {name} was removed, and the story of its messages is kept under that name",
        "choose another name; if it is the same customer, say --again",
    )


def _list(arguments: argparse.Namespace) -> int:
    with opened(arguments) as state:
        tenants = state.tenants.all()
        connected = {connection.tenant for connection in Connections(state.ledger).all()}
    if arguments.json:
        answer_json([_document(tenant) for tenant in tenants])
        return 0
    rows: list[tuple[str, ...]] = [
        (tenant.name, tenant.display, ", ".join(domain.domain for domain in tenant.domains), str(len(tenant.senders)))
        for tenant in tenants
    ]
    hint = "no tenants yet; add one: counterfoil tenant add NAME --domain example.org --next-hop HOST"
    answer_table(("tenant", "display", "domains", "senders"), rows, empty=hint)
    if alone := sorted(connected - {tenant.name for tenant in tenants}):
        sys.stderr.write(f"connected, and no tenant of the mail: {', '.join(alone)}; add each under the same name.\n")
    return 0


def _show(arguments: argparse.Namespace) -> int:
    with opened(arguments) as state:
        return _print(state.tenants.one(arguments.name), arguments)


def _remove(arguments: argparse.Namespace) -> int:
    with opened(arguments) as state:
        state.tenants.one(arguments.name)
        if left := Connections(state.ledger).all(arguments.name):
            count = counted(len(left), "connection")
            raise Refused(
                f"{arguments.name} has {count}", f"end it first: counterfoil connection remove {arguments.name}"
            )
        confirm(f"This removes the tenant {arguments.name}", arguments.name, yes=arguments.yes)
        by = operator()
        state.tenants.remove(arguments.name, by)
        # If we die here, roles outlive the tenant; ``add`` takes them before one of the same name is there.
        Accounts(state.ledger).forget_tenant(arguments.name, by.now, by.who)
    return _said(arguments, {"removed": arguments.name}, f"removed {arguments.name}")


def _domain(arguments: argparse.Namespace) -> int:
    with opened(arguments) as state:
        if arguments.remove:
            state.tenants.remove_domain(arguments.name, names.domain_name(arguments.domain), operator())
        else:
            state.tenants.set_domain(_domain_of(arguments), operator())
        return _print(state.tenants.one(arguments.name), arguments)


def _domain_of(arguments: argparse.Namespace) -> Domain:
    if not (arguments.domain and arguments.next_hop):
        raise Misconfigured("a domain needs a next hop", "say --domain DOMAIN --next-hop HOST[:PORT]")
    try:
        hop = read_host_port(arguments.next_hop, default_port=25)
    except Wrong as wrong:
        raise Misconfigured(f"--next-hop: {wrong}", wrong.hint) from wrong
    next_hop = NextHop(hop.host, hop.port, Tls(arguments.tls))
    return Domain(names.domain_name(arguments.domain), arguments.name, next_hop)


def _sender(arguments: argparse.Namespace) -> int:
    with opened(arguments) as state:
        if arguments.new_secret:
            if arguments.remove:
                raise Misconfigured("--new-secret makes one; it removes nothing", "say --secret VALUE --remove")
            secret = state.tenants.new_secret(arguments.name, operator())
            header = load(arguments.config).gateway.secret_header
            document: Json = {"tenant": arguments.name, "header": header, "secret": secret}
            return _said(arguments, document, f"{header}: {secret}")
        sender = _sender_of(arguments)
        if arguments.remove:
            state.tenants.remove_sender(sender, operator())
        else:
            state.tenants.add_sender(sender, operator())
        return _print(state.tenants.one(arguments.name), arguments)


def _sender_of(arguments: argparse.Namespace) -> Sender:
    if arguments.range:
        return Sender("range", names.owned_range(arguments.range), arguments.name)
    if arguments.certificate:
        return Sender("certificate", names.certificate_name(arguments.certificate), arguments.name)
    if not arguments.remove:
        # A secret that a person thought up is one that a person can guess.
        raise Misconfigured("secrets are made by us, not chosen", "say --new-secret")
    return Sender("secret", secret_hash(arguments.secret), arguments.name)


def _policy(arguments: argparse.Namespace) -> int:
    with opened(arguments) as state:
        if arguments.set or arguments.reset:
            document = _policy_file(arguments.set) if arguments.set else {}
            state.tenants.set_policy(arguments.name, document, operator())
        stored = state.tenants.one(arguments.name).policy
    policy = policy_document.write(policy_document.read(stored, REASONS))
    if arguments.json:
        answer_json(policy)
    else:
        answer_text(visible(json.dumps(policy, indent=2, ensure_ascii=False)))
    return 0


def _policy_file(file: Path) -> dict[str, Json]:
    try:
        text = file.read_text(encoding="utf-8")
        document = json.loads(text) if text.lstrip().startswith("{") else tomllib.loads(text)
    except (OSError, ValueError) as error:
        raise Misconfigured(f"cannot read the policy {file}: {error}", "a policy is a TOML or JSON file") from error
    return policy_document.write(policy_document.read(document, REASONS))


def _print(tenant: Tenant, arguments: argparse.Namespace) -> int:
    if arguments.json:
        answer_json(_document(tenant))
        return 0
    answer_text(visible(f"{tenant.name}  {tenant.display}  (since {tenant.added})"))
    rows: list[tuple[str, ...]] = [("domain", d.domain, f"{d.next_hop} tls={d.next_hop.tls}") for d in tenant.domains]
    rows += [("sender", s.kind, s.value) for s in tenant.senders]
    rows.append(("policy", "its own" if tenant.policy else "default", f"counterfoil tenant policy {tenant.name}"))
    answer_table(("what", "name", "value"), rows, empty="")
    return 0


def _document(tenant: Tenant) -> Json:
    document: dict[str, Json] = asdict(tenant)
    return document


def _said(arguments: argparse.Namespace, document: Json, text: str) -> int:
    if arguments.json:
        answer_json(document)
    else:
        answer_text(text)
    return 0
