"""What the signer builds and signs: client assertions (RFC 7523) and key proofs, as compact JWS (RFC 7515). Pure.

Shapes: Microsoft, "Microsoft identity platform application authentication certificate credentials" (assertion)
and "application: addKey" of Microsoft Graph (proof of possession for addKey and removeKey).
"""

import json
from datetime import datetime, timedelta

from counterfoil.credential.algorithm import Algorithm
from counterfoil.credential.certificate import Thumbprints, base64url
from counterfoil.model.mail import Json

LIFETIME = timedelta(minutes=10)
"""Life of an assertion or proof; Microsoft advises 5 to 10 minutes and allows a proof no more than 10."""

PROOF_AUDIENCE = "00000002-0000-0000-c000-000000000000"
"""Azure AD Graph, the audience that addKey and removeKey ask for."""


def assertion_claims(app: str, audience: str, jti: str, now: datetime) -> dict[str, Json]:
    """Claims of a client assertion; ``audience`` is the URL of the token endpoint, ``now`` is floored to seconds."""
    start = int(now.timestamp())
    claims: dict[str, Json] = {"aud": audience, "iss": app, "sub": app, "jti": jti, "nbf": start, "iat": start}
    return claims | {"exp": start + int(LIFETIME.total_seconds())}


def proof_claims(object_id: str, now: datetime) -> dict[str, Json]:
    """Claims of a key proof; ``object_id`` is that of the application or service principal, not the client id."""
    start = int(now.timestamp())
    return {"aud": PROOF_AUDIENCE, "iss": object_id, "nbf": start, "exp": start + int(LIFETIME.total_seconds())}


def signing_input(algorithm: Algorithm, marks: Thumbprints, claims: dict[str, Json]) -> bytes:
    """Return the octets that are signed: header and claims, each base64url (RFC 7515 section 5.1)."""
    named = {"x5t": marks.x5t} if algorithm is Algorithm.RS256 else {"x5t#S256": marks.x5t_s256}
    header: dict[str, Json] = {"alg": algorithm.value, "typ": "JWT", **named}
    return f"{_encode(header)}.{_encode(claims)}".encode()


def compact(message: bytes, signature: bytes) -> str:
    """Join a signing input and its signature into a compact JWS."""
    return f"{message.decode()}.{base64url(signature)}"


def _encode(value: dict[str, Json]) -> str:
    return base64url(json.dumps(value, separators=(",", ":")).encode())
