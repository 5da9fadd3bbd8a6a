"""Uses: what a tenant's log says was done with a credential, in one schema for every source.

Token ids, key ids and thumbprints are hex as in :mod:`counterfoil.evidence.ids`; other ids are lower
case text; times are RFC 3339 in UTC. ``record`` names a row once and for all, so that the same row in
two exports counts once.
"""

from dataclasses import dataclass, field

SIGN_INS = "sign-ins"
GRAPH = "graph-activity"
MAILBOX = "mailbox-audit"
DIRECTORY = "directory-audit"
SOURCES = (SIGN_INS, GRAPH, MAILBOX, DIRECTORY)


@dataclass(slots=True)
class Item:
    """One message or folder item that a mailbox row names."""

    message: str | None = None
    item: str | None = None
    folder: str | None = None
    crid: str | None = None


@dataclass(slots=True)
class Use:
    """One row of a tenant's log.

    ``uti_other`` is the other byte order of a token id that was spelled as a GUID; ``effect`` is ``read``,
    ``change`` or ``none``; ``doubt`` says why the row costs its hour the coverage; ``detail`` is what
    only the blast radius needs (folders, added keys, targets), as JSON.
    """

    record: str
    source: str
    tenant: str | None
    time: str | None
    app: str | None = None
    uti: str | None = None
    uti_other: str | None = None
    sha1: str | None = None
    sha256: str | None = None
    key_id: str | None = None
    credential_type: str | None = None
    correlation_id: str | None = None
    request_id: str | None = None
    client_request_id: str | None = None
    operation_id: str | None = None
    success: bool = True
    error: str | None = None
    address: str | None = None
    agent: str | None = None
    resource: str | None = None
    method: str | None = None
    path: str | None = None
    mailbox: str | None = None
    mailbox_id: str | None = None
    operation: str | None = None
    effect: str = "none"
    rest: bool = False
    cae: bool | None = None
    principal: str | None = None
    access: str | None = None
    throttled: bool = False
    doubt: str | None = None
    items: list[Item] = field(default_factory=list)
    detail: str | None = None
    file: str = ""
    number: int = 0


COLUMNS: dict[str, str] = {
    name: {
        "time": "TIMESTAMP",
        "number": "BIGINT",
        "items": "STRUCT(message VARCHAR, item VARCHAR, folder VARCHAR, crid VARCHAR)[]",
    }.get(name, "BOOLEAN" if name in {"success", "rest", "cae", "throttled"} else "VARCHAR")
    for name in Use.__slots__
}
"""The columns of a use and their SQL types, in order: readers, Parquet and queries agree by this."""


def as_row(use: Use) -> dict[str, object]:
    """Return a use as the row that goes through JSON into a table."""
    row: dict[str, object] = {name: getattr(use, name) for name in COLUMNS}
    row["items"] = [{name: getattr(item, name) for name in Item.__slots__} for item in use.items]
    return row
