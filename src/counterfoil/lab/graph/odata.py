"""The OData options of lists: ``$select``, ``$top``, ``$skip``, ``$filter`` (a plain subset), ``$orderby``."""

import re
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import quote, urlencode

from counterfoil.lab.graph.context import Context, bad_request
from counterfoil.lab.spelling import parse

_CLAUSE = re.compile(r"^\s*\(?\s*([\w/]+)\s+(eq|ne|ge|gt|le|lt)\s+('(?:[^']|'')*'|[^\s()]+)\s*\)?\s*$")
_STARTS = re.compile(r"^\s*startswith\(\s*([\w/]+)\s*,\s*'((?:[^']|'')*)'\s*\)\s*$")
_ANY = re.compile(r"^\s*\(?\s*(\w+)/any\(\s*(\w+)\s*:\s*\2\s+eq\s+'([^']*)'\s*\)\s*\)?\s*$")
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda a, b: bool(a == b),
    "ne": lambda a, b: bool(a != b),
    "ge": lambda a, b: bool(a >= b),
    "gt": lambda a, b: bool(a > b),
    "le": lambda a, b: bool(a <= b),
    "lt": lambda a, b: bool(a < b),
}


def select(document: dict[str, Any], wanted: str, always: Sequence[str] = ("id",)) -> dict[str, Any]:
    """Keep the properties that ``$select`` names (any case), the id and the annotations."""
    if not wanted:
        return document
    names = {name.strip().lower() for name in wanted.split(",")} | {name.lower() for name in always}
    return {key: value for key, value in document.items() if key.startswith("@") or key.lower() in names}


def matches(document: dict[str, Any], text: str) -> bool:
    """Evaluate a ``$filter`` of clauses joined by ``and``.

    Raises:
        GraphError: 400 if it is beyond the subset.
    """
    return not text or all(_clause(document, part) for part in re.split(r"\s+and\s+", text.strip()))


def _clause(document: dict[str, Any], text: str) -> bool:
    if found := _ANY.match(text):
        return found[3] in (_value(document, found[1]) or [])
    if found := _STARTS.match(text):
        return str(_value(document, found[1]) or "").startswith(found[2].replace("''", "'"))
    found = _CLAUSE.match(text)
    if found is None:
        raise bad_request(f"Invalid filter clause: {text}", "BadRequest")
    left, right = _value(document, found[1]), found[3]
    if right in {"true", "false"}:
        return _COMPARE[found[2]](bool(left), right == "true")
    if right.startswith("'"):
        return _COMPARE[found[2]](str(left or "").lower(), right[1:-1].replace("''", "'").lower())
    return _typed(left, found[2], right)


def _typed(left: Any, operator: str, right: str) -> bool:
    if left is None or right == "null":
        return _COMPARE[operator](left is None, right == "null") if operator in {"eq", "ne"} else False
    try:
        if isinstance(left, int | float):
            return _COMPARE[operator](float(left), float(right))
        return _COMPARE[operator](parse(str(left)), parse(right))
    except ValueError as error:
        raise bad_request(f"Invalid filter clause: {right} is neither a number nor a time") from error


def _value(document: dict[str, Any], path: str) -> Any:
    value: Any = document
    for name in path.split("/"):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def number(context: Context, name: str, default: int, most: int) -> int:
    """Read ``$top`` or ``$skip``.

    Raises:
        GraphError: 400 if it is no number from 0 (``$top``: 1) to ``most``.
    """
    text = context.call.query.get(name)
    if text is None:
        return default
    if not text.isascii() or not text.isdigit() or int(text) > most or (name == "$top" and int(text) < 1):
        raise bad_request(
            f"Invalid value '{text[:40]}' for {name} query option found. The {name} query option requires a "
            "non-negative integer value."
        )
    return int(text)


def page(
    context: Context, items: Sequence[Any], render: Callable[[Any], dict[str, Any]], *, size: int, most: int, path: str
) -> dict[str, Any]:
    """Answer one page of a list, with ``@odata.nextLink`` where there is more."""
    query = context.call.query
    top, skip = number(context, "$top", size, most), number(context, "$skip", 0, 10_000_000)
    chosen = [render(item) for item in items] if query.get("$filter") else None
    if chosen is not None:
        chosen = [document for document in chosen if matches(document, query.get("$filter", ""))]
        shown, total = chosen[skip : skip + top], len(chosen)
    else:
        shown, total = [render(item) for item in items[skip : skip + top]], len(items)
    answer: dict[str, Any] = {"@odata.context": context.odata(path)}
    if query.get("$count", "").lower() == "true":
        answer["@odata.count"] = total
    if skip + top < total:
        answer["@odata.nextLink"] = link(context, {**query, "$top": str(top), "$skip": str(skip + top)})
    answer["value"] = [select(document, query.get("$select", "")) for document in shown]
    return answer


def link(context: Context, query: dict[str, str]) -> str:
    """Return the URL of this call with other options."""
    return f"{context.root}{context.call.path}?{urlencode(query, safe='$,', quote_via=quote)}"
