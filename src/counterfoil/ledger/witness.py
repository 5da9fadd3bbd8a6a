"""A witness of the log: what it is asked, what its answer means, and what its cosignature is worth. Pure.

A witness signs only a checkpoint that grew out of the last one it signed, so who owns the whole
installation still cannot show one history to us and another to a customer. Sources:
https://c2sp.org/tlog-witness and https://c2sp.org/tlog-cosignature.
"""

import base64
from collections.abc import Generator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from counterfoil.ledger.note import Note, NoteError, Prover, VerifierKey, parse_note, read_signature

MOST_OCTETS = 65_536
"""What is read of a witness's answer."""

_MOST_PROOF = 63
_SIZE = "text/x.tlog.size"
_TIME = 8


class Verdict(StrEnum):
    """What became of asking a witness."""

    COSIGNED = "cosigned"
    FORKED = "saw another history"
    AHEAD = "saw a longer log"
    UNKNOWN_LOG = "does not know this log"
    UNKNOWN_KEY = "does not trust this log's key"
    UNAVAILABLE = "gave no answer"
    NONSENSE = "gave an answer that is none"


ALARMS = frozenset({Verdict.FORKED, Verdict.AHEAD})
"""Verdicts after which this ledger may not be the one that others were shown."""


class Turns:
    """When each witness is asked next: no more than every half minute, and ever more rarely while it is in trouble."""

    _OFTEN, _RARELY = 30.0, 900.0

    def __init__(self) -> None:
        self._pause: dict[str, float] = {}
        self._next: dict[str, float] = {}

    def due(self, witness: str, now: float) -> bool:
        """Say whether it may be asked; ``now`` in seconds of a clock that never goes back."""
        return now >= self._next.get(witness, now)

    def took(self, witness: str, verdict: Verdict, now: float) -> None:
        """Remember how it went."""
        troubled = verdict is not Verdict.COSIGNED
        self._pause[witness] = min(self._RARELY, 2 * self._pause.get(witness, self._OFTEN)) if troubled else self._OFTEN
        self._next[witness] = now + self._pause[witness]


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer: its status, media type in lower case without parameters, and octets."""

    status: int
    kind: str
    octets: bytes


@dataclass(frozen=True, slots=True)
class Asked:
    """What one witness said: on COSIGNED ``note`` is the checkpoint with its cosignature, of ``time``."""

    verdict: Verdict
    words: str
    note: bytes | None = None
    time: datetime | None = None


def cosigned_at(note: Note, key: VerifierKey) -> datetime:
    """Verify a witness's cosignature and return the time that it carries.

    The signature is eight octets of seconds since 1970, then Ed25519 over ``cosignature/v1``, the time and the text.

    Raises:
        NoteError: If the note bears none by this key, or one that does not verify.
    """
    for line in note.signatures:
        if (line.name, line.key_id) != (key.name, key.key_id):
            continue
        seconds = int.from_bytes(line.octets[:_TIME], "big")
        message = b"cosignature/v1\ntime %d\n" % seconds + note.text
        try:
            Ed25519PublicKey.from_public_bytes(key.public).verify(line.octets[_TIME:], message)
            return datetime.fromtimestamp(seconds, UTC)
        except (InvalidSignature, OverflowError, ValueError, OSError) as error:
            wrong = f"the cosignature of {key.name}+{key.key_id.hex()} does not verify"
            raise NoteError(wrong) from error
    wrong = f"the note is not cosigned by {key.name}+{key.key_id.hex()}"
    raise NoteError(wrong)


def ask(note: bytes, size: int, known: int, prove: Prover, key: VerifierKey) -> Generator[bytes, Answer | None, Asked]:
    """Ask one witness to cosign a checkpoint: yields the body of each ``add-checkpoint``, is sent the answer.

    Args:
        note: The checkpoint as its log signed it.
        size: Its size.
        known: The size that this witness cosigned last, as far as we know; 0 for none.
        prove: Proves that the checkpoint grew out of an older one.
        key: The witness's own key.

    Returns:
        What the witness said; sending ``None`` means that no answer came.
    """
    for _ in range(2):
        answer = yield _question(note, size, known, prove)
        if answer is None:
            return Asked(Verdict.UNAVAILABLE, "no answer came")
        if answer.status != 409:
            return _said(answer, note, key)
        told = _told_size(answer)
        if (trouble := _conflict(told, known, size)) is not None:
            return trouble
        known = told or 0
    return Asked(Verdict.UNAVAILABLE, "it is being asked by somebody else for the same log")


def _question(note: bytes, size: int, known: int, prove: Prover) -> bytes:
    proof = prove(known) if 0 < known < size else []
    if len(proof) > _MOST_PROOF:
        message = f"a consistency proof has at most {_MOST_PROOF} hashes"
        raise ValueError(message)
    lines = [f"old {known}", *(base64.b64encode(step).decode() for step in proof), ""]
    return "".join(f"{line}\n" for line in lines).encode() + note


def _conflict(told: int | None, known: int, size: int) -> Asked | None:
    """Say what is wrong with a 409; ``None`` where asking again from the size that it told will do."""
    if told is None:
        return Asked(Verdict.NONSENSE, "409 without the size that it knows")
    if told > size:
        return Asked(Verdict.AHEAD, f"it has cosigned {told} stubs, and this log has {size}")
    if told == known == size:
        return Asked(Verdict.FORKED, f"of the first {told} stubs it has cosigned another history")
    if told == known:
        return Asked(Verdict.NONSENSE, f"it refused the old size {known} and says that {known} is right")
    return None


def _told_size(answer: Answer) -> int | None:
    text = answer.octets.removesuffix(b"\n")
    if answer.kind != _SIZE or not text.isdigit() or len(text) > 19 or str(int(text)).encode() != text:
        return None
    return int(text)


def _said(answer: Answer, note: bytes, key: VerifierKey) -> Asked:
    if answer.status == 200:
        return _cosigned(answer.octets, note, key)
    if answer.status == 404:
        return Asked(Verdict.UNKNOWN_LOG, "give its operator the origin and the key of this log")
    if answer.status == 403:
        return Asked(Verdict.UNKNOWN_KEY, "give its operator the key of this log")
    if answer.status == 422:
        return Asked(Verdict.FORKED, "the checkpoint did not grow out of the one that it has cosigned")
    if answer.status in {408, 425, 429} or answer.status >= 500:
        return Asked(Verdict.UNAVAILABLE, f"it answered {answer.status}")
    return Asked(Verdict.NONSENSE, f"it answered {answer.status}")


def _cosigned(octets: bytes, note: bytes, key: VerifierKey) -> Asked:
    try:
        text = octets.decode("utf-8")
        lines = [read_signature(line) for line in text.removesuffix("\n").split("\n")]
        mine = next(n for n, s in enumerate(lines) if (s.name, s.key_id) == (key.name, key.key_id))
        # Of what it sent, only the line by its own key goes into what we publish.
        whole = note + f"{text.split(chr(10))[mine]}\n".encode()
        time = cosigned_at(parse_note(whole), key)
    except StopIteration:
        return Asked(Verdict.NONSENSE, f"it sent no line of {key.name}+{key.key_id.hex()}")
    except ValueError as error:
        return Asked(Verdict.NONSENSE, f"its cosignature is none: {error}")
    return Asked(Verdict.COSIGNED, "", whole, time)
