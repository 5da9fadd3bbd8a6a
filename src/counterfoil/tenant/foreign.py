"""Calls that somebody else's program makes with our tokens: what they touch, found from the request. Pure."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from counterfoil.evidence.paths import asked, effect_of, path_of
from counterfoil.tenant.door import Ask
from counterfoil.tenant.endpoints import EXCHANGE, GRAPH, MANAGEMENT, Endpoints

_MAIL = frozenset({"message", "listing", "send", "rule", "import", "export", "settings"})


def audience_of(url: str, endpoints: Endpoints) -> str | None:
    """Return the audience of the service that a URL leads to, or ``None`` where it leads elsewhere."""
    bases = {endpoints.graph: GRAPH, endpoints.management: MANAGEMENT, EXCHANGE: EXCHANGE}
    return next((audience for base, audience in bases.items() if url.startswith(f"{base}/")), None)


def ask_of(method: str, target: str, audience: str, said: Mapping[str, Any] | None) -> Ask:
    """Describe a call for its stub.

    Args:
        method: HTTP's.
        target: Path and query.
        audience: Of the token.
        said: What the caller knows better: ``mailbox``, ``message_ids`` (RFC 5322), ``effect``.
    """
    known = said or {}
    path = path_of(target)
    what = asked(path)
    effect = effect_of(method, path)
    if what.kind not in _MAIL and effect == "read":
        effect = "none"  # nothing of a mailbox is read
    return Ask(
        method=method,
        path=target,
        effect=str(known.get("effect", effect)),
        mailbox=known.get("mailbox", what.mailbox),
        message_ids=tuple(known.get("message_ids", ())),
        audience=audience,
    )


@dataclass(frozen=True, slots=True)
class Part:
    """One call within a batch: its name there, what it touches, and its own ``client-request-id``."""

    name: str
    ask: Ask
    request: str


def is_batch(method: str, target: str) -> bool:
    """Say whether a call carries others (https://learn.microsoft.com/graph/json-batching)."""
    return method.upper() == "POST" and unquote(urlsplit(target).path).rstrip("/").lower().endswith("/$batch")


def parts_of(body: bytes, target: str, fresh: Callable[[], str]) -> tuple[bytes, tuple[Part, ...]]:
    """Give each part of a batch an id of its own; return the body with them, and the parts.

    Args:
        body: Of the request, JSON.
        target: Its path; parts are of the same version of Graph.
        fresh: Makes an id.

    Raises:
        ValueError: If it is no batch.
    """
    document = json.loads(body)
    requests = document.get("requests") if isinstance(document, dict) else None
    if not isinstance(requests, list) or not all(_is_part(request) for request in requests):
        message = "requests is no list of objects"
        raise ValueError(message)
    base, parts = target[: unquote(target).lower().rindex("/$batch")], []
    for request in requests:
        headers = request.get("headers") or {}
        kept = {name: value for name, value in headers.items() if name.lower() != "client-request-id"}
        request["headers"] = {**kept, "client-request-id": (identifier := fresh())}
        url = urlsplit(str(request.get("url", "")))
        path = f"{base}/{url.path.lstrip('/')}" + (f"?{url.query}" if url.query else "")
        ask = ask_of(str(request.get("method", "GET")).upper(), path, GRAPH, None)
        parts.append(Part(str(request.get("id")), ask, identifier))
    return json.dumps(document).encode(), tuple(parts)


def _is_part(request: object) -> bool:
    return isinstance(request, dict) and isinstance(request.get("headers") or {}, dict)


def statuses_of(content: bytes) -> dict[str, int]:
    """Read the status of each part out of the answer to a batch; one that is none says nothing of any part."""
    try:
        return {str(part["id"]): int(part["status"]) for part in json.loads(content)["responses"]}
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}
