"""The Authentication-Results field (RFC 8601): write our own strictly, and take away what claims to be ours."""

import re
from collections.abc import Iterator

from counterfoil.model.mail import NOT_CHECKED, Authentication, Json
from counterfoil.scan.authentication.structured import without_comments
from counterfoil.scan.authentication.tags import Malformed

NAME = b"Authentication-Results"

MAX_VALUE = 300

_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`{|}~-]+(?:@[A-Za-z0-9.-]+)?")
_NAMED = re.compile(rb"authentication-results[\s\0]*:", re.IGNORECASE)
_EMPTY_LINE = re.compile(rb"(?:\A|\r\n|\n|\r(?!\n))(?=\r\n|\n|\r(?!\n))")
_IDENTIFIER = re.compile(r'(?:"((?:[^"\\]|\\.)*)"|([^\s;"()]+))')

# Method, its property, and what in our detail is its value (RFC 8601 section 2.7).
PROPERTIES: dict[str, tuple[tuple[str, str], ...]] = {
    "spf": (("smtp.{identity}", "domain"),),
    "dkim": (("header.d", "domain"), ("header.s", "selector"), ("header.a", "algorithm")),
    "dmarc": (("header.from", "domain"),),
    "arc": (),
}


def write(authserv_id: str, results: Authentication) -> bytes:
    """Write the field for these results, folded, with its line end.

    Args:
        authserv_id: The name of this service, a host name (section 2.5).
        results: What was found; a method that is ``not-checked`` is left out.

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


def strip(raw: bytes, authserv_id: str) -> tuple[bytes, int]:
    """Take away every field that claims to be ours, and what cannot be read and so might (section 5).

    Returns:
        The message, otherwise octet for octet as it was, and how many fields are gone.
    """
    end = _EMPTY_LINE.search(raw)
    head, rest = (raw, b"") if end is None else (raw[: end.end()], raw[end.end() :])
    kept: list[bytes] = []
    taken = 0
    for field in _fields(head):
        named = _NAMED.match(field)
        if named and _claims(field[named.end() :], authserv_id):
            taken += 1
        else:
            kept.append(field)
    return b"".join(kept) + rest, taken


def _fields(head: bytes) -> Iterator[bytes]:
    """Cut a header section before every line that continues none; the pieces make up the whole."""
    field: list[bytes] = []
    for line in head.splitlines(keepends=True):
        if field and line[:1] not in {b" ", b"\t"}:
            yield b"".join(field)
            field = []
        field.append(line)
    yield b"".join(field)


def _claims(value: bytes, authserv_id: str) -> bool:
    try:
        text = without_comments(value.decode("utf-8", "replace"))
    except Malformed:
        return True
    found = _IDENTIFIER.match(text.lstrip())
    if found is None:
        return True
    name = re.sub(r"\\(.)", r"\1", found[1]) if found[1] is not None else found[2]
    return name.strip().rstrip(".").lower() == authserv_id.rstrip(".").lower()


def _lines(method: str, results: Authentication) -> list[str]:
    word: str = getattr(results, method)
    if word == NOT_CHECKED:
        return []
    detail = results.detail.get(method)
    rows = detail if isinstance(detail, list) else [detail]
    if method == "spf" and "helo" in results.detail:
        rows = [*rows, results.detail["helo"]]
    return [_line(method, word, row) for row in rows[:8]] or [f"{method}={word}"]


def _line(method: str, word: str, row: Json) -> str:
    if not isinstance(row, dict):
        return f"{method}={word}"
    pieces = [f"{method}={row.get('result', word)}"]
    for name, key in PROPERTIES[method]:
        value = row.get(key)
        if isinstance(value, str) and value:
            pieces.append(f"{name.format(identity=row.get('identity'))}={quote(value)}")
    return " ".join(pieces)
