"""What a person reads of a scan: which file it is about, in one line that drives no terminal."""

from dataclasses import replace

import pytest

from counterfoil.cli.scan_input import Item
from counterfoil.cli.scan_report import place, row
from counterfoil.cli.track import tell
from counterfoil.gateway.store.report import _files
from counterfoil.model.mail import (
    Action,
    Authentication,
    Decision,
    Finding,
    Part,
    Scan,
    Severity,
    Uninspectable,
    Verdict,
)

NAMES = {"2": "inv.zip", "2/1": "invoice.pdf.exe"}


def scanned() -> Scan:
    """A scan that found something in a named member, and could not look into its container."""
    parts = tuple(Part(number, (name,), "", "", "", (), b"") for number, name in NAMES.items())
    finding = Finding("executable", Severity.HIGH, "A program or script", "2/1")
    links = Finding("links", Severity.LOW, "A link")
    unseen = (Uninspectable("2", "encrypted"),)
    return Scan(
        "<m@x>",
        "s",
        "00",
        1,
        (finding, links),
        (*parts, Part("3", (), "", "", "", (), b"")),
        (),
        Authentication(),
        unseen,
    )


def test_a_finding_says_which_file_it_is_about():
    """The row of ``scan`` has the name beside the part; what is about no part has neither."""
    lines = row(Item("m.eml", b""), scanned(), Decision(Verdict.MALICIOUS, Action.QUARANTINE, ()), 1.0).lines
    assert lines == (
        "high executable: A program or script (part 2/1: invoice.pdf.exe)",
        "low links: A link",
        "uninspectable: encrypted (part 2: inv.zip)",
    )


def test_what_the_dns_was_asked_is_told():
    """With --dns each method stands with its result; where nothing was asked there is no such line."""
    asked = replace(scanned(), authentication=Authentication("fail", "none", "temperror", "none"))
    lines = row(Item("m.eml", b""), asked, Decision(Verdict.MALICIOUS, Action.QUARANTINE, ()), 1.0).lines
    assert lines[-1] == "spf fail, dkim none, dmarc temperror, arc none"


def test_what_is_kept_names_the_files_that_something_is_said_of():
    """The story of a held message keeps those names and no others."""
    assert _files(scanned()) == NAMES


@pytest.mark.parametrize("name", ["a\nclean  deliver", "a\x1b[2Kb", "a\u202eb", "a\rb"])
def test_a_name_makes_no_line_and_drives_no_terminal(name: str):
    """Line ends, control characters and those that turn the direction stand as their code points."""
    shown = place("2", {"2": name})
    assert shown.isprintable()
    assert "\\x" in shown


def test_the_story_of_a_held_message_names_the_file(capsys: pytest.CaptureFixture[str]):
    """``quarantine show`` and ``track`` say the name, from where the message came, and what its bytes are."""
    story = {
        "id": "m1",
        "recipients": [],
        "client_address": "192.0.2.7",
        "helo": "mx.test",
        "authentication": {"spf": "fail", "dkim": "none", "detail": {}},
        "findings": [{"check": "executable", "severity": "high", "summary": "A program", "part": "2/1"}],
        "uninspectable": [{"part": "2", "reason": "encrypted"}],
        "files": NAMES,
        "attachments": [{"part": "2/1", "name": "a\nb.exe", "type": "application/x-dosexec", "size": 7}],
        "attachments_left_out": 3,
        "link_hosts": ["login.evil.test", "cdn.test"],
        "link_hosts_left_out": 0,
        "held_sha256": "ab" * 32,
        "held_size": 1916,
    }
    tell(story)
    out = capsys.readouterr().out
    assert "executable: A program (part 2/1: invoice.pdf.exe)\n" in out
    assert "encrypted (part 2: inv.zip)\n" in out
    assert "a\\x0ab.exe, 7 octets, application/x-dosexec (part 2/1)\n" in out
    assert "and 3 more files\n" in out
    assert "login.evil.test, cdn.test\n" in out
    assert "192.0.2.7 mx.test\n" in out
    assert "spf fail, dkim none\n" in out
    assert f"1916 octets, with our own headers; SHA-256 {'ab' * 32}\n" in out
