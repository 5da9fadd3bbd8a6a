"""The ledger: its checkpoint, what the last verification said, and the newest deeds."""

from collections.abc import Sequence
from datetime import datetime

from counterfoil.console.page import Column, Fact, Page, Row, Table
from counterfoil.console.pages.overview import DEEDS
from counterfoil.ledger.audit import Audit, gap_text
from counterfoil.ledger.note import Checkpoint
from counterfoil.model.instant import rfc3339

SAID = (Column("what", "What", "mark"), Column("words", "Words"))


def page(
    size: int | None,
    checkpoint: Checkpoint | None,
    key: str,
    deeds: Sequence[Row],
    verified: tuple[datetime, Audit] | None,
    *,
    may_verify: bool,
) -> Page:
    """Return the page; ``size`` and ``verified`` are ``None`` for who sees single tenants, and before the first."""
    facts = [Fact("Verifier key", key, "code")]
    if checkpoint is not None:
        facts += [
            Fact("Origin", checkpoint.origin, "code"),
            Fact("Stubs under the checkpoint", checkpoint.size, "number"),
            Fact("Root", checkpoint.root.hex(), "code"),
        ]
    if size is not None:
        facts.append(Fact("Stubs in all", size, "number"))
    tables = [Table("deeds", "Newest deeds", DEEDS, deeds, "Nothing was done yet that concerns you.")]
    if verified is not None:
        when, found = verified
        facts += [
            Fact("Verified", rfc3339(when), "time"),
            Fact("Result", "sound" if not (found.wrong or found.mail.broken) else "WRONG", "mark"),
            Fact("Mail equation", "holds" if found.mail.holds else "BROKEN", "mark"),
        ]
        tables.insert(0, Table("verification", "What verifying said", SAID, _said(found), "Nothing to remark."))
    return Page("Ledger", "ledger.html", tuple(tables), tuple(facts), {"may_verify": may_verify})


def _said(found: Audit) -> list[Row]:
    said: list[Row] = [{"what": "wrong", "words": words} for words in (*found.wrong, *found.mail.broken)]
    said += [{"what": "gap", "words": gap_text(gap)} for gap in found.gaps]
    return said + [{"what": "note", "words": words} for words in found.notes]
