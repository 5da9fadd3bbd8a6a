"""Finding things by name for an operator of the laboratory, with a plain refusal where there are none."""

from typing import TypeVar

from cryptography import x509

from counterfoil.lab import certificates
from counterfoil.lab.directory import Actor
from counterfoil.lab.objects import Application, Key, Mailbox, Principal, Tenant
from counterfoil.lab.world import World
from counterfoil.model.errors import Refused

T = TypeVar("T")


def need(found: T | None, what: str) -> T:
    """Return what was found.

    Raises:
        Refused: If it is nothing.
    """
    if found is None:
        raise Refused(f"the laboratory has no {what}")
    return found


def tenant(world: World, name: str) -> Tenant:
    """Return a tenant by id or domain."""
    return need(world.tenant(name), f"tenant {name}")


def application(world: World, app_id: str) -> Application:
    """Return an application by its client id."""
    return need(world.application(app_id), f"application {app_id}")


def principal(world: World, tenant_name: str, app_id: str) -> Principal:
    """Return an application's service principal in a tenant."""
    found = world.principal(tenant(world, tenant_name).id, app_id)
    return need(found, f"service principal of {app_id} in {tenant_name}")


def mailbox(world: World, address: str) -> Mailbox:
    """Return a mailbox by address, whichever tenant it is in."""
    owner = need(world.tenant_of_domain(address.rpartition("@")[2]), f"tenant for {address}")
    return need(world.mailbox(owner.id, address), f"mailbox {address}")


def key(world: World, pem: str) -> Key:
    """Make a keyCredential of a certificate in PEM.

    Raises:
        ValueError: If it is none.
    """
    return certificates.make_key(x509.load_pem_x509_certificate(pem.encode()), world.guid())


def actor(now: float, user: str = "admin@lab.example") -> Actor:
    """Return an administrator who works by hand in the portal."""
    return Actor(at=now, address="192.0.2.10", user=user, user_agent="Mozilla/5.0 (X11; Linux x86_64) Lab/1.0")
