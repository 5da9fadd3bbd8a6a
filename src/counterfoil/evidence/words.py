"""The answer for a person in front of a terminal: the sum first, then who, then why, then the files."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from counterfoil.evidence.readers.reading import FileReading
from counterfoil.model.instant import rfc3339

_LISTED = 10


def summary_lines(
    document: Mapping[str, Any], files: Iterable[FileReading], since: datetime, until: datetime
) -> Iterator[str]:
    """Yield the lines of the answer; text from outside is made harmless by whoever prints."""
    summary = document["summary"]
    tenants = summary["tenants"]
    share = f" ({100 * summary['using'] / tenants:.0f} %)" if tenants else ""
    yield f"Window {rfc3339(since)} to {rfc3339(until)}"
    yield f"{tenants} tenants, of which {summary['using']} use the connection{share}"
    yield (
        f"{summary['touched']} touched by somebody else, {summary['cannot_say']} cannot be judged, "
        f"{summary['clean']} clean"
    )
    for heading, members in _sections(document["tenants"]):
        if members:
            yield ""
            yield f"{heading}:"
        for tenant in members:
            yield from _tenant(tenant)
    yield from _files(files)


def _sections(tenants: list[Mapping[str, Any]]) -> Iterator[tuple[str, list[Mapping[str, Any]]]]:
    yield "Touched", [tenant for tenant in tenants if tenant["state"] == "touched"]
    yield "Cannot be judged", [tenant for tenant in tenants if tenant["state"] == "cannot-say"]
    clean = [tenant for tenant in tenants if tenant["state"] == "clean"]
    yield (
        "Clean, with something to look at",
        [tenant for tenant in clean if any(entry["kind"] != "unseen" for entry in tenant["discrepancies"])],
    )


def _tenant(tenant: Mapping[str, Any]) -> Iterator[str]:
    yield f"  {tenant['tenant']}"
    kinds = tuple(entry["kind"] for entry in tenant["discrepancies"])
    for entry in tenant["discrepancies"]:
        whose = entry["evidence"][0].get("subject", "") if entry["evidence"] else ""
        yield f"    {entry['kind']} ({entry['rule']}): {entry['count']} rows, {whose}"
        addresses = f" from {', '.join(entry['addresses'][:5])}" if entry["addresses"] else ""
        yield f"      {entry['first']} to {entry['last']}{addresses}"
    for word in ("read", "changed"):
        yield from _extent(word, tenant["radius"][word])
    for left in tenant["radius"]["persistence"]:
        yield f"    left behind: {left['kind']}: {left['what']}"
    for technique in tenant["radius"]["techniques"]:
        yield f"    ATT&CK 18.1 {technique['id']} {technique['name']}: {len(technique['rows'])} rows"
    for reason in tenant["reasons"]:
        if not reason.startswith(kinds):
            yield f"    {reason}"
    for covered in tenant["coverage"]:
        whole = covered["hours_proven"] + covered["hours_not"]
        yield f"    {covered['source']}: {covered['hours_proven']} of {whole} hours proven{_bound(covered['bound'])}"


def _bound(bound: float | None) -> str:
    if bound is None:
        return ""
    return f", at most {100 * bound:.2g} % of rows lost unnoticed" if bound < 1 else ", too few rows to bound the loss"


def _extent(word: str, extent: Mapping[str, Any]) -> Iterator[str]:
    if extent["mailboxes"]:
        counts = f"{len(extent['messages'])} messages and {len(extent['items'])} other items"
        yield f"    {word}: {counts} in {_short(extent['mailboxes'])}"
    if extent["messages"]:
        yield f"      messages {_short(extent['messages'])}"
    for entry in extent["widened"][:_LISTED]:
        place = f"{entry['mailbox'] or 'any mailbox'}, {entry['folder'] or 'every folder'}"
        yield f"      wider: {place}: {entry['reason']}"


def _short(values: list[str]) -> str:
    more = f" and {len(values) - _LISTED} more" if len(values) > _LISTED else ""
    return ", ".join(values[:_LISTED]) + more


def _files(files: Iterable[FileReading]) -> Iterator[str]:
    yield ""
    yield "Files:"
    for reading in files:
        kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(reading.kinds.items())) or "nothing"
        yield f"  {reading.name}: {kinds}"
        for doubt, count in sorted(reading.doubts.items()):
            yield f"    {count} rows: {doubt}"
        for fault in reading.faults:
            yield f"    {fault}"
        if reading.fault_count > len(reading.faults):
            yield f"    and {reading.fault_count - len(reading.faults)} more faults"
