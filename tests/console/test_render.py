"""Hostile text in pages: nothing of it becomes markup, and nothing of it hides."""

from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.console.reader import Reader, read

from counterfoil.console.page import Asked, Column, Fact, Page, Table
from counterfoil.console.pages import mail
from counterfoil.console.render import Frame, html, moment, visible, whole
from counterfoil.operators.accounts import Account
from counterfoil.operators.roles import Grant, Role, Scope

NOW = datetime(2026, 3, 4, tzinfo=UTC)
NASTY = st.one_of(
    st.text(),
    st.sampled_from(
        [
            "<script>alert(1)</script>",
            '"><img src=x onerror=alert(1)>',
            "</title><svg/onload=alert(1)>",
            "{{ 7*7 }}{% raw %}",
            "javascript:alert(1)",
            "\u202egnp.exe",
            "a\x00b\x1b[31m\x7f",
            "\ud800",
            "&lt;b&gt;",
            "' onmouseover='x",
            "\u200b\u2066\ufeff",
        ]
    ),
)
WORDS = (
    "html head meta title link script body a header div nav ul li form label input span button main h1 h2 section"
    " table thead tr th tbody td code pre p details summary dl dt dd time select option strong"
)
TAGS = frozenset(WORDS.split())


def held_safe(page: str) -> Reader:
    """See that a page has only our own tags, no handler, one script of ours, and no character that hides."""
    reader = read(page)
    assert {tag for tag, _ in reader.tags} <= TAGS
    for tag, attributes in reader.tags:
        assert not [name for name in attributes if name.startswith("on") or name == "style"]
        for name in ("href", "src", "action", "formaction"):
            if name in attributes:
                assert (attributes[name] or "").startswith(("/", "#"))
                assert not (attributes[name] or "").startswith("//")
        if tag == "script":
            assert attributes["src"] == "/static/console.js"
    assert [c for c in reader.text if not c.isprintable() and c not in "\n\t\r"] == []
    return reader


@settings(max_examples=60, deadline=None)
@given(NASTY)
def test_a_whole_story_made_of_hostile_text(text: str):
    """Every field that a sender can fill is filled; the page has its own tags and no other."""
    finding = dict.fromkeys(("severity", "check", "summary", "part"), text)
    finding |= {"techniques": [text], "evidence": {text: text}}
    filled = "sender subject message_id helo client_address via next_hop last_words id tenant time verdict action"
    told = dict.fromkeys([*filled.split(), "outcome", "expires"], text)
    told |= {"direction": "inbound", "recipients": [text, text], "size": 1, "reasons": [text], "would_change": [text]}
    told |= {"findings": [finding], "uninspectable": [{"part": text, "reason": text}], "sha256": "00"}
    told |= {"dispositions": [{"time": text, "outcome": text, "words": text, "actor": text}]}
    told["authentication"] = {"spf": text, "dkim": text, "dmarc": text, "arc": text, "detail": {text: [text]}}
    account = Account("chief", "", 1, tuple(Grant(role, None) for role in Role))
    page = mail.story(told, Asked(account, Scope(None), NOW))
    held_safe(html(page, Frame(path="/messages/x", account="chief", csrf="c", said=(text,))))


@settings(max_examples=60, deadline=None)
@given(NASTY)
def test_a_table_of_every_kind_of_cell(text: str):
    """Each kind of column with hostile text in it, in its name, its link and its empty state."""
    kinds = ("text", "words", "time", "number", "mark", "code", "flag", "alarm", "evidence")
    columns = tuple(Column(kind, text, kind, "/messages/{id}") for kind in kinds)
    row = dict.fromkeys(kinds, text) | {"id": text}
    tables = (
        Table("t", text, columns, [row], text, pick="id", more="until=x"),
        Table("e", text, columns, [], text),
    )
    facts = tuple(Fact(text, text, kind) for kind in kinds)
    held_safe(
        html(Page(text, "tables.html", tables, facts), Frame(path="/", query={text: text}, account=text, csrf=text))
    )


@given(st.text())
def test_text_is_all_there(text: str):
    """Nothing is swallowed: what is read back is the text, each hidden character as its code point."""
    shown = "".join(c if c.isprintable() or c in "\n\t" else f"U+{ord(c):04X}" for c in text.replace("\r\n", "\n"))
    assert read(str(whole(text))).text == shown


def test_long_values_say_how_much_is_left_out():
    """A cell is bounded; the JSON has all of it."""
    assert str(visible("x" * 2500)).endswith("x … and 500 more characters")


def test_times_are_short_for_the_eye_and_whole_in_the_title():
    """The full value is there for who wants it, and what is no time is shown as it is."""
    assert str(moment("2026-03-04T05:06:07.123456Z")) == (
        '<time datetime="2026-03-04T05:06:07.123456Z" title="2026-03-04T05:06:07.123456Z">2026-03-04 05:06 UTC</time>'
    )
    assert str(moment("<soon>")) == "&lt;soon&gt;"
    assert str(moment(None)) == ""
