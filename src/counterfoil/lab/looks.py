"""Looking into the laboratory without leaving a trace, and turning its dials.

Each operation takes the world, the time and keyword arguments of JSON, and returns JSON.
"""

import base64
from dataclasses import asdict, fields
from typing import Any

from counterfoil.lab import item_ids, mailboxes, places
from counterfoil.lab.objects import ImportSession, Message, Principal, Row, Tenant
from counterfoil.lab.settings import REALISTIC, Settings
from counterfoil.lab.world import World
from counterfoil.model.errors import Refused


def messages(world: World, _now: float, *, address: str) -> list[dict[str, Any]]:
    """List everything in a mailbox, Purges included, without leaving a trace (for tests and drills)."""
    mailbox = places.mailbox(world, address)
    return [
        {
            "id": item_ids.item_id(item),
            "folder": mailboxes.place_of(world, item).path,
            "mime": base64.b64encode(item.mime.encode("latin-1")).decode(),
            "received": item.received,
            "draft": item.draft,
        }
        for item in sorted(world.every(Message, mailbox.id), key=lambda item: item.received)
    ]


def credentials(world: World, _now: float, *, app_id: str) -> dict[str, Any]:
    """Show all credentials of an application and its service principals."""
    application = places.application(world, app_id)
    principals = [item for item in world.every(Principal) if item.app_id == application.app_id]
    return {
        "app_id": app_id,
        "keys": [asdict(key) for key in application.keys],
        "secrets": [asdict(secret) for secret in application.secrets],
        "federations": [asdict(item) for item in application.federations],
        "principals": [
            {"id": item.id, "tenant": item.tenant, "enabled": item.enabled, "keys": [asdict(key) for key in item.keys]}
            for item in principals
        ],
    }


def tenants(world: World, _now: float) -> list[dict[str, Any]]:
    """List the tenants."""
    return [asdict(tenant) for tenant in world.every(Tenant)]


def rows(world: World, _now: float, *, tenant: str, log: str) -> list[dict[str, Any]]:
    """Show every row of a tenant's log, lost and late ones too (``visible`` is null for a lost one)."""
    place = places.tenant(world, tenant)
    kept = [row for row in world.every(Row, place.id) if row.log == log]
    return [
        {**asdict(row), "visible": None if row.visible == float("inf") else row.visible}
        for row in sorted(kept, key=lambda row: row.at)
    ]


def set_settings(world: World, _now: float, *, tenant: str | None = None, **values: Any) -> dict[str, Any]:
    """Turn dials, for all tenants or for one."""
    known = {item.name for item in fields(Settings)}
    unknown = sorted(set(values) - known)
    if unknown:
        raise Refused(f"the laboratory has no dial {unknown[0]}", f"it has: {', '.join(sorted(known))}")
    if tenant is None:
        for name, value in values.items():
            setattr(world.settings, name, value)
        return asdict(world.settings)
    place = places.tenant(world, tenant)
    place.settings |= values
    world.put(place)
    return dict(place.settings)


def set_realistic(world: World, now: float, *, tenant: str | None = None) -> dict[str, Any]:
    """Turn the dials of delay, lag and duplicates to what a real tenant sees, for all tenants or for one."""
    return set_settings(world, now, tenant=tenant, **REALISTIC)


def import_sessions(world: World, now: float, *, tenant: str) -> list[dict[str, Any]]:
    """List the import URLs that still work, which no call of Graph can."""
    place = places.tenant(world, tenant)
    live = [session for session in world.every(ImportSession, place.id) if session.expires > now]
    return [{"mailbox": one.mailbox, "app_id": one.app_id, "expires": one.expires} for one in live]


def set_licensed(world: World, _now: float, *, tenant: str, licensed: bool) -> dict[str, Any]:
    """Give or take a tenant's licence for sign-in reports, Graph activity and MailItemsAccessed."""
    place = places.tenant(world, tenant)
    place.licensed = licensed
    world.put(place)
    return {"tenant": place.id, "licensed": licensed}
