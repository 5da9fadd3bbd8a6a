"""Tokens: the one way to get one is through the signer, and every request leaves a stub before it is sent.

1. The signer makes the assertion; its own stub is durable before the signature leaves it (law 1).
2. A token stub with the correlation id and outcome ``unknown`` becomes durable.
3. MSAL sends the request through our HTTP client, which sets that correlation id.
4. A second stub for the same ``jti`` says what came of it: issued with its ``uti``, or refused.

If we die after 2 or 3, the sign-in row of the tenant's log joins the unknown stub by the correlation id.
"""

import base64
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from urllib.parse import urlencode

import msal

from counterfoil.credential.book import credential_name
from counterfoil.credential.signer_client import Signature, SignerClient
from counterfoil.ledger.stubs import stub_at
from counterfoil.model.errors import Refused, Unavailable
from counterfoil.model.mail import Json
from counterfoil.model.trust import Connection, Credential, Job, Stub
from counterfoil.tenant.endpoints import Endpoints
from counterfoil.tenant.entra_words import HINTS, in_short
from counterfoil.tenant.lanes import Lanes
from counterfoil.tenant.wire import Lost, Wire, fresh_id, off_by

LAST_MINUTES = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Assertion:
    """A signed client assertion (RFC 7523) and its ``jti``."""

    jwt: str = field(repr=False)
    jti: str


Signs = Callable[[Credential, str, Job], Assertion]
"""Makes an assertion for a token endpoint; the signer's stub is in the ledger on return."""


class Writes(Protocol):
    """The ledger, as far as it is needed here."""

    def append(self, stub: Stub) -> int:
        """Write a stub; durable on return."""


class ThroughSigner:
    """The two ways to an assertion: for use, and to see an old key refused."""

    def __init__(self, signer: SignerClient, writes: Writes) -> None:
        self._signer, self._writes = signer, writes

    def for_use(self, credential: Credential, endpoint: str, job: Job) -> Assertion:
        """Have an assertion made with a credential that is in use."""
        return self._noted(self._signer.assertion(*_names(credential), endpoint, job))

    def for_death_test(self, credential: Credential, endpoint: str, job: Job) -> Assertion:
        """Have an assertion made with a retired or tainted credential; only a job to prove it dead may ask."""
        return self._noted(self._signer.death_test(*_names(credential), endpoint, job))

    def _noted(self, signature: Signature) -> Assertion:
        self._writes.append(signature.stub)
        return Assertion(signature.jws, str(signature.stub.body["jti"]))


@dataclass(frozen=True, slots=True)
class Token:
    """An access token. ``uti`` is its id in the tenant's logs; ``roles`` what it may do.

    ``tenant`` and ``app`` are whose it is (``tid`` and ``appid``), empty where it does not say.
    """

    value: str = field(repr=False)
    uti: str
    roles: tuple[str, ...]
    issued: datetime
    expires: datetime
    tenant: str = ""
    app: str = ""

    def good_at(self, now: datetime) -> bool:
        """Say whether to use it still: until its end less a minute, or less a quarter of a short life."""
        return now < self.expires - min(LAST_MINUTES, (self.expires - self.issued) / 4)


class TokenRefused(Refused):
    """The token service said no. ``code`` is the AADSTS code, ``trace`` its trace id."""

    def __init__(self, code: str, text: str, trace: str | None) -> None:
        super().__init__(f"the token service refused: {in_short(text, code, trace)}", HINTS.get(code))
        self.code = code
        self.trace = trace


@dataclass(frozen=True, slots=True)
class Means:
    """What a connection works with: the ledger, the wire, where Microsoft 365 is, and the time."""

    writes: Writes
    wire: Wire
    endpoints: Endpoints
    clock: Callable[[], datetime]
    pause: Callable[[float], None]
    lanes: Lanes = field(default_factory=Lanes)


class Tokens:
    """The tokens of one connection with one credential; keeps its own, since MSAL serves none near its end.

    ``off`` is how far our clock was ahead of the token service's when it answered last.
    """

    def __init__(self, connection: Connection, credential: Credential, signs: Signs, means: Means) -> None:
        self.connection = connection
        self.credential = credential
        self.means = means
        self._signs = signs
        self.off = timedelta()
        self._kept: dict[str, Token] = {}
        self._lock = threading.Lock()

    def token(self, audience: str, job: Job) -> Token:
        """Return a token for an audience, a kept one where it is good still.

        Raises:
            TokenRefused: If the token service says no.
            Unavailable: If no answer came.
        """
        with self._lock:
            kept = self._kept.get(audience)
            if kept is None or not kept.good_at(self.means.clock()):
                kept = self._kept[audience] = self.fresh(audience, job)
            return kept

    def drop(self, token: Token) -> None:
        """Forget a token that was refused, or that was made with a credential we no longer use."""
        with self._lock:
            self._kept = {audience: kept for audience, kept in self._kept.items() if kept is not token}

    def fresh(self, audience: str, job: Job) -> Token:
        """Ask for a token with an isolated client and no cache, so that the answer is about this credential.

        Raises:
            TokenRefused: If the token service says no.
            Unavailable: If no answer came; the stub then says ``unknown``.
        """
        correlation = fresh_id()
        authority = f"{self.means.endpoints.login}/{self.connection.tenant_id}"
        endpoint = f"{authority}/oauth2/v2.0/token"
        post = _Post(self.means.wire, correlation)
        made: list[Assertion] = []

        def assertion() -> str:
            made.append(self._signs(self.credential, endpoint, job))
            self._stub(made[-1], audience, correlation, job, {"outcome": "unknown"})
            return made[-1].jwt

        try:
            application = msal.ConfidentialClientApplication(
                self.connection.app,
                client_credential={"client_assertion": assertion},
                authority=authority,
                instance_discovery=False,
                http_client=post,
            )
        except ValueError as error:
            # MSAL says so of any description that it cannot get; the answer itself says more.
            raise _undescribed(post.last) from error
        answer = application.acquire_token_for_client([f"{audience}/.default"])
        if not made or post.last is None:
            raise _undescribed(post.last)
        self.off = off_by(post.last.headers, self.means.clock())
        return self._settle(answer, made[-1], audience, correlation, job)

    def _settle(
        self, answer: Mapping[str, Any], assertion: Assertion, audience: str, correlation: str, job: Job
    ) -> Token:
        if "access_token" in answer:
            token = read_token(answer["access_token"])
            self._stub(assertion, audience, correlation, job, {"outcome": "issued", "uti": token.uti})
            return token
        code = f"AADSTS{answer['error_codes'][0]}" if answer.get("error_codes") else str(answer.get("error"))
        trace = answer.get("trace_id")
        self._stub(assertion, audience, correlation, job, {"outcome": "refused", "error": code, "request_id": trace})
        raise TokenRefused(code, str(answer.get("error_description", "")), trace)

    def _stub(self, assertion: Assertion, audience: str, correlation: str, job: Job, rest: Mapping[str, Json]) -> None:
        credential = self.credential
        body: dict[str, Json] = {
            "app": self.connection.app,
            "thumbprint_sha1": credential.thumbprint_sha1,
            "thumbprint_sha256": credential.thumbprint_sha256,
            "key_id": credential.key_id,
            "audience": audience,
            "jti": assertion.jti,
            "correlation_id": correlation,
            "job": job.id,
        }
        self.means.writes.append(stub_at("token", self.means.clock(), self.connection.tenant_id, **body, **rest))


def _names(credential: Credential) -> tuple[str, str, str]:
    """Return what the signer asks for: tenant, application, and the credential's name."""
    name = credential_name(credential.tenant, credential.app, credential.generation)
    return credential.tenant, credential.app, name


def read_token(value: str) -> Token:
    """Read what our books need from an access token, which is otherwise opaque to us.

    Raises:
        Unavailable: If it is no JWT with ``uti``, ``iat`` and ``exp``.
    """
    try:
        payload = value.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        issued, expires = (datetime.fromtimestamp(claims[name], tz=UTC) for name in ("iat", "exp"))
        whose = str(claims.get("tid", "")), str(claims.get("appid", claims.get("azp", "")))
        return Token(value, claims["uti"], tuple(claims.get("roles", ())), issued, expires, *whose)
    except (IndexError, KeyError, TypeError, ValueError) as error:
        raise Unavailable("the token service answered with a token that cannot be read") from error


def _undescribed(last: "_Response | None") -> TokenRefused | Unavailable:
    """Say why a tenant's description could not be read; an unknown tenant is answered with its AADSTS code."""
    try:
        error = json.loads(last.text) if last is not None else {}
        return TokenRefused(f"AADSTS{error['error_codes'][0]}", str(error["error_description"]), error.get("trace_id"))
    except (ValueError, KeyError, TypeError, IndexError):
        return Unavailable("the token service's description could not be read", "check the endpoint and try again")


class _Post:
    """The HTTP client that MSAL uses: ours, with our correlation id on the token request. Keeps the last answer."""

    def __init__(self, wire: Wire, correlation: str) -> None:
        self._wire, self._correlation = wire, correlation
        self.last: _Response | None = None

    def get(self, url: str, *, headers: Mapping[str, str] | None = None, **_: object) -> "_Response":
        return self._send("GET", url, headers or {}, None)

    def post(
        self, url: str, *, data: Mapping[str, str], headers: Mapping[str, str] | None = None, **_: object
    ) -> "_Response":
        form = {"content-type": "application/x-www-form-urlencoded", "client-request-id": self._correlation}
        return self._send("POST", url, {**(headers or {}), **form}, urlencode(data).encode("ascii"))

    def _send(self, method: str, url: str, headers: Mapping[str, str], content: bytes | None) -> "_Response":
        try:
            answer = self._wire.send(method, url, headers, content)
        except Lost as error:
            # A token that went astray is no change in the tenant: whoever asks again gets another.
            raise Unavailable(error.message, "it is tried again later") from error
        if answer.status >= 500 or answer.status == 429:
            raise Unavailable(f"the token service is busy ({answer.status})", "it is tried again later")
        self.last = _Response(answer.status, answer.content.decode("utf-8", "replace"), answer.headers)
        return self.last

    def close(self) -> None:
        """The wire is closed by whoever made it."""


@dataclass(frozen=True, slots=True)
class _Response:
    """What MSAL reads of an answer."""

    status_code: int
    text: str
    headers: Mapping[str, str]

    def raise_for_status(self) -> None:
        """MSAL asks for this on a description it cannot read."""
        if self.status_code >= 400:
            raise Unavailable(f"the token service answered {self.status_code}")
