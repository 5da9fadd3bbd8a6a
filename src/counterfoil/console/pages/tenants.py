"""Tenants with their domains, what proves their outbound mail, and their policies."""

from collections.abc import Mapping, Sequence

from counterfoil.console.page import Column, Fact, Page, Row, Table
from counterfoil.gateway.store.tenants import Tenant
from counterfoil.model.mail import Json

TENANTS = (
    Column("name", "Tenant", "text", "/tenants/{name}"),
    Column("display", "Name"),
    Column("domains", "Domains", "number"),
    Column("senders", "Proofs of outbound mail", "number"),
    Column("own_policy", "Policy of its own", "flag"),
    Column("added", "Added", "time"),
)
DOMAINS = (Column("domain", "Domain"), Column("next_hop", "Next hop", "code"), Column("tls", "TLS must", "mark"))
SENDERS = (Column("kind", "Kind", "mark"), Column("value", "What", "code"))


def listing(found: Sequence[Row]) -> Page:
    """Return the list of tenants."""
    empty = "No tenant yet. Add one: counterfoil tenant add NAME --domain example.org --next-hop HOST"
    return Page("Tenants", tables=(Table("tenants", "Tenants", TENANTS, found, empty),))


def one(tenant: Tenant, policy: Mapping[str, Json], credentials: Table) -> Page:
    """Return one tenant; ``policy`` is the one in force, its own or the default."""
    domains: list[Row] = [
        {"domain": domain.domain, "next_hop": str(domain.next_hop), "tls": domain.next_hop.tls}
        for domain in tenant.domains
    ]
    senders: list[Row] = [
        # Of a secret only the hash is kept, and even that is nobody's business here.
        {"kind": sender.kind, "value": "kept as a hash" if sender.kind == "secret" else sender.value}
        for sender in tenant.senders
    ]
    name = tenant.name
    tables = (
        Table(
            "domains",
            "Domains",
            DOMAINS,
            domains,
            f"No domain: its mail is refused. Add one: counterfoil tenant domain {name} DOMAIN --next-hop HOST",
        ),
        Table(
            "senders",
            "What proves outbound mail",
            SENDERS,
            senders,
            f"Nothing: its outbound mail is refused. Make a secret: counterfoil tenant sender {name} --new-secret",
        ),
        credentials,
    )
    facts = (
        Fact("Name", tenant.display),
        Fact("Added", tenant.added, "time"),
        Fact("Policy", "its own" if tenant.policy else "the default"),
        Fact("Messages", "search", "text", f"/messages?tenant={name}"),
    )
    return Page(f"Tenant {name}", "tenant.html", tables, facts, {"policy": dict(policy), "tenant": name})
