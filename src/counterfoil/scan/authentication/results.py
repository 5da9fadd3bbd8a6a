"""Our own Authentication-Results field (RFC 8601), written so that nothing from outside can speak in it."""

import re

from counterfoil.model.mail import Authentication, Json

NAME = b"Authentication-Results"

MAX_VALUE = 300

_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`{|}~-]+(?:@[A-Za-z0-9.-]+)?")

# Method, its property, and what in our detail is its value (RFC 8601 section 2.7).
PROPERTIES: dict[str, tuple[tuple[str, str], ...]] = {
    "spf": (("smtp.{identity}", "domain"),),
    "dkim": (("header.d", "domain"), ("header.s", "selector"), ("header.a", "algorithm")),
    "dmarc": (("header.from", "domain"),),
    "arc": (),
}


WORDS = frozenset({"none", "pass", "fail", "softfail", "neutral", "policy", "temperror", "permerror"})
"""The results of section 2.7; the scan comes from a process that has read hostile bytes, so each is checked."""


def write(authserv_id: str, results: Authentication) -> bytes:
    """Write the field for these results, folded, with its line end.

    Args:
        authserv_id: The name of this service, a host name (section 2.5).
        results: What was found; a method without a result of RFC 8601 (``not-checked``) is left out.

    Raises:
        ValueError: If ``authserv_id`` is no token.
    """
    if not _TOKEN.fullmatch(authserv_id):
        raise ValueError(f"no authserv-id: {authserv_id!r}")
    lines = [line for method in PROPERTIES for line in _lines(method, results)]
    text = ";\r\n\t".join([authserv_id, *(lines or ["none"])])
    return NAME + b": " + text.encode("ascii") + b"\r\n"


def quote(value: str) -> str:
    """Spell a value from outside as a token, or as a quoted string in which nothing can end it early."""
    value = value[:MAX_VALUE]
    if _TOKEN.fullmatch(value):
        return value
    kept = "".join(letter if " " <= letter <= "~" else "?" for letter in value)
    return '"' + kept.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _lines(method: str, results: Authentication) -> list[str]:
    word: str = getattr(results, method)
    if word not in WORDS:
        return []
    detail = results.detail.get(method)
    rows = detail if isinstance(detail, list) else [detail]
    if method == "spf" and "helo" in results.detail:
        rows = [*rows, results.detail["helo"]]
    return [_line(method, word, row) for row in rows[:8]] or [f"{method}={word}"]


def _line(method: str, word: str, row: Json) -> str:
    if not isinstance(row, dict):
        return f"{method}={word}"
    own = row.get("result")
    pieces = [f"{method}={own if isinstance(own, str) and own in WORDS else word}"]
    identity = "helo" if row.get("identity") == "helo" else "mailfrom"
    for name, key in PROPERTIES[method]:
        value = row.get(key)
        if isinstance(value, str) and value:
            pieces.append(f"{name.format(identity=identity)}={quote(value)}")
    return " ".join(pieces)
