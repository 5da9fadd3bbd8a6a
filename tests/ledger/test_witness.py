"""What a witness is asked, and what its answers mean, against a witness written from the specification."""

import base64
import hashlib

import pytest

from counterfoil.ledger.note import COSIGNER, NoteError, VerifierKey, parse_note, signed_by_one
from counterfoil.ledger.witness import Answer, Turns, Verdict, ask, cosigned_at
from tests.ledger.witness_server import Witness

SIZED = "text/x.tlog.size"


@pytest.fixture(scope="module")
def witness():
    """One witness for the tests of its answers."""
    running = Witness()
    yield running
    running.stop()


def told(witness: Witness, *answers: Answer | None, known: int = 0, size: int = 9):
    """Ask with these answers; return what it came to, and the questions."""
    note = f"log\n{size}\n{base64.b64encode(b'r' * 32).decode()}\n\n\N{EM DASH} log {'A' * 8}\n".encode()
    dialogue = ask(note, size, known, lambda old: [b"p" * 32] * old, VerifierKey.parse(witness.key, COSIGNER))
    questions = [next(dialogue)]
    for answer in answers:
        try:
            questions.append(dialogue.send(answer))
        except StopIteration as stop:
            return stop.value, questions
    raise AssertionError(questions)


def test_the_key_of_a_witness_is_of_its_own_type(witness):
    """A witness's key reads back as it was spelt, and is no key of a log: the types keep them apart."""
    assert str(VerifierKey.parse(witness.key, COSIGNER)) == witness.key
    with pytest.raises(NoteError, match="not an Ed25519 verifier key \\(type 0x01"):
        VerifierKey.parse(witness.key)


def test_the_question_is_spelt_as_the_specification_says(witness):
    """``old SIZE``, a base64 line a hash, an empty line, the checkpoint; no proof for the first time."""
    _, (first,) = told(witness, None)
    assert first.startswith(b"old 0\n\nlog\n9\n")
    _, (second,) = told(witness, None, known=2)
    line = base64.b64encode(b"p" * 32) + b"\n"
    assert second.startswith(b"old 2\n" + line + line + b"\nlog\n9\n")


def test_a_cosignature_carries_its_time_and_verifies(witness):
    """The line of the witness is added to the checkpoint, its time is read, and no other line comes along."""
    text = b"log\n9\n" + base64.b64encode(b"r" * 32) + b"\n"
    stranger = b"\xe2\x80\x94 stranger.example AAAAAAAAAAA=\n"
    asked, _ = told(witness, Answer(200, "text/plain", stranger + witness.cosign(text)))
    assert (asked.verdict, int(asked.time.timestamp())) == (Verdict.COSIGNED, witness.now)
    assert [line.name for line in parse_note(asked.note).signatures] == ["log", witness.name]


def test_a_cosignature_of_another_time_or_text_is_none(witness):
    """Time and text are both signed: a changed octet of either is refused."""
    text = b"log\n9\n" + base64.b64encode(b"r" * 32) + b"\n"
    key = VerifierKey.parse(witness.key, COSIGNER)
    good = text + b"\n" + witness.cosign(text)
    assert cosigned_at(parse_note(good), key)
    octets = bytearray(base64.b64decode(good.rpartition(b" ")[2]))
    octets[11] ^= 1  # the last octet of the time
    later = good.rpartition(b" ")[0] + b" " + base64.b64encode(octets) + b"\n"
    for wrong in (later, good.replace(b"log\n9", b"log\n8")):
        with pytest.raises(NoteError, match="does not verify"):
            cosigned_at(parse_note(wrong), key)
    with pytest.raises(NoteError, match="not cosigned by"):
        cosigned_at(parse_note(b"log\n\n\xe2\x80\x94 log AAAAAAAAAAA=\n"), key)


@pytest.mark.parametrize(
    ("answers", "verdict", "words"),
    [
        ([None], Verdict.UNAVAILABLE, "no answer"),
        ([Answer(404, "", b"")], Verdict.UNKNOWN_LOG, "origin"),
        ([Answer(403, "", b"")], Verdict.UNKNOWN_KEY, "key"),
        ([Answer(422, "", b"")], Verdict.FORKED, "did not grow"),
        ([Answer(429, "", b"")], Verdict.UNAVAILABLE, "429"),
        ([Answer(503, "", b"")], Verdict.UNAVAILABLE, "503"),
        ([Answer(400, "", b"")], Verdict.NONSENSE, "400"),
        ([Answer(302, "", b"")], Verdict.NONSENSE, "302"),
        ([Answer(200, "", b"")], Verdict.NONSENSE, "none"),
        ([Answer(200, "", b"hello\n")], Verdict.NONSENSE, "none"),
        ([Answer(200, "", b"\xff\n")], Verdict.NONSENSE, "none"),
        ([Answer(409, "text/plain", b"4\n")], Verdict.NONSENSE, "without the size"),
        ([Answer(409, SIZED, b"04\n")], Verdict.NONSENSE, "without the size"),
        ([Answer(409, SIZED, b"10\n")], Verdict.AHEAD, "10 stubs, and this log has 9"),
        ([Answer(409, SIZED, b"0\n")], Verdict.NONSENSE, "refused the old size 0"),
        ([Answer(409, SIZED, b"9\n"), Answer(409, SIZED, b"9\n")], Verdict.FORKED, "another history"),
        ([Answer(409, SIZED, b"4\n"), Answer(409, SIZED, b"5\n")], Verdict.UNAVAILABLE, "somebody else"),
        ([Answer(409, SIZED, b"4\n"), Answer(422, "", b"")], Verdict.FORKED, "did not grow"),
    ],
)
def test_every_answer_has_a_meaning(witness, answers, verdict, words):
    """Each status of the specification, and what is no answer, comes to one verdict with words."""
    asked, _ = told(witness, *answers)
    assert asked.verdict is verdict
    assert words in asked.words
    assert asked.note is None


def test_a_conflict_is_asked_again_from_the_size_that_it_names(witness):
    """409 with a smaller size costs one more question, which proves growth from there."""
    text = b"log\n9\n" + base64.b64encode(b"r" * 32) + b"\n"
    asked, questions = told(witness, Answer(409, SIZED, b"3\n"), Answer(200, "", witness.cosign(text)), known=7)
    assert asked.verdict is Verdict.COSIGNED
    assert questions[1].startswith(b"old 3\n")
    assert questions[1].count(base64.b64encode(b"p" * 32)) == 3


def test_one_line_of_a_note_can_be_kept_alone():
    """Cutting a note down to one key's lines keeps the text octet for octet."""
    key = VerifierKey("log", b"k" * 32)
    mine = base64.b64encode(hashlib.sha256(b"log\n\x01" + b"k" * 32).digest()[:4] + b"s" * 64).decode()
    note = f"text\n\n\N{EM DASH} other {'A' * 8}\n\N{EM DASH} log {mine}\n".encode()
    assert signed_by_one(parse_note(note), key) == f"text\n\n\N{EM DASH} log {mine}\n".encode()


def test_a_witness_in_trouble_is_asked_ever_more_rarely():
    """Every half minute while it answers; doubling to a quarter of an hour while it does not."""
    turns = Turns()
    assert turns.due("w", 0.0)
    turns.took("w", Verdict.COSIGNED, 0.0)
    assert [turns.due("w", at) for at in (29.0, 30.0)] == [False, True]
    at = 30.0
    for pause in (60, 120, 240, 480, 900, 900):
        turns.took("w", Verdict.UNAVAILABLE, at)
        assert [turns.due("w", at + pause - 1), turns.due("w", at + pause)] == [False, True]
        at += pause
    turns.took("w", Verdict.COSIGNED, at)
    assert turns.due("w", at + 30)
