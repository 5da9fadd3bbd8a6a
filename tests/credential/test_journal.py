"""The signer's journal: numbered without a gap, torn tails cut, damage said."""

import os
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from counterfoil.credential.journal import Journal
from counterfoil.ledger.signed import verify_stub
from counterfoil.model.errors import Misconfigured, Unavailable

NOW = datetime(2026, 3, 1, tzinfo=UTC)
KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
BODY = {"app": "a", "state": "retired"}


@pytest.fixture
def path(tmp_path):
    """Where the journal lies."""
    return tmp_path / "signer" / "journal"


def opened(path) -> Journal:
    """Open the journal with the one key of these tests."""
    return Journal(path, "example.org/stubs", KEY)


def fill(path, count: int) -> list:
    """Write so many stubs and close."""
    journal = opened(path)
    stubs = [journal.write("mark", NOW, "t", f"t/a/{n % 3}", dict(BODY)) for n in range(count)]
    journal.close()
    return stubs


def test_numbers_run_without_a_gap_and_survive_a_restart(path):
    """Sequence counts all stubs, counter those of one credential, and both go on after a restart."""
    fill(path, 7)
    journal = opened(path)
    stub = journal.write("mark", NOW, "t", "t/a/0", dict(BODY))
    assert (stub.body["sequence"], stub.body["counter"]) == (8, 4)
    assert [s.body["sequence"] for s in journal.since(0)] == list(range(1, 9))
    assert [s.body["counter"] for s in journal.since(0) if s.body["credential"] == "t/a/1"] == [1, 2]


def test_since_pages(path):
    """Asking with what one has got so far yields the rest, page by page, and then nothing."""
    stubs = fill(path, 7)
    journal = opened(path)
    assert list(journal.since(2, most=3)) == stubs[2:5]
    assert list(journal.since(6)) == stubs[6:]
    assert list(journal.since(7)) == list(journal.since(99)) == []


def test_every_stub_verifies_under_the_stub_key(path):
    """What is written is signed by the key that the journal names."""
    for stub in fill(path, 2):
        assert verify_stub(stub) == opened(path).verifier


@pytest.mark.parametrize("kept", [0, 1, 40, -1])
def test_a_torn_last_line_is_cut_and_its_number_given_again(path, kept):
    """A line that was being written when the power failed was never acknowledged; it leaves no trace."""
    fill(path, 3)
    whole = path.read_bytes()
    torn = opened(path)
    torn.write("mark", NOW, "t", "t/a/0", dict(BODY))
    torn.close()
    line = path.read_bytes()[len(whole) :]
    path.write_bytes(whole + line[:kept])
    journal = opened(path)
    assert journal.sequence == 3
    assert path.read_bytes() == whole
    assert journal.write("mark", NOW, "t", "t/a/0", dict(BODY)).body["sequence"] == 4


def test_a_last_line_with_lost_octets_is_cut_too(path):
    """A power cut may keep the newline and lose what was before it."""
    fill(path, 3)
    whole = path.read_bytes()
    path.write_bytes(whole + b"\0" * 50 + b"\n")
    assert opened(path).sequence == 3
    assert path.read_bytes() == whole


@pytest.mark.parametrize("damage", ["flipped", "removed", "swapped", "foreign"])
def test_damage_in_the_middle_is_said_and_kept(path, damage):
    """A journal that was changed is not used, not mended, and the message names the line."""
    fill(path, 5)
    lines = path.read_bytes().splitlines(keepends=True)
    if damage == "flipped":
        lines[2] = lines[2].replace(b'"retired"', b'"tainted"')
    elif damage == "removed":
        del lines[2]
    elif damage == "swapped":
        lines[1], lines[2] = lines[2], lines[1]
    else:
        other = Journal(path.with_name("other"), "example.org/stubs", Ed25519PrivateKey.generate())
        for n in range(5):
            other.write("mark", NOW, "t", f"t/a/{n % 3}", dict(BODY))
        lines[2] = path.with_name("other").read_bytes().splitlines(keepends=True)[2]
    path.write_bytes(b"".join(lines))
    with pytest.raises(Misconfigured, match=r"is damaged at line [23]"):
        opened(path)
    assert path.read_bytes() == b"".join(lines)


def test_a_failed_sync_is_never_tried_again(path, monkeypatch):
    """After a failed fsync nothing more is written until a restart, which finds the truth on the disk."""
    journal = opened(path)

    def fails(descriptor):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", fails)
    with pytest.raises(Unavailable, match="could not be written"):
        journal.write("mark", NOW, "t", "t/a/0", dict(BODY))
    monkeypatch.undo()
    with pytest.raises(Unavailable, match="the signer's journal failed"):
        journal.write("mark", NOW, "t", "t/a/0", dict(BODY))


def segmented(path, per_segment: int = 3) -> Journal:
    """Open the journal with short segments."""
    return Journal(path, "example.org/stubs", KEY, per_segment)


LIFE = [
    ("certificate", "t/a/0", {"app": "a", "generation": 1, "state": "staged"}),
    ("mark", "t/a/0", {"app": "a", "state": "current"}),
    ("certificate", "t/a/1", {"app": "a", "generation": 2, "state": "staged"}),
    ("mark", "t/a/0", {"app": "a", "state": "tainted"}),
    ("death-test", "t/a/0", {"app": "a", "audience": "x", "jti": "1", "job": "j"}),
    ("death-test", "t/a/0", {"app": "a", "audience": "x", "jti": "2", "job": "j"}),
    ("mark", "t/a/1", {"app": "a", "state": "published"}),
    ("mark", "t/a/0", {"app": "a", "state": "dead"}),
    ("mark", "t/a/0", {"app": "a", "state": "dead", "destroyed": True}),
    ("mark", "t/a/1", {"app": "a", "state": "current"}),
]
"""Ten stubs in the life of two credentials."""


@pytest.mark.parametrize("per_segment", [1, 2, 3, 4, 9, 10, 11])
def test_segments_are_one_journal(path, per_segment):
    """Closed and opened anew at every stub: numbers, counters, pages and what the stubs tell are those of one file."""
    written = []
    for kind, credential, body in LIFE:
        journal = segmented(path, per_segment)
        written.append(journal.write(kind, NOW, "t", credential, dict(body)))
        journal.close()
    journal = segmented(path, per_segment)
    assert len(list(path.parent.glob("journal.*.sum"))) == 9 // per_segment
    assert [stub.body["sequence"] for stub in written] == list(range(1, 11))
    for since in range(11):
        got, known = [], since
        while page := list(journal.since(known, most=4)):
            got += page
            known = page[-1].body["sequence"]
        assert got == written[since:]
    told = {}
    for stub in journal.replayed:
        name = stub.body["credential"]
        told.setdefault(name, []).append((stub.kind, stub.body.get("state"), stub.body.get("destroyed")))
    assert list(told) == ["t/a/0", "t/a/1"]
    assert told["t/a/0"][-1] == ("mark", "dead", True)
    assert ("death-test", None, None) in told["t/a/0"]
    assert told["t/a/1"][-1] == ("mark", "current", None)


def test_closing_that_a_crash_cut_off_is_finished(path):
    """Summed up and not yet renamed: the next start closes the segment, and nothing is lost or numbered twice."""
    journal = segmented(path)
    for n in range(4):
        journal.write("mark", NOW, "t", f"t/a/{n % 2}", dict(BODY))
    journal.close()
    path.unlink()  # stub 4 was in it: as if it had never come to that
    path.with_name("journal.3").rename(path)
    journal = segmented(path)
    assert [stub.body["sequence"] for stub in journal.since(0)] == [1, 2, 3]
    stub = journal.write("mark", NOW, "t", "t/a/1", dict(BODY))
    assert (stub.body["sequence"], stub.body["counter"]) == (4, 2)


def change(path):
    """Change a figure in a summary."""
    octets = path.with_name("journal.6.sum").read_bytes()
    path.with_name("journal.6.sum").write_bytes(octets.replace(b'"t/a/0":2', b'"t/a/0":1'))


@pytest.mark.parametrize(
    "damage",
    [
        change,
        lambda path: path.with_name("journal.6.sum").unlink(),
        lambda path: [path.with_name(name).unlink() for name in ("journal.6", "journal.6.sum")],
        lambda path: [path.with_name(name).unlink() for name in ("journal.6", "journal")],
    ],
    ids=["changed", "summary-gone", "segment-gone", "both-gone"],
)
def test_a_segment_that_was_changed_or_removed_stops_the_signer(path, damage):
    """A changed summary does not verify, and a removed one leaves numbers that do not follow."""
    journal = segmented(path)
    for n in range(7):
        journal.write("mark", NOW, "t", f"t/a/{n % 3}", dict(BODY))
    journal.close()
    damage(path)
    with pytest.raises(Misconfigured, match="is damaged at line"):
        segmented(path)
