"""References that a person could follow, from markup and from text, each with what is shown for it."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import urljoin

from selectolax.lexbor import LexborHTMLParser, LexborNode

_MAX_TEXT: Final = 500
_SELECTOR: Final = (
    "a[href],area[href],link[href],form[action],button[formaction],input[formaction],img[src],iframe[src],frame[src],"
    "script[src],embed[src],object[data],video[src],audio[src],source[src],meta[http-equiv],base[href],"
    "body[background],table[background],td[background],image,use"
)
_ATTRIBUTES: Final = ("href", "action", "formaction", "src", "data", "xlink:href", "background")
_MAX_DEPTH: Final = 400
_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9]*)")
# Without content, or closed by what follows them.
_SELF_CLOSING: Final = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr", "param"}
    | {"p", "li", "dt", "dd", "tr", "td", "th", "tbody", "thead", "tfoot", "option", "optgroup", "o", "path", "rect"}
)
_PLAIN_REFERENCE = re.compile(
    r"(?:href|src|action)[ \t\r\n]{0,9}=[ \t\r\n]{0,9}[\"']?([^\s\"'<>]{1,2000})", re.IGNORECASE
)
_REFRESH = re.compile(r"\burl\s*=\s*[\"']?\s*([^\"'\s;]+)", re.IGNORECASE)
_SCHEMES: Final = frozenset(
    {"http", "https", "hxxp", "hxxps", "ftp", "ftps", "file", "smb", "javascript", "vbscript", "mailto", "tel", "data"}
    | {"search-ms", "ms-msdt", "ms-search", "ms-word", "ms-excel", "ms-powerpoint", "ms-officecmd", "ms-appinstaller"}
)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z-]{2,15}\Z")
_BEHIND_SCHEME = re.compile(r":[^\s<>\"'\x00-\x1f\u200b]{2,2000}")
# A colon behind the last letters of some scheme; most colons, those of XML above all, stand behind others.
_COLON = re.compile(
    rf":(?<=(?:{'|'.join(sorted({scheme[-3:] for scheme in _SCHEMES}))}):)(?=[^\s<>\"'])", re.IGNORECASE
)
_WWW = re.compile(r"(?<![\w.@/-])www\.[^\s<>\"'\x00-\x1f]{3,500}", re.IGNORECASE)
_UNC = re.compile(r"(?<![\w\\:/])\\\\[A-Za-z0-9._-]{2,100}(?:@[A-Za-z0-9]{1,6})?\\[^\s<>\"']{1,300}")
_TRAILING: Final = ".,;:!?'\"*_~>"
_FOLLOWABLE = re.compile(r"[a-z][a-z0-9+.-]{1,30}:|//|\\\\|[^#\s]", re.IGNORECASE)


class Tangled(ValueError):
    """Markup that cannot be read as a whole in reasonable time; what was found before still counts."""


def html_links(markup: str) -> Iterator[tuple[str, str]]:
    """Yield URL and visible text of every reference in markup; relative ones are joined to ``base``.

    Includes URLs that stand in its text without being linked: many clients make links of them.

    Raises:
        Tangled: If elements nest so deep, or links hold so much of one another, that reading it all takes
            quadratic time. References are found without the tree then, those that are plainly written.
    """
    if _too_deep(markup):
        yield from ((match[1], "") for match in _PLAIN_REFERENCE.finditer(markup))
        raise Tangled(f"markup is nested deeper than {_MAX_DEPTH}")
    tree = LexborHTMLParser(markup)
    base = ""
    linked: set[str] = set()
    budget = 2 * len(markup) + 100_000
    for node in tree.css(_SELECTOR):
        attributes = node.attributes
        if node.tag == "meta":
            yield from _refresh(attributes.get("content") or "", attributes.get("http-equiv") or "")
            continue
        text = ""
        if budget > 0:
            text, cost = _visible(node, attributes)
            budget -= cost
        for name in _ATTRIBUTES:
            target = (attributes.get(name) or "").strip()
            if not target or not _FOLLOWABLE.match(target):
                continue
            if node.tag == "base":
                base = base or target
            url = _absolute(base, target)
            linked.update((url, text))
            yield url, text
    shown = tree.body.text(separator=" ") if tree.body is not None else ""
    for url, text in text_links(shown):
        if url not in linked:
            yield url, text
    if budget <= 0:
        raise Tangled("links are nested in links: not all of their visible text was read")


def _too_deep(markup: str) -> bool:
    """Tell whether elements nest deeper than we let the parser go, whose time is quadratic in the depth."""
    if markup.count("<") <= _MAX_DEPTH:
        return False
    open_now: Counter[str] = Counter()
    depth = 0
    for closing, written in _TAG.findall(markup):
        name = written.lower()
        if name in _SELF_CLOSING:
            continue
        if not closing:
            open_now[name] += 1
            depth += 1
            if depth > _MAX_DEPTH:
                return True
        elif open_now[name]:
            open_now[name] -= 1
            depth -= 1
    return False


def text_links(text: str) -> Iterator[tuple[str, str]]:
    """Yield what mail clients would make a link of in plain text, each URL once."""
    seen: set[str] = set()
    for found in _found(text):
        url = _trimmed(found)
        if url not in seen:
            seen.add(url)
            yield url, ""


def _found(text: str) -> Iterator[str]:
    """Yield what looks like a URL; looks at colons instead of at every place, because colons are rare."""
    colon = _COLON.search(text)
    while colon:
        at = colon.start()
        scheme = _SCHEME.search(text[max(0, at - 16) : at])
        match = _BEHIND_SCHEME.match(text, at) if scheme and scheme[0].lower() in _SCHEMES else None
        if scheme and match:
            yield scheme[0] + match[0]
        colon = _COLON.search(text, match.end() if match else at + 1)
    if "www." in text or "WWW." in text or "Www." in text:
        yield from (match[0] for match in _WWW.finditer(text))
    if "\\\\" in text:
        yield from (match[0] for match in _UNC.finditer(text))


def _refresh(content: str, equivalent: str) -> Iterator[tuple[str, str]]:
    if equivalent.lower() == "refresh":
        match = _REFRESH.search(content[:4_000])
        if match:
            yield match[1], ""


def _visible(node: LexborNode, attributes: Mapping[str, str | None]) -> tuple[str, int]:
    """Return what is shown for a reference, and how much text was read to know it."""
    text = node.text(separator="") or attributes.get("value") or attributes.get("alt") or ""
    return " ".join(text[: _MAX_TEXT * 2].split())[:_MAX_TEXT], len(text)


def _absolute(base: str, target: str) -> str:
    if not base or re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", target):
        return target
    try:
        return urljoin(base, target)
    except ValueError:
        return target


def _trimmed(url: str) -> str:
    """Drop the punctuation that ends the sentence, and a closing bracket that was opened outside."""
    url = url.rstrip(_TRAILING)
    while url.endswith((")", "]", "}")) and url.count(url[-1]) > url.count({")": "(", "]": "[", "}": "{"}[url[-1]]):
        url = url[:-1].rstrip(_TRAILING)
    return url
