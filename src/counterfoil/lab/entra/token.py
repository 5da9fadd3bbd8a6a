"""The token endpoint: client credentials in, an access token or an AADSTS error out, and a sign-in row."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from counterfoil.lab import certificates, faults, jwt
from counterfoil.lab.entra import credentials, errors
from counterfoil.lab.entra.credentials import Proven
from counterfoil.lab.entra.errors import TokenError
from counterfoil.lab.logs import signin
from counterfoil.lab.names import GRAPH, ROLES, Resource, resource_of
from counterfoil.lab.objects import Application, Principal, Tenant
from counterfoil.lab.spelling import b64url, uti_of
from counterfoil.lab.wire import Call, Reply
from counterfoil.lab.world import World


@dataclass(slots=True)
class _Attempt:
    """What is known of a token request so far; the sign-in row is made of it."""

    tenant: Tenant
    request_id: str
    correlation_id: str
    resource: Resource | None = None
    application: Application | None = None
    principal: Principal | None = None
    app_id: str = ""


def answer(world: World, call: Call, segment: str, *, v2: bool) -> Reply:
    """Answer ``POST /{tenant}/oauth2/v2.0/token`` (or the v1 endpoint)."""
    request_id = world.request_id()
    correlation_id = call.header("client-request-id") or world.guid()
    extra = {
        "x-ms-request-id": request_id,
        "client-request-id": correlation_id,
        "x-ms-ests-server": "2.1.20000.1 - LAB ProdSlices",
        "Cache-Control": "no-store, no-cache",
        "Pragma": "no-cache",
    }
    tenant = world.tenant(segment)
    if tenant is None:
        reply = errors.error_reply(errors.tenant_not_found(segment), request_id, correlation_id, call.now)
        reply.headers |= extra
        return reply
    struck = faults.token_before(world, tenant.id)
    if struck is not None:
        reply = errors.struck_reply(struck, request_id, correlation_id, call.now)
        reply.headers |= extra
        return reply
    attempt = _Attempt(tenant, request_id, correlation_id)
    try:
        form = dict(parse_qsl(call.body.decode("utf-8", "replace"), keep_blank_values=True))
        document = _issue(world, call, attempt, form, v2=v2)
    except TokenError as refused:
        error = errors.umbrella(refused) if world.dial(tenant.id, "umbrella_code") else refused
        _log(world, call, attempt, None, error, cae=False)
        reply = errors.error_reply(error, request_id, correlation_id, call.now)
    else:
        reply = Reply(200, json.dumps(document).encode(), {"Content-Type": "application/json; charset=utf-8"})
    lost = faults.token_after(world, tenant.id) if reply.status == 200 else None
    if lost is not None:
        reply = errors.struck_reply(lost, request_id, correlation_id, call.now)
    reply.headers |= extra
    return reply


def _issue(world: World, call: Call, attempt: _Attempt, form: Mapping[str, str], *, v2: bool) -> dict[str, Any]:
    """Check in Entra's order: parameters, client, credential, client's state, policy, resource."""
    tenant = attempt.tenant
    for name in ("grant_type", "client_id", "scope" if v2 else "resource"):
        if not form.get(name):
            raise errors.missing_parameter(name)
    if form["grant_type"] != "client_credentials":
        if not form.get("client_assertion") and not form.get("client_secret"):
            raise errors.no_credential()
        raise TokenError(
            70003, "unsupported_grant_type", f"The app requested an unsupported grant type '{form['grant_type']}'."
        )
    attempt.app_id = form["client_id"].lower()
    asked = _resource_asked(form, v2=v2)
    attempt.resource = resource_of(asked)
    application, principal = _client(world, attempt)
    moment = call.now - _lag(world, tenant.id)
    proven = credentials.prove(world, call, form, application, principal, moment=moment)
    if not credentials.as_of(principal, moment).enabled:
        raise errors.disabled(application.app_id, principal.name)
    if principal.allowed_addresses is not None and call.address not in principal.allowed_addresses:
        raise TokenError(
            53003,
            "access_denied",
            "Access has been blocked by Conditional Access policies. The access policy does not allow token issuance.",
            key_id=proven.key_id,
            thumbprint=proven.thumbprint,
        )
    if attempt.resource is None:
        raise errors.resource_not_found(asked, tenant.name)
    cae = _declares_cp1(form) and attempt.resource.app == GRAPH and not application.multi_tenant
    claims = _claims(world, call, attempt, proven, moment=moment, cae=cae)
    _log(world, call, attempt, proven, None, cae=cae)
    return _success(world, claims, asked, v2=v2)


def _resource_asked(form: Mapping[str, str], *, v2: bool) -> str:
    if not v2:
        return form["resource"]
    scopes = form["scope"].split()
    if len(scopes) != 1:
        raise errors.several_resources(form["scope"])
    resource, slash, rest = scopes[0].rpartition("/")
    if rest != ".default" or not slash or not resource:
        raise errors.bad_scope(form["scope"])
    return resource


def _client(world: World, attempt: _Attempt) -> tuple[Application, Principal]:
    """Find the application and its service principal in the tenant."""
    tenant = attempt.tenant
    application = world.application(attempt.app_id)
    if application is None or (application.tenant != tenant.id and not application.multi_tenant):
        raise errors.not_in_directory(attempt.app_id, tenant.name)
    attempt.application = application
    attempt.principal = world.principal(tenant.id, application.app_id)
    if attempt.principal is None:
        raise errors.no_principal(application.app_id, tenant.id)
    return application, attempt.principal


def _lag(world: World, tenant: str) -> float:
    """How far the replica that answers lags behind."""
    longest = float(world.dial(tenant, "replication_seconds"))
    if longest <= 0:
        return 0.0
    replicas = max(2, int(world.dial(tenant, "replicas")))
    return longest * int(world.dice.random() * replicas) / (replicas - 1)


def _declares_cp1(form: Mapping[str, str]) -> bool:
    try:
        claims = json.loads(form.get("claims") or "{}")
        return "cp1" in claims["access_token"]["xms_cc"]["values"]
    except (ValueError, KeyError, TypeError):
        return False


def _claims(world: World, call: Call, attempt: _Attempt, proven: Proven, *, moment: float, cae: bool) -> dict[str, Any]:
    """Make the claims of a v1 access token (section 1.4)."""
    principal, resource, tenant = attempt.principal, attempt.resource, attempt.tenant
    assert principal is not None
    assert resource is not None
    issued = int(call.now)
    life = int(world.between(tenant.id, "cae_life" if cae else "token_life"))
    granted = set(credentials.as_of(principal, moment).roles)
    roles = [name for name, guid in ROLES[resource.app].items() if guid in granted]
    issuer = f"https://sts.windows.net/{tenant.id}/"
    return {
        "aud": resource.audience,
        "iss": issuer,
        "iat": issued,
        "nbf": issued,
        "exp": issued + life,
        "aio": b64url(world.dice.randbytes(24)),
        "app_displayname": principal.name,
        "appid": principal.app_id,
        "appidacr": proven.strength,
        "idp": issuer,
        "idtyp": "app",
        "oid": principal.id,
        "rh": f"1.{b64url(world.dice.randbytes(24))}.",
        **({"roles": roles} if roles else {}),
        "sub": principal.id,
        "tenant_region_scope": tenant.region,
        "tid": tenant.id,
        "uti": uti_of(attempt.request_id),
        "ver": "1.0",
        "wids": ["0997a1d0-0d1d-4acb-b408-d5ca73121e90"],
        **({"xms_cc": ["cp1"]} if cae else {}),
        "xms_tcdt": int(tenant.created),
        "xms_tdbr": tenant.region,
    }


@lru_cache(maxsize=8)
def _signing_key(pem: bytes) -> rsa.RSAPrivateKey:
    """Load the key once: checking an RSA key takes a tenth of a second."""
    key = load_pem_private_key(pem, None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return key


def _success(world: World, claims: dict[str, Any], asked: str, *, v2: bool) -> dict[str, Any]:
    key, kid = _signing_key(world.key), certificates.key_name(world.certificate)
    access_token = jwt.sign({"typ": "JWT", "alg": "RS256", "x5t": kid, "kid": kid}, claims, key)
    life = claims["exp"] - claims["iat"] - 1
    if v2:
        return {"token_type": "Bearer", "expires_in": life, "ext_expires_in": life, "access_token": access_token}
    return {
        "token_type": "Bearer",
        "expires_in": str(life),
        "ext_expires_in": str(life),
        "expires_on": str(claims["exp"]),
        "not_before": str(claims["nbf"]),
        "resource": asked,
        "access_token": access_token,
    }


def _log(
    world: World, call: Call, attempt: _Attempt, proven: Proven | None, error: TokenError | None, *, cae: bool
) -> None:
    """Leave the sign-in row; a request that names no client leaves none."""
    if not attempt.app_id:
        return
    signin.record(
        world,
        call,
        signin.SignIn(
            tenant=attempt.tenant,
            request_id=attempt.request_id,
            correlation_id=attempt.correlation_id,
            app_id=attempt.app_id,
            application=attempt.application,
            principal=attempt.principal,
            resource=attempt.resource,
            kind=proven.kind if proven else "none",
            key_id=proven.key_id if proven else "",
            thumbprint=proven.thumbprint if proven else _shown(world, attempt, error),
            federation=proven.federation if proven else "",
            code=error.code if error else 0,
            reason=error.text if error else "Other.",
            cae=cae,
        ),
    )


def _shown(world: World, attempt: _Attempt, error: TokenError | None) -> str:
    if error is None or not world.dial(attempt.tenant.id, "failed_signins_name_thumbprint"):
        return ""
    return error.thumbprint
