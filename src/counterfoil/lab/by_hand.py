"""An administrator of a tenant edits by hand in the portal; what he does is logged under his name.

Each operation takes the world, the time and keyword arguments of JSON, and returns JSON.
"""

from typing import Any

from counterfoil.lab import directory, places
from counterfoil.lab.looks import credentials
from counterfoil.lab.objects import Application, ExchangeGrant, Principal
from counterfoil.lab.world import World
from counterfoil.model.errors import Refused


def admin_set_keys(
    world: World, now: float, *, app_id: str, certificates_pem: list[str], user: str = "admin@lab.example"
) -> dict[str, Any]:
    """An administrator replaces the certificates of an application by hand."""
    application = places.application(world, app_id)
    kept = {key.thumbprint_sha256: key for key in application.keys}
    keys = [places.key(world, pem) for pem in certificates_pem]
    keys = [kept.get(key.thumbprint_sha256, key) for key in keys]
    directory.set_credentials(world, application, places.actor(now, user), keys=keys)
    return credentials(world, now, app_id=app_id)


def admin_add_key(
    world: World,
    now: float,
    *,
    app_id: str,
    certificate_pem: str,
    tenant: str | None = None,
    user: str = "admin@lab.example",
) -> dict[str, Any]:
    """An administrator uploads one more certificate by hand; with ``tenant`` to the service principal there."""
    thing = _thing(world, app_id, tenant)
    keys = [*thing.keys, places.key(world, certificate_pem)]
    directory.set_credentials(world, thing, places.actor(now, user), keys=keys)
    return credentials(world, now, app_id=app_id)


def _thing(world: World, app_id: str, tenant: str | None) -> Application | Principal:
    return places.application(world, app_id) if tenant is None else places.principal(world, tenant, app_id)


def admin_add_secret(
    world: World,
    now: float,
    *,
    app_id: str,
    tenant: str | None = None,
    days: float = 180.0,
    user: str = "admin@lab.example",
) -> dict[str, Any]:
    """An administrator makes a client secret; returns its text, which is kept nowhere.

    With ``tenant`` it is made on the service principal there, where the page of the application does not show it.
    """
    thing = _thing(world, app_id, tenant)
    secret, text = directory.new_secret(world, "by hand", now, now + days * 86400)
    directory.set_credentials(world, thing, places.actor(now, user), secrets=[*thing.secrets, secret])
    return {"key_id": secret.key_id, "secret": text}


def admin_authentication(
    world: World, _now: float, *, app_id: str, public: bool = False, subjects: list[str] | None = None, issuer: str = ""
) -> dict[str, Any]:
    """An administrator says how an application proves itself: not at all, or by certificates of an issuer with a name.

    ``issuer`` is a certificate in PEM; ``subjects`` are the names that may stand in those that it issued.
    """
    application = places.application(world, app_id)
    application.public, application.subjects, application.subject_issuer = public, list(subjects or ()), issuer
    world.put(application)
    return {"public": application.public, "subjects": application.subjects}


def admin_enable(world: World, now: float, *, tenant: str, app_id: str, enabled: bool) -> dict[str, Any]:
    """An administrator switches a service principal on or off."""
    principal = places.principal(world, tenant, app_id)
    directory.set_enabled(world, principal, places.actor(now), enabled=enabled)
    return {"enabled": principal.enabled}


def admin_remove_principal(world: World, now: float, *, tenant: str, app_id: str) -> dict[str, Any]:
    """An administrator deletes the enterprise application: consent is gone."""
    principal = places.principal(world, tenant, app_id)
    directory.remove_principal(world, principal, places.actor(now))
    return {"removed": principal.id}


def admin_delete_application(world: World, now: float, *, app_id: str) -> dict[str, Any]:
    """An administrator deletes an app registration for good, its enterprise application with it."""
    application = places.application(world, app_id)
    for principal in [item for item in world.every(Principal) if item.app_id == app_id]:
        directory.remove_principal(world, principal, places.actor(now))
    directory.remove_application(world, application, places.actor(now))
    return {"removed": application.id}


def admin_restrict(
    world: World, now: float, *, tenant: str, app_id: str, addresses: list[str] | None
) -> dict[str, Any]:
    """An administrator limits a single-tenant service principal to addresses (Conditional Access)."""
    principal = places.principal(world, tenant, app_id)
    if places.application(world, app_id).multi_tenant:
        raise Refused("Conditional Access for workload identities covers single-tenant applications only")
    principal.allowed_addresses = addresses
    directory.remember(world, principal, now)
    return {"addresses": addresses}


def admin_exchange_grant(
    world: World, _now: float, *, tenant: str, app_id: str, role: str, mailboxes: list[str] | None
) -> dict[str, Any]:
    """An administrator assigns a role in Exchange (RBAC for Applications), to all mailboxes or some."""
    principal = places.principal(world, tenant, app_id)
    principal.exchange.append(ExchangeGrant(role, mailboxes))
    world.put(principal)
    return {"role": role, "mailboxes": mailboxes}


def admin_key_policy(world: World, _now: float, *, tenant: str, days: float | None) -> dict[str, Any]:
    """A tenant limits the life of new certificates (app management policy)."""
    place = places.tenant(world, tenant)
    place.max_key_days = days
    world.put(place)
    return {"days": days}


def admin_meddle(world: World, now: float, *, tenant: str, user: str) -> dict[str, Any]:
    """An administrator makes a client secret on an application of his tenant, and tells nobody."""
    home = places.tenant(world, tenant)
    own = sorted(world.every(Application, home.id), key=lambda application: application.id)
    if not own:
        raise Refused(f"the tenant {tenant} has no application of its own")
    return admin_add_secret(world, now, app_id=own[0].app_id, user=user)
