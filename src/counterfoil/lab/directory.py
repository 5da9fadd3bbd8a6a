"""Changes to the directory: keys, secrets, consent, service principals; each leaves its audit row."""

import base64
import hashlib
from dataclasses import dataclass, replace
from typing import Any

from counterfoil.lab import certificates
from counterfoil.lab.logs import directory_audit
from counterfoil.lab.names import find_role
from counterfoil.lab.objects import Application, Assignment, Key, Principal, Revision, Secret
from counterfoil.lab.spelling import b64url
from counterfoil.lab.world import World


@dataclass(frozen=True, slots=True)
class Actor:
    """Who changes something: an application (``app_id`` set) or a person (``user`` set)."""

    at: float
    address: str = ""
    app_id: str = ""
    principal: str = ""
    name: str = ""
    user: str = ""
    correlation_id: str = ""
    user_agent: str = ""


def remember(world: World, thing: Application | Principal, at: float) -> None:
    """Note the credentials and grants of an object from now on; what lags reads the older notes."""
    roles = [assignment.role for assignment in thing.assignments] if isinstance(thing, Principal) else []
    enabled = thing.enabled if isinstance(thing, Principal) else True
    thing.history.append(
        Revision(at, [replace(k) for k in thing.keys], [replace(s) for s in thing.secrets], enabled, roles)
    )
    world.put(thing)


def set_credentials(
    world: World,
    thing: Application | Principal,
    actor: Actor,
    *,
    keys: list[Key] | None = None,
    secrets: list[Secret] | None = None,
) -> None:
    """Replace the certificates or the secrets of an application or a service principal."""
    before = _descriptions(thing)
    thing.keys = keys if keys is not None else thing.keys
    thing.secrets = secrets if secrets is not None else thing.secrets
    remember(world, thing, actor.at)
    after = _descriptions(thing)
    if before != after:
        directory_audit.credentials(world, thing, _as_dict(actor), before, after)


def _descriptions(thing: Application | Principal) -> list[str]:
    """Describe credentials as the audit log does; thumbprints are not in it."""
    keys = [
        f"[KeyIdentifier={key.key_id},KeyType={key.type},KeyUsage={key.usage},DisplayName={key.display_name}]"
        for key in thing.keys
    ]
    secrets = [
        f"[KeyIdentifier={secret.key_id},KeyType=Password,KeyUsage=Verify,DisplayName={secret.display_name or ''}]"
        for secret in thing.secrets
    ]
    return keys + secrets


def key_from_json(world: World, document: dict[str, Any], existing: list[Key]) -> Key:
    """Make a key of what a caller sent; an entry without ``key`` names one that is already there.

    Raises:
        ValueError: If it is no certificate, or names an entry that does not exist.
    """
    text = document.get("key")
    if not text:
        return _existing(document, existing)
    certificate = certificates.from_base64(str(text))
    key_id = str(document.get("keyId") or "") or world.guid()
    key = certificates.make_key(certificate, key_id, document.get("displayName"))
    key.usage = str(document.get("usage") or "Verify")
    known = next((old for old in existing if old.thumbprint_sha256 == key.thumbprint_sha256), None)
    if known is not None and not document.get("keyId"):
        key.key_id = known.key_id
    return key


def _existing(document: dict[str, Any], existing: list[Key]) -> Key:
    named = {str(document[name]) for name in ("keyId", "customKeyIdentifier") if document.get(name)}
    for key in existing:
        spellings = {key.key_id, key.custom_key_identifier, key.thumbprint_sha1}
        spellings.add(base64.b64encode(bytes.fromhex(key.thumbprint_sha1)).decode())
        if named & spellings:
            return key
    raise ValueError("an entry without a key names no existing credential")


def new_secret(world: World, display_name: str | None, start: float, end: float) -> tuple[Secret, str]:
    """Make a client secret; returns what is kept, and the text that is shown once."""
    text = f"{b64url(world.dice.randbytes(2))}~{b64url(world.dice.randbytes(27))}"
    digest = hashlib.sha256(text.encode()).hexdigest()
    return Secret(world.guid(), digest, text[:3], display_name, start, end), text


def grant(world: World, principal: Principal, role_name_or_id: str, actor: Actor) -> Assignment:
    """Grant an application permission (admin consent).

    Raises:
        ValueError: If Microsoft has no such permission.
    """
    found = find_role(role_name_or_id)
    if found is None:
        raise ValueError(f"no application permission is called {role_name_or_id}")
    resource, role, name = found
    for assignment in principal.assignments:
        if assignment.role == role:
            return assignment
    assignment = Assignment(b64url(world.dice.randbytes(32)), resource, role, actor.at)
    principal.assignments.append(assignment)
    remember(world, principal, actor.at)
    directory_audit.role_granted(world, principal, _as_dict(actor), (resource, role, name))
    return assignment


def revoke(world: World, principal: Principal, assignment: Assignment, actor: Actor) -> None:
    """Take an application permission away; tokens that carry it keep it until they end."""
    principal.assignments = [kept for kept in principal.assignments if kept.id != assignment.id]
    remember(world, principal, actor.at)
    directory_audit.role_revoked(world, principal, _as_dict(actor), assignment.resource, assignment.role)


def set_enabled(world: World, principal: Principal, actor: Actor, *, enabled: bool) -> None:
    """Switch a service principal on or off; off is a CAE event, a removed key is not."""
    if principal.enabled == enabled:
        return
    principal.enabled = enabled
    principal.revoked_at = None if enabled else actor.at
    remember(world, principal, actor.at)
    directory_audit.enabled(world, principal, _as_dict(actor), value=enabled)


def add_principal(world: World, application: Application, tenant: str, actor: Actor) -> Principal:
    """Make an application's service principal in a tenant."""
    principal = Principal(world.guid(), tenant, application.app_id, application.name, actor.at)
    remember(world, principal, actor.at)
    directory_audit.principal_added(world, principal, _as_dict(actor))
    return principal


def remove_principal(world: World, principal: Principal, actor: Actor) -> None:
    """Delete a service principal: the application can get no token in that tenant."""
    directory_audit.principal_removed(world, principal, _as_dict(actor))
    world.remove(principal)


def remove_application(world: World, application: Application, actor: Actor) -> None:
    """Delete an app registration: nobody knows its client id any more."""
    directory_audit.application_removed(world, application, _as_dict(actor))
    world.remove(application)


def _as_dict(actor: Actor) -> dict[str, Any]:
    return {name: getattr(actor, name) for name in Actor.__slots__}
