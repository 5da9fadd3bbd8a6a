"""Spell what a scan found: one JSON object a message, or a table for people."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.table import Table
from rich.text import Text

from counterfoil.cli.output import answer_text, one_line, stdout, visible
from counterfoil.cli.scan_input import Item
from counterfoil.model.mail import NOT_CHECKED, Action, Decision, Json, Scan, Severity, Verdict
from counterfoil.scan.wire import spell_finding, spell_part

STYLES = {
    Verdict.CLEAN: "green",
    Verdict.SUSPICIOUS: "yellow",
    Verdict.UNINSPECTABLE: "magenta",
    Verdict.MALICIOUS: "bold red",
}


@dataclass(frozen=True, slots=True)
class Row:
    """What the table shows of one message; the parts are let go, so that a large mailbox fits in memory."""

    name: str
    verdict: Verdict
    action: Action
    lines: tuple[str, ...]
    elapsed_ms: float


def document(item: Item, scan: Scan, decision: Decision, elapsed_ms: float) -> dict[str, Json]:
    """Make the JSON object of one message, its fields in the documented order."""
    where: dict[str, Json] = {"path": item.path} if item.index is None else {"path": item.path, "index": item.index}
    return where | {
        "message_id": scan.message_id,
        "sha256": scan.sha256,
        "size": scan.size,
        "verdict": decision.verdict.value,
        "action": decision.action.value,
        "findings": [spell_finding(finding) for finding in scan.findings],
        "parts": [spell_part(part) for part in scan.parts],
        "links": [{"url": link.url, "text": link.text, "part": link.part} for link in scan.links],
        "authentication": _results(scan),
        "uninspectable": [{"part": one.part, "reason": one.reason} for one in scan.uninspectable],
        "elapsed_ms": elapsed_ms,
    }


def row(item: Item, scan: Scan, decision: Decision, elapsed_ms: float) -> Row:
    """Make the row of one message: its verdict, and what was found, the heaviest first."""
    weight = tuple(Severity)
    findings = sorted(scan.findings, key=lambda finding: weight.index(finding.severity), reverse=True)
    told = [finding for finding in findings if finding.severity is not Severity.INFO]
    names = scan.file_names()
    lines = [f"{one.severity.value} {one.check}: {one.summary}{place(one.part, names)}" for one in told]
    lines += [f"uninspectable: {one.reason}{place(one.part, names)}" for one in scan.uninspectable]
    results = _results(scan)
    if any(result != NOT_CHECKED for result in results.values()):
        lines.append(proven(results))
    lines += [f"it would change: {one}" for one in decision.would_change]
    name = item.path if item.index is None else f"{item.path} [{item.index}]"
    return Row(name, decision.verdict, decision.action, tuple(lines), elapsed_ms)


def _results(scan: Scan) -> dict[str, Json]:
    found = scan.authentication
    return {"spf": found.spf, "dkim": found.dkim, "dmarc": found.dmarc, "arc": found.arc}


def proven(results: Mapping[str, Json]) -> str:
    """Say what the DNS proved of a message: ``spf fail, dkim none``."""
    return one_line(", ".join(f"{name} {result}" for name, result in results.items() if isinstance(result, str)))


def print_table(rows: Sequence[Row]) -> None:
    """Print a table on stdout, and a line that sums it up.

    Cells hold text from outside: it is never read as markup, and control characters are made visible.
    """
    if not rows:
        answer_text("nothing to scan")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("verdict", "action"):
        table.add_column(column, no_wrap=True)
    table.add_column("ms", justify="right", no_wrap=True)
    table.add_column("message, and why", overflow="fold", ratio=1)
    for one in rows:
        cell = Text(visible(one.name))
        for line in one.lines:
            cell.append(f"\n  {visible(line)}", style="dim")
        verdict = Text(one.verdict.value, style=STYLES[one.verdict])
        table.add_row(verdict, one.action.value, f"{one.elapsed_ms:.1f}", cell)
    stdout.print(table, soft_wrap=False)
    counts = Counter(one.verdict for one in rows)
    sums = ", ".join(f"{counts[verdict]} {verdict.value}" for verdict in Verdict if counts[verdict])
    answer_text(f"\n{len(rows)} scanned: {sums}")


def place(part: str | None, names: Mapping[str, Json]) -> str:
    """Say where something was found: the part, and the name of its file, which makes no line of its own."""
    if not part:
        return ""
    name = one_line(str(names.get(part) or ""))
    return f" (part {part}: {name})" if name else f" (part {part})"
