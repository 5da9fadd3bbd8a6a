"""Queries with which a customer checks us on his own logs, without us and without handing a log over. Pure.

One for Log Analytics and Sentinel (KQL), one for DuckDB over exported JSON; each asks of every log that may be
required. They carry our token ids, client-request-ids and Message-IDs of that tenant and of no other.
What they do not see: a client-request-id of ours that somebody copied, and a call in a batch; reconcile does.
"""

import base64
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import Any

from counterfoil.evidence.ids import dashed, swapped, uti
from counterfoil.evidence.stubs import Books

LONGEST_LIFE = timedelta(hours=28)
"""How long before a window a token may have been issued that is used in it."""

MOST_IN_KQL = 20_000
"""Ids that a query for Log Analytics carries: its text may have two megabytes."""

_ALWAYS = (datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))


@dataclass(slots=True)
class _Ours:
    """What our books have of one tenant."""

    apps: set[str] = field(default_factory=set)
    tokens: set[str] = field(default_factory=set)
    calls: set[str] = field(default_factory=set)
    messages: set[str] = field(default_factory=set)
    listing: set[str] = field(default_factory=set)


def checks(
    books: Books, tenants: Iterable[str] | None = None, window: tuple[datetime, datetime] | None = None
) -> dict[str, dict[str, str]]:
    """Return for each tenant with an application of ours the queries that check us: file name to text.

    Args:
        books: Our side.
        tenants: Which tenants; all where left out.
        window: What the queries ask about, [since, until); everything where left out.
    """
    span = window or _ALWAYS
    wanted = None if tenants is None else set(tenants)
    ours = _ours(books, wanted, span)
    whole = _whole([gap for gap in books.gaps if gap[0] < span[1] and span[0] <= gap[1]])
    return {tenant: _texts(ours[tenant], span, whole) for tenant in sorted(ours) if ours[tenant].apps}


def _whole(gaps: list[tuple[datetime, datetime]]) -> str:
    """Say in one line of a comment when our books lack stubs, so that nobody is accused of what we did ourselves."""
    if not gaps:
        return "Our own books are whole in that time."
    spans = ", ".join(f"from {since:%Y-%m-%dT%H:%M:%SZ} to {until:%Y-%m-%dT%H:%M:%SZ}" for since, until in gaps)
    return f"OUR OWN BOOKS LACK STUBS {spans}: a row of such a time may have been our own; it shows nothing."


def _ours(books: Books, wanted: set[str] | None, span: tuple[datetime, datetime]) -> dict[str, _Ours]:
    found: dict[str, _Ours] = defaultdict(_Ours)

    def of(row: Mapping[str, Any]) -> _Ours | None:
        tenant = row["tenant"]
        return found[tenant] if tenant and (wanted is None or tenant in wanted) else None

    earliest = span[0] - LONGEST_LIFE
    for row in (*books.credentials, *books.tokens):
        if row["app"] and (one := of(row)) is not None:
            one.apps.add(row["app"])
    for row in books.tokens:
        if row["uti"] and _since(row, earliest) and (one := of(row)) is not None:
            one.tokens.add(row["uti"])
    for row in books.calls:
        if not _since(row, earliest) or (one := of(row)) is None:
            continue
        if row["crid"]:
            one.calls.add(row["crid"])
        if row["uti"]:
            one.tokens.add(row["uti"])
        one.messages |= {str(message).lower() for message in row["messages"] or ()}
        if row["uti"] and not row["messages"] and row["effect"] != "none" and row.get("endpoint") in (None, "graph"):
            one.listing.add(row["uti"])
    return found


def _since(row: Mapping[str, Any], earliest: datetime) -> bool:
    time = row["time"]
    moment = datetime.fromisoformat(time) if isinstance(time, str) else time
    return moment is None or (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) >= earliest


def spellings(token: str) -> tuple[str, ...]:
    """Spell a token id in every way that a log may: as the token does, as a GUID, and as Graph's long form."""
    text = dashed(token)
    return (uti(token), text, dashed(swapped(token)), base64.b64encode(text.encode()).decode())


def _texts(ours: _Ours, span: tuple[datetime, datetime], whole: str) -> dict[str, str]:
    values = {
        "apps": sorted(ours.apps),
        "tokens": [spelled for token in sorted(ours.tokens) for spelled in spellings(token)],
        "calls": sorted(ours.calls),
        "messages": sorted(ours.messages),
        "listing": [spelled for token in sorted(ours.listing) for spelled in spellings(token)],
    }
    times = {"whole": whole} | {
        name: f"{moment:%Y-%m-%dT%H:%M:%SZ}" for name, moment in zip(("since", "until"), span, strict=True)
    }
    small = {name: values[name] if len(values[name]) <= MOST_IN_KQL else [] for name in ("calls", "messages")}
    kql = {name: json.dumps(listed, ensure_ascii=False) for name, listed in {**values, **small}.items()}
    sql = {name: f"[{', '.join(map(_quoted, listed))}]::VARCHAR[]" for name, listed in values.items()}
    return {
        "check.kql": _filled(
            "check.kql",
            {
                **times,
                **kql,
                "and-calls": " or ClientRequestId !in~ (calls)" if small["calls"] else "",
                "and-messages": " or (Token !in (listing) and Message != '' and Message !in~ (messages))"
                if small["messages"]
                else "",
            },
        ),
        "check.sql": _filled(
            "check.sql",
            {
                **times,
                **sql,
                "and-calls": " OR coalesce(lower(call), '') NOT IN (SELECT call FROM calls)" if values["calls"] else "",
                "and-messages": " OR (token NOT IN (SELECT token FROM listing) AND message <> ''"
                " AND lower(message) NOT IN (SELECT message FROM messages))"
                if values["messages"]
                else "",
            },
        ),
    }


def _filled(name: str, values: Mapping[str, str]) -> str:
    """Put values in the place of ``@name@``, each once, so that a value cannot hold a place."""
    pieces = (files("counterfoil.evidence") / "templates" / name).read_text(encoding="utf-8").split("@")
    return "".join(values.get(piece, f"@{piece}@") if n % 2 else piece for n, piece in enumerate(pieces))


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
