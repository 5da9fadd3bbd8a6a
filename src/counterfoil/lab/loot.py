"""What the thief asks with and what he takes away: pure, so that his journal is easy to trust."""

from collections.abc import Mapping
from typing import Any, Protocol

from cryptography import x509

from counterfoil.lab import certificates
from counterfoil.lab.spelling import b64url


class _Answer(Protocol):
    @property
    def is_success(self) -> bool: ...

    @property
    def headers(self) -> Mapping[str, str]: ...

    def json(self) -> Any: ...


def header(certificate: x509.Certificate) -> dict[str, Any]:
    """Make the header of a client assertion, PS256."""
    return {"alg": "PS256", "typ": "JWT", "x5t#S256": b64url(certificates.thumbprints(certificate)[1])}


def token_form(app_id: str, assertion: str, resource: str) -> dict[str, str]:
    """Make the form of a token request."""
    return {
        "client_id": app_id,
        "scope": f"{resource}/.default",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": assertion,
        "grant_type": "client_credentials",
    }


def secret_form(app_id: str, secret: str, resource: str) -> dict[str, str]:
    """Make the form of a token request with a client secret."""
    scope = f"{resource}/.default"
    return {"client_id": app_id, "scope": scope, "client_secret": secret, "grant_type": "client_credentials"}


def proof_claims(object_id: str, now: float) -> dict[str, Any]:
    """Make the claims of a key proof."""
    return {"aud": "00000002-0000-0000-c000-000000000000", "iss": object_id, "nbf": int(now), "exp": int(now) + 600}


def key_credential(certificate: x509.Certificate) -> dict[str, str]:
    """Make the keyCredential of a new certificate."""
    return {"type": "AsymmetricX509Cert", "usage": "Verify", "key": certificates.to_base64(certificate)}


def letter(to: str, subject: str) -> dict[str, Any]:
    """Make the body of sendMail."""
    people = [{"emailAddress": {"address": to}}]
    message = {
        "subject": subject,
        "body": {"contentType": "Text", "content": "Please see below."},
        "toRecipients": people,
    }
    return {"message": message, "saveToSentItems": False}


def rule(forward_to: str) -> dict[str, Any]:
    """Make an inbox rule that forwards everything and hides it."""
    people = [{"emailAddress": {"address": forward_to}}]
    return {
        "displayName": ".",
        "sequence": 1,
        "isEnabled": True,
        "actions": {"forwardTo": people, "stopProcessingRules": True},
    }


def target(message: Mapping[str, Any]) -> dict[str, Any]:
    """Say which message an action is about."""
    return {"message_ids": [message.get("internetMessageId")], "items": [message["id"]]}


def _messages(answer: _Answer) -> list[dict[str, Any]]:
    if not answer.is_success or "json" not in answer.headers.get("content-type", ""):
        return []
    document = answer.json()
    found = document.get("value", [document]) if isinstance(document, dict) else []
    return [item for item in found if isinstance(item, dict) and "internetMessageId" in item]


def message_ids(answer: _Answer) -> list[str]:
    """Return the Message-IDs in an answer."""
    return [str(item["internetMessageId"]) for item in _messages(answer)]


def item_ids(answer: _Answer) -> list[str]:
    """Return the Graph ids of messages in an answer."""
    return [str(item["id"]) for item in _messages(answer)]
