"""The cast as it stands in the laboratory: mailboxes, connectors, applications, the shared key of 2021.

That key was made outside of our signer and imported, as such keys were: whoever has it is in all of them.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import count

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from counterfoil import clock
from counterfoil.app import connecting
from counterfoil.app.campaigning import CONTROL
from counterfoil.app.drill.cast import Part, Wanted
from counterfoil.app.drill.stage import GATEWAY, Stage
from counterfoil.credential.registry import certificate_of
from counterfoil.gateway.routing import NextHop, Tls
from counterfoil.gateway.store.tenants import Domain, Operator
from counterfoil.model.trust import Connection


@dataclass(frozen=True, slots=True)
class Customer:
    """One customer: its connections, of which the first so many have the certificate that is stolen.

    ``control`` is the control application beside them, ``None`` where there is none.
    """

    name: str
    tenant_id: str
    domains: tuple[str, ...]
    mailboxes: tuple[str, ...]
    part: Part
    connections: tuple[Connection, ...] = ()
    shared: int = 0
    control: Connection | None = None

    @property
    def stolen(self) -> tuple[Connection, ...]:
        """The connections that the thief can enter."""
        return self.connections[: self.shared]

    @property
    def mail(self) -> Connection:
        """The connection that the story goes on with; only customers that have one are asked."""
        return self.connections[0]

    @property
    def by_hand(self) -> bool:
        """Whether its administrator has to replace the certificate."""
        return bool(self.shared) and self.control is None


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
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(days=60))
    certificate = builder.not_valid_after(now + timedelta(days=300)).sign(key, hashes.SHA256())
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    thumbprint = certificate.fingerprint(hashes.SHA256()).hex().upper()
    return Shared(private.decode(), certificate.public_bytes(Encoding.PEM).decode(), thumbprint)


def take_on(stage: Stage, wanted: Sequence[Wanted], shared: Shared, tick: Callable[[str], None]) -> list[Customer]:
    """Take all customers on board, several at once; ``tick`` is told how many are."""
    done = count(1)

    def one(wish: Wanted) -> Customer:
        made = _one(stage, wish, shared)
        tick(f"{next(done)} of {len(wanted)} on board")
        return made

    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(one, wanted))


def _one(stage: Stage, wish: Wanted, shared: Shared) -> Customer:
    licensed = wish.part is not Part.UNLICENSED
    made = stage.lab.add_tenant(wish.name, domains=[*wish.domains], licensed=licensed)
    mailboxes = tuple(f"{user}@{wish.domains[0]}" for user in ("ada", "bob"))
    for address in mailboxes:
        stage.lab.add_mailbox(made["id"], address)
    stage.lab.operate("add_connector", tenant=made["id"], name="Counterfoil", certificate_name=GATEWAY)
    by = Operator("drill", clock.now())
    stage.state.tenants.add(wish.name, wish.display, by)
    hop = NextHop("localhost", stage.lab.endpoints.smtp, Tls.VERIFY)
    for domain in wish.domains:
        stage.state.tenants.set_domain(Domain(domain, wish.name, hop), by)
    if wish.policy:
        stage.state.tenants.set_policy(wish.name, dict(wish.policy), by)
    customer = Customer(wish.name, made["id"], wish.domains, mailboxes, wish.part)
    return customer if not wish.openings else _connect(stage, customer, wish, shared)


def _connect(stage: Stage, customer: Customer, wish: Wanted, shared: Shared) -> Customer:
    """Give a customer its connections: a control application where it has one, and the shared key where it has that."""
    control = None
    if wish.control:
        control = _register(stage, customer, "control", (CONTROL,), ())
        _enter(stage, control, None)
    owners = () if control is None else (control.service_principal,)
    made = []
    for number, opening in enumerate(wish.openings, 1):
        connection = _register(stage, customer, f"mail {number}", opening.roles, owners)
        _enter(stage, connection, shared if opening.stolen else None)
        made.append(connection)
    shares = sum(opening.stolen for opening in wish.openings)
    return replace(customer, connections=tuple(made), shared=shares, control=control)


def _enter(stage: Stage, connection: Connection, shared: Shared | None) -> None:
    """Enter a connection with a key of its own, or with the shared one, and have the administrator upload it."""
    key = None if shared is None else ((shared.key_pem + shared.certificate_pem).encode(), None)
    credential = connecting.enter(stage.books, connection, "drill", 90, key)
    name = credential.name
    pem = connecting.as_pem(certificate_of(stage.state.ledger.engine, name))
    stage.lab.operate("admin_add_key", app_id=connection.app, certificate_pem=pem)
    connecting.test(stage.books, connection, connection.roles or (), "drill")


def _register(
    stage: Stage, customer: Customer, name: str, roles: tuple[str, ...], owners: tuple[str, ...]
) -> Connection:
    made = stage.lab.add_application(customer.tenant_id, name, roles=list(roles), owners=list(owners))
    ids = (customer.tenant_id, made["app_id"], made["object_id"], made["service_principal"])
    return Connection(customer.name, *ids, roles)
