"""What may be done from a page, and what the ledger says of it."""

from dataclasses import replace

import pytest
from tests.console.house import HELD, House, post, scan_of, take

from counterfoil.console import deeds
from counterfoil.console.page import Asked
from counterfoil.console.render import Frame, html
from counterfoil.credential.campaigns import Campaign
from counterfoil.credential.rotation import Kind
from counterfoil.model.errors import Refused
from counterfoil.model.mail import Part
from counterfoil.operators.roles import Scope


async def test_a_release_is_wanted_in_the_accounts_name(house: House):
    """The row and the stub say who; the gateway's own loop sends it."""
    await take(house.state, "acme-3", "acme", subject="release me", sender="a@b.test", held=True)
    client = house.browser("acme-all")
    assert post(client, "/quarantine/release", {"id": ["acme-3", "nobody"]}).headers["location"] == "/quarantine"
    page = client.get("/quarantine").text
    assert "acme-3 is being released" in page
    assert "nobody: there is no held message nobody" in page
    assert house.state.stories.story("acme-3", "acme")["wanted_by"] == "console:acme-all"
    assert ("console:acme-all", "release-wanted", "acme-3") in house.actions()


async def test_deleting_asks_first(house: House):
    """The first form deletes nothing and shows what would go; the second deletes, with the reason in the story."""
    await take(house.state, "acme-4", "acme", subject="delete <me>", sender="a@b.test", held=True)
    client = house.browser("chief")
    page = post(client, "/quarantine/delete", {"id": "acme-4"})
    assert page.status_code == 200
    assert "delete &lt;me&gt;" in page.text
    assert ".csv" not in page.text
    assert house.state.quarantine.raw("acme-4", "acme") == HELD
    post(client, "/quarantine/delete", {"id": "acme-4", "sure": "yes", "why": "it is spam"})
    with pytest.raises(Refused, match="acme-4 is not held: it was deleted"):
        house.state.quarantine.raw("acme-4", "acme")
    last = house.state.stories.story("acme-4", "acme")["dispositions"][-1]
    assert (last["outcome"], last["actor"], last["words"]) == ("deleted", "console:chief", "it is spam")
    assert ("console:chief", "held-delete", "acme-4") in house.actions()


def test_reading_held_mail_is_text_and_leaves_a_stub(house: House):
    """Nothing of the message becomes a part of the page; what would hide is shown; who looked is written down."""
    page = post(house.browser("acme-all"), "/quarantine/acme-2/text").text
    assert "read me &lt;b&gt;not bold&lt;/b&gt; " in page
    assert "<b>" not in page
    assert '<span class="hidden-character">U+202E</span>' in page
    assert "\u202e" not in page
    read = [row.stub for row in house.state.ledger.stubs(kinds=frozenset({"action"}), tenant="acme")]
    deeds = [(stub.body["actor"], stub.body["action"], stub.body["subject"]) for stub in read if stub is not None]
    assert ("console:acme-all", "held-read", "acme-2") in deeds


def test_a_page_of_text_has_an_end(house: House, monkeypatch: pytest.MonkeyPatch):
    """However many parts a message has: so much is shown, and what is left out is named and counted."""
    parts = tuple(Part(str(n), ("a",), "text/plain", "text/plain", "00", (), b"\x00" * 40_000) for n in range(1000))
    scan = replace(scan_of("many", "many"), parts=parts)
    sources = replace(house.sources, look=lambda _raw: scan)
    account = house.sources.accounts.one("chief")
    asked = Asked(account, Scope(None), house.now, {"id": "acme-2"})
    page = deeds.read(sources, asked, deeds.Form({}, ())).page
    assert page is not None
    assert len(page.more["texts"]) == 8
    assert len(page.more["others"]) + page.more["others_cut"] == 992
    assert "And 792 more." in html(page, Frame())


def test_a_campaign_is_held_and_goes_on_with_a_reason(house: House):
    """Without a reason nothing happens; both reasons and the account are in the ledger."""
    client, campaigns = house.browser("custodian"), house.sources.campaigns
    post(client, "/campaigns/spring/hold", {"why": "  "})
    assert campaigns.campaign("spring").held is None
    post(client, "/campaigns/spring/hold", {"why": "the help desk is closed"})
    assert campaigns.campaign("spring").held == "the help desk is closed"
    page = client.get("/campaigns/spring").text
    assert "the help desk is closed" in page
    assert "Let it go on" in page
    post(client, "/campaigns/spring/resume", {"why": "it is open again"})
    assert campaigns.campaign("spring").held is None
    deeds = [(actor, action) for actor, action, _ in house.actions()]
    for action in ("campaign-held", "campaign-resume-reason", "campaign-resumed"):
        assert ("console:custodian", action) in deeds


def test_holding_a_campaign_that_came_to_its_end_meanwhile_is_told(house: House):
    """The form of a page that was drawn before it leads back to the campaign, and says that nothing was done."""
    client, campaigns = house.browser("custodian"), house.sources.campaigns
    campaigns.open(Campaign("over", Kind.ROUTINE, house.now, "root", (), None), [])
    for deed, said in (("hold", "is at its end: there is nothing to hold"), ("resume", "is not held")):
        answer = post(client, f"/campaigns/over/{deed}", {"why": "too late"})
        assert (answer.status_code, answer.headers["location"]) == (303, "/campaigns/over")
        assert f"Nothing was done: the campaign over {said}" in client.get("/campaigns/over").text
    assert campaigns.campaign("over").held is None


def test_verifying_the_ledger_shows_what_it_said(house: House):
    """The result is on the page: sound, and the mail equation holds."""
    client = house.browser("chief")
    house.state.ledger.checkpoint()
    assert post(client, "/ledger/verify").status_code == 303
    facts = client.get("/ledger.json").json()["facts"]
    assert (facts["Result"], facts["Mail equation"]) == ("sound", "holds")
