"""The thief: an actor with a copied key or a copied token, who uses the same doors as everybody else.

He writes a journal of his own, one JSON object a line, before he asks (``"phase":"intent"``) and after he
was answered (``"phase":"done"``). The journal is the truth that a reconciliation is compared with; nothing
in it comes from the laboratory's state, only from what he was answered.
"""

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
from counterfoil.lab.hold import Hold
from counterfoil.lab.journal import Journal

ADDRESS = "203.0.113.77"
GRAPH = "https://graph.microsoft.com"
_AGENT = "python-requests/2.31.0"


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
        self, tenant: str, app_id: str, key_pem: str, certificate_pem: str, resource: str = GRAPH
    ) -> Hold | None:
        """Get a token with a copied key; ``None`` if it is refused, which the journal says."""
        url = f"{self._login}/{tenant}/oauth2/v2.0/token"
        certificate = x509.load_pem_x509_certificate(certificate_pem.encode())
        now, identity = clock.now().timestamp(), {"iss": app_id, "sub": app_id, "jti": str(uuid.uuid4())}
        claims = {"aud": url, **identity, "nbf": now, "iat": now, "exp": now + 600}
        key = load_pem_private_key(key_pem.encode(), None)
        assert isinstance(key, rsa.RSAPrivateKey)
        form = loot.token_form(app_id, jwt.sign(loot.header(certificate), claims, key), resource)
        thumbprint = certificates.thumbprints(certificate)[0].hex().upper()
        return self._enter(url, form, {"tenant": tenant, "app": app_id, "thumbprint_sha1": thumbprint}, by="key")

    def sign_in_with_secret(self, tenant: str, app_id: str, secret: str, resource: str = GRAPH) -> Hold | None:
        """Get a token with a client secret that he made; ``None`` if it is refused."""
        url = f"{self._login}/{tenant}/oauth2/v2.0/token"
        return self._enter(
            url, loot.secret_form(app_id, secret, resource), {"tenant": tenant, "app": app_id}, by="secret"
        )

    def _enter(self, url: str, form: Mapping[str, str], who: Mapping[str, Any], *, by: str) -> Hold | None:
        correlation = str(uuid.uuid4())
        act = {"action": "sign-in", "by": by, **who, "correlation_id": correlation, "address": self.address}
        self.journal.write({**act, "phase": "intent"})
        answer = self._client.post(url, data=form, headers={"client-request-id": correlation})
        document = answer.json()
        done = {**act, "phase": "done", "status": answer.status_code, "ok": answer.is_success}
        if not answer.is_success:
            code = (document.get("error_codes") or [None])[0]
            self.journal.write({**done, "request_id": document.get("trace_id"), "error": code})
            return None
        hold = self._hold(document["access_token"], by)
        self.journal.write({**done, "request_id": answer.headers.get("x-ms-request-id"), "uti": hold.uti})
        return hold

    def _hold(self, token: str, by: str) -> Hold:
        return Hold(self.call, self.journal, token, by=by, address=self.address)

    def replay(self, access_token: str) -> Hold:
        """Use a token that was copied from somebody's memory."""
        return self._hold(access_token, "token")

    def call(self, token: str, method: str, path: str, **more: Any) -> httpx.Response:
        """Call Graph under a token, with a client-request-id of his own in ``crid``."""
        headers = {"Authorization": f"Bearer {token}", "client-request-id": more.pop("crid"), **more.pop("headers", {})}
        version = "" if path.startswith("/beta/") else "/v1.0"
        url = path if path.startswith("https://") else f"{self._graph}{version}{path}"
        return self._client.request(method, url, headers=headers, **more)
