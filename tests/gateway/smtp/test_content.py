import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.gateway.smtp.content import ContentReader
from counterfoil.gateway.smtp.limits import Limits

LIMITS = Limits(message=3000, line=1500)
LINES = st.lists(st.sampled_from([b"", b".", b"..", b".a", b"text", b"x" * 997, b"x" * 998, b"x" * 999, b"x" * 1000]))


def read(octets, cuts=()):
    """Feed octets cut at places; return the reader and what was left behind the end."""
    reader = ContentReader(LIMITS)
    rest = None
    edges = sorted({0, len(octets), *(cut % (len(octets) + 1) for cut in cuts)})
    for begin, end in itertools.pairwise(edges):
        if rest is not None:
            return reader, rest + octets[begin:]
        if not reader.fatal:
            rest = reader.receive(octets[begin:end])
    return reader, rest


def slow_unstuffing(octets):
    """Say what the content is, line by line as RFC 5321 section 4.5.2 tells it; None where it has no end."""
    content = []
    lines = octets.split(b"\r\n")
    for number, line in enumerate(lines):
        if line == b"." and number + 1 < len(lines):
            return b"".join(content), b"\r\n".join(lines[number + 1 :])
        content.append(line.removeprefix(b".") + b"\r\n")
    return None


@given(LINES, st.lists(st.integers(0, 5000)), st.sampled_from([b"", b"NEXT\r\n", b".\r\n"]))
def test_content_is_what_the_standard_says(lines, cuts, behind):
    """However it is cut, the content is what reading line by line gives, and what follows is left alone."""
    octets = b"".join(b"." * line.startswith(b".") + line + b"\r\n" for line in lines) + b".\r\n" + behind
    content, rest = slow_unstuffing(octets)
    reader, left = read(octets, cuts)
    assert left == rest
    if len(content) > LIMITS.message:
        assert reader.fault.enhanced == "5.3.4"
    else:
        assert reader.fault is None
        assert reader.content() == content
        longest = max((len(line) + line.startswith(b".") for line in lines), default=0)
        assert reader.long_line == (longest if longest > 998 else 0)


PIECES = st.lists(st.sampled_from([b"\r", b"\n", b".", b"\r\n", b"\r\n.\r\n", b"a", b"\0"]), max_size=30)


@given(PIECES, st.lists(st.integers(0, 60)))
def test_bare_line_ends_are_never_taken(pieces, cuts):
    """Whatever the mixture, a bare CR, LF or NUL before the end is fatal, and content without one is taken."""
    octets = b"".join(pieces)
    strict = slow_unstuffing(octets)
    reader, rest = read(octets, cuts)
    before = octets if strict is None else octets[: len(octets) - len(strict[1])]
    clean = before.replace(b"\r\n", b"")
    if any(octet in clean for octet in (b"\n", b"\0")) or b"\r" in clean[:-1]:
        assert reader.fatal or rest is None
    if strict is not None and not any(octet in clean for octet in (b"\r", b"\n", b"\0")):
        assert not reader.fatal
        assert rest == strict[1]
        assert reader.content() == strict[0]
    if rest is not None and reader.fault is None:
        content = reader.content().replace(b"\r\n", b"")
        assert not any(octet in content for octet in (b"\r", b"\n", b"\0"))


@pytest.mark.parametrize(("length", "flag"), [(998, 0), (999, 999), (1500, 1500)])
def test_long_lines_are_flagged(length, flag):
    """A line over 998 octets passes and is flagged."""
    reader, _ = read(b"short\r\n" + b"x" * length + b"\r\nshort\r\n.\r\n", range(0, 2000, 7))
    assert reader.fault is None
    assert reader.long_line == flag


def test_a_line_over_the_limit_is_refused():
    """A line over the limit is refused at the end of data, not before: the session goes on."""
    reader, rest = read(b"x" * 1501 + b"\r\n.\r\nRSET\r\n")
    assert reader.fault.text == "a line of more than 1500 octets"
    assert not reader.fatal
    assert rest == b"RSET\r\n"


def test_a_refused_message_is_not_kept():
    """Once a message is too big its octets are forgotten as they come."""
    reader = ContentReader(LIMITS)
    for _ in range(1000):
        assert reader.receive(b"x" * 98 + b"\r\n") is None
    assert len(reader._buffer) < 2 * LIMITS.message
    assert reader.receive(b".\r\n") == b""
    assert reader.fault.enhanced == "5.3.4"


def test_bare_lf_in_a_refused_message_still_ends_the_session():
    """A message that is refused for its size is still watched for smuggling."""
    reader = ContentReader(LIMITS)
    for _ in range(100):
        reader.receive(b"x" * 98 + b"\r\n")
    assert reader.receive(b"\n.\n") is None
    assert reader.fatal


def test_stuffed_dots_do_not_count():
    """A message of exactly the limit passes though its dots were doubled on the wire (RFC 1870 section 4)."""
    raw = b".\r\n" * 1000
    reader, rest = read(raw.replace(b".", b"..") + b".\r\n")
    assert rest == b""
    assert reader.fault is None
    assert reader.content() == raw
