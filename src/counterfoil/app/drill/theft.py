"""The theft, and the truth about it from the thief's own journal."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from counterfoil.app.drill.cast import Part
from counterfoil.app.drill.customers import Customer, Shared
from counterfoil.app.drill.life import Heartbeats
from counterfoil.app.drill.stage import Stage
from counterfoil.lab.thief import Thief
from counterfoil.model.errors import Unavailable


@dataclass(frozen=True, slots=True)
class Truth:
    """What the thief says he did: tenant ids by way, and the Message-IDs that he read, by tenant.

    ``earlier`` are the tenants that he had entered in the days before.
    """

    by_key: frozenset[str]
    by_token: frozenset[str]
    read: Mapping[str, frozenset[str]]
    earlier: frozenset[str] = frozenset()


def steal(stage: Stage, customers: list[Customer], shared: Shared, beats: Heartbeats) -> Path:
    """Read mail with the copied key where the cast says so, and with a copied token where it says that.

    Raises:
        Unavailable: If the laboratory does not let him: then the drill would prove nothing.
    """
    journal = stage.folder / "thief.jsonl"
    where = stage.lab.endpoints
    with Thief(where.login, where.graph, where.ca, journal) as thief:
        for customer in (one for one in customers if one.part is Part.READ):
            hold = thief.sign_in(customer.tenant_id, customer.mail.app, shared.key_pem, shared.certificate_pem)
            if hold is None or not hold.read(customer.mailboxes[1]):
                raise Unavailable(f"the thief found nothing in {customer.name}", "the drill proves nothing; try again")
        for customer in (one for one in customers if one.part is Part.REPLAYED):
            if not thief.replay(beats.tokens[customer.name].value).read(customer.mailboxes[1]):
                raise Unavailable(f"the thief found nothing in {customer.name}", "the drill proves nothing; try again")
    return journal


def truth(journal: Path, before: Mapping[str, frozenset[str]]) -> Truth:
    """Read the journal, in which only what he was answered with success counts, and add what he read before."""
    lines = [json.loads(line) for line in journal.read_text(encoding="utf-8").splitlines()]
    done = [line for line in lines if line["phase"] == "done" and line["ok"]]
    by_key = {line["tenant"] for line in done if line["action"] == "sign-in"}
    by_token = {line["tenant"] for line in done if line.get("by") == "token"}
    read = {tenant: set(messages) for tenant, messages in before.items()}
    for line in done:
        if line["action"] == "read":
            read.setdefault(line["tenant"], set()).update(line["message_ids"])
    messages = {name: frozenset(ids) for name, ids in read.items()}
    return Truth(frozenset(by_key | set(before)), frozenset(by_token), messages, frozenset(before))
