"""References that a person could follow, from markup and from text, each with what is shown for it."""

import re
from collections.abc import Iterator
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
_REFRESH = re.compile(r"\burl\s*=\s*[\"']?\s*([^\"'\s;]+)", re.IGNORECASE)
_URL = re.compile(
    r"(?:https?|ftps?|file|hxxps?|smb|ms-[a-z]{2,20}|search-ms|javascript|mailto|tel|data):[^\s<>\"'\x00-\x1f\u200b]{2,2000}"
    r"|(?<![\w.@/-])www\.[^\s<>\"'\x00-\x1f]{3,500}"
    r"|(?<![\w\\:/])\\\\[A-Za-z0-9._-]{2,100}(?:@[A-Za-z0-9]{1,6})?\\[^\s<>\"']{1,300}",
    re.IGNORECASE,
)
_HINTS: Final = ("://", "www.", "\\\\", "mailto:", "javascript:", "data:", "tel:", "WWW.", "search-ms:", "ms-")
_TRAILING: Final = ".,;:!?'\"*_~>"
_FOLLOWABLE = re.compile(r"[a-z][a-z0-9+.-]{1,30}:|//|\\\\|[^#\s]", re.IGNORECASE)


def html_links(markup: str) -> Iterator[tuple[str, str]]:
    """Yield URL and visible text of every reference in markup; relative ones are joined to ``base``.

    Includes URLs that stand in its text without being linked: many clients make links of them.
    """
    tree = LexborHTMLParser(markup)
    base = ""
    linked: set[str] = set()
    for node in tree.css(_SELECTOR):
        attributes = node.attributes
        if node.tag == "meta":
            yield from _refresh(attributes.get("content") or "", attributes.get("http-equiv") or "")
            continue
        text = _visible(node)
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
        if url not in linked and not any(url in known for known in linked):
            yield url, text


def text_links(text: str) -> Iterator[tuple[str, str]]:
    """Yield what mail clients would make a link of in plain text, each URL once."""
    if not any(hint in text for hint in _HINTS) and "http:" not in text:
        return
    seen: set[str] = set()
    for match in _URL.finditer(text):
        url = _trimmed(match.group())
        if url not in seen:
            seen.add(url)
            yield url, ""


def _refresh(content: str, equivalent: str) -> Iterator[tuple[str, str]]:
    if equivalent.lower() == "refresh":
        match = _REFRESH.search(content[:4_000])
        if match:
            yield match[1], ""


def _visible(node: LexborNode) -> str:
    text: str = node.text(separator="") or node.attributes.get("value") or node.attributes.get("alt") or ""
    return " ".join(text[: _MAX_TEXT * 2].split())[:_MAX_TEXT]


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
