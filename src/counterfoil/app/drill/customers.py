"""The customers of the drill: all have mail through the gateway, one in ten has the connection of 2021.

That connection is one imported certificate on an application of each customer: whoever has its key is in
all of them. Five of them matter to the story: three that are read, one whose token is replayed, one that
has no licence for its logs.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from counterfoil import clock
from counterfoil.app import connecting
from counterfoil.app.drill.stage import GATEWAY, Stage
from counterfoil.credential.registry import certificate_of
from counterfoil.gateway.routing import NextHop, Tls
from counterfoil.gateway.store.tenants import Domain, Operator
from counterfoil.model.trust import Connection

READ, REPLAYED, UNLICENSED = 3, 1, 1
FEWEST_CONNECTED = READ + REPLAYED + UNLICENSED + 1
ROLES = ("Mail.ReadWrite", "AuditLog.Read.All")
WATCH = "ActivityFeed.Read"


@dataclass(frozen=True, slots=True)
class Customer:
    """One customer; ``mail`` and ``control`` are its connections, ``None`` where it has none."""

    name: str
    tenant_id: str
    domain: str
    mailboxes: tuple[str, ...]
    mail: Connection | None = None
    control: Connection | None = None


@dataclass(frozen=True, slots=True)
class Shared:
    """The key that was shared, as the thief will have it too."""

    key_pem: str
    certificate_pem: str
    thumbprint: str


def shared_key() -> Shared:
    """Make the key of 2021, outside of our signer, as such keys were made."""
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail connection")])
    now = clock.now()
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(days=1))
    certificate = builder.not_valid_after(now + timedelta(days=300)).sign(key, hashes.SHA256())
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    thumbprint = certificate.fingerprint(hashes.SHA256()).hex().upper()
    return Shared(private.decode(), certificate.public_bytes(Encoding.PEM).decode(), thumbprint)


def take_on(stage: Stage, count: int, shared: Shared) -> list[Customer]:
    """Take all customers on board; the first ones have the connection."""
    connected = min(count, max(FEWEST_CONNECTED, count // 10))
    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(lambda number: _one(stage, number, shared if number < connected else None), range(count)))


def _one(stage: Stage, number: int, shared: Shared | None) -> Customer:
    name = f"customer-{number:03d}"
    domain = f"{name}.example"
    made = stage.lab.add_tenant(name, domains=[domain], licensed=shared is None or number != READ + REPLAYED)
    mailboxes = tuple(f"{user}@{domain}" for user in ("ada", "bob"))
    for address in mailboxes:
        stage.lab.add_mailbox(made["id"], address)
    stage.lab.operate("add_connector", tenant=made["id"], name="Counterfoil", certificate_name=GATEWAY)
    by = Operator("drill", clock.now())
    stage.state.tenants.add(name, name, by)
    hop = NextHop("localhost", stage.lab.endpoints.smtp, Tls.VERIFY)
    stage.state.tenants.set_domain(Domain(domain, name, hop), by)
    customer = Customer(name, made["id"], domain, mailboxes)
    return customer if shared is None else _connect(stage, customer, shared)


def _connect(stage: Stage, customer: Customer, shared: Shared) -> Customer:
    """Give a customer the connection: a control application with a key of its own, and the shared one for mail."""
    control = _register(stage, customer, "control", ("Application.ReadWrite.OwnedBy",), ())
    credential = connecting.enter(stage.books, control, "drill", 90, None)
    name = f"{credential.tenant}/{credential.app}/{credential.generation}"
    pem = connecting.as_pem(certificate_of(stage.state.ledger.engine, name))
    stage.lab.operate("admin_add_key", app_id=control.app, certificate_pem=pem)
    connecting.test(stage.books, control, control.roles or (), "drill")
    mail = _register(stage, customer, "mail", (*ROLES, WATCH), (control.service_principal,))
    connecting.enter(stage.books, mail, "drill", 90, ((shared.key_pem + shared.certificate_pem).encode(), None))
    stage.lab.operate("admin_add_key", app_id=mail.app, certificate_pem=shared.certificate_pem)
    connecting.test(stage.books, mail, mail.roles or (), "drill")
    return Customer(customer.name, customer.tenant_id, customer.domain, customer.mailboxes, mail, control)


def _register(
    stage: Stage, customer: Customer, name: str, roles: tuple[str, ...], owners: tuple[str, ...]
) -> Connection:
    made = stage.lab.add_application(customer.tenant_id, name, roles=list(roles), owners=list(owners))
    ids = (customer.tenant_id, made["app_id"], made["object_id"], made["service_principal"])
    return Connection(customer.name, *ids, roles)
