"""Is this a token that a Microsoft API takes? Signature, audience, time, and revocation by CAE."""

import binascii
from typing import Any

from counterfoil.lab import certificates, jwt
from counterfoil.lab.graph.context import Caller, GraphError
from counterfoil.lab.objects import Tenant
from counterfoil.lab.spelling import b64url
from counterfoil.lab.wire import Call
from counterfoil.lab.world import World


def check(world: World, call: Call, audience: str) -> Caller:
    """Return who is calling.

    Tokens outlive the key, the grant and (without CAE) the service principal: only the token's own
    words count, as with Microsoft's.

    Raises:
        GraphError: 401.
    """
    kind, _, text = call.header("authorization").partition(" ")
    if kind.lower() != "bearer" or not text:
        raise _unauthorized("Access token is empty.")
    claims = _verified(world, text.strip())
    if claims.get("aud") != audience:
        raise _unauthorized("Access token validation failure. Invalid audience.")
    if not claims["nbf"] - 300 <= call.now < claims["exp"]:
        raise _unauthorized("Lifetime validation failed, the token is expired.")
    tenant = world.get(Tenant, str(claims["tid"]))
    if tenant is None:
        raise _unauthorized("Access token validation failure.")
    app_id = str(claims["appid"])
    principal = world.principal(tenant.id, app_id)
    if "xms_cc" in claims:
        gone = principal is None or principal.id != claims["oid"]
        if gone or (principal and principal.revoked_at is not None and principal.revoked_at >= claims["iat"]):
            raise _challenge(call)
    return Caller(tenant, app_id, principal, world.application(app_id), claims)


def _verified(world: World, text: str) -> dict[str, Any]:
    try:
        token = jwt.read(text)
    except (ValueError, binascii.Error) as error:
        raise _unauthorized("CompactToken parsing failed with error code: 80049217") from error
    if not jwt.verifies(token, certificates.public_key(world.certificate)):
        raise _unauthorized("Access token validation failure. Invalid signature.")
    return token.claims


def _unauthorized(message: str) -> GraphError:
    challenge = 'Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize"'
    return GraphError(401, "InvalidAuthenticationToken", message, {"WWW-Authenticate": challenge})


def _challenge(call: Call) -> GraphError:
    """Ask for a new token: the principal was switched off or deleted under a CAE token."""
    claims = f'{{"access_token":{{"nbf":{{"essential":true, "value":"{int(call.now)}"}}}}}}'
    value = (
        'Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize", '
        f'error="insufficient_claims", claims="{b64url(claims.encode())}"'
    )
    message = (
        "Continuous access evaluation resulted in challenge with result: InteractionRequired and code: "
        "TokenIssuedBeforeRevocationTimestamp"
    )
    return GraphError(401, "InvalidAuthenticationToken", message, {"WWW-Authenticate": value})
