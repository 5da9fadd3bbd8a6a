"""A connection's app registration and service principal: credentials, grants, what was left.

Reading is done with the connection's own tokens; writing other than addKey and removeKey needs a
control-plane identity with ``Application.ReadWrite.OwnedBy``, which is a connection of its own.
"""

import base64
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from counterfoil.model.errors import Unavailable
from counterfoil.model.mail import Json
from counterfoil.model.trust import Connection, Job
from counterfoil.tenant.door import Ask, Door, segment
from counterfoil.tenant.pages import items

CREDENTIALS = "$select=id,keyCredentials,passwordCredentials"
JSON = {"content-type": "application/json"}


@dataclass(frozen=True, slots=True)
class Listed:
    """A credential that a tenant lists; the thumbprint in upper-case hex, ``None`` where no certificate is shown."""

    key_id: str
    kind: str
    where: str
    name: str
    thumbprint_sha256: str | None
    raw: dict[str, Json]


def key_ids(found: Iterable[Listed]) -> dict[str | None, str]:
    """Return which key id the application has for each certificate, by SHA-256 thumbprint. Pure."""
    return {entry.thumbprint_sha256: entry.key_id for entry in found if entry.where == "application"}


class Registration:
    """One connection's objects in the tenant, through a door (its own, or the control plane's)."""

    def __init__(self, door: Door, connection: Connection) -> None:
        self._door = door
        self._application = f"/v1.0/applications/{segment(connection.object_id)}"
        self._principal = f"/v1.0/servicePrincipals/{segment(connection.service_principal)}"

    def credentials(self, job: Job) -> tuple[Listed, ...]:
        """List every certificate, secret and federated credential, on the application and the principal."""
        found: list[Listed] = []
        for where, path in (("application", self._application), ("service-principal", self._principal)):
            document = self._door.read_json(Ask("GET", f"{path}?{CREDENTIALS}", "none"), job)
            found += [_certificate(entry, where) for entry in document.get("keyCredentials") or ()]
            found += [_other(entry, "secret", where) for entry in document.get("passwordCredentials") or ()]
        federated = Ask("GET", f"{self._application}/federatedIdentityCredentials", "none")
        found += [_other(entry, "federated", "application") for entry in items(self._door, federated, job)]
        return tuple(found)

    def add_key(self, certificate: bytes, proof: str, job: Job) -> str:
        """Add a certificate (DER) with a proof signed by a valid key; return its ``keyId``."""
        key: dict[str, Json] = {
            "type": "AsymmetricX509Cert",
            "usage": "Verify",
            "key": base64.b64encode(certificate).decode(),
        }
        body: dict[str, Json] = {"keyCredential": key, "passwordCredential": None, "proof": proof}
        return str(self._door.read_json(self._post(f"{self._application}/addKey", body), job)["keyId"])

    def remove_key(self, key_id: str, proof: str, job: Job) -> None:
        """Remove a certificate with a proof signed by a valid key."""
        self._door.call(self._post(f"{self._application}/removeKey", {"keyId": key_id, "proof": proof}), job)

    def replace_certificates(self, keep: list[dict[str, Json]], job: Job, where: str = "application") -> None:
        """Replace the whole list of certificates of the application, or of its ``service-principal``, in one write.

        It is a PATCH, and needs the control plane.
        """
        body = json.dumps({"keyCredentials": keep}).encode()
        self._door.call(Ask("PATCH", self._path(where), "change", body=body, headers=JSON, repeatable=True), job)

    def remove_secret(self, key_id: str, job: Job, where: str = "application") -> None:
        """Remove a secret from the application, or from its ``service-principal``; needs the control plane."""
        self._door.call(self._post(f"{self._path(where)}/removePassword", {"keyId": key_id}), job)

    def _path(self, where: str) -> str:
        return self._principal if where == "service-principal" else self._application

    def remove_federated(self, identifier: str, job: Job) -> None:
        """Remove a federated credential from the application; needs the control plane."""
        path = f"{self._application}/federatedIdentityCredentials/{segment(identifier)}"
        self._door.call(Ask("DELETE", path, "change"), job)

    def set_enabled(self, enabled: bool, job: Job) -> None:
        """Enable or disable the service principal; disabled, it is given no token (AADSTS7000112)."""
        body = json.dumps({"accountEnabled": enabled}).encode()
        self._door.call(Ask("PATCH", self._principal, "change", body=body, headers=JSON, repeatable=True), job)

    def grants(self, job: Job) -> tuple[dict[str, Any], ...]:
        """List the application permissions that were granted (appRoleAssignments)."""
        return tuple(items(self._door, Ask("GET", f"{self._principal}/appRoleAssignments", "none"), job))

    def subscriptions(self, job: Job) -> tuple[dict[str, Any], ...]:
        """List the change notifications that deliver mail to some address without any further token."""
        return tuple(items(self._door, Ask("GET", "/v1.0/subscriptions", "none"), job))

    def remove_subscription(self, identifier: str, job: Job) -> None:
        """Remove a subscription."""
        self._door.call(Ask("DELETE", f"/v1.0/subscriptions/{segment(identifier)}", "change"), job)

    def _post(self, path: str, body: dict[str, Json]) -> Ask:
        return Ask("POST", path, "change", body=json.dumps(body).encode(), headers=JSON)


def _certificate(entry: dict[str, Any], where: str) -> Listed:
    """Read a keyCredential; which certificate it is, its own octets say and nothing else.

    ``customKeyIdentifier`` looks like a thumbprint and is whatever its writer set: a thief gives his the one of ours.
    """
    kind = "certificate" if entry.get("type") == "AsymmetricX509Cert" else str(entry.get("type"))
    try:
        octets = base64.b64decode(entry.get("key") or "", validate=True)
    except ValueError as error:
        raise Unavailable("a certificate that the tenant lists cannot be read") from error
    sha256 = hashlib.sha256(octets).hexdigest().upper() if octets and kind == "certificate" else None
    return Listed(str(entry["keyId"]), kind, where, str(entry.get("displayName") or ""), sha256, entry)


def _other(entry: dict[str, Any], kind: str, where: str) -> Listed:
    name = str(entry.get("displayName") or entry.get("name") or "")
    return Listed(str(entry.get("keyId") or entry.get("id")), kind, where, name, None, entry)
