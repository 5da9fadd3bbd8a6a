"""Applications: reading, PATCH that replaces the whole list, addKey and removeKey with their proof, secrets."""

import binascii
from typing import Any

from counterfoil.lab import certificates, directory, jwt
from counterfoil.lab.graph import odata
from counterfoil.lab.graph.context import Context, GraphError, bad_request, field, not_found
from counterfoil.lab.names import DIRECTORY
from counterfoil.lab.objects import Application, Key, Principal, Secret
from counterfoil.lab.spelling import parse, seconds
from counterfoil.lab.wire import Reply, json_reply

_YEAR = 365.25 * 86400
_PROOF_LIFE = 600.0
_SKEW = 300.0


def find(context: Context) -> Application:
    """Return the application that the path names, by object id or ``appId='…'``.

    Raises:
        GraphError: 404 if this tenant has none.
    """
    name = context.params["application"]
    found = context.world.application(name[6:]) if name.startswith("appId=") else context.world.get(Application, name)
    if found is None or found.tenant != context.tenant:
        raise not_found(name.removeprefix("appId="))
    return found


def key_document(key: Key, *, with_key: bool = False) -> dict[str, Any]:
    """Shape a keyCredential; the key itself is shown only where a single object is read with $select."""
    return {
        "customKeyIdentifier": key.custom_key_identifier,
        "displayName": key.display_name,
        "endDateTime": seconds(key.end),
        "key": key.certificate if with_key else None,
        "keyId": key.key_id,
        "startDateTime": seconds(key.start),
        "type": key.type,
        "usage": key.usage,
    }


def secret_document(secret: Secret, text: str | None = None) -> dict[str, Any]:
    """Shape a passwordCredential; the text is shown once, when it is made."""
    return {
        "customKeyIdentifier": None,
        "displayName": secret.display_name,
        "endDateTime": seconds(secret.end),
        "hint": secret.hint,
        "keyId": secret.key_id,
        "secretText": text,
        "startDateTime": seconds(secret.start),
    }


def document(context: Context, application: Application) -> dict[str, Any]:
    """Shape an application."""
    with_key = "keycredentials" in context.call.query.get("$select", "").lower() and "application" in context.params
    lag = float(context.world.dial(context.tenant, "read_lag_seconds"))
    known = [
        revision for revision in application.history if revision.at <= context.call.now - lag
    ] or application.history[:1]
    keys, secrets = (known[-1].keys, known[-1].secrets) if known else (application.keys, application.secrets)
    return {
        "id": application.id,
        "deletedDateTime": None,
        "appId": application.app_id,
        "createdDateTime": seconds(application.created),
        "displayName": application.name,
        "signInAudience": "AzureADMultipleOrgs" if application.multi_tenant else "AzureADMyOrg",
        "identifierUris": [],
        "keyCredentials": [key_document(key, with_key=with_key) for key in keys],
        "passwordCredentials": [secret_document(secret) for secret in secrets],
        "requiredResourceAccess": [],
        "servicePrincipalLockConfiguration": {
            "isEnabled": application.lock_principals,
            "allProperties": application.lock_principals,
        },
    }


def get(context: Context) -> Reply:
    """``GET /applications/{id}``."""
    shown = odata.select(document(context, find(context)), context.call.query.get("$select", ""))
    return json_reply(200, {"@odata.context": context.odata("applications/$entity"), **shown})


def listing(context: Context) -> Reply:
    """``GET /applications``."""
    items = sorted(context.world.every(Application, context.tenant), key=lambda item: item.id)
    return json_reply(
        200, odata.page(context, items, lambda item: document(context, item), size=100, most=999, path="applications")
    )


def patch(context: Context) -> Reply:
    """``PATCH /applications/{id}``: ``keyCredentials`` replaces the whole list."""
    application = find(context)
    may_write(context, application)
    body = context.body()
    if "keyCredentials" in body:
        keys = keys_from(context, body["keyCredentials"], application.keys)
        directory.set_credentials(context.world, application, context.actor(), keys=keys)
    if "displayName" in body:
        application.name = str(body["displayName"])
    context.world.put(application)
    return Reply(204)


def keys_from(context: Context, documents: Any, existing: list[Key]) -> list[Key]:
    """Read a list of keyCredentials.

    Raises:
        GraphError: 400 if an entry is no certificate, is there twice, or the tenant forbids its life.
    """
    if not isinstance(documents, list):
        raise bad_request(
            "Invalid value specified for property 'keyCredentials' of resource 'Application'.", "Request_BadRequest"
        )
    try:
        keys = [directory.key_from_json(context.world, item, existing) for item in documents]
    except (ValueError, AttributeError) as error:
        message = f"Invalid value specified for property 'keyCredentials' of resource 'Application': {error}"
        raise bad_request(message, "Request_BadRequest") from error
    if len({key.key_id for key in keys}) != len(keys):
        raise bad_request("Multiple key credentials with the same keyId.", "Request_BadRequest")
    known = {key.key_id for key in existing}
    for key in keys:
        if key.key_id not in known:
            check_life(context, key)
    return keys


def check_life(context: Context, key: Key) -> None:
    """Hold the tenant's app management policy (``asymmetricKeyLifetime``).

    Raises:
        GraphError: 400 if the certificate lives longer than the tenant allows.
    """
    most = context.caller.tenant.max_key_days
    if most is not None and key.end - key.start > most * 86400:
        raise bad_request(
            "Credential lifetime exceeds the max value allowed as per assigned policy. Please refer to "
            "https://aka.ms/app-management-policies for more information.",
            "CredentialInvalidLifetimeAsPerAppPolicy",
        )


def may_write(context: Context, thing: Application | Principal) -> None:
    """Application.ReadWrite.OwnedBy writes only what its holder owns."""
    roles = context.caller.roles
    if "Application.ReadWrite.All" in roles or "Directory.ReadWrite.All" in roles:
        return
    principal = context.caller.principal
    if "Application.ReadWrite.OwnedBy" in roles and principal and principal.id in thing.owners:
        return
    raise GraphError(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")


def check_proof(context: Context, thing: Application | Principal, text: Any) -> None:
    """Verify a proof of possession, signed with any valid key of the object (section 2.2).

    Raises:
        GraphError: 401 if it is malformed or does not hold.
    """
    if not isinstance(text, str) or "=" in text or text.count(".") != 2:
        raise GraphError(401, "Authentication_MissingOrMalformed", "Access Token missing or malformed.")
    try:
        proof = jwt.read(text)
    except (ValueError, binascii.Error) as error:
        raise GraphError(401, "Authentication_MissingOrMalformed", "Access Token missing or malformed.") from error
    now, claims = context.call.now, proof.claims
    start, end = claims.get("nbf"), claims.get("exp")
    timely = isinstance(start, int | float) and isinstance(end, int | float) and (
        start - _SKEW <= now < end + _SKEW and end - start <= _PROOF_LIFE
    )  # fmt: skip
    meant = claims.get("aud") == DIRECTORY and claims.get("iss") == thing.id
    valid = [key for key in thing.keys if key.start - _SKEW <= now < key.end]
    held = any(jwt.verifies(proof, certificates.from_base64(key.certificate).public_key()) for key in valid)
    if not (timely and meant and held):
        raise GraphError(401, "Authentication_Unauthorized", "Invalid proof of possession token.")


def _own(context: Context) -> Application:
    """Return the application if the caller is it, or may write it."""
    application = find(context)
    if application.app_id != context.caller.app_id:
        may_write(context, application)
    return application


def add_key(context: Context) -> Reply:
    """``POST /applications/{id}/addKey``: needs no permission but a proof."""
    return add_key_to(context, _own(context))


def add_key_to(context: Context, thing: Application | Principal) -> Reply:
    """Add a key to an application or service principal after checking the proof."""
    body = context.parameters()
    check_proof(context, thing, body.get("proof"))
    sent = body.get("keycredential")
    if not isinstance(sent, dict) or not sent.get("key"):
        raise bad_request("Invalid value specified for property 'keyCredential'.", "Request_BadRequest")
    [key] = keys_from(context, [{**sent, "keyId": None}], [])
    if any(old.thumbprint_sha256 == key.thumbprint_sha256 for old in thing.keys):
        raise bad_request("Key credential already exists.", "Request_BadRequest")
    check_life(context, key)
    directory.set_credentials(context.world, thing, context.actor(), keys=[*thing.keys, key])
    return json_reply(200, {"@odata.context": context.odata("microsoft.graph.keyCredential"), **key_document(key)})


def remove_key(context: Context) -> Reply:
    """``POST /applications/{id}/removeKey``."""
    return remove_key_from(context, _own(context))


def remove_key_from(context: Context, thing: Application | Principal) -> Reply:
    """Remove a key from an application or service principal after checking the proof."""
    body = context.parameters()
    check_proof(context, thing, body.get("proof"))
    kept = [key for key in thing.keys if key.key_id != str(body.get("keyid", "")).lower()]
    if len(kept) == len(thing.keys):
        raise bad_request("No credentials found to be removed.", "Request_BadRequest")
    directory.set_credentials(context.world, thing, context.actor(), keys=kept)
    return Reply(204)


def add_password(context: Context) -> Reply:
    """``POST /applications/{id}/addPassword``."""
    return add_password_to(context, find(context))


def add_password_to(context: Context, thing: Application | Principal) -> Reply:
    """Make a secret on an application or service principal; its text is shown in this answer only."""
    may_write(context, thing)
    asked: dict[str, Any] = field(context.parameters(), "passwordcredential", dict, {})
    name: str = field(asked, "displayName", str, "")
    start, end = context.call.now, context.call.now + 2 * _YEAR
    try:
        end = parse(str(asked["endDateTime"])) if asked.get("endDateTime") else end
    except ValueError as error:
        raise bad_request("Invalid endDateTime.", "Request_BadRequest") from error
    secret, text = directory.new_secret(context.world, name or None, start, end)
    directory.set_credentials(context.world, thing, context.actor(), secrets=[*thing.secrets, secret])
    return json_reply(
        200, {"@odata.context": context.odata("microsoft.graph.passwordCredential"), **secret_document(secret, text)}
    )


def remove_password(context: Context) -> Reply:
    """``POST /applications/{id}/removePassword``."""
    return remove_password_from(context, find(context))


def remove_password_from(context: Context, thing: Application | Principal) -> Reply:
    """Remove a secret from an application or service principal."""
    may_write(context, thing)
    kept = [secret for secret in thing.secrets if secret.key_id != context.parameters().get("keyid")]
    if len(kept) == len(thing.secrets):
        raise bad_request("No password credential found with keyId.", "Request_BadRequest")
    directory.set_credentials(context.world, thing, context.actor(), secrets=kept)
    return Reply(204)
