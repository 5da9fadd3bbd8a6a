"""The fault plan: what strikes a call before it is done, and what befalls its answer afterwards."""

import json
from typing import Any

from counterfoil.lab.spelling import bare
from counterfoil.lab.wire import Call, Reply, json_reply
from counterfoil.lab.world import World


def before(world: World, call: Call, tenant: str, app_id: str) -> Reply | None:
    """Decide whether a call is throttled or fails before anything is done.

    A storm of 429 goes on for ``storm_seconds`` for the same application in the same tenant.
    """
    key = f"{tenant}|{app_id}"
    storm = world.storm_until.get(key, 0.0) > call.now
    if storm or world.happens(tenant, "throttle_share"):
        if not storm:
            world.storm_until[key] = call.now + float(world.dial(tenant, "storm_seconds"))
        wait = float(world.dial(tenant, "retry_after_seconds"))
        message = (
            "Application is over its MailboxConcurrency limit."
            if "/users/" in call.path.lower()
            else "Too many requests."
        )
        return _error(call, 429, "ApplicationThrottled", message, {"Retry-After": f"{max(1, round(wait))}"})
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


def token_fault(world: World, tenant: str) -> Reply | None:
    """Decide whether the token service fails a request before looking at it."""
    if world.happens(tenant, "error_share"):
        document = {
            "error": "temporarily_unavailable",
            "error_description": "AADSTS90033: A transient error has occurred. Please try again.",
            "error_codes": [90033],
        }
        return Reply(503, json.dumps(document).encode(), {"Content-Type": "application/json; charset=utf-8"})
    return None
