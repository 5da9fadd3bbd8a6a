"""Notices: one customer's facts, escaped, approved, and never another customer's name."""

import email
import email.policy
import re
from dataclasses import replace

import pytest
from tests.incident.conftest import NOW, entry

from counterfoil.incident import report
from counterfoil.incident.facts import Customer, telling
from counterfoil.incident.notice import Notice, Paper, State, facts_notice, mail
from counterfoil.incident.record import Entry, Kind, Said, fold
from counterfoil.model.errors import Refused

OTHERS = {"t2": "fabrikam", "t3": "northwind", "t4": "tailspin"}
HOSTILE = "<script>alert(1)</script>\u202e\x1b[31m"


def customers():
    """Four customers, each with its own word in every text of its data."""
    words = {"t1": "contoso", **OTHERS}
    states = dict(zip(words, ("touched", "touched", "cannot-say", "clean"), strict=True))
    return {t: Customer(w, t, has=True, uses=1, part=entry(t, w, states[t])) for t, w in words.items()}


def notice(state=State.APPROVED, **changes):
    """A notice for the first customer."""
    paper = facts_notice(telling(customers()["t1"]), "CF-1", "Example", NOW)
    return replace(Notice("leak", "t1", Paper.FACTS, *paper, state, "ada", NOW), **changes)


def test_no_notice_names_another_customer():
    """With every other customer's name in all data, no page and no text of one customer holds it."""
    for tenant, customer in customers().items():
        papers = (*facts_notice(telling(customer), "CF-1", "Example", NOW), report.tenant(customer, "CF-1", NOW))
        assert customer.name in papers[1]
        for other in customers().values():
            if other.tenant != tenant:
                assert not any(re.search(rf"{other.name}|\b{other.tenant}\b", paper) for paper in papers)


def test_the_fleet_report_names_every_customer():
    """It is for the incident lead; the same data that no notice shows is there."""
    opened = Said(Kind.OPENED, "seen", detail={"origin": "operator", "status": "open"})
    incident = fold("leak", "CF-1", [Entry(1, NOW, "ada", opened)])
    page = report.fleet(incident, report.rows(customers().values(), [], incident, {}), [], NOW)
    assert all(customer.name in page for customer in customers().values())


def test_text_from_logs_cannot_run_or_hide():
    """Markup is escaped, control and direction characters are made visible, the page forbids loading."""
    customer = replace(customers()["t1"], name=HOSTILE, part=entry("t1", HOSTILE))
    _, html, text = facts_notice(telling(customer), "CF-1", "Example", NOW)
    for paper in (html, report.tenant(customer, "CF-1", NOW)):
        assert "<script" not in paper
        assert "default-src 'none'" in paper
        assert not re.search(r"(src|href)=", paper)
    assert not any(mark in text + html for mark in ("\u202e", "\x1b"))


def test_the_text_says_what_the_page_says():
    """Whoever reads the text alone misses no fact, no step and no message."""
    telling_ = telling(customers()["t1"])
    _, html, text = facts_notice(telling_, "CF-1", "Example", NOW)
    for words in (*telling_.must, *(f.answer for f in telling_.facts), *(d.words for d in telling_.did)):
        assert words in html
        assert words in text
    assert "<1@contoso.example>" in text
    assert "&lt;1@contoso.example&gt;" in html


def test_mail_carries_both_forms_in_bytes_that_any_server_takes():
    """multipart/alternative in ASCII with CRLF, whatever the names are."""
    paper = facts_notice(telling(replace(customers()["t1"], name="Bäckerei 東京")), "CF-1", "Example", NOW)
    raw = mail(notice(subject=paper[0], html=paper[1], text=paper[2]), "a@x.example", ("b@y.example",), "<1@x>", NOW)
    assert raw.isascii()
    assert b"\n" not in raw.replace(b"\r\n", b"")
    read = email.message_from_bytes(raw, policy=email.policy.default)
    assert read.get_content_type() == "multipart/alternative"
    assert "Bäckerei 東京" in read.get_body(("plain",)).get_content()
    assert "Bäckerei 東京" in read.get_body(("html",)).get_content()


def test_a_draft_is_not_mailed():
    """Only what a person approved goes out."""
    with pytest.raises(Refused, match="not approved"):
        mail(notice(State.DRAFT), "a@x.example", ("b@y.example",), "<1@x>", NOW)


def test_the_fingerprint_is_of_everything_that_is_read():
    """A changed subject, page or text is another notice."""
    marks = {notice().sha256, *(notice(**{name: "other"}).sha256 for name in ("subject", "html", "text"))}
    assert len(marks) == 4
