"""The first page: how is the mail, do the sums hold, is anything wrong, what is being rotated."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from counterfoil.console.page import Column, Fact, Page, Row, Table
from counterfoil.console.pages.campaigns import COLUMNS as CAMPAIGN_COLUMNS
from counterfoil.console.pages.campaigns import NO_CAMPAIGNS, NONE_RUNS
from counterfoil.console.pages.incidents import FINDINGS
from counterfoil.model.mail import Json, Outcome

MAIL = (
    Column("verdict", "Verdict", "mark", "/messages?verdict={verdict}"),
    Column("outcome", "Outcome", "mark", "/messages?outcome={outcome}"),
    Column("messages", "Messages", "number"),
    Column("octets", "Octets", "number"),
)
DEEDS = (
    Column("time", "Time", "time"),
    Column("actor", "Who"),
    Column("action", "What"),
    Column("subject", "On what", "code"),
    Column("tenant", "Tenant"),
    Column("tenant_id", "Tenant id", "data"),
)


@dataclass(frozen=True, slots=True)
class Overview:
    """All that the first page is made of; ``today`` is ``None`` for who may not see mail.

    ``campaigns`` are all of them; the page shows those that are not done.
    """

    today: Sequence[Row] | None
    ever: Sequence[Row]
    waiting: Row
    campaigns: Sequence[Row]
    alarms: Sequence[Row]
    coverage: Sequence[Row]


def page(found: Overview) -> Page:
    """Return the page."""
    unfinished = [row for row in found.campaigns if row["state"] != "done"]
    tables = [
        Table("alarms", "Alarms", DEEDS, found.alarms, "No alarm among the newest entries of the ledger."),
        Table("campaigns", "Campaigns", CAMPAIGN_COLUMNS, unfinished, NONE_RUNS if found.campaigns else NO_CAMPAIGNS),
        Table(
            "coverage",
            "What was found of each tenant, and whether it can be said",
            FINDINGS,
            found.coverage,
            "No tenant was judged yet. Compare our stubs with a tenant's logs: counterfoil reconcile, or open an "
            "incident. Without that nobody can say that a credential was used by us alone.",
        ),
    ]
    facts: tuple[Fact, ...] = ()
    if found.today is not None:
        empty = (
            "No mail since midnight (UTC). Is it sent to us? See where the gateway listens: counterfoil serve --help"
        )
        tables.insert(0, Table("mail", "Mail today", MAIL, found.today, empty))
        facts = _held(found.waiting)
    return Page("Overview", "overview.html", tuple(tables), facts, {"equation": equation(found.ever)})


def _held(waiting: Row) -> tuple[Fact, ...]:
    return (
        Fact("Held", waiting.get("held"), "number", "/quarantine"),
        Fact("Release under way", waiting.get("wanted"), "number"),
        Fact("Next to expire", waiting.get("expires"), "time"),
    )


_AFTER_HELD = (Outcome.RELEASED, Outcome.DELETED, Outcome.EXPIRED)


def equation(ever: Sequence[Row]) -> Mapping[str, Json] | None:
    """Sum up the mail equation (``ledger.equation``) from the counts of ``Books.outcomes``; ``None`` without mail.

    A message that was released, deleted or expired had been held. One whose sender may not have heard of its
    home is ``unknown``, and in quarantine all the same if that is its home.
    """
    if not ever:
        return None
    counts = {str(row["outcome"] or "open"): int(str(row["messages"])) for row in ever}
    unheard = {str(row["outcome"] or "open"): int(str(row["unheard"])) for row in ever}
    kept = (Outcome.HELD, *_AFTER_HELD)
    quarantined = sum(counts.get(name, 0) for name in kept)
    handed_on = counts.get(Outcome.HANDED_ON, 0) - unheard.get(Outcome.HANDED_ON, 0)
    held = quarantined - sum(unheard.get(name, 0) for name in kept)
    ends: dict[str, Json] = {Outcome.HANDED_ON.value: handed_on, Outcome.HELD.value: held}
    # Whatever outcome there is stands in the sum, so that it comes out.
    ends |= {name.value: counts.get(name, 0) for name in Outcome if name not in (Outcome.HANDED_ON, *kept)}
    ends[Outcome.UNKNOWN.value] = counts.get(Outcome.UNKNOWN, 0) + sum(unheard.values())
    ends["open"] = counts.get("open", 0)
    parts: dict[str, Json] = {"still held": counts.get(Outcome.HELD, 0)}
    parts |= {name.value: counts.get(name, 0) for name in _AFTER_HELD}
    return {"taken": sum(counts.values()), "ends": ends, "quarantined": quarantined, "parts": parts}
