"""What goes wrong with the logs: each fault by name, and what it does to one tenant's books.

``EXCUSES`` says which faults take evidence away, so that "cannot say" is the honest answer; the others
change spelling, order or number only, and excuse nothing. Specified by the failure table of
the ways in which such a comparison fails, listed in docs/reconcile.md.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from counterfoil.cases.cast import Setting, Tenant
from counterfoil.cases.chance import Chance
from counterfoil.cases.rows import OURS, THIEF, Books


def _loss(tenant: Tenant, setting: Setting, books: Books) -> None:
    """The provider loses one row in three, of whoever's making, in the second half."""
    chance = Chance(setting.seed, "loss", tenant.name)
    middle = setting.start + timedelta(hours=setting.hours / 2)
    books.sign_ins = [row for row in books.sign_ins if row.time < middle or not chance.happens(0.34)]
    books.graph = [row for row in books.graph if row.time < middle or not chance.happens(0.34)]
    books.mailbox = [row for row in books.mailbox if row.time < middle or not chance.happens(0.34)]


def _lost_theft(_tenant: Tenant, _setting: Setting, books: Books) -> None:
    """Every row of the thief is lost and every row of ours arrives: no log can show it."""
    books.sign_ins = [row for row in books.sign_ins if row.origin == OURS]
    books.graph = [row for row in books.graph if row.origin == OURS]
    books.mailbox = [row for row in books.mailbox if row.origin == OURS]
    books.directory = [row for row in books.directory if row.origin == OURS]


def _delay(_tenant: Tenant, setting: Setting, books: Books) -> None:
    """The rows of the last two hours have not arrived yet."""
    edge = setting.start + timedelta(hours=setting.hours - 2)
    books.sign_ins = [row for row in books.sign_ins if row.time < edge]
    books.graph = [row for row in books.graph if row.time < edge]
    books.mailbox = [row for row in books.mailbox if row.time < edge]


def _throttled(tenant: Tenant, setting: Setting, books: Books) -> None:
    """One mailbox had too many accesses: audit says so once and then pauses for it (for 24 hours)."""
    mailbox = tenant.mailboxes[1]
    edge = setting.start + timedelta(hours=setting.hours / 3)
    rest = [row for row in books.mailbox if row.mailbox != mailbox or row.time < edge]
    last = [row for row in rest if row.mailbox == mailbox and row.operation == "MailItemsAccessed"]
    if last:
        notice = max(last, key=lambda row: row.time)
        rest[rest.index(notice)] = replace(notice, throttled=True)
    books.mailbox = rest


def _skew(_tenant: Tenant, setting: Setting, books: Books) -> None:
    """Our own clock was two minutes slow: stubs say earlier than the logs."""
    chance = Chance(setting.seed, "skew")
    shift = timedelta(seconds=chance.between(60, 120))
    books.sign_ins = [replace(row, time=row.time + shift) for row in books.sign_ins]
    books.graph = [replace(row, time=row.time + shift) for row in books.graph]
    books.mailbox = [replace(row, time=row.time + shift) for row in books.mailbox]


def _unlicensed(_tenant: Tenant, _setting: Setting, books: Books) -> None:
    """The tenant has no licence for sign-in logs and Graph activity: neither exists."""
    books.sign_ins = []
    books.graph = []


def _not_exported(_tenant: Tenant, _setting: Setting, books: Books) -> None:
    """Somebody forgot to export mailbox audit."""
    books.mailbox = []


def _nothing(_tenant: Tenant, _setting: Setting, _books: Books) -> None:
    """Faults of spelling, order and number happen when the logs are written; see shapes."""


FAULTS: dict[str, Callable[[Tenant, Setting, Books], None]] = {
    "loss": _loss,
    "lost-theft": _lost_theft,
    "delay": _delay,
    "throttled": _throttled,
    "skew": _skew,
    "unlicensed": _unlicensed,
    "not-exported": _not_exported,
    "duplicates": _nothing,
    "disorder": _nothing,
    "spelling": _nothing,
}
"""Every fault by name."""

EXCUSES = frozenset({"loss", "delay", "throttled", "unlicensed", "not-exported"})
"""Faults that take evidence away, so that abstaining is honest."""


def spoil(tenant: Tenant, setting: Setting, books: Books) -> bool:
    """Apply the tenant's faults; return whether that hid every trace of a thief while all of ours survived.

    That is the one theft which nobody can find; it is labelled before anything is reconciled.
    """
    ours = _count(books, OURS)
    had_thief = _count(books, THIEF) > 0
    for name in tenant.faults:
        FAULTS[name](tenant, setting, books)
    return had_thief and _count(books, THIEF) == 0 and _count(books, OURS) == ours


def _count(books: Books, origin: str) -> int:
    logs = (books.sign_ins, books.graph, books.mailbox, books.directory)
    return sum(row.origin == origin for log in logs for row in log)
