"""Structured MIME fields: a type and its parameters (RFC 2045 section 5.1, RFC 2231), by several readers.

What is in the grammar and in no doubt has one reading. For everything else :func:`candidates` collects the values that
known programs would take, by finding the parameter's name wherever it stands and ending its value in every way.
"""

import re
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from counterfoil.scan.mime.words import decode, decode_words, octets_text, unfold

_TOKEN = r"[!#$%&'*+\-.0-9A-Z^_`a-z{|}~]+"  # noqa: S105 - the grammar's word for a name
_STRICT = re.compile(
    rf'({_TOKEN})(?:/({_TOKEN}))?[ \t]*((?:;[ \t]*(?:{_TOKEN}=(?:{_TOKEN}|"[^"\\\r\n]*")[ \t]*)?)*)', re.ASCII
)
# Real mail has these unquoted in names and boundaries; every reader takes them until the blank or semicolon.
_LOOSE_PARAMETER = re.compile(rf'({_TOKEN})=(?:"([^"]*)"|([^;"\s]+))')
_MAX_OCCURRENCES = 24
_MAX_VALUES = 24
_LONGEST = 2_000


@dataclass(frozen=True, slots=True)
class Value:
    """A field as one reading: ``main`` in lower case (``"text/plain"``, ``"attachment"``), parameters by lower name.

    ``odd`` is true where programs may read it differently; then ``parameters`` is a guess and ``text`` counts.
    """

    main: str
    parameters: dict[str, str]
    odd: bool
    text: str


def read(raw: bytes) -> Value:
    """Read the octets of a Content-Type or Content-Disposition field."""
    text = unfold(raw).decode("latin-1")
    strict = _STRICT.fullmatch(text)
    if strict is None:
        main = re.split(r"[;\s(]", text.strip().strip("\"'"), maxsplit=1)[0].lower()
        return Value(main, {}, odd=True, text=text)
    main = f"{strict[1]}/{strict[2]}" if strict[2] else strict[1]
    parameters: dict[str, str] = {}
    odd = False
    for name, quoted, bare in _LOOSE_PARAMETER.findall(strict[3]):
        key = name.lower()
        odd = odd or key in parameters or "*" in key
        value = quoted or bare
        odd = odd or "=?" in value or value != value.strip() or value[:1] == "'"
        parameters.setdefault(key, value)
    return Value(main.lower(), parameters, odd, text)


def candidates(text: str, key: str) -> list[str]:
    """Return the plausible values of a parameter, the most literal first (Latin-1 text, not yet decoded)."""
    found: dict[str, None] = {}
    text = text[: _LONGEST * 8]
    variants = dict.fromkeys((text, without_comments(text), text.replace("\\", "")))
    pattern = re.compile(rf"{re.escape(key)}[\"']?(\*\d{{1,6}})?(\*)?[\s\"]*=\s*", re.IGNORECASE)
    for variant in variants:
        pieces: list[tuple[int, str]] = []
        for number, match in enumerate(pattern.finditer(variant)):
            if number >= _MAX_OCCURRENCES:
                break
            tail = variant[match.end() : match.end() + _LONGEST]
            values = _endings(tail)
            if match[1]:
                pieces.append((int(match[1][1:]), _plain(tail)))
            if match[2] or match[1]:
                values = [*(unpercent(value) for value in values if "%" in value or "'" in value), *values]
            found.update(dict.fromkeys(values))
        found.update(dict.fromkeys(_continued(pieces)))
    return [value for value in found if value][:_MAX_VALUES]


def without_comments(text: str) -> str:
    """Drop comments, which nest (RFC 5322 section 3.2.2), outside quoted strings; an unclosed one ends the value."""
    if "(" not in text:
        return text
    kept: list[str] = []
    depth, at = 0, 0
    for match in re.finditer(r'"(?:[^"\\]|\\.)*"|\\.|[()]', text, re.DOTALL):
        mark = match.group()
        if mark == "(":
            if depth == 0:
                kept.append(text[at : match.start()])
            depth += 1
        elif mark == ")" and depth:
            depth -= 1
            at = match.end()
    if depth == 0:
        kept.append(text[at:])
    return "".join(kept)


def unpercent(value: str) -> str:
    """Undo RFC 2231 section 4, charset and language included; the result is Latin-1 text of the octets."""
    charset, _, rest = value.partition("'")
    _, quote, payload = rest.partition("'")
    if not quote:
        charset, payload = "", value
    octets = unquote_to_bytes(payload.encode("latin-1", "replace"))
    if charset.lower().startswith("utf-16"):
        return decode(octets, charset).encode("utf-8", "replace").decode("latin-1")
    return octets.decode("latin-1")


def name_texts(value: str) -> list[str]:
    """Return the plausible texts of one name: as it stands, decoded by RFC 2047, percent-decoded."""
    text = octets_text(value.encode("latin-1", "replace"))
    texts = [text]
    if "=?" in text:
        texts.insert(0, decode_words(text))
    if re.search(r"%[0-9A-Fa-f]{2}", text):
        texts.append(octets_text(unquote_to_bytes(text.encode("utf-8", "replace"))))
    return texts


def _plain(tail: str) -> str:
    return _endings(tail)[0] if tail else ""


def _endings(tail: str) -> list[str]:
    """Return the values that begin here, by where readers let them end."""
    values: list[str] = []
    semicolon = tail.partition(";")[0]
    if tail[:1] in {'"', "'"}:
        mark = tail[0]
        closed = re.match(rf"{mark}((?:[^{mark}\\]|\\.)*){mark}([^;]*)", tail, re.DOTALL)
        if closed and not closed[2].strip() and not re.search(r"[\\;]", closed[1]):
            return [closed[1]]
        if closed:
            values.append(re.sub(r"\\(.)", r"\1", closed[1], flags=re.DOTALL))
            values.append(closed[1])
            values.append(closed[1].partition(";")[0])
            values.append(closed[1] + closed[2].strip().strip(mark))
        values.append(semicolon.strip().strip(mark))
        values.append(tail.strip().strip(mark))
        values.append(tail[1:].partition(mark)[0])
    values.append(semicolon.strip())
    values.append(semicolon.split(maxsplit=1)[0] if semicolon.strip() else "")
    values.append(tail.strip())
    values.append(re.sub(r"\\(.)", r"\1", tail, flags=re.DOTALL).strip())
    values.append(re.split(r'["\\]', tail, maxsplit=1)[0].strip())
    if '"' in tail or "\\" in tail:
        values.append(re.sub(r'["\\]', "", semicolon).strip())
        values.extend(re.findall(r'"([^"]{1,200})"', tail)[:2])
    unwrapped = semicolon.strip().removeprefix("<").removesuffix(">")
    values.append(unwrapped)
    return [value for value in dict.fromkeys(values) if value] or [""]


def _continued(pieces: list[tuple[int, str]]) -> list[str]:
    """Join RFC 2231 continuations: by number, by order, and as far as the numbers go on without a gap."""
    if not pieces:
        return []
    ordered = sorted(pieces, key=lambda piece: piece[0])
    contiguous = [piece for number, piece in enumerate(ordered) if piece[0] == number]
    joins = ["".join(value for _, value in order) for order in (ordered, pieces, contiguous)]
    return [*(unpercent(value) for value in joins), *joins]
