"""ARC, RFC 8617: is the chain of those who passed the message on whole? A generator that yields questions.

A whole chain says who handled the message, and not that any of them may be believed.
"""

import hashlib
import re
from dataclasses import dataclass

from counterfoil.model.dns import Answer, Asking, Question
from counterfoil.scan.authentication import canonical, keys, signature, tags
from counterfoil.scan.authentication.canonical import RELAXED, Field, Message
from counterfoil.scan.authentication.signature import Bodies, Signature
from counterfoil.scan.authentication.tags import Malformed

MAX_SETS = 50
"""Section 5.2: a longer chain fails."""

MAX_KEYS = 12
"""Distinct keys that a chain may make us ask for; a forged one would have us ask a hundred times."""

SEAL, MESSAGE_SIGNATURE, RESULTS = "arc-seal", "arc-message-signature", "arc-authentication-results"

_INSTANCE = re.compile(rb"\s*i\s*=\s*([0-9]{1,3})\s*;")


@dataclass(frozen=True, slots=True)
class Arc:
    """The chain's state (``none``, ``pass``, ``fail``, or ``temperror``), its sealers, oldest first, and why."""

    result: str
    sealers: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Seal:
    """One ARC-Seal, read."""

    field: Field
    state: str
    algorithm: str
    domain: str
    selector: str
    signature: bytes


@dataclass(frozen=True, slots=True)
class Link:
    """One ARC set: what one handler added."""

    results: Field
    signature: Field
    seal: Seal


def check(message: Message) -> Asking[Arc]:
    """Validate the chain as section 5.2 numbers the steps."""
    sealers: tuple[str, ...] = ()
    try:
        # 1. Collect the sets; without any there is no chain.
        chain = _collect(message)
        if not chain:
            return Arc("none")
        sealers = tuple(link.seal.domain for link in chain)
        # 2. and 3. The newest seal must not say that the chain had failed; the structure must be whole.
        _check_structure(chain)
        newest = _newest_signature(chain[-1])
        answers = yield from _keys(chain, newest)
        # 4. The newest message signature must hold; older ones are broken by whoever changed the message.
        _check_message(newest, message, answers)
        # 5. is optional. 6. Every seal must hold, from the newest to the oldest.
        for count in range(len(chain), 0, -1):
            _check_seal(chain[:count], answers)
    except Malformed as error:
        return Arc("fail", sealers, str(error))
    except keys.Unanswered as error:
        return Arc("temperror", sealers, str(error))
    # 7. The chain is whole.
    return Arc("pass", sealers, f"{len(chain)} seal(s) hold")


def _collect(message: Message) -> list[Link]:
    """Sort the fields into sets, numbered from 1 without a gap, each of the three kinds once."""
    found: dict[str, dict[int, Field]] = {SEAL: {}, MESSAGE_SIGNATURE: {}, RESULTS: {}}
    for field in message.fields:
        if field.name in found:
            instance = _instance(field)
            if instance in found[field.name]:
                raise Malformed(f"there are two {field.name} fields with i={instance}")
            found[field.name][instance] = field
    count = max(len(fields) for fields in found.values())
    if count > MAX_SETS:
        raise Malformed(f"the chain has more than {MAX_SETS} sets")
    wanted = set(range(1, count + 1))
    for name, fields in found.items():
        if set(fields) != wanted:
            raise Malformed(f"a set has no {name} field, or they are not numbered from 1")
    order = sorted(wanted)
    return [Link(found[RESULTS][at], found[MESSAGE_SIGNATURE][at], _seal(found[SEAL][at])) for at in order]


def _instance(field: Field) -> int:
    if field.name == RESULTS:
        # Section 4.1.1: here the instance stands first, before what is no tag list.
        start = _INSTANCE.match(field.value)
        instance = int(start[1]) if start else 0
    else:
        instance = tags.number(tags.parse(field.value.decode("utf-8", "replace")), "i") or 0
    if not 1 <= instance <= MAX_SETS:
        raise Malformed(f"i= of {field.name} is missing or out of bounds")
    return instance


def _seal(field: Field) -> Seal:
    found = tags.parse(field.value.decode("utf-8", "replace"))
    tags.required(found, "a", "b", "cv", "d", "s")
    if "h" in found:
        raise Malformed("a seal has h=, which section 4.1.3 forbids")
    if found["a"].lower() not in signature.ALGORITHMS:
        raise Malformed(f"seals by {found['a'][:20]!r} are not accepted")
    domain, selector = signature.domain_and_selector(found)
    return Seal(field, found["cv"].lower(), found["a"].lower(), domain, selector, tags.octets(found, "b"))


def _check_structure(chain: list[Link]) -> None:
    for place, link in enumerate(chain):
        wanted = "pass" if place else "none"
        if link.seal.state != wanted:
            raise Malformed(f"seal {place + 1} says cv={link.seal.state[:20]}, and not {wanted}")


def _newest_signature(link: Link) -> Signature:
    found = tags.parse(link.signature.value.decode("utf-8", "replace"))
    # DKIM's default is simple; those who seal sign relaxed and leave c= out, as the published suite does.
    claim = signature.read(link.signature, found, form="relaxed/relaxed")
    if SEAL in claim.names:
        raise Malformed("a message signature covers a seal, which section 4.1.2 forbids")
    return claim


def _keys(chain: list[Link], newest: Signature) -> Asking[dict[Question, Answer]]:
    wanted = [keys.question(newest.selector, newest.domain)]
    wanted += [keys.question(link.seal.selector, link.seal.domain) for link in reversed(chain)]
    questions = tuple(dict.fromkeys(wanted))
    if len(questions) > MAX_KEYS:
        raise Malformed(f"the chain needs more than {MAX_KEYS} keys")
    return dict(zip(questions, (yield questions), strict=True))


def _check_message(claim: Signature, message: Message, answers: dict[Question, Answer]) -> None:
    bodies = Bodies(message)
    key = keys.choose(answers[keys.question(claim.selector, claim.domain)])
    if problem := signature.body_problem(claim, bodies):
        raise Malformed(f"the newest message signature: {problem}")
    if not signature.header_holds(claim, message, key):
        raise Malformed("the newest message signature does not fit the header fields")
    if hole := signature.gap(claim, message, bodies):
        raise Malformed(f"the newest message signature: {hole}")


def _check_seal(chain: list[Link], answers: dict[Question, Answer]) -> None:
    """Section 5.1.1: a seal covers all sets up to its own, each as results, signature, seal."""
    last = chain[-1].seal
    pieces = []
    for link in chain[:-1]:
        pieces += [canonical.header(field, RELAXED) for field in (link.results, link.signature, link.seal.field)]
    pieces += [canonical.header(field, RELAXED) for field in (chain[-1].results, chain[-1].signature)]
    pieces.append(canonical.header(canonical.without_signature(last.field), RELAXED).removesuffix(b"\r\n"))
    key = keys.choose(answers[keys.question(last.selector, last.domain)])
    if not key.verify(last.algorithm, last.signature, hashlib.sha256(b"".join(pieces)).digest()):
        raise Malformed(f"seal {len(chain)} does not fit")
