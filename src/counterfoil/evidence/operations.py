"""Which rows an operation must, may or cannot leave in which log, as data; only *must* proves an hour.

Sources: Microsoft Graph activity logs overview (calls to other hosts leave no row), Purview "Use
MailItemsAccessed" (reads of single messages are Bind records; repeats within an hour are dropped),
"Manage mailbox auditing" (default actions of an owner: Update, SoftDelete, HardDelete, but not Move).
"""

from typing import Final, NamedTuple
from urllib.parse import urlsplit

from counterfoil.evidence.paths import asked
from counterfoil.evidence.uses import GRAPH, MAILBOX, SIGN_INS

MUST, MAY, CANNOT = "must", "may", "cannot"


class Rows(NamedTuple):
    """What an operation leaves in each log."""

    sign_ins: str
    graph: str
    mailbox: str


OPERATIONS: Final[dict[str, Rows]] = {
    "token-issued": Rows(MUST, CANNOT, CANNOT),
    "token-refused": Rows(MAY, CANNOT, CANNOT),
    "token-unknown": Rows(MAY, CANNOT, CANNOT),
    "graph-message-read": Rows(CANNOT, MUST, MUST),
    "graph-message-delete": Rows(CANNOT, MUST, MUST),
    "graph-message-update": Rows(CANNOT, MUST, MUST),
    "graph-message-other": Rows(CANNOT, MUST, MAY),
    "graph-listing": Rows(CANNOT, MUST, MAY),
    "graph-other": Rows(CANNOT, MUST, CANNOT),
    "exchange-message-read": Rows(CANNOT, CANNOT, MUST),
    "exchange-other": Rows(CANNOT, CANNOT, MAY),
    "management": Rows(CANNOT, CANNOT, CANNOT),
    "elsewhere": Rows(CANNOT, CANNOT, CANNOT),
    "no-answer": Rows(CANNOT, MAY, MAY),
}
"""Every operation we have a stub for. ``no-answer``: no status, or one that says it was not carried out."""

LATENCY_HOURS: Final = {SIGN_INS: 2, GRAPH: 2, MAILBOX: 24}
"""How long a row may be under way; after that a row that is not there is missing."""

RETENTION_DAYS: Final = {SIGN_INS: 30, GRAPH: None, MAILBOX: 180}
"""How long Microsoft keeps a row where the customer stores nothing himself (P1; audit standard)."""

_ENDPOINTS: Final = {
    "graph.microsoft.com": "graph",
    "00000003-0000-0000-c000-000000000000": "graph",
    "outlook.office365.com": "exchange",
    "outlook.office.com": "exchange",
    "00000002-0000-0ff1-ce00-000000000000": "exchange",
    "manage.office.com": "management",
    "c5393580-f805-4401-95e8-94b7a6ef2fc2": "management",
}


def endpoint_of(host: str | None, audience: str | None) -> str:
    """Name the service a call went to: its host, else the audience of its token, else Graph."""
    wanted = host or (urlsplit(audience).hostname or audience if audience else None)
    if wanted is None:
        return "graph"
    wanted = wanted.lower().removesuffix("/.default")
    if wanted.startswith("graph.microsoft.") or wanted.endswith(".graph.microsoft.com"):
        return "graph"
    return _ENDPOINTS.get(wanted, "graph" if host is not None and _loopback(host) else "elsewhere")


def _loopback(host: str) -> bool:
    """A laboratory stands in for Graph on loopback."""
    return host in ("localhost", "::1") or host.startswith("127.")


def operation_of(
    endpoint: str, method: str | None, path: str | None, *, status: int | None, effect: str, has_ids: bool
) -> str:
    """Name the operation of a call stub; the names are the keys of the table.

    A stub may keep its resource in a form of its own: with message ids, its method or effect is enough.
    """
    if endpoint in ("management", "elsewhere"):
        return endpoint
    if status is None or not 200 <= status < 300:
        return "no-answer"
    if endpoint == "exchange":
        return "exchange-message-read" if has_ids and effect == "read" else "exchange-other"
    what = asked(path)
    method = method or {"read": "GET", "change": "PATCH"}.get(effect)
    if what.kind == "message" or (has_ids and what.kind == "other" and not (path or "").lower().endswith("/$batch")):
        return _on_message(method, path or "", has_ids=has_ids)
    return "graph-listing" if what.kind in ("listing", "send", "rule", "import", "export") else "graph-other"


def _on_message(method: str | None, path: str, *, has_ids: bool) -> str:
    if not has_ids:
        return "graph-message-other"
    if method == "GET":
        return "graph-message-read"
    if method == "DELETE" or path.lower().endswith("/permanentdelete"):
        return "graph-message-delete"
    return "graph-message-update" if method == "PATCH" else "graph-message-other"


class Kind(NamedTuple):
    """What is known of a kind of call: the service it went to, and whether each log must show it."""

    endpoint: str
    graph: bool
    mailbox: bool


def kind_of(endpoint: str, operation: str) -> Kind:
    """Look a kind of call up in the table."""
    rows = OPERATIONS[operation]
    return Kind(endpoint, rows.graph == MUST, rows.mailbox == MUST)
