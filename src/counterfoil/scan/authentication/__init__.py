"""Who really sent it? SPF, DKIM, DMARC and ARC, in the words of RFC 8601; questions out, answers in."""

from datetime import datetime
from typing import Any

from counterfoil.model.dns import Answer, Asking, Question, Status
from counterfoil.model.mail import NOT_CHECKED, Authentication, Envelope
from counterfoil.scan.authentication import arc, canonical, dkim, dmarc, spf
from counterfoil.scan.authentication.evidence import describe


def authenticate(raw: bytes, envelope: Envelope | None, now: datetime | None = None) -> Asking[Authentication]:
    """Evaluate sender authentication of one message.

    Where the first question is answered ``NOT_ASKED``, everything is ``not-checked``. Without an envelope
    (a file) SPF is ``not-checked``, and DMARC too unless a signature decides it.

    Args:
        raw: The message as received.
        envelope: What SMTP said, or ``None`` for a file.
        now: When it came, to judge the expiry of signatures; ``None`` to leave that out.
    """
    evaluation = _evaluate(canonical.split(raw), envelope, now)
    asked = False
    try:
        questions = next(evaluation)
        while True:
            answers = (yield questions) if questions else ()
            if any(answer.status is Status.NOT_ASKED for answer in answers):
                return Authentication()
            asked = asked or bool(questions)
            questions = evaluation.send(answers)
    except StopIteration as done:
        result: Authentication = done.value
    # A file that gives nothing to ask about was never checked against anything.
    return result if asked or envelope is not None else Authentication()


def _evaluate(message: canonical.Message, envelope: Envelope | None, now: datetime | None) -> Asking[Authentication]:
    authors = message.named("from")
    checks = (_spf(envelope), _helo(envelope), dkim.check(message, now), arc.check(message), dmarc.discover(authors))
    sender, helo, signatures, chain, policy = yield from _together(*checks)
    verdict = dmarc.judge(authors, policy, sender, signatures)
    return Authentication(
        spf=sender.result,
        dkim=dkim.overall(signatures),
        dmarc=verdict.result,
        arc=chain.result,
        detail=describe(sender, helo, signatures, verdict, chain),
    )


def _spf(envelope: Envelope | None) -> Asking[spf.Spf]:
    if envelope is None:
        return spf.Spf(NOT_CHECKED, "mailfrom", "", "a file has no envelope")
    return (yield from spf.check(envelope))


def _helo(envelope: Envelope | None) -> Asking[spf.Spf | None]:
    """The host's own name as evidence, where the sender is not judged by it anyway."""
    if envelope is None or not envelope.sender or not spf.is_domain(envelope.helo.rstrip(".")):
        return None
    return (yield from spf.check_helo(envelope))


def _together(*checks: Asking[Any]) -> Asking[tuple[Any, ...]]:
    """Run computations side by side, so that their questions go out in one batch a round."""
    results: list[Any] = [None] * len(checks)
    waiting: dict[int, tuple[Question, ...]] = {}

    def step(place: int, answers: tuple[Answer, ...] | None) -> None:
        try:
            waiting[place] = next(checks[place]) if answers is None else checks[place].send(answers)
        except StopIteration as done:
            results[place] = done.value

    for place in range(len(checks)):
        step(place, None)
    while waiting:
        asked = tuple(waiting.items())
        questions = tuple(dict.fromkeys(question for _, batch in asked for question in batch))
        waiting.clear()
        answers = dict(zip(questions, (yield questions), strict=True))
        for place, batch in asked:
            step(place, tuple(answers[question] for question in batch))
    return tuple(results)
