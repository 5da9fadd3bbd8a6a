"""The conversation with a worker, spoken by hand: what a lying worker may not do."""

import pytest

from counterfoil.bounded.frames import (
    HEADER,
    Ask,
    Bounds,
    Died,
    Exceeded,
    Raised,
    Receive,
    Send,
    converse,
    frame,
    greet,
)

BOUNDS = Bounds(output=100, questions=2)


def started():
    """A conversation whose job has been sent and that waits for a header."""
    talk = converse(b"work", BOUNDS)
    assert next(talk) == Send(b"J\x00\x00\x00\x04work")
    assert talk.send(b"") == Receive(HEADER.size)
    return talk


def test_a_result_ends_the_conversation():
    """The body of a result frame is the value."""
    talk = started()
    assert talk.send(HEADER.pack(b"R", 3)) == Receive(3)
    with pytest.raises(StopIteration) as done:
        talk.send(b"abc")
    assert done.value.value == b"abc"


def test_a_question_is_put_and_its_answer_sent():
    """A question interrupts the job, and the answer goes back in a frame of its own."""
    talk = started()
    talk.send(HEADER.pack(b"Q", 2))
    assert talk.send(b"q?") == Ask(b"q?")
    assert talk.send(b"a!") == Send(frame(b"A", b"a!"))


def test_a_length_is_judged_before_it_is_read():
    """A worker that announces four gigabytes is not even listened to."""
    with pytest.raises(Exceeded, match="more than 100 octets of output"):
        started().send(HEADER.pack(b"R", 0xFFFFFFFF))


def test_questions_count_as_output():
    """Two questions of sixty octets are more than a hundred."""
    talk = started()
    talk.send(HEADER.pack(b"Q", 60))
    talk.send(bytes(60))
    talk.send(b"")
    talk.send(b"")
    with pytest.raises(Exceeded, match="octets of output"):
        talk.send(HEADER.pack(b"Q", 60))


@pytest.mark.parametrize("kind", [b"S", b"J", b"A", b"\x00", b"z"])
def test_a_frame_out_of_turn_is_the_end(kind):
    """A kind that is not due is a worker gone wrong."""
    talk = started()
    talk.send(HEADER.pack(kind, 0))
    with pytest.raises(Died, match="out of turn"):
        talk.send(b"")


def test_what_the_function_raised_is_text_and_bounded():
    """The reason is decoded leniently and cut, for the worker wrote it."""
    talk = converse(b"", Bounds())
    next(talk)
    talk.send(b"")
    talk.send(HEADER.pack(b"E", 5000))
    with pytest.raises(Raised) as raised:
        talk.send(b"\xff" * 5000)
    assert str(raised.value) == "\ufffd" * 2000


def test_a_greeting_has_a_measure():
    """A greeting above 64 KiB is refused by its length."""
    talk = greet()
    next(talk)
    with pytest.raises(Died, match="out of all measure"):
        talk.send(HEADER.pack(b"S", 1 << 20))
