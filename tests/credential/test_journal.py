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
