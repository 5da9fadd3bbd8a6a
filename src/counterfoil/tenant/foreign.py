"""Calls that somebody else's program makes with our tokens: what they touch, found from the request. Pure."""

from collections.abc import Mapping
from typing import Any

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
