import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.gateway.smtp.events import Closed, Content, Question, StartTls
from counterfoil.gateway.smtp.limits import Limits
from counterfoil.gateway.smtp.reply import Reply
from counterfoil.gateway.smtp.session import Session
from counterfoil.gateway.smtp.table import TABLE, State

LIMITS = Limits(message=500, recipients=3, command=100, line=200, errors=5, idle=5)
FRAGMENTS = [
    b"EHLO c.test\r\n", b"HELO c\r\n", b"MAIL FROM:<a@b.example>\r\n", b"RCPT TO:<b@t.example>\r\n", b"DATA\r\n",
    b"RSET\r\n", b"NOOP\r\n", b"QUIT\r\n", b"STARTTLS\r\n", b"VRFY x\r\n", b".\r\n", b"\r\n.\r\n", b"text\r\n",
    b"\r", b"\n", b"\0", b"\xff\xfe", b" ", b"x" * 120, b"MAIL FROM:<", b">", b'"', b"@",
]  # fmt: skip
REPLIES = [
    Reply(250, "2.0.0", "ok"),
    Reply(550, "5.1.1", "no"),
    Reply(451, "4.0.0", "later"),
    Reply(421, "4.3.2", "bye"),
]


def drive(session, octets, replies):
    """Feed octets and answer every question; return the events."""
    events = []
    session.receive(octets)
    while (event := session.next_event()) is not None:
        events.append(event)
        if isinstance(event, Question):
            session.answer(replies())
        if isinstance(event, StartTls):
            session.secured()
    return events


@given(st.data(), st.lists(st.one_of(st.sampled_from(FRAGMENTS), st.binary(max_size=20)), max_size=40))
def test_no_octets_break_a_session(data, pieces):
    """Whatever arrives, replies are well-formed lines, content is strict, and nothing happens after the end."""
    session = Session("mx.test", LIMITS, tls=True)
    session.greet()
    events, output = [], session.output()
    for piece in pieces:
        events += drive(session, piece, lambda: data.draw(st.sampled_from(REPLIES)))
        output += session.output()
    assert output.endswith(b"\r\n")
    for line in output[:-2].split(b"\r\n"):
        assert line[:3].isdigit()
        assert line[3:4] in (b" ", b"-", b"")
        assert b"\r" not in line
        assert b"\n" not in line
        assert len(line) <= 510
    for event in events:
        if isinstance(event, Content):
            assert not any(octet in event.raw.replace(b"\r\n", b"") for octet in (b"\r", b"\n", b"\0"))
            assert len(event.raw) <= LIMITS.message
    ends = [number for number, event in enumerate(events) if isinstance(event, Closed)]
    assert ends in ([], [len(events) - 1])


@given(st.lists(st.sampled_from(FRAGMENTS[:13]), max_size=20))
def test_one_reply_for_each_question(pieces):
    """Every question gets exactly one reply, in order: an answer without a question is an error of ours."""
    session = Session("mx.test", LIMITS, tls=False)
    drive(session, b"EHLO c\r\n", lambda: REPLIES[0])
    session.output()
    asked = drive(session, b"".join(pieces), lambda: Reply(250, "2.9.9", "asked"))
    questions = sum(isinstance(event, Question) for event in asked)
    assert session.output().count(b"250 2.9.9 asked\r\n") == questions
    with pytest.raises(RuntimeError, match="no question"):
        session.answer(REPLIES[0])


@pytest.mark.parametrize("verb", TABLE)
@pytest.mark.parametrize("state", [State.NEW, State.GREETED, State.SENDER, State.RECIPIENTS])
def test_every_verb_has_an_answer_in_every_state(verb, state):
    """The table is whole: a verb in a state gets a reply, whatever it is."""
    session = Session("mx.test", LIMITS, tls=True)
    lead = [b"EHLO c\r\n", b"MAIL FROM:<a@b.example>\r\n", b"RCPT TO:<b@t.example>\r\n"]
    for line in lead[: [State.NEW, State.GREETED, State.SENDER, State.RECIPIENTS].index(state)]:
        drive(session, line, lambda: REPLIES[0])
    assert session.state is state
    session.output()
    drive(session, verb.encode() + b" x\r\n", lambda: REPLIES[0])
    assert session.output()


def test_nothing_is_read_behind_an_open_question():
    """Octets behind a question are kept and not looked at until it is answered."""
    session = Session("mx.test", LIMITS, tls=False)
    session.receive(b"EHLO c\r\n")
    session.next_event()
    session.receive(b"MAIL FROM:<a@b.example>\r\nRCPT TO:<b@t.example>\r\n")
    session.next_event()
    assert session.next_event() is None
    assert session.buffered == len(b"RCPT TO:<b@t.example>\r\n")


def test_many_errors_end_the_session():
    """Refused recipients count as errors, so nobody can try out names for long."""
    session = Session("mx.test", LIMITS, tls=False)
    drive(session, b"EHLO c\r\nMAIL FROM:<>\r\n"[:8], lambda: REPLIES[0])
    drive(session, b"MAIL FROM:<>\r\n", lambda: REPLIES[0])
    events = drive(session, b"RCPT TO:<b@t.example>\r\n" * 10, lambda: REPLIES[1])
    assert events[-1] == Closed("421 4.7.0 too many errors")
    assert len(events) == LIMITS.errors + 1


@pytest.mark.long
@pytest.mark.parametrize("seed", range(4))
def test_fuzz_session(seed):
    """The same for a hundred thousand random sessions."""
    chance = random.Random(seed)
    for _ in range(25_000):
        session = Session("mx.test", LIMITS, tls=chance.random() < 0.5)
        for _ in range(chance.randrange(30)):
            piece = chance.choice(FRAGMENTS) if chance.random() < 0.9 else chance.randbytes(chance.randrange(12))
            for event in drive(session, piece, lambda: chance.choice(REPLIES)):
                if isinstance(event, Content):
                    assert not any(octet in event.raw.replace(b"\r\n", b"") for octet in (b"\r", b"\n", b"\0"))
