"""Rotations as they run: waves, where each tenant stands, and the three facts that are kept apart (law 6)."""

from collections import Counter
from collections.abc import Mapping, Sequence

from counterfoil.console.page import Asked, Column, Fact, Page, Row, Table
from counterfoil.credential.campaign import Place
from counterfoil.credential.campaigns import Campaign
from counterfoil.credential.rotation import FINAL, WAITING
from counterfoil.model.instant import rfc3339
from counterfoil.model.mail import Json
from counterfoil.operators.roles import Permission

COLUMNS = (
    Column("id", "Campaign", "text", "/campaigns/{id}"),
    Column("kind", "Kind", "mark"),
    Column("opened", "Opened", "time"),
    Column("state", "State", "mark"),
    Column("tenants", "Connections", "number"),
    Column("done", "Done", "number"),
    Column("why", "Why it holds"),
)
NO_CAMPAIGNS = "No campaign yet. Say what one would do, without doing it: counterfoil rotate plan NAME"
NONE_RUNS = "No campaign is under way: every one is done. They are all under Campaigns."
PLACES = (
    Column("tenant", "Tenant", "text", "/tenants/{tenant}"),
    Column("wave", "Wave", "number"),
    Column("state", "State", "mark"),
    Column("next", "Next step"),
    Column("removed", "Key removed", "time"),
    Column("attacker_out", "Attacker out", "time"),
    Column("proven_dead", "Proven dead", "time"),
    Column("words", "Words"),
    Column("accepted", "Left, and accepted"),
)
BY_HAND = (Column("tenant", "Tenant", "text", "/tenants/{tenant}"), Column("words", "Words"))
STEPS = "its administrator has to do it: no control application (counterfoil incident steps)"

Places = Mapping[str, Place]


def row(campaign: Campaign, places: Places, *, everything: bool) -> Row:
    """Return a campaign as a row. Why it holds may name another tenant, so only who sees all reads it."""
    done = sum(place.state in FINAL for place in places.values())
    return {
        "id": campaign.id,
        "kind": campaign.kind.value,
        "opened": rfc3339(campaign.opened),
        "state": _state(campaign, done, len(places)),
        "tenants": len(places),
        "done": done,
        "why": campaign.held if everything else None,
    }


def _state(campaign: Campaign, done: int, all_of_them: int) -> str:
    if campaign.held is not None:
        return "held"
    return "done" if done == all_of_them else "running"


def listing(found: list[Row]) -> Page:
    """Return the list of campaigns."""
    return Page("Campaigns", tables=(Table("campaigns", "Campaigns", COLUMNS, found, NO_CAMPAIGNS),))


def one(
    campaign: Campaign, places: Places, names: Mapping[str, str], asked: Asked, by_hand: Sequence[str] = ()
) -> Page:
    """Return one campaign; ``names`` are our names of the tenants, ``by_hand`` those that we cannot rotate."""
    head = row(campaign, places, everything=asked.scope.everything)
    waves = {stem: number for number, wave in enumerate(campaign.waves, 1) for stem in wave}
    found = sorted(
        (_place(place, names.get(stem, stem), waves.get(stem)) for stem, place in places.items()),
        key=lambda place: (int(str(place["wave"] or 0)), str(place["tenant"])),
    )
    facts = [
        Fact("State", head["state"], "mark"),
        Fact("Kind", head["kind"], "mark"),
        Fact("Opened", head["opened"], "time"),
    ]
    if asked.scope.everything:
        facts += [Fact("Opened by", campaign.opened_by), Fact("Why it holds", campaign.held or "it does not")]
    more: dict[str, object] = {
        "live": "campaign_live.html",
        "campaign": campaign.id,
        "is_held": campaign.held is not None,
        "waves": _waves(campaign, places, found),
        "may_hold": asked.account.scope(Permission.HOLD).everything and head["state"] == "running",
        "may_resume": asked.account.scope(Permission.RESUME).everything and campaign.held is not None,
    }
    table = Table("places", "Connections", PLACES, found, "No connection of yours is in this campaign.")
    left = [{"tenant": tenant, "words": STEPS} for tenant in by_hand]
    hands = [Table("by_hand", "Still to be done by hand", BY_HAND, left, "")] if left else []
    return Page(f"Campaign {campaign.id}", "campaign.html", (table, *hands), tuple(facts), more)


def _place(place: Place, name: str, wave: int | None) -> Row:
    return {
        "tenant": name,
        "wave": wave,
        "state": place.state.value,
        "next": place.here.step.value,
        "removed": rfc3339(place.removed_at) if place.removed_at else None,
        "attacker_out": rfc3339(place.out_at) if place.out_at else None,
        "proven_dead": rfc3339(place.dead_at) if place.dead_at else None,
        "words": place.words,
        "accepted": "; ".join(f"{one.words}: by {one.by}, because {one.why}" for one in place.accepted) or None,
    }


def _waves(campaign: Campaign, places: Places, found: list[Row]) -> list[Mapping[str, Json]]:
    """Count by wave, of the places that may be seen: how many, how many done, how many wait for somebody."""
    waiting = {state.value for state in WAITING}
    final = {state.value for state in FINAL}
    waves: list[Mapping[str, Json]] = []
    for number in range(1, len(campaign.waves) + 1):
        states = Counter(str(place["state"]) for place in found if place["wave"] == number)
        if states:
            done = sum(count for state, count in states.items() if state in final)
            stuck = sum(count for state, count in states.items() if state in waiting)
            waves.append({"number": number, "of": states.total(), "done": done, "waiting": stuck})
    return waves if places else []
