"""The report of a drill as one page: what was claimed beside what is true, the story, the campaign, the mail. Pure.

The page of the comparison stands at the end, in a shadow tree: its style is its own, and what this page forbids holds.
"""

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from counterfoil.app.drill.cast import Part
from counterfoil.app.drill.story import Told
from counterfoil.incident import pages
from counterfoil.model.mail import Json

SHOWN = 12
"""Entries of a long claim that stand in the table; all are in claims.json."""

MILESTONES = (
    ("new key in use", "switched_at"),
    ("old key removed", "removed_at"),
    ("proven dead", "dead_at"),
    ("attacker out", "out_at"),
)


def document(told: Told, seed: int, words: Iterable[str]) -> dict[str, Json]:
    """Spell every figure of a drill, and the truth beside it, as JSON."""
    seconds: dict[str, Json] = {**told.seconds()}
    after: dict[str, Json] = {**told.since_alert()}
    return {
        "figures": told.verdict.figures,
        "differences": [*told.verdict.differences],
        "seconds": seconds,
        "seconds_after_the_alert": after,
        "seed": seed,
        "tenants": [*covered(told)],
        "remarks": [*words],
    }


def covered(told: Told) -> list[dict[str, Json]]:
    """Say who was in it, what the story did with each, and who replaces its certificate."""
    return [
        {"tenant": one.name, "part": one.part.value, "rotated_by": _who(one.control, has=bool(one.openings))}
        for one in told.wanted
    ]


def _who(control: bool, *, has: bool) -> str | None:
    return None if not has else "us" if control else "its administrator"


def page(told: Told, seed: int, words: Iterable[str]) -> str:
    """Return the page."""
    ended = told.ended or told.began
    return pages.page_of(
        "counterfoil.app.drill",
        "drill.html",
        told=told,
        seed=seed,
        words=list(words),
        covered=covered(told),
        ended=ended,
        claims=[_claim(name, figure) for name, figure in told.verdict.figures.items()],
        chapters=_chapters(told, ended),
        milestones=_milestones(told),
        rows=_rows(told),
        counts={part.value: sum(one.part is part for one in told.wanted) for part in Part},
        after=told.since_alert(),
        seconds=(ended - told.began).total_seconds(),
        reconciled=inner(told.reconciled),
    )


def inner(whole: str) -> str:
    """Take style and body out of a whole page, for a shadow tree: its root is the element that it hangs on.

    What the page itself escaped stays escaped; nothing is added to it.
    """
    styles = "".join(re.findall(r"<style>.*?</style>", whole, re.DOTALL))
    styles = re.sub(r"(?<![\w-])(:root|body)(?=[{ ,])", ":host", styles)
    body = whole.partition("<body")[2].partition(">")[2].rpartition("</body>")[0]
    return f"{styles}<style>:host{{max-width:none;margin:0}}</style>{body}"


def _claim(name: str, figure: Any) -> dict[str, object]:
    """Spell a figure for people: how many, and which."""
    if not (isinstance(figure, dict) and "true" in figure):
        return {"name": name, "claimed": spelled(figure), "true": "", "mark": "counted", "which": [], "more": 0}
    same = figure["claimed"] == figure["true"]
    which = figure["claimed"] if isinstance(figure["claimed"], list) else []
    return {
        "name": name,
        "claimed": spelled(figure["claimed"]),
        "true": spelled(figure["true"]),
        "mark": "true" if same else "differs",
        "which": which[:SHOWN],
        "more": max(0, len(which) - SHOWN),
        "claim": figure["claimed"],
        "truth": figure["true"],
    }


def spelled(value: object) -> str:
    """Spell one side of a claim in a few signs: how many where it is a list, yes or no, else the figure."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(len(value)) if isinstance(value, list | dict) else str(value)


def _chapters(told: Told, ended: datetime) -> list[dict[str, object]]:
    """One bar a chapter: where it begins and how long it is, in percent of the whole."""
    whole = max((ended - told.began).total_seconds(), 0.001)
    ends = [at for at, _ in told.chapters[1:]] + [ended]
    return [
        {
            "words": words,
            "at": (at - told.began).total_seconds(),
            "seconds": (end - at).total_seconds(),
            "left": round(100 * (at - told.began).total_seconds() / whole, 2),
            "width": round(max(100 * (end - at).total_seconds() / whole, 0.3), 2),
            "alert": told.alert is not None and at >= told.alert,
        }
        for (at, words), end in zip(told.chapters, ends, strict=True)
    ]


def _milestones(told: Told) -> list[dict[str, object]]:
    """When the first and the last connection got so far, after the alert."""
    found = []
    for words, name in MILESTONES:
        times = sorted(time for place in told.places.values() if (time := getattr(place, name)) is not None)
        if times and told.alert is not None:
            first, last = ((time - told.alert).total_seconds() for time in (times[0], times[-1]))
            found.append({"words": words, "count": len(times), "first": first, "last": last})
    return found


def _rows(told: Told) -> list[dict[str, object]]:
    """One row a connection of the campaign, in seconds after the alert."""
    alert = told.alert or told.began
    rows: list[dict[str, object]] = []
    for key, place in told.places.items():
        times = [getattr(place, name) for _, name in MILESTONES]
        shown = [None if time is None else (time - alert).total_seconds() for time in times]
        rows.append({"name": told.names.get(key.partition("/")[0], key), "state": place.state.value, "times": shown})
    return sorted(rows, key=lambda row: str(row["name"]))
