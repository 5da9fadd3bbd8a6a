"""Making tenants, applications, mailboxes, messages and connectors.

Each operation takes the world, the time and keyword arguments of JSON, and returns JSON.
"""

import base64
from dataclasses import asdict
from typing import Any

from counterfoil.lab import directory, item_ids, mailboxes, places
from counterfoil.lab.graph import notify
from counterfoil.lab.objects import Application, Connector, Principal, Tenant
from counterfoil.lab.world import World
from counterfoil.model.errors import Refused


def add_tenant(
    world: World,
    now: float,
    *,
    name: str,
    domains: list[str] | None = None,
    licensed: bool = True,
    tenant_id: str | None = None,
) -> dict[str, Any]:
    """Make a tenant; ``domains`` default to ``<name>.onmicrosoft.com``."""
    chosen = [domain.lower() for domain in domains or [f"{name.lower().replace(' ', '')}.onmicrosoft.com"]]
    for domain in chosen:
        if world.tenant_of_domain(domain) is not None:
            raise Refused(f"the domain {domain} belongs to a tenant already")
    tenant = Tenant(tenant_id or world.guid(), name, chosen, now, licensed)
    world.put(tenant)
    return asdict(tenant)


def add_application(
    world: World,
    now: float,
    *,
    tenant: str,
    name: str,
    roles: list[str] | None = None,
    certificates_pem: list[str] | None = None,
    multi_tenant: bool = False,
    owners: list[str] | None = None,
) -> dict[str, Any]:
    """Register an application in its home tenant, with its service principal and consent there.

    ``owners`` are object ids of service principals that may write both (Application.ReadWrite.OwnedBy).
    Returns ``object_id``, ``app_id`` and ``service_principal``.
    """
    home = places.tenant(world, tenant)
    application = Application(world.guid(), home.id, world.guid(), name, now, multi_tenant, owners=list(owners or []))
    application.keys = [places.key(world, pem) for pem in certificates_pem or []]
    directory.remember(world, application, now)
    principal = directory.add_principal(world, application, home.id, places.actor(now))
    principal.owners = list(application.owners)
    world.put(principal)
    for role in roles or []:
        _grant(world, principal, role, now)
    return {
        "tenant": home.id,
        "object_id": application.id,
        "app_id": application.app_id,
        "service_principal": principal.id,
    }


def _grant(world: World, principal: Principal, role: str, now: float) -> None:
    try:
        directory.grant(world, principal, role, places.actor(now))
    except ValueError as error:
        raise Refused(str(error)) from error


def consent(world: World, now: float, *, tenant: str, app_id: str, roles: list[str] | None = None) -> dict[str, Any]:
    """Let a tenant consent to an application: its service principal there, and the roles."""
    place = places.tenant(world, tenant)
    application = places.application(world, app_id)
    principal = world.principal(place.id, app_id) or directory.add_principal(
        world, application, place.id, places.actor(now)
    )
    for role in roles or []:
        _grant(world, principal, role, now)
    return {"tenant": place.id, "app_id": app_id, "service_principal": principal.id}


def add_mailbox(world: World, _now: float, *, tenant: str, address: str, name: str = "") -> dict[str, Any]:
    """Make a user with a mailbox; the domain of the address is added to the tenant if it is nobody's."""
    place = places.tenant(world, tenant)
    domain = address.rpartition("@")[2].lower()
    owner = world.tenant_of_domain(domain)
    if owner is None:
        place.domains.append(domain)
        world.put(place)
    elif owner.id != place.id:
        raise Refused(f"the domain {domain} belongs to another tenant")
    if world.mailbox(place.id, address) is not None:
        raise Refused(f"there is a mailbox {address} already")
    mailbox = mailboxes.add_mailbox(world, place.id, address, name or address.partition("@")[0])
    return {"id": mailbox.id, "address": mailbox.address, "exchange_guid": mailbox.exchange_guid}


def add_message(world: World, now: float, *, address: str, mime: str, folder: str = "inbox") -> dict[str, Any]:
    """Put a message into a mailbox; ``mime`` is base64 of the bytes. Returns its Graph ids."""
    mailbox = places.mailbox(world, address)
    data = base64.b64decode(mime)
    if folder == "inbox":
        item = notify.arrive(world, mailbox, data, now)
    else:
        place = places.need(mailboxes.folder(world, mailbox, folder), f"folder {folder}")
        item = mailboxes.store(world, place, data, now)
    return {"id": item_ids.item_id(item), "immutable_id": item_ids.item_id(item, immutable=True), "folder": folder}


def add_connector(
    world: World, _now: float, *, tenant: str, name: str, certificate_name: str, sender_domains: list[str] | None = None
) -> dict[str, Any]:
    """Make an inbound Partner connector: mail only over TLS from who shows this certificate name."""
    place = places.tenant(world, tenant)
    connector = Connector(world.guid(), place.id, name, certificate_name.lower(), list(sender_domains or ["*"]))
    world.put(connector)
    return asdict(connector)


def add_issuer(world: World, _now: float, *, issuer: str, public_key_pem: str) -> dict[str, Any]:
    """Make an outside token issuer known, for federated credentials."""
    world.issuers[issuer] = public_key_pem
    return {"issuer": issuer}
