"""DKIM, RFC 6376: which domains sign for this message? A generator that yields DNS questions."""

from dataclasses import dataclass
from datetime import datetime

from counterfoil.model.dns import Answer, Asking, Question
from counterfoil.scan.authentication import keys, signature, tags
from counterfoil.scan.authentication.canonical import Field, Message
from counterfoil.scan.authentication.signature import Bodies, Signature
from counterfoil.scan.authentication.tags import Malformed

MAX_SIGNATURES = 8
"""Signatures that are verified, from the top; a message with hundreds is there to cost us."""

ORDER = ("pass", "policy", "temperror", "fail", "neutral", "permerror")
"""Of several signatures the first of these is the message's result."""


@dataclass(frozen=True, slots=True)
class Dkim:
    """The result of one signature in RFC 8601's words, whom it speaks for, and why."""

    result: str
    domain: str = ""
    selector: str = ""
    algorithm: str = ""
    reason: str = ""
    testing: bool = False


def check(message: Message, now: datetime | None = None) -> Asking[tuple[Dkim, ...]]:
    """Verify the signatures of a message; an empty tuple means that there is none.

    Args:
        message: The message.
        now: When it arrived, to judge ``x=``; ``None`` to leave that out.
    """
    bodies = Bodies(message)
    fields = message.named("dkim-signature")
    read = [_read(field, now) for field in fields[:MAX_SIGNATURES]]
    claims = [one for one in read if isinstance(one, Signature)]
    questions = tuple(dict.fromkeys(keys.question(claim.selector, claim.domain) for claim in claims))
    answers = dict(zip(questions, (yield questions) if questions else (), strict=True))
    results = [one if isinstance(one, Dkim) else _verify(one, message, bodies, answers) for one in read]
    if len(fields) > MAX_SIGNATURES:
        results.append(Dkim("neutral", reason=f"{len(fields) - MAX_SIGNATURES} more signatures are not looked at"))
    return tuple(results)


def overall(results: tuple[Dkim, ...]) -> str:
    """Return the one word for a message with these signatures."""
    words = {one.result for one in results}
    return next((word for word in ORDER if word in words), "none")


def _read(field: Field, now: datetime | None) -> Signature | Dkim:
    """Read a signature and hold it against section 6.1.1."""
    domain = ""
    try:
        found = tags.parse(field.value.decode("utf-8", "replace"))
        domain = found.get("d", "")
        claim = signature.read(field, found)
        _check(claim, found, now)
    except Malformed as error:
        return Dkim("permerror", domain[:253].lower(), reason=str(error))
    return claim


def _check(claim: Signature, found: dict[str, str], now: datetime | None) -> None:
    if found.get("v") != "1":
        raise Malformed("v= is not 1")
    if "from" not in claim.names:
        raise Malformed("the From field is not signed")
    if claim.identity != claim.domain and not claim.identity.endswith(f".{claim.domain}"):
        raise Malformed("i= is not of the domain d=")
    if "dns/txt" not in found.get("q", "dns/txt").lower().replace(" ", "").split(":"):
        raise Malformed("the key is to be had by no way that is known")
    signed, expires = tags.number(found, "t"), tags.number(found, "x")
    if expires is not None and signed is not None and expires <= signed:
        raise Malformed("x= is not after t=")
    if expires is not None and now is not None and expires < now.timestamp():
        raise Malformed("the signature has expired")


def _verify(claim: Signature, message: Message, bodies: Bodies, answers: dict[Question, Answer]) -> Dkim:
    def result(word: str, reason: str, *, testing: bool = False) -> Dkim:
        return Dkim(word, claim.domain, claim.selector, claim.algorithm, reason, testing)

    # 1. Section 6.1.2: the key.
    try:
        key = keys.choose(answers[keys.question(claim.selector, claim.domain)])
        if key.strict and claim.identity != claim.domain:
            return result("permerror", "the key is for no subdomain, and i= names one")
        # 2. Section 6.1.3: the body's hash, then the signature over the header.
        problem = signature.body_problem(claim, bodies)
        if problem is None and not signature.header_holds(claim, message, key):
            problem = "the signature does not fit the header fields"
    except keys.Unanswered as error:
        return result("temperror", str(error))
    except Malformed as error:
        return result("permerror", str(error))
    if problem:
        # Section 3.6.1, t=y: who only tries out signing is not to be treated worse than who does not sign.
        return result("neutral" if key.testing else "fail", problem, testing=key.testing)
    # 3. Section 8: it holds, but not for all that a reader is shown.
    if hole := signature.gap(claim, message, bodies):
        return result("policy", hole, testing=key.testing)
    return result("pass", f"signed by a key of {key.bits} bits", testing=key.testing)
