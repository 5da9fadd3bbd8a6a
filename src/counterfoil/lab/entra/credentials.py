"""Does the caller hold a credential of the application? Assertions and secrets, as replicas know them."""

import binascii
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.hazmat.primitives.serialization import load_pem_public_key

from counterfoil.lab import certificates, jwt
from counterfoil.lab.entra import errors, subjects
from counterfoil.lab.entra.errors import TokenError
from counterfoil.lab.objects import Application, Key, Principal, Revision, Secret
from counterfoil.lab.spelling import from_b64url
from counterfoil.lab.wire import Call
from counterfoil.lab.world import World

JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_SKEW = 300.0
"""How far clocks may differ, in seconds (unconfirmed for Microsoft's)."""


@dataclass(frozen=True, slots=True)
class Proven:
    """How the caller proved himself, in the words of the sign-in log and of the token."""

    kind: str
    key_id: str
    thumbprint: str
    strength: str
    federation: str = ""


def as_of(thing: Application | Principal, moment: float) -> Revision:
    """Return the credentials of an object as they stood at a moment (for replicas that lag)."""
    known = [revision for revision in thing.history if revision.at <= moment]
    return known[-1] if known else Revision(at=thing.created)


def prove(
    world: World, call: Call, form: Mapping[str, str], application: Application, principal: Principal, *, moment: float
) -> Proven:
    """Verify the credential in a token request against what a replica knew at ``moment``.

    Raises:
        TokenError: If there is none, or it does not hold.
    """
    if application.public and (form.get("client_assertion") or form.get("client_secret")):
        raise errors.public_client()
    known = [as_of(application, moment), as_of(principal, moment)]
    if form.get("client_assertion"):
        if form.get("client_assertion_type") != JWT_BEARER:
            raise errors.missing_parameter("client_assertion_type")
        keys = [key for revision in known for key in revision.keys]
        return _assertion(world, call, form["client_assertion"], application, keys)
    if form.get("client_secret"):
        return _secret(form["client_secret"], application.app_id, known, call.now)
    raise TokenError(
        7000216,
        "invalid_client",
        "'client_assertion', 'client_secret' or 'request' is required for the 'client_credentials' grant type.",
    )


def _secret(text: str, app_id: str, known: list[Revision], now: float) -> Proven:
    digest = hashlib.sha256(text.encode()).hexdigest()
    secrets: list[Secret] = [secret for revision in known for secret in revision.secrets]
    for secret in secrets:
        if hmac.compare_digest(secret.digest, digest):
            if not secret.start - _SKEW <= now < secret.end:
                raise TokenError(
                    7000222,
                    "invalid_client",
                    f"The provided client secret keys for app '{app_id}' are expired. Visit the Azure portal to create "
                    "new keys for your app: https://aka.ms/NewClientSecret, or consider using certificate credentials "
                    "for added security: https://aka.ms/certCreds.",
                )
            return Proven("clientSecret", secret.key_id, "", "1")
    raise TokenError(
        7000215,
        "invalid_client",
        "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not "
        f"the client secret ID, for a secret added to app '{app_id}'.",
    )


def _assertion(world: World, call: Call, text: str, application: Application, keys: list[Key]) -> Proven:
    """Check an assertion in the order: form, key, signature, subject, audience, time."""
    try:
        token = jwt.read(text)
    except (ValueError, binascii.Error) as error:
        raise TokenError(50027, "invalid_client", "JWT token is invalid or malformed.") from error
    claims = token.claims
    if claims.get("iss") in {federation.issuer for federation in application.federations}:
        return _federated(world, token, application, call.now)
    by_subject = subjects.speaks_for(application, token)
    key = subjects.key_of(application, token) if by_subject else _named_key(token, application.app_id, keys)
    if not key.start - _SKEW <= call.now < key.end:
        raise errors.key_expired(key.thumbprint_sha1, application.app_id, key.key_id, key.start, key.end)
    public = certificates.from_base64(key.certificate).public_key()
    if not jwt.verifies(token, public):
        raise errors.signature_wrong(key.thumbprint_sha1, application.app_id, key.key_id, key.start, key.end)
    if not claims.get("iss") == claims.get("sub") == application.app_id:
        raise TokenError(
            700021,
            "invalid_client",
            f"Client assertion application identifier doesn't match 'client_id' parameter. The request's client_id is "
            f"'{application.app_id}'.",
        )
    _check_audience(call, claims.get("aud"))
    _check_time(claims, call.now)
    return Proven("clientAssertion", key.key_id, key.thumbprint_sha1, "2")


def _named_key(token: jwt.Jwt, app_id: str, keys: list[Key]) -> Key:
    """Find the registered key that the header names by x5t or x5t#S256."""
    sha1, sha256 = token.header.get("x5t"), token.header.get("x5t#S256")
    if not isinstance(sha1, str) and not isinstance(sha256, str):
        raise TokenError(
            50027, "invalid_client", "Invalid JWT token. No certificate thumbprint specified in token header."
        )
    shown = ""
    try:
        if isinstance(sha256, str):
            shown = from_b64url(sha256).hex().upper()
            found = next((key for key in keys if key.thumbprint_sha256 == shown), None)
        else:
            shown = from_b64url(str(sha1)).hex().upper()
            found = next((key for key in keys if key.thumbprint_sha1 == shown), None)
    except (ValueError, binascii.Error):  # standard base64: Entra finds no such key
        found, shown = None, str(sha1 or sha256)
    if found is None:
        raise errors.key_not_found(shown, app_id)
    return found


def _check_audience(call: Call, audience: object) -> None:
    """The audience is this tenant's token endpoint, as the caller reached it or under its real name."""
    path = call.path.rstrip("/")
    real = "https://login.microsoftonline.com"
    wanted = {f"{call.base}{path}", f"{real}{path}"}
    segment = path.split("/")[1]
    wanted |= {
        f"{host}/{segment}{end}"
        for host in (call.base, real)
        for end in ("/v2.0", "/oauth2/token", "/oauth2/v2.0/token")
    }
    if audience not in wanted:
        raise TokenError(
            700023,
            "invalid_client",
            f"Client assertion audience claim does not match Realm issuer. Presented audience: {audience}.",
        )


def _check_time(claims: Mapping[str, object], now: float) -> None:
    """Floats are fine and ``nbf`` may be absent; ``exp`` may lie as far ahead as it likes."""
    start, end = claims.get("nbf", 0), claims.get("exp")
    if not isinstance(start, int | float) or not isinstance(end, int | float):
        raise TokenError(50027, "invalid_client", "JWT token is invalid or malformed.")
    if not start - _SKEW <= now < end + _SKEW:
        raise errors.outside_time(now, float(start), float(end))


def _federated(world: World, token: jwt.Jwt, application: Application, now: float) -> Proven:
    """A token of another issuer in place of our own assertion."""
    for federation in application.federations:
        if (token.claims.get("iss"), token.claims.get("sub")) == (federation.issuer, federation.subject):
            break
    else:
        raise TokenError(
            700213,
            "invalid_client",
            f"No matching federated identity record found for presented assertion subject '{token.claims.get('sub')}'.",
        )
    if token.claims.get("aud") not in federation.audiences:
        raise TokenError(700212, "invalid_client", "No matching federated identity record found for the audience.")
    pem = world.issuers.get(federation.issuer, "")
    if not pem or not jwt.verifies(token, load_pem_public_key(pem.encode())):
        raise TokenError(50027, "invalid_client", "JWT token is invalid or malformed.")
    _check_time(token.claims, now)
    return Proven("federatedIdentityCredential", "", "", "2", federation.id)
