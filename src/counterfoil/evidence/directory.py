"""Step 9: credentials, consents and roles in the directory audit, as far as they concern our applications.

The directory audit is reported and never required. A key that is not in our registry is a foreign
credential whoever put it there; it touches a tenant where an application did it, since that was a use.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Any

from counterfoil.evidence.copies import events
from counterfoil.evidence.ids import dashed
from counterfoil.evidence.matching import ATTEMPTED, FOREIGN, UNEXPLAINED, Judgement, Lookup, Row

NEAR = timedelta(minutes=10)
"""How far a row of the directory may lie from the call of ours that made it; each call explains one row."""

_ADMINISTERS = (
    "/applications",
    "/serviceprincipals",
    "/oauth2permissiongrants",
    "/approleassignments",
    "/rolemanagement",
)


def concerned(
    rows: Iterable[Row],
    apps: set[str],
    principals: set[tuple[str, str]],
    homes: Mapping[str, str],
    is_key: Callable[[str], bool],
) -> list[Row]:
    """Keep the rows that one of our applications made, or that change one of them.

    Pages of the Graph API name no tenant; ``homes`` gives the tenant of each application that has only one.
    Real rows name an application by its object id alone, which nobody told us: a list of keys that holds one
    of ours (``is_key``) is that of an application of ours.
    """
    kept: list[Row] = []
    ids = {app.replace("-", "") for app in apps}
    for read in rows:
        detail = json.loads(read["detail"] or "{}")
        row = {**read, "tenant": read["tenant"] or _home(read, detail, homes)}
        mine = row["app"] in apps or (row["tenant"], row["principal"]) in principals
        mine = mine or any(_is_ours(row, actor, ids, principals) for actor in detail.get("actors", []))
        targeted = any(_is_ours(row, target, ids, principals) for target in detail.get("targets", []))
        targeted = targeted or any(is_key(key) for key in detail.get("keys", []))
        if mine or targeted:
            kept.append({**row, "detail": detail, "mine": mine, "targeted": targeted})
    return kept


def _home(row: Row, detail: Row, homes: Mapping[str, str]) -> str | None:
    named = [row["app"] or "", *detail.get("actors", []), *detail.get("targets", [])]
    found = {homes[app] for app in (text.replace("-", "") for text in named) if app in homes}
    return found.pop() if len(found) == 1 else None


def _is_ours(row: Row, text: str, ids: set[str], principals: set[tuple[str, str]]) -> bool:
    bare = text.replace("-", "")
    return bare in ids or (row["tenant"], bare) in principals


def judge_directory(
    rows: Iterable[Row], calls: Iterable[Row], lookup: Lookup, others: Iterable[Judgement] = ()
) -> list[Judgement]:
    """Judge the rows kept by :func:`concerned`, each change once.

    Args:
        rows: The rows.
        calls: Our own changing calls.
        lookup: What judging looks up.
        others: What was found already; a change belongs to the theft whose call lies beside it.
    """
    waiting = [call for call in calls if _administers(call)]
    theirs = [
        other for other in others if other.touches and other.row["effect"] == "change" and _administers(other.row)
    ]
    found: list[Judgement] = []
    changes = events(rows, lookup.items)
    for row in sorted(changes, key=lambda row: (row["time"] is None, row["time"] or 0, row["record"])):
        if row["mine"] and _explained(row, waiting):
            continue
        source = lookup.strangers.get((row["tenant"], row["uti"])) if row["uti"] else None
        keys = _keys(row, lookup)
        unknown = [item for item in keys if not lookup.registry.knows_key(item["item"])]
        if keys and not unknown:
            continue  # a key that our registry has was put there by our rotation
        if row["targeted"] and unknown:
            found += [_foreign(row, item) for item in unknown]
        elif row["mine"] and source is not None:
            found.append(Judgement(row, source.kind, source.rule, source.subject, source.touches and row["success"]))
        elif row["mine"] and (beside := _beside(row, theirs)) is not None:
            rule = "directory-change-beside-call"
            found.append(Judgement(row, beside.kind, rule, beside.subject, touches=bool(row["success"])))
        elif row["mine"]:
            kind = UNEXPLAINED if row["success"] else ATTEMPTED
            found.append(Judgement(row, kind, "directory-change-without-stub", "directory", touches=False))
    return found


def _administers(row: Row) -> bool:
    return str(row["path"] or "").lower().startswith(_ADMINISTERS)


def _beside(row: Row, theirs: list[Judgement]) -> Judgement | None:
    """Find the call of somebody else that could have made the row: the nearest in this tenant."""
    near = [
        (abs(other.row["time"] - row["time"]), place)
        for place, other in enumerate(theirs)
        if other.row["tenant"] == row["tenant"] and other.row["time"] is not None and row["time"] is not None
    ]
    return theirs[min(near)[1]] if near and min(near)[0] <= NEAR else None


def _keys(row: Row, lookup: Lookup) -> list[Row]:
    """Return the keys that a change added, as either copy of it tells them."""
    told = [*lookup.items.get(row["record"], []), *lookup.items.get(row["twin"] or "", [])]
    return list({item["item"]: item for item in told if item["item"]}.values())


def _foreign(row: Row, item: Row) -> Judgement:
    subject = f"key id {dashed(item['item'])}"
    if not row["success"]:
        return Judgement(row, ATTEMPTED, "credential-not-added", subject, touches=False)
    return Judgement(row, FOREIGN, "credential-not-in-registry", subject, touches=bool(row["mine"]), items=(item,))


def _explained(row: Row, waiting: list[Row]) -> bool:
    """Take the nearest call of ours in this tenant that could have made the row."""
    fitting: list[tuple[Any, int]] = []
    for place, call in enumerate(waiting):
        if call["tenant"] == row["tenant"] and row["time"] is not None and abs(call["time"] - row["time"]) <= NEAR:
            same = call["crid"] is not None and call["crid"] == row["correlation_id"]
            fitting.append(((not same, abs(call["time"] - row["time"])), place))
    if not fitting:
        return False
    waiting.pop(min(fitting)[1])
    return True
