"""Phrases that the terminal and the page share: numbers with their nouns, times a person reads, bounds. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from counterfoil.model.instant import from_rfc3339

LISTED = 10
"""Values that are named before the rest is counted."""

STATES = {
    "summary": "summarised rows, which cannot be set against single stubs",
    "error": "error pages",
    "unknown": "records of no kind we know",
    "no-log": "no log",
}
"""Kinds of records that somebody has to know of."""


def counted(count: int, noun: str) -> str:
    """Say a number of things."""
    many = f"{noun}es" if noun.endswith("x") else f"{noun}s"
    return f"{count:,} {noun if count == 1 else many}"


def named(tenant: Mapping[str, Any]) -> str:
    """Name a tenant: by its name with the id beside it, or by the id alone."""
    name = tenant.get("name")
    return f"{name} ({tenant['tenant']})" if name and name != tenant["tenant"] else str(tenant["tenant"])


def short(values: list[str], most: int = LISTED) -> str:
    """List the first values and count the rest."""
    more = f" and {len(values) - most} more" if len(values) > most else ""
    return ", ".join(values[:most]) + more


def span_words(entry: Mapping[str, Any]) -> str:
    """Say from when to when, the day once where it is one."""
    if not entry["first"]:
        return "at a time the rows do not tell"
    first, last = from_rfc3339(entry["first"]), from_rfc3339(entry["last"])
    begin = f"{first:%Y-%m-%d %H:%M:%S}"
    if first.replace(microsecond=0) == last.replace(microsecond=0):
        return begin
    return f"{begin} to {last:%H:%M:%S}" if first.date() == last.date() else f"{begin} to {last:%Y-%m-%d %H:%M:%S}"


def bound_words(bound: float | None) -> str:
    """Say what share of a log's rows may be lost without a sign (about 3/n, 95 % confidence)."""
    if bound is None:
        return "none of our rows was seen, so nothing bounds what is lost"
    if bound >= 1:
        return "too few of our rows to bound what is lost"
    return f"under {percent(bound)} can be lost unnoticed"


def percent(share: float) -> str:
    """Write a share in per cent with two figures, never as a power of ten."""
    value = 100 * share
    digits = 0 if value >= 10 else 1 if value >= 1 else 2
    return f"{value:.{digits}f} %" if value >= 0.01 else "0.01 %"


def extent_words(word: str, extent: Mapping[str, Any]) -> Iterator[str]:
    """Say what was read or changed, in which mailboxes, and where it is wider than messages tell."""
    if extent["mailboxes"]:
        things = [counted(len(extent["messages"]), "message")] if extent["messages"] else []
        things += [counted(len(extent["items"]), "item") + " without a Message-ID"] if extent["items"] else []
        reach = counted(len(extent["mailboxes"]), "mailbox")
        what = " and ".join(things) or "something"
        yield f"{word} {what} in {reach}: {short(extent['mailboxes'])}"
    if extent["messages"]:
        yield f"messages {short(extent['messages'])}"
    for entry in extent["widened"][:LISTED]:
        place = f"{entry['mailbox'] or 'any mailbox'}, {entry['folder'] or 'every folder'}"
        yield f"wider: {place}: {entry['reason']}"
    if len(extent["widened"]) > LISTED:
        yield f"wider in {len(extent['widened']) - LISTED} more places"


def unseen_words(discrepancies: Iterable[Mapping[str, Any]]) -> list[str]:
    """Sum up stubs of ours that have no row: a log that lost rows, which touches nobody."""
    counts: dict[str, int] = defaultdict(int)
    for entry in discrepancies:
        if entry["kind"] == "unseen":
            counts[entry["rule"].removeprefix("no-row-in-")] += entry["count"]
    return [f"{counted(count, 'stub')} of ours without a row in {source}" for source, count in sorted(counts.items())]


def moment(text: str | None) -> str:
    """Write a time of the answer as a person reads it, to the second, in UTC."""
    if not text:
        return ""
    return f"{from_rfc3339(text):%Y-%m-%d %H:%M:%S}"
