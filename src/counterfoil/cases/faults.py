"""What goes wrong: each fault by name, what it does to one tenant's books, and what it excuses.

A fault that takes evidence away, or that leaves something open, excuses "cannot say"; the others change
spelling, order or number only, and excuse nothing. After the table of the ways in which such a comparison
fails, which docs/simulate.md lists.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from counterfoil.cases.cast import Setting, Tenant
from counterfoil.cases.chance import Chance
from counterfoil.cases.foothold import described
from counterfoil.cases.rows import CUSTOMER, OURS, THIEF, Books, Change, DirectoryEvent, Key
from counterfoil.cases.spell import instant
from counterfoil.cases.theft import FOREIGN, Theft


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault.

    Attributes:
        says: What it is, in a line.
        spoils: What it does to the books; nothing where it happens as the files are written.
        shows: States of coverage, or rules, by one of which an honest answer may say why it cannot say;
            none where abstaining is no honest answer.
        loses: Whether rows are lost or made unreadable, so that kinds and messages cannot be demanded.
        kinds: Discrepancies that it adds, though no thief was there.
        left: What it leaves on our application, as the words by which a log names it.
    """

    says: str
    spoils: Callable[[Tenant, Setting, Books], None] = lambda _tenant, _setting, _books: None
    shows: tuple[str, ...] = ()
    loses: bool = False
    kinds: tuple[str, ...] = ()
    left: tuple[str, ...] = ()


def _loss(tenant: Tenant, setting: Setting, books: Books) -> None:
    chance = Chance(setting.seed, "loss", tenant.name)
    _keep(books, lambda time, _origin: time < setting.middle or not chance.happens(0.34))


def _lost_theft(_tenant: Tenant, _setting: Setting, books: Books) -> None:
    _keep(books, lambda _time, origin: origin == OURS)
    books.directory = [row for row in books.directory if row.origin == OURS]


def _delay(_tenant: Tenant, setting: Setting, books: Books) -> None:
    edge = setting.start + timedelta(hours=setting.hours - 2)
    _keep(books, lambda time, _origin: time < edge)


def _retention(_tenant: Tenant, setting: Setting, books: Books) -> None:
    edge = setting.start + timedelta(hours=max(1, setting.hours // 2))
    _keep(books, lambda time, _origin: time >= edge)


def _throttled(tenant: Tenant, setting: Setting, books: Books) -> None:
    mailbox = tenant.mailboxes[1]
    edge = setting.start + timedelta(hours=setting.hours / 3)
    rest = [row for row in books.mailbox if row.mailbox != mailbox or row.time < edge]
    last = [row for row in rest if row.mailbox == mailbox and row.operation == "MailItemsAccessed"]
    if last:
        notice = max(last, key=lambda row: row.time)
        rest[rest.index(notice)] = replace(notice, throttled=True)
    books.mailbox = rest


def _skew(_tenant: Tenant, setting: Setting, books: Books) -> None:
    shift = timedelta(seconds=Chance(setting.seed, "skew").between(60, 120))
    books.sign_ins = [replace(row, time=row.time + shift) for row in books.sign_ins]
    books.graph = [replace(row, time=row.time + shift) for row in books.graph]
    books.mailbox = [replace(row, time=row.time + shift) for row in books.mailbox]


def _unlicensed(_tenant: Tenant, _setting: Setting, books: Books) -> None:
    books.sign_ins = []
    books.graph = []


def _not_exported(_tenant: Tenant, _setting: Setting, books: Books) -> None:
    books.mailbox = []


def _quiet(_tenant: Tenant, setting: Setting, books: Books) -> None:
    """Of the second hour neither rows of ours nor stubs are left: we did nothing then."""
    since = setting.start + timedelta(hours=1)
    until = since + timedelta(hours=1)
    first, last = instant(since), instant(until)
    books.stubs = [stub for stub in books.stubs if stub["kind"] == "job" or not first <= stub.get("time", "") < last]
    _keep(books, lambda time, origin: origin != OURS or not since <= time < until)


def _lost_answers(tenant: Tenant, setting: Setting, books: Books) -> None:
    chance = Chance(setting.seed, "answers", tenant.name)
    heard: set[str] = set()
    for stub in books.stubs:
        # Each hour keeps one call that must show in the logs, or there would be nothing to prove it with.
        if stub["kind"] == "call" and stub["effect"] == "read" and stub["job"] is not None:
            if stub["time"][:13] in heard and chance.happens(0.3):
                stub["status"] = None
            heard.add(stub["time"][:13])


def _administrator(tenant: Tenant, setting: Setting, books: Books) -> None:
    chance = Chance(setting.seed, "administrator", tenant.name)
    key = Key(chance.guid(), chance.hex(20), chance.hex(32), "CN=inventory.customer.example")
    moment: datetime = chance.within(setting.start + timedelta(minutes=20), setting.hours * 3_000)
    change = Change("KeyDescription", described(tenant.key), described(tenant.key, key))
    event = DirectoryEvent(
        CUSTOMER,
        moment,
        chance.guid(),
        "Add service principal credentials",
        f"admin@{tenant.name}.example",
        "ServicePrincipal",
        (change,),
    )
    books.directory.append(event)


def _keep(books: Books, wanted: Callable[[datetime, str], bool]) -> None:
    """Keep the rows of the three logs of use that are wanted, by time and origin."""
    books.sign_ins = [row for row in books.sign_ins if wanted(row.time, row.origin)]
    books.graph = [row for row in books.graph if wanted(row.time, row.origin)]
    books.mailbox = [row for row in books.mailbox if wanted(row.time, row.origin)]


RESTORED = "restored"
"""The one fault that a whole case has; see :func:`lose_stubs`."""
_GONE = ("missing", "late", "not-exported")
FAULTS: dict[str, Fault] = {
    "loss": Fault("the provider loses one row in three in the second half", _loss, _GONE, loses=True),
    "lost-theft": Fault("every row of the thief is lost and every row of ours arrives", _lost_theft, loses=True),
    "delay": Fault("the rows of the last two hours have not arrived yet", _delay, _GONE, loses=True),
    "retention": Fault("the rows of the first half are deleted already", _retention, _GONE, loses=True),
    "throttled": Fault(
        "one mailbox had too many accesses: audit pauses for it", _throttled, ("throttled", *_GONE), loses=True
    ),
    "unlicensed": Fault(
        "no licence: neither sign-ins nor Graph activity", _unlicensed, ("unlicensed", *_GONE), loses=True
    ),
    "not-exported": Fault("somebody forgot to export mailbox audit", _not_exported, _GONE, loses=True),
    "empty-export": Fault("the export of sign-ins has no rows: a wrong filter", shows=_GONE, loses=True),
    "truncated": Fault("the export of sign-ins breaks off in the middle", shows=_GONE, loses=True),
    "summarised": Fault(
        "sign-ins are exported summarised: one row for many", shows=(*_GONE, "unknown-schema"), loses=True
    ),
    "skew": Fault("our own clock is slow by a minute or two", _skew),
    "quiet-hour": Fault("for an hour we make no call, so that nothing proves it", _quiet, ("no-data",)),
    "lost-answers": Fault("calls of ours reach Microsoft, and their answers never reach us", _lost_answers),
    RESTORED: Fault(
        "our ledger was restored from a copy: an hour of stubs is lost, of every tenant",
        shows=("missing",),
        loses=True,
    ),
    "administrator-key": Fault(
        "an administrator of the customer adds a key of his own",
        _administrator,
        ("credential-not-in-registry",),
        kinds=(FOREIGN,),
        left=("Add service principal credentials",),
    ),
    "contradictory-times": Fault(
        "two exports of a row contradict each other about its time", shows=("unknown-schema",)
    ),
    "duplicates": Fault("exports overlap, and rows stand twice in one"),
    "two-exporters": Fault("the same log comes in two shapes, by two exporters"),
    "disorder": Fault("rows come in any order"),
    "spelling": Fault("ids as spelled in 2022: 48 characters, GUIDs, no thumbprints"),
    "spelling-none": Fault("fields without a value say none, and there are no thumbprints"),
    "spelling-padded": Fault("ids with padding, thumbprints as base64url"),
    "spelling-guid-order": Fault("ids in mailbox audit as GUIDs in the other byte order, zero GUIDs for nothing"),
    "spelling-items": Fault("each item of a mailbox record has its client-request-id"),
    "spelling-fields": Fault("an exporter's own names for fields, ports behind addresses, Graph named as the client"),
    "unknown-spelling": Fault(
        "token ids in no spelling that is known, in the second half", shows=("unknown-schema",), loses=True
    ),
    "unfilled-key": Fault(
        "token ids, key ids and thumbprints unfilled in the second half", shows=("unknown-schema",), loses=True
    ),
}
"""Every fault by name."""


def spoil(tenant: Tenant, setting: Setting, books: Books, theft: Theft | None) -> bool:
    """Apply the tenant's faults; return whether that hid every trace of a thief while all of ours survived.

    That is the one theft which nobody can find; it is labelled before anything is reconciled.
    """
    ours = _count(books, OURS)
    findable = theft is not None and theft.touched and not theft.in_stubs
    for name in tenant.faults:
        FAULTS[name].spoils(tenant, setting, books)
    return findable and _count(books, THIEF) == 0 and _count(books, OURS) == ours


def _count(books: Books, origin: str) -> int:
    logs = (books.sign_ins, books.graph, books.mailbox, books.directory)
    return sum(row.origin == origin for log in logs for row in log)


def lose_stubs(setting: Setting, books: Books) -> None:
    """Take away the stubs of the hour that our ledger lost."""
    if setting.lost is not None:
        first, last = map(instant, setting.lost)
        books.stubs = [
            stub for stub in books.stubs if stub["kind"] not in ("token", "call") or not first <= stub["time"] < last
        ]
