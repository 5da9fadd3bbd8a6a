"""The answer for a person in front of a terminal: the sum first, then who, then why, then the files. Pure.

A line is text and a style. Text from outside stands in it as it is: whoever prints makes it harmless.
"""

import textwrap
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from counterfoil.evidence.phrases import (
    STATES,
    bound_words,
    counted,
    extent_words,
    named,
    short,
    span_words,
    unseen_words,
)
from counterfoil.evidence.readers.reading import FileReading
from counterfoil.evidence.techniques import VERSION

_LABEL = 20
"""Columns of the words on the left."""

_SCREEN = 40
"""Lines after which the sum has left the screen, so that it is said again."""

_NAMED = 20
"""Tenants that are named for one reason; the rest are counted."""


class Line(NamedTuple):
    """A line of the answer; ``style`` is one of rich's, empty for none."""

    text: str
    style: str = ""


def summary_lines(
    document: Mapping[str, Any],
    files: Iterable[FileReading],
    since: datetime,
    until: datetime,
    width: int | None = None,
) -> Iterator[Line]:
    """Yield the lines of the answer, folded to ``width`` columns where one is given."""
    summary = document["summary"]
    tenants = summary["tenants"]
    share = f" ({100 * summary['using'] / tenants:.0f} %)" if tenants else ""
    yield Line(f"{since:%Y-%m-%d %H:%M} to {until:%Y-%m-%d %H:%M} UTC", "dim")
    yield Line(f"{counted(tenants, 'tenant')}, of which {summary['using']} use the connection{share}", "bold")
    yield sum_line(summary)
    lines = [*sections(document["tenants"], width), *_files(list(files), width)]
    yield from lines
    if len(lines) > _SCREEN:
        yield Line("")
        yield sum_line(summary)


def sum_line(summary: Mapping[str, Any]) -> Line:
    """Say how many were touched, cannot be judged, and are clean."""
    style = "bold red" if summary["touched"] else "bold yellow" if summary["cannot_say"] else "bold green"
    return Line(
        f"{summary['touched']} touched by somebody else, {summary['cannot_say']} cannot be judged, "
        f"{summary['clean']} clean",
        style,
    )


def sections(tenants: list[Mapping[str, Any]], width: int | None) -> Iterator[Line]:
    """Yield the touched one by one, those that cannot be judged by their reason, and of the clean what is odd."""
    by_state: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for tenant in sorted(tenants, key=lambda one: str(one.get("name") or one["tenant"])):
        by_state[tenant["state"]].append(tenant)
    if by_state["touched"]:
        yield from _heading("Touched", "bold red")
    for tenant in by_state["touched"]:
        yield from _tenant(tenant, width)
    if by_state["cannot-say"]:
        yield from _heading("Cannot be judged", "bold yellow")
        yield from _by_reason(by_state["cannot-say"], width)
    odd = [tenant for tenant in by_state["clean"] if any(e["kind"] != "unseen" for e in tenant["discrepancies"])]
    if odd:
        yield from _heading("Clean, with something to look at", "bold")
    for tenant in odd:
        yield from _tenant(tenant, width)
    besides = besides_of(tenant for tenant in by_state["clean"] if tenant not in odd)
    if besides:
        yield from _heading("Clean, with something to know", "bold")
    for reason, tenants_of in besides:
        yield from folded_entry(counted(len(tenants_of), "tenant"), [reason, short([*map(named, tenants_of)])], width)


def besides_of(clean: Iterable[Mapping[str, Any]]) -> list[tuple[str, list[Mapping[str, Any]]]]:
    """Return what there is to know of clean tenants, each thing once, with those it concerns; the rarest first."""
    found: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for tenant in clean:
        for reason in tenant["reasons"]:
            found[reason].append(tenant)
    return sorted(found.items(), key=lambda entry: (len(entry[1]), entry[0]))


def _heading(words: str, style: str) -> Iterator[Line]:
    yield Line("")
    yield Line(words, style)


def _tenant(tenant: Mapping[str, Any], width: int | None) -> Iterator[Line]:
    yield Line("")
    yield Line(named(tenant), "bold")
    for entry in tenant["discrepancies"]:
        if entry["kind"] != "unseen":
            style = "red" if tenant["state"] == "touched" else "yellow"
            yield from folded_entry(entry["kind"], _discrepancy(entry), width, style)
    yield from folded_entry("unseen", unseen_words(tenant["discrepancies"]), width)
    did = [line for word in ("read", "changed") for line in extent_words(word, tenant["radius"][word])]
    yield from folded_entry("did", did or ["nothing that is known to be somebody else's"], width)
    yield from folded_entry("could", [f"{one['role']}: {one['allows']}" for one in tenant["could"]], width)
    left = [f"{entry['kind']}: {entry['what']}" for entry in tenant["radius"]["persistence"]]
    yield from folded_entry("left behind", left, width, "red")
    shown = [f"{t['id']} {t['name']}: {counted(len(t['rows']), 'row')}" for t in tenant["radius"]["techniques"]]
    yield from folded_entry(f"ATT&CK {VERSION}", shown, width)
    kinds = tuple(entry["kind"] for entry in tenant["discrepancies"])
    yield from folded_entry("besides", [r for r in tenant["reasons"] if not r.startswith(kinds or ("\0",))], width)
    for covered in tenant["coverage"]:
        whole = covered["hours_proven"] + covered["hours_not"]
        words = f"{covered['hours_proven']} of {counted(whole, 'hour')} proven; {bound_words(covered['bound'])}"
        yield from folded_entry(covered["source"], [words], width, "dim")


def _discrepancy(entry: Mapping[str, Any]) -> list[str]:
    whose = entry["evidence"][0].get("subject", "") if entry["evidence"] else ""
    addresses = f", from {short(entry['addresses'], 5)}" if entry["addresses"] else ""
    return [f"{counted(entry['count'], 'row')}, {span_words(entry)}{addresses}", f"{entry['rule']}, {whose}"]


def _by_reason(tenants: list[Mapping[str, Any]], width: int | None) -> Iterator[Line]:
    """Name tenants together that cannot be judged for the same reasons; those with odd rows by themselves."""
    groups: dict[tuple[str, ...], list[Mapping[str, Any]]] = defaultdict(list)
    for tenant in tenants:
        alone = any(entry["kind"] != "unseen" for entry in tenant["discrepancies"])
        groups[(tenant["tenant"] if alone else "", *tenant["reasons"])].append(tenant)
    for (strange, *reasons), members in sorted(groups.items(), key=lambda group: (-len(group[1]), group[0])):
        if strange:
            yield from _tenant(members[0], width)
            continue
        yield Line("")
        for tenant in members[:_NAMED]:
            yield Line(named(tenant), "bold")
        if len(members) > _NAMED:
            yield Line(f"and {len(members) - _NAMED} more for the same reasons; --json names them")
        yield from folded_entry("because", reasons, width, "yellow")


def _files(files: list[FileReading], width: int | None) -> Iterator[Line]:
    kinds: dict[str, int] = defaultdict(int)
    for reading in files:
        for kind, count in reading.kinds.items():
            kinds[kind] += count
    whole = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items())) or "nothing in them"
    yield from _heading(f"Files: {len(files)}", "bold")
    yield from folded_entry("records", [whole], width)
    for reading in files:
        lines = [f"{counted(count, 'row')}: {doubt}" for doubt, count in sorted(reading.doubts.items())]
        lines += reading.faults
        if reading.fault_count > len(reading.faults):
            lines.append(f"and {reading.fault_count - len(reading.faults)} more faults")
        lines += [f"{STATES[kind]}: {count}" for kind, count in sorted(reading.kinds.items()) if kind in STATES]
        if lines:
            yield Line(f"  {reading.name}", "yellow")
            yield from folded_entry("", lines, width)


def folded_entry(label: str, lines: Iterable[str], width: int | None, style: str = "") -> Iterator[Line]:
    """Yield lines beside a label; one that is longer than ``width`` is folded below itself."""
    start = f"  {label:<{_LABEL}}"
    for text in lines:
        pieces = [text] if width is None else _folded(text, max(24, width - len(start)))
        for number, piece in enumerate(pieces):
            yield Line(f"{start}{'  ' if number else ''}{piece}", style)
            start = " " * len(start)


def _folded(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width - 2, break_on_hyphens=False, break_long_words=True) or [""]
