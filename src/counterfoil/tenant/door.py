"""The one door to a tenant's data: no call without a job, none without a stub before and after.

Every attempt carries a ``client-request-id`` of its own, 128 random bits, which the tenant's logs repeat;
so a call in those logs that has no stub of ours is not ours, even under our own token.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote

from counterfoil.ledger.stubs import stub_at
from counterfoil.model.errors import Refused, Unavailable
from counterfoil.model.mail import Json
from counterfoil.model.trust import Job
from counterfoil.tenant.endpoints import GRAPH, MANAGEMENT
from counterfoil.tenant.token import Token, Tokens
from counterfoil.tenant.wire import Answer, Lost, fresh_id

ATTEMPTS = 4
LONGEST_WAIT = 60.0
BUSY = frozenset({429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Ask:
    """One call as it is meant: what it touches, and whether it reads or changes."""

    method: str
    path: str
    effect: str
    mailbox: str | None = None
    message_ids: tuple[str, ...] = ()
    body: bytes | None = None
    headers: Mapping[str, str] | None = None
    audience: str = GRAPH
    repeatable: bool = False

    @property
    def may_repeat(self) -> bool:
        """Say whether doing it twice comes to the same as once, so that a lost answer needs no looking."""
        return self.repeatable or self.effect != "change"


class CallRefused(Refused):
    """Microsoft 365 said no. ``status`` is HTTP's, ``code`` the error's own word."""

    def __init__(self, status: int, code: str, text: str) -> None:
        super().__init__(f"Microsoft 365 refused the call: {code}: {text}", HINTS_BY_CODE.get(code, HINTS.get(status)))
        self.status = status
        self.code = code


AUDIT_IS_OFF = (
    "have its administrator switch the unified audit log on (it takes up to an hour): "
    "Set-AdminAuditLogConfig -UnifiedAuditLogIngestionEnabled $true"
)
HINTS_BY_CODE: Mapping[str, str] = {
    "CredentialInvalidLifetimeAsPerAppPolicy": (
        "the tenant forbids certificates that live so long: make one with fewer --days, or ask for an exception"
    ),
    "Authentication_RequestFromNonPremiumTenantOrB2CTenant": (
        "the tenant needs Microsoft Entra ID P1 or P2 for this log; without it nobody can say that it is clean"
    ),
    "AF10001": "have its administrator grant ActivityFeed.Read",
    "AF20011": AUDIT_IS_OFF,
    "AF20023": AUDIT_IS_OFF,
}
"""What to do, by the error's own word."""

HINTS: Mapping[int, str] = {
    401: "the token is not accepted: counterfoil connection test TENANT says why",
    403: "the connection lacks a permission: counterfoil connection test TENANT lists what was granted",
    404: "there is no such object, or the mailbox is not in Exchange Online",
    410: "the delta token is too old: begin again without one",
}


LOST = frozenset({500, 502, 504})
"""Answers of somebody between us and the service, or of one that broke: it may have done what was asked."""


class Door:
    """Calls in one tenant, with one connection's tokens; may be shared between threads."""

    def __init__(self, tokens: Tokens) -> None:
        self.tokens = tokens
        self.means = tokens.means

    def call(self, ask: Ask, job: Job) -> Answer:
        """Make a call, and make it again where Microsoft 365 is busy or, for a read, where the answer got lost.

        A change whose answer got lost is not repeated: it may have happened, and the caller looks first.

        Raises:
            CallRefused: If the answer is an error that trying again will not cure.
            Lost: If it was a change, and nobody knows whether it was done.
            Unavailable: If it is busy still, or no answer came.
        """
        waited = 0.0
        for attempt in range(1, ATTEMPTS + 1):
            seconds = float(2 ** (attempt - 1))
            try:
                answer = self.attempt(ask, job)
            except Lost:
                if not ask.may_repeat or attempt == ATTEMPTS:
                    raise
            except Unavailable:
                if attempt == ATTEMPTS:
                    raise
            else:
                if answer.status == 401 and attempt == 1:
                    continue  # with a fresh token, once
                if answer.status in LOST and not ask.may_repeat:
                    raise Lost(f"Microsoft 365 answered {answer.status} to a change, which may have been done")
                if answer.status not in BUSY:
                    return accepted(answer)
                seconds = retry_after(answer, self.means.clock(), default=seconds)
            waited += seconds
            if waited > LONGEST_WAIT:
                break
            self.means.pause(seconds)
        raise Unavailable("Microsoft 365 is busy", "it is tried again later")

    def read_json(self, ask: Ask, job: Job) -> Any:
        """Make a call and read its answer as JSON.

        Raises:
            Unavailable: If the answer is no JSON.
        """
        answer = self.call(ask, job)
        try:
            return json.loads(answer.content)
        except ValueError as error:
            raise Unavailable("Microsoft 365 answered with something that is no JSON") from error

    def path_of(self, link: str, audience: str) -> str:
        """Return the path of a link that an answer gave, which must lead to where the answer came from.

        Raises:
            Unavailable: If it leads elsewhere: following it would hand our token to a stranger.
        """
        base = self._base(audience)
        if not link.startswith(f"{base}/"):
            raise Unavailable("Microsoft 365 answered with a link to another host")
        return link[len(base) :]

    def attempt(self, ask: Ask, job: Job, token: Token | None = None) -> Answer:
        """Make a call once, whatever the answer: a stub before, a stub after.

        Args:
            ask: The call.
            job: Why.
            token: The token to make it with, where stubs of its parts name that one already.

        Raises:
            Lost: If no answer came.
            Unavailable: If it could not be sent, or there is no token.
        """
        token = token or self.tokens.token(ask.audience, job)
        request = fresh_id()
        url = self._base(ask.audience) + ask.path
        # If we die from here on, the stub without a status still says that this call is ours.
        self.stub(ask, job, token, request, None)
        headers = {
            "authorization": f"Bearer {token.value}",
            "client-request-id": request,
            "return-client-request-id": "true",
            "user-agent": "counterfoil",
            **(ask.headers or {}),
        }
        connection = self.tokens.connection
        with self.means.lanes.lane(connection.tenant_id, connection.app, ask.mailbox):
            answer = self.means.wire.send(ask.method, url, headers, ask.body)
        self.stub(ask, job, token, request, answer.status)
        if answer.status == 401:
            self.tokens.drop(token)
        return answer

    def _base(self, audience: str) -> str:
        return {GRAPH: self.means.endpoints.graph, MANAGEMENT: self.means.endpoints.management}[audience]

    def stub(self, ask: Ask, job: Job, token: Token, request: str, status: int | None) -> None:
        """Write the stub of one attempt, durable on return: ``status`` is ``None`` before there is an answer."""
        connection = self.tokens.connection
        body: dict[str, Json] = {
            "app": connection.app,
            "uti": token.uti,
            "client_request_id": request,
            "method": ask.method,
            "resource": ask.audience + ask.path,
            "mailbox": ask.mailbox,
            "message_ids": list(ask.message_ids),
            "effect": ask.effect,
            "job": job.id,
            "status": status,
        }
        self.means.writes.append(stub_at("call", self.means.clock(), connection.tenant_id, **body))


def segment(text: str) -> str:
    """Spell one segment of a path, so that an id from outside cannot reach another resource."""
    return quote(text, safe="@=")


def retry_after(answer: Answer, now: datetime, default: float) -> float:
    """Read ``Retry-After`` (RFC 9110 section 10.2.3): seconds, or a date."""
    text = answer.headers.get("retry-after", "")
    if text.strip().isdecimal():
        return float(text)
    try:
        return max(0.0, (parsedate_to_datetime(text) - now).total_seconds())
    except (TypeError, ValueError):
        return default


LACKING = frozenset({"AF10001", "AF20010"})
"""With these the Management Activity API says 401 where others say 403: the token is known."""


def accepted(answer: Answer) -> Answer:
    """Return an answer that is no error.

    Raises:
        CallRefused: If it is one.
        Unavailable: If a fresh token was not accepted: it may have ended on the way, or not be known everywhere.
    """
    if answer.status == 401 and _error(answer)[0] not in LACKING:
        raise Unavailable(f"the token is not accepted: {': '.join(_error(answer))}", HINTS[401])
    if answer.status >= 400:
        raise CallRefused(answer.status, *_error(answer))
    return answer


def _error(answer: Answer) -> tuple[str, str]:
    """Read Graph's error object; the management API has the same shape."""
    try:
        error = json.loads(answer.content)["error"]
        return str(error["code"]), str(error["message"])
    except (ValueError, KeyError, TypeError):
        return str(answer.status), "no reason given"
