"""Several calls in one request to Graph (Graph, JSON batching), each with an id, a stub and a fate of its own.

Graph logs each part as a call by itself, so each part has a ``client-request-id`` of its own, and the
request that carries them has another. A part that is throttled inside a batch that went well comes back
with the next batch, after the longest ``Retry-After`` among them.
"""

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from typing import Any

from counterfoil.model.errors import Misconfigured, Unavailable
from counterfoil.model.mail import Json
from counterfoil.model.trust import Job
from counterfoil.tenant.door import ATTEMPTS, BUSY, LONGEST_WAIT, LOST, Ask, Door, retry_after
from counterfoil.tenant.endpoints import GRAPH
from counterfoil.tenant.lanes import MOST
from counterfoil.tenant.wire import Answer, fresh_id
from counterfoil.tenant.wire import Lost as NoAnswer

LARGEST = 20
VERSION = "/v1.0"
_NOT_SENT = Answer(503, {}, b"")


def batch(door: Door, asks: Sequence[Ask], job: Job) -> tuple[Answer, ...]:
    """Make the calls, and return their answers in the order in which they were asked, errors included.

    Answers are not judged: a part may be refused while its neighbour was done. A part that could not be sent
    is answered 503. One whose answer got lost, and which may have been done, is answered 504, as Graph would:
    whoever asked looks before repeating. Nothing that was done is forgotten because something else failed.

    Raises:
        Misconfigured: If a call goes elsewhere than Graph v1.0; that is the caller's mistake.
        TokenRefused: If the token service says no.
    """
    if any(ask.audience != GRAPH or not ask.path.startswith(f"{VERSION}/") for ask in asks):
        raise Misconfigured("only calls to Graph v1.0 go into one batch", "make the others one by one")
    answers: dict[int, Answer] = {}
    waiting, waited = list(range(len(asks))), 0.0
    for attempt in range(1, ATTEMPTS + 1):
        again: list[int] = []
        seconds = 0.0
        for numbers in _rounds(asks, waiting):
            done = _round(door, {number: asks[number] for number in numbers}, job)
            answers |= done
            for number, answer in done.items():
                if _comes_again(asks[number], answer):
                    again.append(number)
                    default = float(2 ** (attempt - 1))
                    seconds = max(seconds, retry_after(answer, door.means.clock(), default=default))
        waiting, waited = again, waited + seconds
        if not waiting or attempt == ATTEMPTS or waited > LONGEST_WAIT:
            break
        door.means.pause(seconds)
    return tuple(answers[number] for number in range(len(asks)))


def _comes_again(ask: Ask, answer: Answer) -> bool:
    if answer.status == 401:
        return True
    return answer.status in BUSY and (ask.may_repeat or answer.status not in LOST)


def _rounds(asks: Sequence[Ask], numbers: Sequence[int]) -> list[list[int]]:
    """Deal parts into requests: at most twenty in one, and no more of a mailbox than may be in flight."""
    rounds: list[list[int]] = []
    for number in numbers:
        mailbox = (asks[number].mailbox or "").lower()
        for open_round in rounds:
            same = sum((asks[other].mailbox or "").lower() == mailbox for other in open_round)
            if len(open_round) < LARGEST and (not mailbox or same < MOST):
                open_round.append(number)
                break
        else:
            rounds.append([number])
    return rounds


def _round(door: Door, parts: Mapping[int, Ask], job: Job) -> dict[int, Answer]:
    try:
        token = door.tokens.token(GRAPH, job)
    except Unavailable:
        return dict.fromkeys(parts, _NOT_SENT)
    ids = {number: fresh_id() for number in parts}
    # If we die from here on, the stubs without a status still say that these calls are ours.
    for number, ask in parts.items():
        door.stub(ask, job, token, ids[number], None)
    requests: list[Json] = [_part(number, ask, ids[number]) for number, ask in parts.items()]
    body = json.dumps({"requests": requests}).encode()
    carrier = Ask("POST", f"{VERSION}/$batch", "none", body=body, headers={"content-type": "application/json"})
    try:
        # With that very token: Graph logs the parts under it, and their stubs say so.
        outer = door.attempt(carrier, job, token)
    except NoAnswer:
        return {number: _unknown(ask) for number, ask in parts.items()}
    except Unavailable:
        return dict.fromkeys(parts, _NOT_SENT)
    if outer.status in LOST:
        return {number: _unknown(ask) for number, ask in parts.items()}
    found = _answers(outer) if outer.status < 400 else dict.fromkeys(map(str, parts), outer)
    for number in [number for number in parts if str(number) in found]:
        door.stub(parts[number], job, token, ids[number], found[str(number)].status)
    return {number: found.get(str(number), _unknown(ask)) for number, ask in parts.items()}


def _part(number: int, ask: Ask, request: str) -> dict[str, Json]:
    headers = {**(ask.headers or {}), "client-request-id": request}
    part: dict[str, Json] = {
        "id": str(number),
        "method": ask.method,
        "url": ask.path.removeprefix(VERSION),
        "headers": dict(headers),
    }
    if ask.body:
        as_json = "json" in (ask.headers or {}).get("content-type", "")
        part["body"] = json.loads(ask.body) if as_json else ask.body.decode("ascii")
    return part


def _unknown(ask: Ask) -> Answer:
    """Stand in for an answer that did not come: 504 where it may have been done, 503 where it may come again."""
    return Answer(503 if ask.may_repeat else 504, {}, b"")


def _answers(outer: Answer) -> dict[str, Answer]:
    """Read the parts of an answer; one that is no answer to a batch says nothing of any part."""
    try:
        return {str(part["id"]): _answer(part) for part in json.loads(outer.content)["responses"]}
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}


def _answer(part: Mapping[str, Any]) -> Answer:
    headers = {str(name).lower(): str(value) for name, value in (part.get("headers") or {}).items()}
    body = part.get("body")
    if isinstance(body, str):
        return Answer(int(part["status"]), headers, _octets(body, headers.get("content-type", "")))
    return Answer(int(part["status"]), headers, b"" if body is None else json.dumps(body).encode())


def _octets(body: str, kind: str) -> bytes:
    """Read a body that is no JSON: Graph sends it as base64, some services as the text itself."""
    try:
        return base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError):
        return body.encode("latin-1", "replace") if "json" not in kind else body.encode()
