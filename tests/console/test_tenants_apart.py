"""Law 11, page by page: what an account for one tenant gets holds nothing of another tenant's.

The pages come from the console's own table, so a page that is added later is tested from its first day.
"""

import httpx
import pytest
from tests.console.house import HELD, ROOT, House, post

from counterfoil.console.places import DEEDS, PLACES
from counterfoil.gateway.routing import NextHop, Tls
from counterfoil.gateway.store.tenants import Domain
from counterfoil.operators.roles import Permission

FOREIGN = ("beta", "Beta", "00000002-0000-4000-8000", "00000002-1111-4000-8000")
"""What only the other tenant's names, addresses, subjects, ids, applications and campaigns hold."""

OWN = {"/messages/{id}": "acme-1", "/quarantine/{id}": "acme-2", "/tenants/{name}": "acme"}
OWN |= {"/campaigns/{id}": "spring", "/incidents/{id}": "both"}
THEIRS = {"/messages/{id}": "beta-1", "/quarantine/{id}": "beta-2", "/tenants/{name}": "beta"}
THEIRS |= {"/campaigns/{id}": "beta-alone", "/incidents/{id}": "beta-incident"}


def path_of(template: str, name: str) -> str:
    """Fill in the name of a thing."""
    return template.replace("{id}", name).replace("{name}", name)


def forms_of(path: str) -> tuple[str, ...]:
    """Return a page in all its forms."""
    stem = "/overview" if path == "/" else path
    return path, f"{stem}.json", f"{stem}.csv"


@pytest.fixture(scope="module")
def chief(house: House) -> httpx.Client:
    """Somebody who sees everything; the other tenant's newest deed is new enough for every page."""
    house.state.tenants.set_domain(Domain("beta.test", "beta", NextHop("mx.beta.test", 25, Tls.VERIFY)), ROOT)
    return house.browser("chief")


@pytest.fixture(scope="module")
def acme(house: House) -> httpx.Client:
    """Somebody who is there for one tenant, with every role there is."""
    return house.browser("acme-all")


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.path)
def test_no_page_holds_a_word_of_another_tenant(chief: httpx.Client, acme: httpx.Client, house: House, place):
    """In HTML, JSON and CSV; that the same page does name the other tenant to who sees all proves the question."""
    name = house.references.get(OWN.get(place.path, ""), OWN.get(place.path, ""))
    named = False
    for path in forms_of(path_of(place.path, name)):
        answer = acme.get(path)
        assert answer.status_code == 200, path
        assert [word for word in FOREIGN if word in answer.text] == [], path
        named |= any(word in chief.get(path).text for word in FOREIGN)
    assert named is ("{" not in place.path or place.path in {"/campaigns/{id}", "/incidents/{id}"})


@pytest.mark.parametrize("place", [place for place in PLACES if "{" in place.path], ids=lambda place: place.path)
def test_another_tenants_thing_is_not_there_at_all(acme: httpx.Client, chief: httpx.Client, house: House, place):
    """A guessed id of another tenant's gives, to the letter, what an id gives that nobody has."""
    theirs = house.references.get(THEIRS[place.path], THEIRS[place.path])
    nobodys = "x" * len(theirs)
    assert chief.get(path_of(place.path, theirs)).status_code == 200
    suffixes = ("", ".json", ".csv", "/live") if place.live else ("", ".json", ".csv")
    for suffix in suffixes:
        guessed = acme.get(path_of(place.path, theirs) + suffix)
        unknown = acme.get(path_of(place.path, nobodys) + suffix)
        assert guessed.status_code == unknown.status_code == 404
        assert guessed.text.replace(theirs, "?") == unknown.text.replace(nobodys, "?")


@pytest.mark.parametrize("path", ["/messages", "/quarantine"])
@pytest.mark.parametrize(
    "query",
    ["tenant=beta", "sender=beta", "subject=beta", "recipient=beta", "message_id=beta", "sender=%25", "sender=_"],
)
def test_no_search_finds_another_tenants_mail(acme: httpx.Client, path: str, query: str):
    """Whatever is searched for; the words of the search itself are all that comes back."""
    found = acme.get(f"{path}.json?{query}").json()
    rows = next(iter(found.values()))
    assert [row for row in rows if row["tenant"] != "acme"] == []


def test_no_deed_reaches_another_tenants_mail(acme: httpx.Client, house: House):
    """Release, delete and reading answer as for an id that is nobody's, and the other's message stays held."""
    for path in ("/quarantine/release", "/quarantine/delete"):
        for name in ("beta-2", "xxxx-2"):
            answer = post(acme, path, {"id": name, "sure": "yes"})
            assert answer.status_code == 303
            assert f"there is no held message {name}" in acme.get("/quarantine").text
    assert post(acme, "/quarantine/beta-2/text").status_code == 404
    assert house.state.quarantine.raw("beta-2", "beta") == HELD
    assert house.state.stories.story("beta-2", "beta")["wanted_by"] is None
    page = post(acme, "/quarantine/delete", {"id": ["beta-2", "acme-2"]}).text
    assert "acme" in page
    assert "beta" not in page


def test_a_campaign_of_many_is_held_by_nobody_who_is_there_for_one(acme: httpx.Client, house: House):
    """Also where one's own connection is in it; the campaign runs on."""
    for name in ("spring", "beta-alone", "xxxx"):
        for deed in ("hold", "resume"):
            answer = post(acme, f"/campaigns/{name}/{deed}", {"why": "because"})
            assert answer.status_code == 404
            assert [word for word in FOREIGN if word in answer.text.replace(name, "")] == []
    assert house.sources.campaigns.campaign("spring").held is None


def test_who_must_do_it_by_hand_is_told_to_himself_alone(acme: httpx.Client, chief: httpx.Client):
    """Of a campaign that cannot rotate two tenants each is told of himself, and who sees all of both."""
    named = [
        [row["tenant"] for row in client.get("/campaigns/spring.json").json()["by_hand"]] for client in (acme, chief)
    ]
    assert named == [["acme"], ["acme", "beta"]]


def test_why_a_campaign_holds_is_not_told_to_single_tenants(acme: httpx.Client, chief: httpx.Client, house: House):
    """The reason may name another tenant: who sees one reads that it holds, and no more."""
    campaigns = house.sources.campaigns
    campaigns.hold("spring", "beta is held: beta's administrator said no", house.now, "rotation")
    try:
        for path in ("/campaigns", "/campaigns/spring", "/campaigns.json", "/campaigns/spring.json", "/"):
            assert "held" in acme.get(path).text
            assert "said no" not in acme.get(path).text
        assert "administrator said no" in chief.get("/campaigns/spring").text
    finally:
        campaigns.hold("spring", None, house.now, "rotation")


def test_a_ledger_verification_is_for_those_who_see_all(acme: httpx.Client):
    """It names messages of everybody, so neither the deed nor its result is there for one tenant."""
    assert post(acme, "/ledger/verify").status_code == 404
    assert "Verify everything" not in acme.get("/ledger").text


def test_every_deed_is_looked_at_here():
    """A deed that is added later must be added to these tests too."""
    known = {"/quarantine/release", "/quarantine/delete", "/quarantine/{id}/text", "/ledger/verify"}
    assert {deed.path for deed in DEEDS} == known | {"/campaigns/{id}/hold", "/campaigns/{id}/resume"}


def test_an_account_without_roles_sees_nothing(house: House):
    """Each page is refused, in each form, and the first page is empty of everything."""
    nobody = house.browser("nobody-yet")
    for place in PLACES:
        if place.permission is not None:
            for path in forms_of(path_of(place.path, "acme-1")):
                answer = nobody.get(path)
                assert answer.status_code == 403
                assert "acme" not in answer.text.replace("acme-1", "")
    first = nobody.get("/").text
    assert [word for word in (*FOREIGN, "acme", "Acme") if word in first] == []


def test_the_role_decides_for_each_page(house: House):
    """Who keeps keys sees no mail; who sees mail may not read what is held without the role for it."""
    custodian, viewer = house.browser("custodian"), house.browser("acme-viewer")
    for place in PLACES:
        wanted = 403 if place.permission is Permission.SEE_MAIL else (200, 404)
        status = custodian.get(path_of(place.path, "acme-1")).status_code
        assert status == wanted or (isinstance(wanted, tuple) and status in wanted)
    assert "Invoice" not in custodian.get("/").text
    assert "Mail today" not in custodian.get("/").text
    for path in ("/quarantine/release", "/quarantine/delete", "/quarantine/acme-2/text"):
        answer = post(viewer, path, {"id": "acme-2", "sure": "yes"})
        assert answer.status_code == 403
        assert "your roles do not permit this" in answer.text
    assert "Read as text" not in viewer.get("/quarantine/acme-2").text
