"""The report as one HTML file with timelines; it loads nothing, runs nothing, and escapes everything.

Text from logs is chosen by attackers: Jinja2 escapes it, control characters are made visible, and a
Content-Security-Policy in the page allows its one style sheet, by its hash, and forbids all else.
"""

import base64
import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime
from importlib.resources import files as resources
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from counterfoil.evidence import phrases, timeline
from counterfoil.evidence.answer import EVIDENCE_ROWS, TenantAnswer
from counterfoil.evidence.coverage import SourceCoverage
from counterfoil.evidence.readers.reading import FileReading
from counterfoil.evidence.techniques import VERSION
from counterfoil.evidence.words import besides_of, sum_line

IN_FLEET = 40
"""Tenants whose line is drawn in the timeline of all."""

ALONE = 5
"""So many tenants that cannot be judged and show nothing odd get a section each; more are told by their reasons."""

_ORDER = {"touched": 0, "cannot-say": 1, "clean": 2}


def report(
    answers: Iterable[TenantAnswer],
    document: Mapping[str, Any],
    files: Iterable[FileReading],
    since: datetime,
    until: datetime,
    *,
    changes: Iterable[Mapping[str, Any]] = (),
    compared: str = "before",
) -> str:
    """Return the page. Tenants that are clean and have nothing to show are counted, not drawn, unless it is about one.

    Args:
        answers: Of the reconciliation, for the state of each hour.
        document: The same as JSON.
        files: What became of each export.
        since: Start of the window.
        until: Its end.
        changes: What is different from an earlier answer (:mod:`counterfoil.evidence.changes`).
        compared: Which answer that was, in words that follow "the answer".
    """
    judged = list(answers)
    hours = {a.tenant: {c.source: {} if _spare(a, c) else c.hours for c in a.coverage} for a in judged}
    spare = {a.tenant: [c.source for c in a.coverage if _spare(a, c)] for a in judged}
    alone = len(document["tenants"]) == 1
    shown = [t for t in document["tenants"] if alone or t["state"] != "clean" or any(_odd(t))]
    shown.sort(key=lambda t: (_ORDER[t["state"]], str(t.get("name") or t["tenant"])))
    together = _together(shown)
    shown = [tenant for tenant in shown if not any(tenant in group for group in together)]
    tenants = [
        _drawn(tenant, hours[tenant["tenant"]], since, until) | {"spare": spare[tenant["tenant"]]} for tenant in shown
    ]
    besides = besides_of(t for t in document["tenants"] if t["state"] == "clean" and not any(_odd(t)) and not alone)
    style = (resources("counterfoil.evidence") / "templates" / "report.css").read_text(encoding="utf-8")
    read = list(files)
    return _environment().get_template("report.html").render(
        style=Markup(style),  # noqa: S704 - our own file
        style_hash=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
        summary=document["summary"],
        meaning=MEANING,
        sentence=sum_line(document["summary"]).text,
        tenants=tenants,
        together=together,
        besides=besides,
        fleet=[tenant for tenant in tenants if tenant["fleet"]][:IN_FLEET],
        files=read,
        odd_files=[reading for reading in read if reading.doubts or reading.faults],
        stub_faults=document.get("stubs"),
        changes=list(changes),
        compared=compared,
        since=since,
        until=until,
        ticks=timeline.ticks(since, until, 6, "%d %b %H:%M"),
        attack=VERSION,
        most=EVIDENCE_ROWS,
    )  # fmt: skip


MEANING: Final = {
    "touched": "Somebody else used this connection.",
    "cannot-say": "Nobody can say whether somebody else used this connection.",
    "clean": "As far as the logs can prove it, nobody but us used this connection.",
}
"""The state of one tenant, as a sentence."""


def _spare(answer: TenantAnswer, covered: SourceCoverage) -> bool:
    """Say whether a log proves nothing and need not: this connection can do nothing that it would show."""
    return not covered.proven and covered.source not in answer.required


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("counterfoil.evidence"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "visible": visible,
        "path": path,
        "moment": phrases.moment,
        "span": phrases.span_words,
        "bound": phrases.bound_words,
        "unseen": phrases.unseen_words,
    }
    environment.globals["counted"] = phrases.counted
    return environment


def visible(value: object) -> str:
    """Make control and direction characters visible, so that a row cannot rewrite the line around it."""
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in str(value))


def path(value: object) -> Markup:
    """Make a path safe to show, and let a line break after its slashes rather than within a word."""
    return Markup("/<wbr>").join(escape(visible(part)) for part in str(value).split("/"))


def _odd(tenant: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [entry for entry in tenant["discrepancies"] if entry["kind"] != "unseen"]


def _together(shown: list[Mapping[str, Any]]) -> list[list[Mapping[str, Any]]]:
    """Gather tenants of which nobody can say, and nothing more is to be said, by their reasons."""
    quiet = [tenant for tenant in shown if tenant["state"] == "cannot-say" and not _odd(tenant)]
    groups: dict[tuple[str, ...], list[Mapping[str, Any]]] = {}
    for tenant in quiet if len(quiet) > ALONE else ():
        groups.setdefault(tuple(tenant["reasons"]), []).append(tenant)
    return sorted(groups.values(), key=len, reverse=True)


def _drawn(
    tenant: Mapping[str, Any], hours: Mapping[str, Mapping[datetime, str]], since: datetime, until: datetime
) -> dict[str, Any]:
    """Add to a tenant's part what is drawn of it."""
    odd = _odd(tenant)
    events = [e for e in timeline.events_of({**tenant, "discrepancies": odd}) if since <= e.time < until]
    kinds = tuple(entry["kind"] for entry in odd)
    return {
        **tenant,
        "odd": odd,
        "reasons": [reason for reason in tenant["reasons"] if not kinds or not reason.startswith(kinds)],
        "strips": timeline.overview(hours, events, since, until),
        "closeups": timeline.closeups(events),
        "fleet": timeline.marks_of(events, since, until),
    }
