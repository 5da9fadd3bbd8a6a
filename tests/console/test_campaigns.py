"""What pages say of a campaign that is done, and what they offer to do with it."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from counterfoil.console.page import Asked
from counterfoil.console.pages import campaigns, overview
from counterfoil.console.render import Frame, html
from counterfoil.credential.campaign import Accepted, Place
from counterfoil.credential.campaigns import Campaign
from counterfoil.credential.rotation import Kind, Move, State, Step
from counterfoil.operators.accounts import Account
from counterfoil.operators.roles import Grant, Role, Scope

NOW = datetime(2026, 3, 4, tzinfo=UTC)
CHIEF = Asked(Account("chief", "", 1, (Grant(Role.KEY_CUSTODIAN, None),)), Scope(None), NOW)
DONE = {"id": "spring", "kind": "routine", "opened": "", "state": "done", "tenants": 1, "done": 1, "why": None}


def place(stem: str, state: State) -> Place:
    """Return where one connection stands."""
    return Place("spring", stem, Kind.ROUTINE, ("AB" * 32,), f"{stem}/2", here=Move(state, Step.CREATE))


@pytest.mark.parametrize(
    ("states", "held", "button"),
    [
        ((State.DONE, State.VERIFIED), None, "Hold the campaign"),
        ((State.DONE, State.VERIFIED), "a reason", "Let it go on"),
        ((State.DONE, State.ROLLED_BACK), None, ""),
    ],
)
def test_only_a_campaign_that_moves_can_be_held(states: tuple[State, ...], held: str | None, button: str):
    """One under way offers Hold, a held one offers to go on, and one whose connections are all done offers neither."""
    places = {str(number): place(str(number), state) for number, state in enumerate(states)}
    found = Campaign("spring", Kind.ROUTINE, NOW, "root", (tuple(places),), held)
    page = html(campaigns.one(found, places, {}, CHIEF), Frame())
    offered = [words for words in ("Hold the campaign", "Let it go on") if words in page]
    assert offered == ([button] if button else [])
    assert ("<form" in page and 'name="why"' in page) is bool(button)


def test_who_must_do_it_himself_and_what_was_accepted_are_named():
    """Tenants without a control application have a list of their own; what a person accepted stands with its reason."""
    given = Accepted("a consent to Mail.Send that we did not ask for", "ada", NOW, "they wanted it")
    places = {"1": replace(place("1", State.DONE), out_at=NOW, accepted=(given,))}
    found = Campaign("spring", Kind.COMPROMISE, NOW, "root", (("1",),), None)
    page = html(campaigns.one(found, places, {"1": "acme"}, CHIEF, ["beta"]), Frame())
    assert "a consent to Mail.Send that we did not ask for: by ada, because they wanted it" in page
    assert "Still to be done by hand" in page
    assert '<a href="/tenants/beta"' in page
    assert "Still to be done by hand" not in html(campaigns.one(found, places, {}, CHIEF), Frame())


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([], "No campaign yet."),
        ([DONE], "No campaign is under way: every one is done."),
        ([DONE, DONE | {"id": "summer", "state": "running", "done": 0}], "/campaigns/summer"),
    ],
)
def test_the_first_page_tells_no_campaign_from_none_under_way(rows: list[dict[str, str]], said: str):
    """Where all are done it does not claim that there never was one; those that are done are not listed."""
    page = html(overview.page(overview.Overview(None, [], {}, rows, [], [])), Frame())
    assert said in page
    assert ("No campaign yet" in page) is (not rows)
    assert "/campaigns/spring" not in page
