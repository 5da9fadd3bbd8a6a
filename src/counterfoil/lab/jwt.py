"""JSON Web Tokens as the token service reads and writes them (RFC 7515, RFC 7518 section 3)."""

import json
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from counterfoil.lab.spelling import b64url, from_b64url


@dataclass(frozen=True, slots=True)
class Jwt:
    """A token in parts; nothing is verified yet."""

    header: dict[str, Any]
    claims: dict[str, Any]
    signed: bytes
    signature: bytes


def read(text: str) -> Jwt:
    """Take a token apart.

    Raises:
        ValueError: If it is not three parts of base64url with JSON objects in the first two.
    """
    parts = text.split(".")
    if len(parts) != 3:
        raise ValueError("not three parts")
    header, claims = json.loads(from_b64url(parts[0])), json.loads(from_b64url(parts[1]))
    if not isinstance(header, dict) or not isinstance(claims, dict):
        raise ValueError("header and payload are JSON objects")  # noqa: TRY004 - a malformed token is one error
    return Jwt(header, claims, f"{parts[0]}.{parts[1]}".encode(), from_b64url(parts[2]))


def verifies(token: Jwt, key: Any) -> bool:
    """Say whether an RSA key made the signature, RS256 or PS256 as the header claims."""
    if not isinstance(key, rsa.RSAPublicKey):
        return False
    try:
        if token.header.get("alg") == "RS256":
            key.verify(token.signature, token.signed, padding.PKCS1v15(), hashes.SHA256())
        elif token.header.get("alg") == "PS256":
            pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
            key.verify(token.signature, token.signed, pss, hashes.SHA256())
        else:
            return False
    except InvalidSignature:
        return False
    return True


def sign(header: dict[str, Any], claims: dict[str, Any], key: rsa.RSAPrivateKey) -> str:
    """Make a token, signed as ``header["alg"]`` says (RS256 or PS256)."""
    head = b64url(json.dumps(header, separators=(",", ":")).encode())
    body = b64url(json.dumps(claims, separators=(",", ":")).encode())
    signed = f"{head}.{body}".encode()
    if header["alg"] == "PS256":
        pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
        signature = key.sign(signed, pss, hashes.SHA256())
    else:
        signature = key.sign(signed, padding.PKCS1v15(), hashes.SHA256())
    return f"{head}.{body}.{b64url(signature)}"
