"""The report as one HTML file with a timeline; it loads nothing, runs nothing, and escapes everything.

Text from logs is chosen by attackers: Jinja2 escapes it, control characters are made visible, and a
Content-Security-Policy in the page forbids what escaping might miss.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from counterfoil.evidence.answer import TenantAnswer
from counterfoil.evidence.coverage import PROVEN
from counterfoil.evidence.readers.reading import FileReading
from counterfoil.model.instant import from_rfc3339, rfc3339

WIDTH = 960
"""Units across the timeline."""

_BINS = 240


def report(
    answers: Iterable[TenantAnswer],
    document: Mapping[str, Any],
    files: Iterable[FileReading],
    since: datetime,
    until: datetime,
) -> str:
    """Return the page. Tenants that are clean and have nothing to show are counted, not drawn."""
    environment = Environment(
        loader=PackageLoader("counterfoil.evidence"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters["visible"] = visible
    by_name = {answer.tenant: answer for answer in answers}
    shown = [tenant for tenant in document["tenants"] if tenant["state"] != "clean" or tenant["discrepancies"]]
    tenants = [{**tenant, "tracks": _tracks(tenant, by_name[tenant["tenant"]], since, until)} for tenant in shown]
    order = {"touched": 0, "cannot-say": 1, "clean": 2}
    tenants.sort(key=lambda tenant: (order[tenant["state"]], tenant["tenant"]))
    return environment.get_template("report.html").render(
        summary=document["summary"],
        tenants=tenants,
        files=list(files),
        since=rfc3339(since),
        until=rfc3339(until),
        width=WIDTH,
        marks=_marks(since, until),
    )


def visible(value: object) -> str:
    """Make control and direction characters visible, so that a row cannot rewrite the line around it."""
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in str(value))


def _tracks(tenant: Mapping[str, Any], answer: TenantAnswer, since: datetime, until: datetime) -> list[dict[str, Any]]:
    """One track a source: what was proven as a band, what was not ours as marks on it."""
    tracks: list[dict[str, Any]] = []
    for covered in answer.coverage:
        bands = _bands(covered.hours, since, until)
        marks = [
            {"x": _place(from_rfc3339(row["time"]), since, until), "kind": entry["kind"], "row": row}
            for entry in tenant["discrepancies"]
            for row in entry["evidence"]
            if row["source"] == covered.source and "time" in row
        ]
        tracks.append({"source": covered.source, "bands": bands, "marks": marks})
    return tracks


def _bands(hours: Mapping[datetime, str], since: datetime, until: datetime) -> list[dict[str, Any]]:
    """Join neighbouring hours of one state; over a long window the worst state of a bin is drawn."""
    bands: list[dict[str, Any]] = []
    step = WIDTH / _BINS
    for hour, state in sorted(hours.items()):
        start, end = _place(hour, since, until), _place(hour, since, until, hours=1)
        if bands and (bands[-1]["state"] == state or (end - bands[-1]["x"] < step and state == PROVEN)):
            bands[-1]["end"] = end
        else:
            bands.append({"x": start, "end": end, "state": state})
    return bands


def _place(moment: datetime, since: datetime, until: datetime, hours: int = 0) -> float:
    whole = (until - since).total_seconds()
    share = ((moment - since).total_seconds() + 3600 * hours) / whole
    return round(WIDTH * min(1.0, max(0.0, share)), 2)


def _marks(since: datetime, until: datetime) -> list[dict[str, Any]]:
    step = (until - since) / 6
    return [{"x": round(WIDTH * n / 6, 1), "words": f"{since + n * step:%d %b %H:%M}"} for n in range(7)]
