"""The pages for the lead and for a customer say what is known: neither less, nor a nought where nobody can say."""

import re

from tests.incident.conftest import NOW, entry
from tests.incident.test_record import record

from counterfoil.incident import report
from counterfoil.incident.facts import SHOWN, Customer
from counterfoil.incident.record import Kind, Said


def fleet(*parts, said=()):
    """The page for the lead, as text without its marks."""
    customers = [Customer(part["tenant"], part["tenant"], has=True, uses=1, part=part) for part in parts]
    incident = record(*said)
    page = report.fleet(incident, report.rows(customers, [], incident, {}), [], NOW)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.partition("<body")[2]))


def test_every_message_counts_though_a_notice_names_only_some():
    """More messages than a page shows are more messages."""
    part = entry("t1")
    part["radius"]["read"] = part["radius"]["read"] | {"messages": [f"<{n}@x>" for n in range(SHOWN + 50)]}
    assert f" {SHOWN + 50} messages " in fleet(part)


def test_nobody_can_say_is_no_nought():
    """Where logs are lacking, neither reads nor changes are counted; where they are whole, none were seen."""
    assert "t1 t1 cannot-say cannot say cannot say 1 " in fleet(entry("t1", state="cannot-say"))
    assert "t1 t1 clean none seen none seen 1 " in fleet(entry("t1", state="clean"))


def test_items_count_where_no_message_is_named():
    """And a use that reached nothing by name says that none were seen, and that there may be more."""
    part = entry("t1")
    part["radius"]["read"] = part["radius"]["read"] | {"messages": [], "items": ["a", "b"]}
    assert " 2 items own@own.example; possibly more " in fleet(part)
    part["radius"]["read"] = part["radius"]["read"] | {"items": [], "mailboxes": []}
    assert " none seen possibly more " in fleet(part)


def test_people_and_the_reason_of_a_decision_stand_on_the_page_and_a_closing_is_told_once():
    """Who belongs to it, whose they are, and why something was decided."""
    bob = {"name": "Bob", "role": "administrator", "address": "bob@own.example"}
    said = (
        Said(Kind.PERSON, "Bob, administrator", "t1", bob),
        Said(Kind.DECISION, "no second notice", detail={"reason": "nothing new"}),
        Said(Kind.CLOSED, "closed: all told", detail={"reason": "all told"}),
    )
    page = fleet(entry("t1"), said=said)
    assert " Bob administrator t1 bob@own.example " in page
    assert "no second notice, because: nothing new" in page
    assert page.count("all told") == 1


def test_a_customer_reads_apart_what_is_not_ours_and_what_is_lacking():
    """A row that never came is no row of a stranger's."""
    part = entry("t1")
    unseen = part["discrepancies"][0] | {"kind": "unseen", "rule": "no-row-in-graph-activity", "count": 7}
    part["discrepancies"] = [*part["discrepancies"], unseen]
    page = report.tenant(Customer("Own", "t1", has=True, uses=1, part=part), "CF-1", NOW)
    ours, lacking = page.split("Rows that our records promise and your logs lack")
    assert "no-row-in-graph-activity" not in ours
    assert "no-row-in-graph-activity" in lacking
    assert "stolen-certificate (sign-in-without-stub): 1 row," in ours
