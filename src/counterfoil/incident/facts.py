"""What one customer is told: facts with their grade and limits, from that customer's data alone. Pure.

Everything here takes the data of one tenant. There is no argument through which another's could come in.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from counterfoil.credential.campaign import Place
from counterfoil.incident.containment import Containment
from counterfoil.incident.pages import when
from counterfoil.incident.wording import APART, HEADLINES, HEADLINES_APART, KINDS, LOGS, WHY
from counterfoil.model.number import counted

SHOWN = 200
"""Messages and items named on the page; the evidence bundle names all."""


class Grade(StrEnum):
    """How sure a fact is."""

    PROVEN = "proven"
    NO_SIGN = "no sign, within the limits below"
    UNKNOWN = "cannot be said"
    OURS = "from our own signed records"


@dataclass(frozen=True, slots=True)
class Fact:
    """One question with its answer, its grade, and why."""

    question: str
    answer: str
    grade: Grade
    because: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Customer:
    """All that is known of one customer, and nothing of any other.

    ``uses`` counts our own tokens for the connection with the certificate concerned; ``part`` is the answer
    of the reconciliation for this tenant, ``None`` before there is one. ``by_hand`` says that the customer's
    administrator has to replace the certificate. ``refused`` counts our token requests that were refused
    while the connection was shut.
    """

    name: str
    tenant: str
    has: bool
    uses: int
    part: Mapping[str, Any] | None = None
    places: tuple[Place, ...] = ()
    may_live_until: tuple[datetime | None, ...] = ()
    containments: tuple[Containment, ...] = ()
    refused: int = 0
    by_hand: bool = False


@dataclass(frozen=True, slots=True)
class Did:
    """Something that we did, and when."""

    time: datetime | None
    words: str


@dataclass(frozen=True, slots=True)
class Telling:
    """What a notice says."""

    customer: Customer
    state: str
    headline: str
    facts: tuple[Fact, ...]
    read: Mapping[str, Any]
    changed: Mapping[str, Any]
    left: tuple[Mapping[str, Any], ...]
    did: tuple[Did, ...]
    must: tuple[str, ...]
    limits: tuple[str, ...]
    addresses: tuple[str, ...] = ()
    hidden: Mapping[str, int] = field(default_factory=dict)


NOTHING: Mapping[str, Any] = {"mailboxes": [], "messages": [], "items": [], "widened": []}


def telling(customer: Customer) -> Telling:
    """Put together what this customer is told."""
    part = customer.part
    state = str(part["state"]) if part else "cannot-say" if customer.has else "not-concerned"
    radius: Mapping[str, Any] = part["radius"] if part else {"read": NOTHING, "changed": NOTHING, "persistence": []}
    thefts = [entry for entry in part["discrepancies"] if entry["kind"] in KINDS] if part else []
    lacking = tuple(_lacking(part))
    apart = int(part.get("apart", 0)) if part else 0
    facts = (_used(customer), _touched(customer.has, state, thefts, lacking, apart), *_reach(state, radius, apart))
    return Telling(
        customer=customer,
        state=state,
        headline=(HEADLINES_APART if apart else HEADLINES).get(state, HEADLINES[state]),
        facts=facts,
        read=_shortened(radius["read"]),
        changed=_shortened(radius["changed"]),
        left=tuple(radius["persistence"]),
        did=tuple(_did(customer)),
        must=tuple(_must(customer, state, radius, lacking, apart)),
        limits=tuple(_limits(part)),
        addresses=tuple(sorted({address for entry in thefts for address in entry["addresses"]})),
        hidden={
            f"{way} {what}": len(radius[way][what]) - SHOWN
            for way in ("read", "changed")
            for what in ("messages", "items")
            if len(radius[way][what]) > SHOWN
        },
    )


def _used(customer: Customer) -> Fact:
    question = "Do we use a connection with this certificate in your Microsoft 365?"
    if not customer.has:
        other = customer.part is not None and customer.part["state"] != "clean"
        because = (
            ("what is told below was found on another credential, or on a connection that we have ended",)
            if other
            else ()
        )
        return Fact(question, "No", Grade.OURS, because)
    return Fact(question, "Yes", Grade.OURS, (f"our ledger has {counted(customer.uses, 'token')} that we won with it",))


def _touched(has: bool, state: str, thefts: list[Mapping[str, Any]], lacking: tuple[str, ...], apart: int) -> Fact:
    question = (
        "Did somebody else use it?" if has or state == "not-concerned" else "Did somebody else use our connection?"
    )
    if state == "touched":
        because = tuple(
            f"{KINDS[entry['kind']]}: {counted(entry['count'], 'row')} of your own logs, {_span(entry)}"
            for entry in thefts
        )
        return Fact(question, "Yes", Grade.PROVEN, because)
    if state == "cannot-say":
        because = lacking or ("your logs have not been compared yet",)
        return Fact(question, "We cannot say", Grade.UNKNOWN, (*because, *((APART,) if apart else ())))
    if state == "not-concerned":
        return Fact(question, "No: there is nothing of yours that it opens", Grade.OURS)
    seen = "no use of it in your logs is by somebody else" if apart else "every use in your logs is one of ours"
    return Fact(question, "No sign of it", Grade.NO_SIGN, (seen, *((APART,) if apart else ())))


def _reach(state: str, radius: Mapping[str, Any], apart: int) -> Iterator[Fact]:
    if state == "not-concerned":
        return
    for question, way in (("What was read?", "read"), ("What was changed?", "changed")):
        extent = radius[way]
        if state == "cannot-say":
            yield Fact(question, "We cannot say", Grade.UNKNOWN)
        elif any(extent[name] for name in NOTHING):
            yield Fact(question, _sum(extent), Grade.PROVEN, tuple(_reservations(extent, apart)))
        else:
            yield Fact(question, "Nothing that your logs show", Grade.NO_SIGN)


def _sum(extent: Mapping[str, Any]) -> str:
    messages, items, boxes = (len(extent[name]) for name in ("messages", "items", "mailboxes"))
    what = counted(messages, "message") if messages else "Something"
    if items and not messages:
        what = counted(items, "item without a Message-ID", "items without a Message-ID")
    where = f" in {counted(boxes, 'mailbox', 'mailboxes')}" if boxes else ""
    more = "; possibly more, where the log names a folder and no message" if extent["widened"] else ""
    return f"{what}{where}{more}"


def _reservations(extent: Mapping[str, Any], apart: int) -> Iterator[str]:
    yield "named one by one below"
    if extent["messages"] and extent["items"]:
        ids = counted(len(extent["items"]), "item")
        yield f"{ids} by an id of the mailbox that no row ties to a Message-ID: the same messages, or more"
    if apart:
        yield "some of it may have been done with another credential"


def _span(entry: Mapping[str, Any]) -> str:
    first, last = when(entry["first"]), when(entry["last"])
    return first if first == last else f"{first} to {last}"


def _lacking(part: Mapping[str, Any] | None) -> Iterator[str]:
    """Say which hours of which log could not be judged, and why."""
    for covered in part["coverage"] if part else ():
        for state, hours in sorted(covered["states"].items()):
            if state != "proven" and hours:
                log = LOGS.get(covered["source"], covered["source"])
                yield f"{log}: {counted(hours, 'hour')} cannot be judged, {WHY.get(state, state)}"
    for entry in part["discrepancies"] if part else ():
        if entry["kind"] == "unexplained":
            yield f"{counted(entry['count'], 'row')} that neither our records nor a theft explain"


def _limits(part: Mapping[str, Any] | None) -> Iterator[str]:
    yield "Logs show what Microsoft recorded. What was not recorded, no comparison of logs can find."
    for covered in part["coverage"] if part else ():
        if covered.get("bound") is not None:
            log = LOGS.get(covered["source"], covered["source"])
            share = 100 * float(covered["bound"])
            yield (
                f"In {log} the share of rows that may have been lost is below {share:.2g} % "
                f"(95 % confidence, {counted(covered['hours_proven'], 'hour')} proven)."
            )
    yield from (f"{line[0].upper()}{line[1:]}." for line in _lacking(part))


def _did(customer: Customer) -> Iterator[Did]:
    done: list[Did] = []
    for shut in customer.containments:
        words = (
            "We disabled our connection" if shut.how == "disable" else "We removed all credentials of our connection"
        )
        done.append(
            Did(shut.since, f"{words} (decided by {shut.by})." if shut.done else f"{words}: asked, not confirmed.")
        )
        if shut.released:
            opened = "opened again" if shut.how == "disable" else "no longer kept without credentials"
            done.append(Did(shut.released, f"The connection was {opened}."))
        if shut.again:
            done.append(Did(shut.again, "The connection worked again, seen by real use."))
    if customer.containments:
        refused = counted(customer.refused, "attempt was refused", "attempts were refused")
        waited = f"Work that needs the connection waited meanwhile ({refused})"
        done.append(Did(None, f"{waited}. Mail does not need it, and went on."))
    for place, until in zip(customer.places, customer.may_live_until, strict=True):
        done += _rotated(place, until)
    yield from sorted((d for d in done if d.time is not None), key=lambda d: str(d.time))
    yield from (d for d in done if d.time is None)


def _rotated(place: Place, until: datetime | None) -> Iterator[Did]:
    """Tell the three facts apart: removed, proven dead, attacker out (law 6)."""
    if place.switched_at:
        yield Did(place.switched_at, "Our connection uses a new key of its own, which is on no other connection.")
    if place.removed_at:
        yield Did(
            place.removed_at, "The old certificate is removed: on the connection only certificates of ours are listed."
        )
    if place.dead_at:
        yield Did(place.dead_at, "The old key is proven dead: we tried it several times, and Microsoft refused it.")
    if place.out_at:
        nothing = "and on the connection nothing is listed that is not ours"
        if place.left:  # nothing but what a person accepted, or it would not be out
            nothing = f"and this alone is left, which somebody looked at and accepted: {'; '.join(place.left)}"
        yield Did(place.out_at, f"The last token that the old key could have won has expired, {nothing}.")
    elif place.removed_at:
        yield Did(
            None,
            f"A token that the old key won may live until {when(until)}."
            if until
            else "A token that the old key won may still live.",
        )


def _must(
    customer: Customer, state: str, radius: Mapping[str, Any], lacking: Iterable[str], apart: int
) -> Iterator[str]:
    if customer.by_hand:
        yield "Replace our certificate by hand: the page that comes with this one says how, and until when."
    if state == "touched" and any(radius["read"][name] for name in NOTHING):
        yield "Treat what is listed as read as known to a stranger. Change passwords, keys and links that stand in it."
    if state == "touched":
        if radius["persistence"]:
            yield "Look at what was left behind (below), and remove what is not yours."
        yield "Keep your logs: export sign-ins, Graph activity and mailbox audit before Microsoft deletes them."
        yield "Ask whoever advises you on law whether you have to report this; periods run from when you know of it."
        yield "Do not answer about this from a mailbox that is listed below; call us instead."
    elif state == "cannot-say":
        yield "Take it as possible that your mail was read, until it is shown otherwise."
        if any("licence" in line for line in lacking):
            yield "Tell us whether this log can be switched on; it does not reach back before that day."
        if any("not given" in line or "cannot read" in line for line in lacking):
            yield "Export for us the logs that are named below, under “What we know”, or let us read them."
        yield "Keep your logs: export them before Microsoft deletes them."
    elif not customer.by_hand:
        nothing = "Nothing because of this certificate" if apart else "Nothing"
        yield f"{nothing}. You may keep this page, and check it: the evidence bundle has what you need."


def _shortened(extent: Mapping[str, Any]) -> dict[str, Any]:
    return {name: list(extent[name])[:SHOWN] for name in NOTHING}
