"""From a page to HTML. Everything is escaped by Jinja; what a reader could not see is made visible. Pure."""

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from counterfoil.console.page import Page, cell_text, linked, shown
from counterfoil.model.instant import from_rfc3339
from counterfoil.model.mail import Json

LONGEST = 2000
"""Characters of one value that a page shows; all of it is in the JSON."""

LONGEST_IN_ROW = 300
"""Of text in a row of a table, so that one long subject does not hide the other rows."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What stands around every page: where we are, who is here, what they may go to, and what was just done.

    ``has_forms`` says that the page's tables are there as JSON and CSV too, which what a form led to is not.
    """

    path: str = ""
    query: dict[str, str] = field(default_factory=dict)
    account: str = ""
    csrf: str = ""
    places: tuple[tuple[str, str], ...] = ()
    said: tuple[str, ...] = ()
    may_search: bool = False
    has_forms: bool = True


def visible(value: Json) -> Markup:
    """Return a value as HTML in which control, invisible and direction characters stand as their code points."""
    return _bounded(cell_text(value), LONGEST)


def brief(value: Json) -> Markup:
    """Do the same for a row of a table."""
    return _bounded(cell_text(value), LONGEST_IN_ROW)


def _bounded(text: str, most: int) -> Markup:
    rest = len(text) - most
    return whole(text[:most]) + (f" … and {rest} more characters" if rest > 0 else "")


def whole(text: str) -> Markup:
    """Do the same to text of any length, its line ends and tabs kept: for what stands in a box of its own."""
    escaped = str(escape(text.replace("\r\n", "\n")))
    if escaped.isprintable():
        return Markup(escaped)  # noqa: S704 - escaped in the line above
    shown = (c if c.isprintable() or c in "\n\t" else _HIDDEN.format(ord(c)) for c in escaped)
    return Markup("".join(shown))  # noqa: S704 - as above, and a code point is a number


_HIDDEN = '<span class="hidden-character">U+{:04X}</span>'


def moment(value: object) -> Markup:
    """Return a time as HTML: to the minute for the eye, whole in the title and for programs."""
    if not value:
        return Markup("")
    try:
        instant = value if isinstance(value, datetime) else from_rfc3339(str(value))
    except ValueError:
        return visible(str(value))
    full = instant.isoformat().replace("+00:00", "Z")
    return Markup('<time datetime="{0}" title="{0}">{1:%Y-%m-%d %H:%M} UTC</time>').format(full, instant)


def pretty(value: Json) -> str:
    """Spell JSON for reading."""
    return json.dumps(value, indent=2, ensure_ascii=False)


def step(name: str) -> str:
    """Spell a name as one step of a path."""
    return quote(name, safe="", errors="replace")


def query(words: dict[str, str]) -> str:
    """Spell the query of an address; what UTF-8 cannot spell becomes a question mark."""
    return urlencode(words, errors="replace")


def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("counterfoil.console", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "visible": visible,
        "brief": brief,
        "whole": whole,
        "moment": moment,
        "pretty": pretty,
        "query": query,
        "step": step,
    }
    made.globals |= {"linked": linked, "shown_columns": shown}
    return made


_ENVIRONMENT = _environment()


def html(page: Page, frame: Frame) -> str:
    """Return a page as HTML."""
    return _draw(page.template, page, frame)


def fragment(page: Page, frame: Frame) -> str:
    """Return the part of a live page that is drawn anew as things move."""
    return _draw(str(page.more["live"]), page, frame)


def _draw(template: str, page: Page, frame: Frame) -> str:
    known: dict[str, Any] = {"page": page, "frame": frame}
    text = _ENVIRONMENT.get_template(template).render(known)
    # Half a surrogate pair has been made visible; in an attribute it becomes a question mark.
    return text.encode("utf-8", "replace").decode("utf-8")
