"""Two laboratories: a pure one whose clock the test holds, and a real one over TLS on loopback."""

import datetime as dt
import random
import uuid
from dataclasses import dataclass

import pytest
from tests.lab.bench import KEYS, ROLES, Bench, KeyPair

from counterfoil import clock
from counterfoil.lab.laboratory import Laboratory
from counterfoil.lab.world import World


@pytest.fixture
def bench():
    """A tenant (Contoso) with Alice's mailbox and one application with one certificate."""
    signing = KEYS[2]
    world = World(random.Random(7), signing.key_pem.encode(), signing.pem.encode())
    made = Bench(world)
    made.tenant = made.run("add_tenant", name="Contoso", domains=["contoso.example"])["id"]
    made.app = made.run(
        "add_application", tenant=made.tenant, name="Example Mail Guard", roles=ROLES, certificates_pem=[KEYS[0].pem]
    )
    made.run("add_mailbox", tenant=made.tenant, address="alice@contoso.example", name="Alice")
    return made


@pytest.fixture(scope="session")
def running(tmp_path_factory):
    """A laboratory over TLS; tests make tenants of their own in it."""
    with Laboratory(tmp_path_factory.mktemp("lab"), seed=1) as laboratory:
        yield laboratory


@pytest.fixture
def own_roots(monkeypatch):
    """Without the variables that override what a client was told to trust."""
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)


@dataclass(frozen=True)
class Joined:
    """A tenant of the running laboratory with one application."""

    tenant: str
    domain: str
    app: dict
    pair: KeyPair
    mailbox: str


@pytest.fixture
def joined(running):
    """A fresh tenant in the running laboratory, its clock being the real one."""
    name = f"t{uuid.uuid4().hex[:8]}"
    pair = KeyPair(name, start=clock.now() - dt.timedelta(days=1))
    tenant = running.add_tenant(name, domains=[f"{name}.example"])["id"]
    app = running.add_application(tenant, "Guard", roles=ROLES, certificates_pem=[pair.pem])
    address = f"alice@{name}.example"
    running.add_mailbox(tenant, address)
    return Joined(tenant, f"{name}.example", app, pair, address)
