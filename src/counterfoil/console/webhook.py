"""Reports from outside over HTTP: whoever has a reporter's secret may open an incident, and prove nothing with it.

The form is that of Standard Webhooks 1.0 (standardwebhooks.com): ``webhook-id``, ``webhook-timestamp`` and
``webhook-signature`` (``v1,`` and base64 of HMAC-SHA256 over ``id.timestamp.body``). The order is: 1. how often this
address asks, 2. how large it is, 3. whether the secret was known, 4. whether it is fresh, 5. how often this reporter
asks, 6. what it says. Up to 3 the answer is the same for everybody, and who waits at 5 is known to have the secret:
no stranger can keep a reporter out. The answer to a good report never says whether a thumbprint is ours (law 11).
"""

import base64
import hashlib
import hmac
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from anyio import to_thread
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from counterfoil.console.throttle import Throttle, network_of
from counterfoil.model.errors import CounterfoilError, Refused

log = logging.getLogger(__name__)

MOST_OCTETS = 64 * 1024
FRESH = timedelta(minutes=5)
"""How far the time of a report may be from ours, either way (Standard Webhooks: a few minutes)."""

A_MINUTE = timedelta(minutes=1)
PER_ADDRESS, PER_REPORTER = 60, 20
ID = re.compile(r"[A-Za-z0-9_.:-]{1,128}")
NOBODY = hashlib.sha256(b"nobody has this secret").digest()
"""Compared with where there is no such reporter, so that the time taken does not tell."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What the webhook works with: the secret of a reporter, and what takes a report in and returns its reference."""

    secret_of: Callable[[str], bytes | None]
    take_in: Callable[[str, str, bytes], str]


@dataclass(slots=True)
class Webhook:
    """The place where reports arrive: ``POST /reports/NAME``."""

    desk: Desk
    clock: Callable[[], datetime]
    throttle: Throttle = field(default_factory=lambda: Throttle(A_MINUTE))

    def routes(self) -> list[Route]:
        """Return the way in."""
        return [Route("/reports/{reporter}", self.report, methods=["POST"])]

    async def report(self, request: Request) -> Response:
        """Take a report, or say why not."""
        now, reporter = self.clock(), request.path_params["reporter"]
        address = request.client.host if request.client is not None else ""
        self._count(("address", network_of(address)), PER_ADDRESS, now)  # (1)
        body = await _body(request)  # (2)
        secret = await to_thread.run_sync(self.desk.secret_of, reporter)
        if not signed(request.headers, body, secret or NOBODY) or secret is None:  # (3)
            log.warning("a report was not accepted", extra={"facts": {"address": address}})
            raise HTTPException(401, "there is no such reporter, or the signature is not right")
        if not fresh(request.headers["webhook-timestamp"], now):  # (4)
            raise HTTPException(400, f"webhook-timestamp is not within {FRESH.seconds} seconds of our clock")
        self._count(("reporter", reporter), PER_REPORTER, now)  # (5)
        try:
            reference = await to_thread.run_sync(self.desk.take_in, reporter, request.headers["webhook-id"], body)
        except Refused as refusal:  # (6)
            return JSONResponse({"problems": refusal.message.split("\n")}, 422)
        except CounterfoilError as error:
            log.exception("a report could not be taken in")
            raise HTTPException(503, "it could not be written down; send it again") from error
        return JSONResponse({"reference": reference}, 202)

    def _count(self, key: tuple[str, str], most: int, now: datetime) -> None:
        wait = self.throttle.count({key: most}, now)
        if wait is not None:
            seconds = {"retry-after": str(int(wait.total_seconds()) + 1)}
            raise HTTPException(429, "too many reports; wait a moment", headers=seconds)


async def _body(request: Request) -> bytes:
    octets = bytearray()
    async for piece in request.stream():
        octets += piece
        if len(octets) > MOST_OCTETS:
            raise HTTPException(413, f"a report has at most {MOST_OCTETS} octets")
    return bytes(octets)


def signature(secret: bytes, ident: str, timestamp: str, body: bytes) -> str:
    """Return the signature of a report, as it stands in the header."""
    signed_octets = b".".join((ident.encode(), timestamp.encode(), body))
    return f"v1,{base64.b64encode(hmac.digest(secret, signed_octets, 'sha256')).decode()}"


def signed(headers: Headers, body: bytes, secret: bytes) -> bool:
    """Say whether one of the signatures is made with the secret; while a secret changes there may be two."""
    ident, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not ID.fullmatch(ident) or not timestamp.isascii() or not timestamp.isdigit():
        return False
    right = signature(secret, ident, timestamp, body)
    given = headers.get("webhook-signature", "").split(" ")[:10]
    return any(hmac.compare_digest(one.encode(), right.encode()) for one in given)


def fresh(timestamp: str, now: datetime) -> bool:
    """Say whether a time in seconds since 1970 is near ours."""
    return len(timestamp) < 20 and abs(int(timestamp) - now.timestamp()) <= FRESH.total_seconds()
