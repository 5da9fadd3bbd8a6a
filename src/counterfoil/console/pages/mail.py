"""Message tracking and the quarantine: lists, and the whole story of one message."""

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

from counterfoil.console.page import Asked, Column, Fact, Page, Row, Table
from counterfoil.model.mail import Json, Outcome, Verdict
from counterfoil.operators.roles import Permission

LIMIT, MOST = 100, 5000
"""Rows of one page, and the most that ``limit`` in the address may ask for."""

FIELDS = ("sender", "recipient", "subject", "message_id", "verdict", "outcome", "tenant", "since", "until")
"""What may be searched for, by the names in the address."""

MESSAGES = (
    Column("time", "Time", "time", "/messages/{id}"),
    Column("tenant", "Tenant"),
    Column("subject", "Subject", "words", "/messages/{id}"),
    Column("sender", "From"),
    Column("recipients", "To"),
    Column("verdict", "Verdict", "mark"),
    Column("outcome", "Outcome", "mark"),
    Column("direction", "Way"),
    Column("size", "Octets", "number"),
    Column("id", "Id", "data"),
)
HELD = (
    Column("time", "Time", "time", "/quarantine/{id}"),
    Column("tenant", "Tenant"),
    Column("subject", "Subject", "words", "/quarantine/{id}"),
    Column("sender", "From"),
    Column("recipients", "To"),
    Column("verdict", "Verdict", "mark"),
    Column("expires", "Expires", "time"),
    Column("wanted_by", "Release wanted by"),
    Column("last_words", "Last words of the next hop"),
    Column("id", "Id", "data"),
)
FINDINGS = (
    Column("severity", "Severity", "mark"),
    Column("check", "Check", "code"),
    Column("summary", "What was seen"),
    Column("part", "Part", "code"),
    Column("techniques", "ATT&CK"),
    Column("evidence", "Evidence", "evidence"),
)
STEPS = (
    Column("time", "Time", "time"),
    Column("outcome", "Outcome", "mark"),
    Column("actor", "By"),
    Column("words", "Words"),
)
FILES = (
    Column("part", "Part", "code"),
    Column("name", "Name"),
    Column("type", "Type", "code"),
    Column("size", "Octets", "number"),
)
UNSEEN = (Column("part", "Part", "code"), Column("reason", "Reason"))


def tracking(found: Sequence[Row], asked: Asked, wrong: str = "") -> Page:
    """Return the list of messages that match."""
    empty = "No message matches. Search less, or look further back." if _searched(asked) else NO_MAIL
    table = Table("messages", "Messages", MESSAGES, found, empty, more=_older(found, asked))
    return Page("Messages", "messages.html", (table,), more=_form(asked, wrong))


NO_MAIL = (
    "No mail yet. Add a tenant with its domain and next hop (counterfoil tenant add), then have its mail sent to "
    "the gateway."
)


def quarantine(found: Sequence[Row], asked: Asked, wrong: str = "") -> Page:
    """Return the list of held messages that match."""
    empty = "No held message matches." if _searched(asked) else "Nothing is held. What a policy holds waits here."
    may = {"release": asked.may(Permission.RELEASE), "delete": asked.may(Permission.DELETE)}
    pick = "id" if any(may.values()) else ""
    table = Table("quarantine", "Held messages", HELD, found, empty, pick=pick, more=_older(found, asked))
    return Page("Quarantine", "quarantine.html", (table,), more=_form(asked, wrong) | {"may": may})


def story(told: Mapping[str, Json], asked: Asked) -> Page:
    """Return everything that is known of one message; one refused or lost before its scan has no findings to show."""
    is_scanned = "findings" in told
    told = {**_UNSCANNED, **told}
    tenant = str(told["tenant"] or "")
    is_held = told.get("expires") is not None
    files = _rows(told.get("attachments"))
    tables = (
        Table(
            "findings",
            "Findings",
            FINDINGS,
            _rows(told.get("findings")),
            "Nothing was found." if is_scanned else NO_SCAN,
        ),
        Table(
            "unseen",
            "What could not be inspected",
            UNSEEN,
            _rows(told.get("uninspectable")),
            "Everything could be inspected." if is_scanned else NO_SCAN,
        ),
        *([Table("attachments", "Files in it", FILES, files, "None.")] if files else []),
        Table("steps", "What became of it", STEPS, _rows(told.get("dispositions")), "We are at work on it."),
    )
    more: dict[str, object] = {
        "story": told,
        "is_scanned": is_scanned,
        "held": is_held,
        "may_read": is_held and asked.may(Permission.READ_HELD, tenant),
        "may": {
            "release": is_held and asked.may(Permission.RELEASE, tenant),
            "delete": is_held and asked.may(Permission.DELETE, tenant),
        },
    }
    return Page(str(told.get("subject") or "Message without a subject"), "story.html", tables, _facts(told), more)


NO_SCAN = "The message was not scanned, so nothing can be said of what is in it."
_UNSCANNED: Mapping[str, Json] = {"reasons": [], "would_change": [], "authentication": None}


def _facts(told: Mapping[str, Json]) -> tuple[Fact, ...]:
    links = {"tenant": f"/tenants/{told['tenant']}" if told.get("tenant") else ""}
    shown = (
        ("Received", "time", "time"),
        ("Tenant", "tenant", "text"),
        ("From", "sender", "text"),
        ("To", "recipients", "text"),
        ("Way", "direction", "text"),
        ("Over", "via", "text"),
        ("Client", "client_address", "code"),
        ("Greeted as", "helo", "code"),
        ("Next hop", "next_hop", "code"),
        ("Message-ID", "message_id", "code"),
        ("SHA-256", "sha256", "code"),
        ("Octets", "size", "number"),
        ("Links lead to", "link_hosts", "text"),
        ("Held until", "expires", "time"),
        ("Release wanted by", "wanted_by", "text"),
        ("Tries", "tries", "number"),
        ("Next try", "next_try", "time"),
        ("Last words of the next hop", "last_words", "text"),
        ("Released to", "released_to", "text"),
        ("Id", "id", "code"),
    )
    return tuple(
        Fact(term, told.get(key), kind, links.get(key, ""))
        for term, key, kind in shown
        if told.get(key) not in (None, "", [])
    )


def sure(found: Sequence[Row]) -> Page:
    """Return the question before messages are deleted for good."""
    columns = tuple(column for column in HELD if column.key in {"time", "tenant", "sender", "subject"})
    table = Table("delete", "These will be deleted for good", columns, found, "None of these is held any more.")
    return Page("Delete held messages", "sure.html", (table,))


def _rows(value: Json) -> list[Row]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _searched(asked: Asked) -> bool:
    return any(asked.query.get(name) for name in FIELDS)


def _form(asked: Asked, wrong: str) -> dict[str, object]:
    return {
        "search": {name: asked.query.get(name, "") for name in FIELDS},
        "verdicts": [verdict.value for verdict in Verdict],
        "outcomes": [outcome.value for outcome in Outcome],
        "wrong": wrong,
    }


def limit(asked: Asked) -> int:
    """Return how many rows are asked for."""
    text = asked.query.get("limit", "")
    return min(max(int(text), 1), MOST) if text.isascii() and text.isdigit() and len(text) < 10 else LIMIT


def _older(found: Sequence[Row], asked: Asked) -> str:
    """Return the query of the page with what is older, where this one is full."""
    if len(found) < limit(asked):
        return ""
    kept = {name: asked.query[name] for name in (*FIELDS, "limit") if asked.query.get(name)}
    return urlencode(kept | {"until": str(found[-1]["time"])})
