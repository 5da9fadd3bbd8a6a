"""The fault plan: what strikes a call before it is done, and what befalls its answer afterwards."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from counterfoil.lab.spelling import bare
from counterfoil.lab.wire import Call, Reply, json_reply
from counterfoil.lab.world import World

_IDENTITY = {
    "x-ms-throttle-scope": "Tenant_Application/ReadWrite",
    "x-ms-throttle-information": "ResourceUnitLimitExceeded",
    "x-ms-throttle-limit-percentage": "1.2",
    "x-ms-resource-unit": "1",
}
"""What the directory adds when it throttles (Microsoft Graph, throttling limits)."""


def throttled(world: World, call: Call, tenant: str, app_id: str) -> str | None:
    """Say for how many seconds a call is throttled, as ``Retry-After`` spells it; ``None`` if it is not.

    A storm of 429 goes on for ``storm_seconds`` for the same application in the same tenant.
    """
    key = f"{tenant}|{app_id}"
    storm = world.storm_until.get(key, 0.0) > call.now
    if not storm and not world.happens(tenant, "throttle_share"):
        return None
    if not storm:
        world.storm_until[key] = call.now + float(world.dial(tenant, "storm_seconds"))
    return f"{max(1, round(float(world.dial(tenant, 'retry_after_seconds'))))}"


def before(world: World, call: Call, tenant: str, app_id: str) -> Reply | None:
    """Decide whether a call to Graph is throttled, as Exchange or as the directory does, or fails before it is done."""
    wait = throttled(world, call, tenant, app_id)
    if wait is not None and "/users/" in call.path.lower():
        message = "Application is over its MailboxConcurrency limit."
        return _error(call, 429, "ApplicationThrottled", message, {"Retry-After": wait})
    if wait is not None:
        return _error(call, 429, "TooManyRequests", "Too many requests.", {"Retry-After": wait, **_IDENTITY})
    if world.happens(tenant, "error_share"):
        return _error(
            call,
            503,
            "ServiceUnavailable",
            "Service temporarily unavailable. Please wait and retry.",
            {"Retry-After": "1"},
        )
    return None


def after(world: World, call: Call, tenant: str, reply: Reply) -> Reply:
    """Decide what becomes of the answer to a change that was done: lost to a timeout, or cut off."""
    if call.method == "GET" or reply.status >= 400:
        return reply
    if world.happens(tenant, "timeout_share"):
        lost = _error(call, 504, "UnknownError", "", {})
        lost.delay = float(world.dial(tenant, "hang_seconds"))
        return lost
    if world.happens(tenant, "cut_share"):
        reply.cut = True
    return reply


def _error(call: Call, status: int, code: str, message: str, headers: dict[str, str]) -> Reply:
    inner = {
        "date": bare(call.now),
        "request-id": call.id,
        "client-request-id": call.header("client-request-id") or call.id,
    }
    document: dict[str, Any] = {"error": {"code": code, "message": message, "innerError": inner}}
    return json_reply(status, document, headers)


@dataclass(frozen=True, slots=True)
class Struck:
    """What the token service answers instead of its answer; ``delay`` in seconds."""

    status: int
    code: int
    text: str
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0


def token_before(world: World, tenant: str) -> Struck | None:
    """Decide whether the token service fails a request before looking at it."""
    if world.happens(tenant, "throttled_share"):
        wait = f"{max(1, round(float(world.dial(tenant, 'retry_after_seconds'))))}"
        text = "Tenant is throttled due to too many requests. Please try again later."
        return Struck(429, 90055, text, {"Retry-After": wait})
    if world.happens(tenant, "error_share"):
        return Struck(503, 90033, "A transient error has occurred. Please try again.")
    return None


def token_after(world: World, tenant: str) -> Struck | None:
    """Decide whether the answer with an issued token is lost on its way."""
    if not world.happens(tenant, "token_lost_share"):
        return None
    text = "The service is temporarily unavailable. Please retry later."
    return Struck(504, 90006, text, delay=float(world.dial(tenant, "hang_seconds")))
