"""What a later answer says otherwise than an earlier one, tenant by tenant, and why. Pure.

Logs arrive late, so an answer is a version: what was unexplained may be explained by a row that came since, an
hour that was late may be proven, and a theft may show in a log that was not there.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from counterfoil.evidence.phrases import counted, span_words
from counterfoil.evidence.words import Line, folded_entry
from counterfoil.model.errors import Refused
from counterfoil.model.instant import from_rfc3339, rfc3339
from counterfoil.model.mail import Json

_KEPT = ("kind", "rule", "first", "last", "count")
HINT = "give what was printed by: counterfoil reconcile --json"


def snapshot(document: Mapping[str, Any], window: tuple[datetime, datetime], as_of: datetime) -> dict[str, Json]:
    """Take from an answer what a later one is compared with."""
    return {
        "since": rfc3339(window[0]),
        "until": rfc3339(window[1]),
        "as_of": rfc3339(as_of),
        "tenants": {tenant["tenant"]: _of_tenant(tenant) for tenant in document["tenants"]},
    }


def snapshot_of(answer: Any) -> dict[str, Json]:
    """Take the same from a JSON answer of earlier, which does not tell its window.

    Raises:
        Refused: If it is none.
    """
    try:
        tenants: dict[str, Json] = {str(one["tenant"]): _of_tenant(one) for one in answer["tenants"]}
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise Refused(f"the earlier answer lacks something: {error!r}", HINT) from error
    return {"since": None, "until": None, "as_of": None, "tenants": tenants}


def _of_tenant(tenant: Mapping[str, Any]) -> dict[str, Json]:
    found: list[Json] = [
        {**{name: entry[name] for name in _KEPT}, "subject": _subject(entry)}
        for entry in tenant["discrepancies"]
        if entry["kind"] != "unseen"
    ]
    proven: dict[str, Json] = {covered["source"]: covered["hours_proven"] for covered in tenant["coverage"]}
    left: list[Json] = [*sorted({f"{entry['kind']}: {entry['what']}" for entry in tenant["radius"]["persistence"]})]
    return {"state": tenant["state"], "found": found, "proven": proven, "left": left}


def _subject(entry: Mapping[str, Any]) -> str:
    return str(entry["evidence"][0].get("subject", "")) if entry["evidence"] else ""


def changes(before: Mapping[str, Any], after: Mapping[str, Any], names: Mapping[str, str]) -> list[dict[str, Json]]:
    """Return the tenants of which something else is said, those that became worse first.

    Args:
        before: A :func:`snapshot`.
        after: The later one.
        names: Of tenants, by id.
    """
    found: list[dict[str, Json]] = []
    for tenant in sorted({*before["tenants"], *after["tenants"]}):
        old, new = before["tenants"].get(tenant), after["tenants"].get(tenant)
        because: list[Json] = [*_because(old, new, before, after)]
        states = [None if one is None else one["state"] for one in (old, new)]
        if states[0] != states[1] or because:
            entry: dict[str, Json] = {"tenant": tenant, "name": names.get(tenant, tenant)}
            found.append(entry | {"before": states[0], "after": states[1], "because": because})
    order = {"touched": 0, "cannot-say": 1, "clean": 2, None: 3}
    return sorted(found, key=lambda one: (one["before"] == one["after"], order[one["after"]], str(one["name"])))  # type: ignore[index]


def _because(
    old: Mapping[str, Any] | None, new: Mapping[str, Any] | None, before: Mapping[str, Any], after: Mapping[str, Any]
) -> Iterator[str]:
    if old is None or new is None:
        return
    was = {(entry["kind"], entry["subject"]): entry for entry in old["found"]}
    now = {(entry["kind"], entry["subject"]): entry for entry in new["found"]}
    # What was called otherwise before is one change, and not two.
    gone = {entry["subject"]: entry for key, entry in was.items() if key not in now}
    for key, entry in now.items():
        yield from _found(was.get(key) or gone.pop(entry["subject"], None), entry, before)
    for entry in gone.values():
        yield _gone(entry, after)
    yield from (f"left behind, and not known before: {left}" for left in new["left"] if left not in old["left"])
    if old["state"] != new["state"] or now.keys() != was.keys():
        yield from _coverage(old["proven"], new["proven"])
    else:
        yield from (line for line in _coverage(old["proven"], new["proven"]) if " fewer proven" in line)


def _found(was: Mapping[str, Any] | None, now: Mapping[str, Any], before: Mapping[str, Any]) -> Iterator[str]:
    rows, whose = counted(now["count"], "row"), now["subject"] or "nobody named"
    if was is None:
        where = " outside the window of the last answer" if _outside(now, before) else ""
        yield f"found now{where}: {now['kind']} by {whose}, {rows}, {span_words(now)} ({now['rule']})"
    elif was["kind"] != now["kind"]:
        yield f"{was['kind']} before, {now['kind']} now: {whose}, {rows} ({now['rule']})"
    elif was["count"] != now["count"]:
        yield f"{now['kind']} by {whose}: {rows}, {was['count']:,} before"


def _gone(entry: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    rows = f"{counted(entry['count'], 'row')} of {entry['kind']} by {entry['subject'] or 'nobody named'}"
    if _outside(entry, after):
        return f"{rows}, {span_words(entry)}: outside the window of this answer"
    return f"{rows} are explained now by stubs or rows that came since, or lie in logs that were not given this time"


def _outside(entry: Mapping[str, Any], run: Mapping[str, Any]) -> bool:
    """Say whether something lies outside of what an answer was about."""
    if not (entry["first"] and run["since"]):
        return False
    first, last = from_rfc3339(entry["first"]), from_rfc3339(entry["last"])
    return last < from_rfc3339(run["since"]) or first >= from_rfc3339(run["until"])


def _coverage(was: Mapping[str, int], now: Mapping[str, int]) -> Iterator[str]:
    for source in sorted({*was, *now}):
        more = now.get(source, 0) - was.get(source, 0)
        if more:
            than = "more" if more > 0 else "fewer"
            yield f"{source}: {counted(abs(more), 'hour')} {than} proven, {now.get(source, 0)} now"


def change_lines(found: Iterable[Mapping[str, Any]], when: str, width: int | None) -> Iterator[Line]:
    """Yield the changes for a person in front of a terminal; nothing where nothing changed."""
    listed = list(found)
    yield Line("")
    if not listed:
        yield Line(f"Nothing changed since the answer {when}", "bold")
        return
    yield Line(f"New since the answer {when}", "bold")
    for change in listed:
        yield Line("")
        moved = f"{change['before'] or 'not judged'} before, {change['after'] or 'not judged'} now"
        yield Line(f"{change['name']}: {moved if change['before'] != change['after'] else change['after']}", "bold")
        yield from folded_entry("because", change["because"], width)
