"""What is kept of a scan: bounded, and of a clean message no list of what is in it."""

import json
from dataclasses import replace

import pytest
from tests.gateway.store.conftest import DECISION, scan

from counterfoil.gateway.store.report import MAX_LINKS, MAX_TOLD, known
from counterfoil.model.mail import Action, Decision, Link, Part, Verdict
from counterfoil.scan.hosts import hosts_of

CLEAN = Decision(Verdict.CLEAN, Action.DELIVER, ())


def part(number: int, *names: str) -> Part:
    """A part of three octets."""
    return Part(str(number), names, "text/plain", "text/plain", "00", (), b"abc")


def kept(parts=(), links=(), decision: Decision | None = DECISION):
    """The report of a scan with these parts and links."""
    return json.loads(str(known(replace(scan(), parts=tuple(parts), links=tuple(links)), decision, hosts_of)["report"]))


def test_files_and_where_links_lead_are_kept():
    """Each file with a name, by its most literal one, and each host once; of a URL that is read in two ways, both."""
    links = [Link(url, "", "1") for url in ("https://a.test/x?token=1", "http://A.test/y", "http://b.test\\@c.test/")]
    report = kept([part(1), part(2, "in.zip", "other"), part(3, "e\nvil.exe")], links)
    assert report["attachments"] == [
        {"part": "2", "name": "in.zip", "type": "text/plain", "size": 3},
        {"part": "3", "name": "e\nvil.exe", "type": "text/plain", "size": 3},
    ]
    assert report["link_hosts"] == ["a.test", "b.test", "c.test"]
    assert "token" not in json.dumps(report["link_hosts"]), "a link's secret opens what it opens"


def test_a_hostile_message_fills_no_database():
    """Names, files and hosts have an end, and what is left out is counted."""
    parts = [part(number, "x" * 9999) for number in range(MAX_TOLD + 5)]
    report = kept(parts, [Link(f"http://{n}.test/", "", "1") for n in range(MAX_LINKS + 5)])
    assert (len(report["attachments"]), report["attachments_left_out"]) == (MAX_TOLD, 5)
    assert (len(report["link_hosts"]), report["link_hosts_left_out"]) == (MAX_TOLD, MAX_LINKS - MAX_TOLD)
    assert max(len(file["name"]) for file in report["attachments"]) == 255


@pytest.mark.parametrize(("decision", "told"), [(CLEAN, False), (None, True), (DECISION, True)])
def test_of_a_clean_message_it_is_not_kept(decision: Decision | None, told: bool):
    """Mail is private, and nobody asks what is in a clean one; without a decision nobody knows that it is."""
    assert ("attachments" in kept([part(1, "a")], decision=decision)) is told
