"""What a thief does with a token: every act is written down before it is asked and after it was answered."""

import uuid
from collections.abc import Callable, Mapping
from typing import Any

import httpx
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from counterfoil import clock
from counterfoil.lab import certificates, jwt, loot
from counterfoil.lab.journal import Journal

Sends = Callable[..., httpx.Response]


class Hold:
    """A token in the thief's hands, and what he can do with it.

    Args:
        call: Sends a request under a token.
        journal: Where he writes what he does.
        token: The access token.
        by: How he came to it: ``key``, ``secret`` or ``token``.
        address: Where his calls seem to come from.
    """

    def __init__(self, call: Sends, journal: Journal, token: str, *, by: str, address: str) -> None:
        self._call, self._journal, self.token, self._by, self._address = call, journal, token, by, address
        self.claims = jwt.read(token).claims
        self.uti = str(self.claims["uti"])

    def _do(
        self,
        action: str,
        method: str,
        path: str,
        *,
        mailbox: str = "",
        target: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> httpx.Response:
        """Do one thing, with its two lines in the journal; ``target`` says what it is about."""
        crid = str(uuid.uuid4())
        act = {
            "action": action,
            "by": self._by,
            "tenant": self.claims["tid"],
            "app": self.claims["appid"],
            "uti": self.uti,
            "address": self._address,
            "client_request_id": crid,
            "method": method,
            "path": path,
            "mailbox": mailbox,
            **(target or {}),
        }
        self._journal.write({**act, "phase": "intent"})
        answer = self._call(self.token, method, path, crid=crid, **more)
        got = {
            "request_id": answer.headers.get("request-id"),
            "message_ids": loot.message_ids(answer),
            "items": loot.item_ids(answer),
        }
        if target and target.get("message_ids"):
            got = {"request_id": got["request_id"]}
        self._journal.write({**act, **got, "phase": "done", "status": answer.status_code, "ok": answer.is_success})
        return answer

    def works(self) -> bool:
        """Whether Graph still takes the token: a call that touches nothing."""
        return self._do("probe", "GET", "/subscriptions").status_code != 401

    def read(self, mailbox: str, *, folder: str = "inbox", limit: int = 10) -> list[dict[str, Any]]:
        """List a folder and fetch the MIME of each message; returns the messages."""
        answer = self._do(
            "list", "GET", f"/users/{mailbox}/mailFolders/{folder}/messages?$top={limit}", mailbox=mailbox
        )
        found: list[dict[str, Any]] = answer.json().get("value", []) if answer.is_success else []
        for message in found:
            self._do(
                "read",
                "GET",
                f"/users/{mailbox}/messages/{message['id']}/$value",
                mailbox=mailbox,
                target=loot.target(message),
            )
        return found

    def move(self, mailbox: str, message: Mapping[str, Any], destination: str = "archive") -> bool:
        """Move a message."""
        path = f"/users/{mailbox}/messages/{message['id']}/move"
        return self._do(
            "move", "POST", path, mailbox=mailbox, target=loot.target(message), json={"destinationId": destination}
        ).is_success

    def delete(self, mailbox: str, message: Mapping[str, Any], *, permanently: bool = False) -> bool:
        """Delete a message, softly or for good."""
        path = f"/users/{mailbox}/messages/{message['id']}"
        if permanently:
            return self._do(
                "purge", "POST", f"{path}/permanentDelete", mailbox=mailbox, target=loot.target(message)
            ).is_success
        return self._do("delete", "DELETE", path, mailbox=mailbox, target=loot.target(message)).is_success

    def send(self, mailbox: str, to: str, subject: str) -> bool:
        """Send mail as somebody, leaving no copy."""
        path = f"/users/{mailbox}/sendMail"
        return self._do("send", "POST", path, mailbox=mailbox, json=loot.letter(to, subject)).is_success

    def add_rule(self, mailbox: str, forward_to: str) -> bool:
        """Plant an inbox rule that forwards."""
        path = f"/users/{mailbox}/mailFolders/inbox/messageRules"
        return self._do("rule", "POST", path, mailbox=mailbox, json=loot.rule(forward_to)).is_success

    def subscribe(self, mailbox: str, url: str, until: str) -> bool:
        """Have every new message of a mailbox announced to a URL of his own; ``until`` is RFC 3339."""
        body = {
            "changeType": "created",
            "notificationUrl": url,
            "resource": f"/users/{mailbox}/messages",
            "expirationDateTime": until,
        }
        return self._do("subscribe", "POST", "/subscriptions", mailbox=mailbox, json=body).is_success

    def open_import(self, mailbox: str) -> str | None:
        """Open an import session: an URL that puts mail into the mailbox and needs no token; returns it."""
        answer = self._do("mailbox-id", "GET", f"/beta/users/{mailbox}/settings/exchange", mailbox=mailbox)
        if not answer.is_success:
            return None
        path = f"/beta/admin/exchange/mailboxes/{answer.json()['primaryMailboxId']}/createImportSession"
        opened = self._do("open-import", "POST", path, mailbox=mailbox)
        return str(opened.json()["importUrl"]) if opened.is_success else None

    def add_key(self, object_id: str, key_pem: str, new_certificate_pem: str) -> bool:
        """Plant a key of his own by addKey, with a proof that the copied key signs."""
        now = clock.now().timestamp()
        key = load_pem_private_key(key_pem.encode(), None)
        assert isinstance(key, rsa.RSAPrivateKey)
        proof = jwt.sign({"alg": "RS256", "typ": "JWT"}, loot.proof_claims(object_id, now), key)
        certificate = x509.load_pem_x509_certificate(new_certificate_pem.encode())
        body = {"keyCredential": loot.key_credential(certificate), "passwordCredential": None, "proof": proof}
        target = {"thumbprint_sha1": certificates.thumbprints(certificate)[0].hex().upper(), "object_id": object_id}
        return self._do("add-key", "POST", f"/applications/{object_id}/addKey", target=target, json=body).is_success

    def put_keys(self, object_id: str, certificates_pem: list[str]) -> bool:
        """Replace the list of certificates: undo an eviction, or evict the owner (needs a role that may write)."""
        loaded = [x509.load_pem_x509_certificate(pem.encode()) for pem in certificates_pem]
        body = {"keyCredentials": [loot.key_credential(certificate) for certificate in loaded]}
        names = [certificates.thumbprints(certificate)[0].hex().upper() for certificate in loaded]
        target = {"thumbprints_sha1": names, "object_id": object_id}
        return self._do("put-keys", "PATCH", f"/applications/{object_id}", target=target, json=body).is_success

    def add_secret(self, object_id: str) -> str | None:
        """Make a client secret; returns its text, which the journal does not hold."""
        target, body = {"object_id": object_id}, {"passwordCredential": {"displayName": "backup"}}
        answer = self._do("add-secret", "POST", f"/applications/{object_id}/addPassword", target=target, json=body)
        return str(answer.json()["secretText"]) if answer.is_success else None

    def grant(self, principal_id: str, role_id: str) -> bool:
        """Consent to one more application permission (needs AppRoleAssignment.ReadWrite.All)."""
        body = {"principalId": principal_id, "appRoleId": role_id}
        path = f"/servicePrincipals/{principal_id}/appRoleAssignments"
        return self._do("grant", "POST", path, target={"role": role_id}, json=body).is_success
