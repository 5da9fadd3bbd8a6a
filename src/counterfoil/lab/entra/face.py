"""The token service's URLs: discovery, keys, instance discovery, tokens.

Microsoft Entra, client credentials flow; OpenID Connect discovery.
"""

import base64
import json
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from counterfoil.lab import certificates
from counterfoil.lab.entra import errors, token
from counterfoil.lab.spelling import b64url
from counterfoil.lab.wire import Call, Reply
from counterfoil.lab.world import World

_SHARED = ("common", "organizations", "consumers")


def answer(world: World, call: Call) -> Reply:
    """Answer one request to the host that Microsoft calls login.microsoftonline.com."""
    parts = call.path.strip("/").split("/")
    segment, rest = parts[0], "/".join(parts[1:])
    if call.path.rstrip("/") == "/common/discovery/instance":
        return _json(200, _instance(call))
    if rest in {"discovery/v2.0/keys", "discovery/keys"}:
        return _json(200, _keys(world))
    if rest in {"v2.0/.well-known/openid-configuration", ".well-known/openid-configuration"}:
        return _discovery(world, call, segment, v2=rest.startswith("v2.0"))
    if rest in {"oauth2/v2.0/token", "oauth2/token"}:
        if call.method != "POST":
            return Reply(405, b"", {"Allow": "POST"})
        return token.answer(world, call, segment, v2=rest == "oauth2/v2.0/token")
    return Reply(404, b"", {})


def _discovery(world: World, call: Call, segment: str, *, v2: bool) -> Reply:
    tenant = world.tenant(segment)
    if tenant is None and segment not in _SHARED:
        return errors.error_reply(errors.tenant_not_found(segment), world.request_id(), world.guid(), call.now)
    name = tenant.id if tenant else "{tenantid}"
    version = "/v2.0" if v2 else ""
    root = f"{call.base}/{segment}"
    return _json(
        200,
        {
            "token_endpoint": f"{root}/oauth2{version}/token",
            "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
            "jwks_uri": f"{root}/discovery{version}/keys",
            "response_modes_supported": ["query", "fragment", "form_post"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
            "scopes_supported": ["openid", "profile", "email", "offline_access"],
            "issuer": f"{call.base}/{name}/v2.0" if v2 else f"https://sts.windows.net/{name}/",
            "request_uri_parameter_supported": False,
            "authorization_endpoint": f"{root}/oauth2{version}/authorize",
            "tenant_region_scope": tenant.region if tenant else None,
            "cloud_instance_name": "microsoftonline.com",
            "cloud_graph_host_name": "graph.windows.net",
            "msgraph_host": "graph.microsoft.com",
            "rbac_url": "https://pas.windows.net",
        },
    )


def _instance(call: Call) -> dict[str, Any]:
    host = call.base.partition("://")[2]
    return {
        "tenant_discovery_endpoint": f"{call.base}/common/v2.0/.well-known/openid-configuration",
        "api-version": "1.1",
        "metadata": [{"preferred_network": host, "preferred_cache": host, "aliases": [host]}],
    }


def _keys(world: World) -> dict[str, Any]:
    certificate = x509.load_pem_x509_certificate(world.certificate)
    public = certificate.public_key()
    assert isinstance(public, rsa.RSAPublicKey)
    numbers = public.public_numbers()
    kid = b64url(certificates.thumbprints(certificate)[0])
    der = base64.b64encode(base64.b64decode(certificates.to_base64(certificate))).decode()
    return {
        "keys": [
            {
                "kty": "RSA",
                "use": "sig",
                "kid": kid,
                "x5t": kid,
                "n": b64url(numbers.n.to_bytes((numbers.n.bit_length() + 7) // 8, "big")),
                "e": b64url(numbers.e.to_bytes(3, "big")),
                "x5c": [der],
            }
        ]
    }


def _json(status: int, document: Any) -> Reply:
    return Reply(status, json.dumps(document).encode(), {"Content-Type": "application/json; charset=utf-8"})
