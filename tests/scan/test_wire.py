import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.scan.making import scanned

from counterfoil.model.dns import Answer, Question, RecordType, Status
from counterfoil.model.mail import Envelope
from counterfoil.scan import wire

RAW = b"Subject: \xff\xfe\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nhttps://x.example/\r\n--b\r\n\r\nhttps://x.example/\r\n--b--"


def test_a_scan_survives_the_way():
    """What is written is what is read, equal contents are sent once, undecodable names survive."""
    scan = scanned(RAW)
    data = wire.from_scan(scan)
    assert wire.to_scan(data) == scan
    # Two links name it in the JSON; the contents of the two parts stand behind it once.
    assert data.count(scan.parts[0].data) == len(scan.links) + 1


def test_questions_and_answers_survive_the_way():
    """DNS goes through the same border."""
    questions = (Question("example.com", RecordType.TXT),)
    answers = (Answer(Status.OK, ("v=spf1 -all",)), Answer(Status.TEMPORARY))
    assert wire.to_questions(wire.from_questions(questions)) == questions
    assert wire.to_answers(wire.from_answers(answers)) == answers


MALFORMED = {
    "nothing": (b"", "not a scan"),
    "another magic": (b"x" * 100, "not a scan"),
    "short": (wire.MAGIC + (10).to_bytes(8, "big") + b"{}", "cut short"),
    "no JSON": (wire.MAGIC + (2).to_bytes(8, "big") + b"{{", "not JSON"),
    "no object": (wire.MAGIC + (2).to_bytes(8, "big") + b"[]", "no object"),
    "deep": (wire.MAGIC + (200_000).to_bytes(8, "big") + b"[" * 200_000, "not JSON"),
    "no fields": (wire.MAGIC + (2).to_bytes(8, "big") + b"{}", "no text"),
}


@pytest.mark.parametrize(("data", "reason"), MALFORMED.values(), ids=MALFORMED)
def test_a_hostile_worker_is_refused(data, reason):
    """Bytes of any other shape are Malformed, with the reason."""
    with pytest.raises(wire.Malformed, match=reason):
        wire.to_scan(data)


def test_a_part_may_not_reach_beyond_the_bytes():
    """Offsets come from the worker, so they are checked."""
    data = wire.from_scan(scanned(RAW))
    with pytest.raises(wire.Malformed, match="reaches beyond"):
        wire.to_scan(data[:-5])


@given(st.binary(max_size=60), st.integers(0, 400))
@settings(max_examples=100, deadline=None)
def test_flipped_bytes_are_malformed_or_a_scan(noise, place):
    """No damage raises anything but Malformed."""
    data = wire.from_scan(scanned(RAW))
    at = min(place, len(data))
    try:
        wire.to_scan(data[:at] + noise + data[at + len(noise) :])
    except wire.Malformed as error:
        assert str(error)  # noqa: PT017 - damage inside a text is no error


def test_a_request_carries_the_envelope():
    """A worker sees what SMTP said."""
    envelope = Envelope("a@example.com", ("b@example.com",), client_address="192.0.2.1", tenant="t")
    assert envelope in wire.to_request(wire.from_request(RAW, envelope))
