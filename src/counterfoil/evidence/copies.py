"""One change of the directory, told by two logs: the directory's own row and its unified-audit copy count once.

The two share no record id. They are one event where tenant, activity, result and added keys agree, and so do
either the correlation id (``correlationId`` and ``InterSystemsId``) or the target and the second. Each row has
one partner at most, so two changes of the same kind in one second remain two. Pure.
"""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from counterfoil.evidence.matching import Row

SAME_SECOND = timedelta(seconds=2)
"""The unified copy has whole seconds, and its clock is another."""

SAME_REQUEST = timedelta(minutes=10)
"""How far the two times of one correlation id may lie apart."""


def events(rows: Iterable[Row], items: Mapping[str, list[Row]]) -> list[Row]:
    """Fold rows that :func:`counterfoil.evidence.directory.concerned` kept into one an event.

    ``twin`` of a folded row is the record of the copy, else ``None``; what one row left out, the other fills.
    """
    own: dict[tuple[Any, Any], Row] = {}
    copies: list[Row] = []
    for row in sorted(rows, key=lambda row: (row["tenant"] is None, row["record"])):
        if row["detail"].get("unified"):
            copies.append(row)
        else:
            # A page of the Graph API names no tenant, the same row in Log Analytics does: the id is one.
            name = (row["request_id"] or row["record"], row["tenant"])
            own[name] = _filled(own[name], row) if name in own else {**row, "twin": None}
    found = list(own.values())
    for copy in sorted(copies, key=lambda row: row["record"]):
        fitting = [(_distance(row, copy), place) for place, row in enumerate(found) if _same(row, copy, items)]
        if fitting:
            place = min(fitting)[1]
            found[place] = {**_filled(found[place], copy), "twin": copy["record"]}
        else:
            found.append({**copy, "twin": None})
    return found


def _same(row: Row, copy: Row, items: Mapping[str, list[Row]]) -> bool:
    if row["twin"] is not None or row["detail"].get("unified"):
        return False
    if any(row[name] != copy[name] for name in ("tenant", "operation", "success")):
        return False
    keys = [{item["item"] for item in items.get(one["record"], ()) if item["item"]} for one in (row, copy)]
    if all(keys) and keys[0] != keys[1]:
        return False
    near = _distance(row, copy)
    if row["correlation_id"] and row["correlation_id"] == copy["correlation_id"]:
        return near <= SAME_REQUEST
    return near <= SAME_SECOND and bool(set(row["detail"]["targets"]) & set(copy["detail"]["targets"]))


def _distance(row: Row, copy: Row) -> timedelta:
    if row["time"] is None or copy["time"] is None:
        return timedelta.max
    apart: timedelta = abs(row["time"] - copy["time"])
    return apart


def _filled(row: Row, other: Row) -> Row:
    """Fill what ``row`` lacks, and add up what both count."""
    whole = {name: other.get(name) if value is None else value for name, value in row.items()}
    whole["copies"] = row["copies"] + other["copies"]
    whole["mine"], whole["targeted"] = row["mine"] or other["mine"], row["targeted"] or other["targeted"]
    values = {**other["detail"].get("values", {}), **row["detail"].get("values", {})}
    return {**whole, "detail": {**row["detail"], "values": values}}
