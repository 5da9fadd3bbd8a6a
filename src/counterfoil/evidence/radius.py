"""The blast radius: what was read, what was changed, what was left behind; and where nobody can say exactly.

``messages`` are RFC 5322 Message-IDs only; an item that no row ties to one is named in ``items`` by its
Graph or Exchange id. Access that names no item widens the radius to the folder or the mailbox.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from counterfoil.evidence.attack import techniques_of
from counterfoil.evidence.matching import Judgement, Row
from counterfoil.evidence.paths import asked
from counterfoil.evidence.persistence import left_behind
from counterfoil.evidence.uses import DIRECTORY, GRAPH, MAILBOX, SIGN_INS

_RULES = ("inboxrule", "updateinboxrules")
_NO_MAIL = frozenset({"searchqueryinitiatedexchange"})


@dataclass(slots=True)
class Extent:
    """One side of the radius, ``read`` or ``changed``."""

    mailboxes: dict[str, str] = field(default_factory=dict)
    messages: set[str] = field(default_factory=set)
    items: set[str] = field(default_factory=set)
    widened: set[tuple[str | None, str | None, str]] = field(default_factory=set)


@dataclass(slots=True)
class Radius:
    """Everything somebody else did in one tenant; ``techniques`` maps an id to the rows that support it."""

    read: Extent = field(default_factory=Extent)
    changed: Extent = field(default_factory=Extent)
    persistence: list[dict[str, Any]] = field(default_factory=list)
    techniques: dict[str, list[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Directory:
    """What rows of a tenant teach about names: mailbox ids to addresses, item ids to Message-IDs."""

    mailboxes: dict[str, str]
    messages: dict[str, str]


def radius_of(
    judgements: Iterable[Judgement],
    names: Directory,
    throttled: Iterable[tuple[str, Any]],
    planted: Iterable[Judgement] = (),
) -> Radius:
    """Add up the successful foreign uses of one tenant.

    Args:
        judgements: Those that count: successful uses of the touching kinds.
        names: What the tenant's rows teach about ids.
        planted: Credentials that somebody else put on our identity without a use of it: they are left behind too.
        throttled: Mailboxes whose reads Exchange stopped recording.
    """
    radius = Radius()
    for judgement in judgements:
        row = judgement.row
        if row["source"] == MAILBOX:
            _from_mailbox(radius, judgement, names)
        elif row["source"] == GRAPH:
            _from_graph(radius, row, names)
        elif row["source"] not in (SIGN_INS, DIRECTORY):
            _from_stub(radius, row, names)
        _leave(radius, judgement, names)
        for technique in dict.fromkeys(techniques_of(row, judgement.kind)):
            radius.techniques.setdefault(technique, []).append(row["record"])
    for judgement in planted:
        _leave(radius, judgement, names)
    for mailbox, _time in throttled:
        named = _mailbox(mailbox, names)
        if named is not None and named.lower() in radius.read.mailboxes:
            radius.read.widened.add((named, None, "throttled: Exchange stopped recording reads for 24 hours"))
    return radius


def _from_mailbox(radius: Radius, judgement: Judgement, names: Directory) -> None:
    row = judgement.row
    mailbox = _mailbox(row["mailbox"], names)
    operation = str(row["operation"]).lower()
    if row["effect"] not in ("read", "change") or operation in _NO_MAIL:
        return
    extent = radius.read if row["effect"] == "read" else radius.changed
    _add_mailbox(extent, mailbox)
    folders = json.loads(row["detail"] or "{}").get("folders") or [None]
    if str(row["access"]).lower() == "sync":
        for folder in folders:
            extent.widened.add((mailbox, folder, "Sync: the whole folder was read"))
    elif not judgement.items and not any(rule in operation for rule in (*_RULES, "set-", "add-")):
        for folder in folders:
            extent.widened.add((mailbox, folder, f"{row['operation']} names no message"))
    if row["throttled"]:
        radius.read.widened.add((mailbox, None, "throttled: Exchange stopped recording reads for 24 hours"))
    for item in judgement.items:
        _add_item(extent, item["message"], item["item"], names)


def _from_graph(radius: Radius, row: Row, names: Directory) -> None:
    what = asked(row["path"])
    extent = radius.read if row["effect"] == "read" else radius.changed
    mailbox = _mailbox(what.mailbox, names)
    if what.kind in ("message", "listing", "export", "send", "rule", "import", "settings"):
        _add_mailbox(extent, mailbox)
    if what.kind == "message" and what.item is not None:
        _add_item(extent, None, what.item, names)
    elif what.kind == "listing" or (what.kind == "export" and what.folder is None):
        extent.widened.add((mailbox, what.folder, f"{row['method']} {row['path']} names no message"))
    elif what.kind == "send":
        extent.widened.add((mailbox, None, "a message was sent from this mailbox"))


def _from_stub(radius: Radius, row: Row, names: Directory) -> None:
    """Inside use that no log shows: our own stub says what it was for."""
    if row["operation"] == "token":
        return
    extent = radius.read if row["effect"] == "read" else radius.changed
    if row["effect"] not in ("read", "change"):
        return
    mailbox = _mailbox(row["mailbox"], names)
    _add_mailbox(extent, mailbox)
    for message in row.get("messages") or []:
        _add_item(extent, message, None, names)


def _add_mailbox(extent: Extent, mailbox: str | None) -> None:
    if mailbox is not None:
        extent.mailboxes.setdefault(mailbox.lower(), mailbox)


def _add_item(extent: Extent, message: str | None, item: str | None, names: Directory) -> None:
    known = message or (names.messages.get(item) or names.messages.get(_other_alphabet(item)) if item else None)
    if known is not None:
        extent.messages.add(known)
    elif item is not None:
        extent.items.add(item)


def _other_alphabet(item: str) -> str:
    """Graph spells an Exchange id with the URL-safe alphabet."""
    return item.translate(str.maketrans("-_", "/+"))


def _mailbox(mailbox: str | None, names: Directory) -> str | None:
    return names.mailboxes.get(mailbox.lower(), mailbox) if mailbox else None


def _leave(radius: Radius, judgement: Judgement, names: Directory) -> None:
    """Add what was left behind; a credential that signs in often is one thing."""
    row = judgement.row
    named = row["mailbox"] or (asked(row["path"]).mailbox if row["source"] == GRAPH else None)
    for entry in left_behind(judgement, _mailbox(named, names)):
        if row["source"] != SIGN_INS or not any(entry["what"] == left["what"] for left in radius.persistence):
            radius.persistence.append(entry)
