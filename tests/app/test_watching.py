"""After the end: the old thumbprint is watched in the logs, and who waited for the end is found when he comes back."""

import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.app.laboratory import place
from tests.app.test_rotation import PACE, campaign, enter_shared, run, with_shared_key
from tests.app.test_rotation_thief import MINE, OTHER, ours, robbed

from counterfoil import clock
from counterfoil.app import campaigning, driving, watching
from counterfoil.app.drill.customers import shared_key
from counterfoil.app.incidents import alarms
from counterfoil.credential.campaigns import Campaigns
from counterfoil.credential.rotation import Kind, State
from counterfoil.credential.waves import Brakes
from counterfoil.incident.record import Status
from counterfoil.incident.store import Incidents
from counterfoil.lab.thief import Thief


@pytest.fixture
def at(tmp_path):
    """A laboratory in which the tokens of one tenant can be given a longer life than the campaign counts with."""
    with place(tmp_path, token_life_min=2.0, token_life_max=3.0) as made:
        made.logs = tmp_path / "logs"
        yield made


@pytest.fixture
def thief(at, tmp_path):
    """The thief."""
    where = at.lab.endpoints
    with Thief(where.login, where.graph, where.ca, tmp_path / "thief.jsonl") as made:
        yield made


def look(at):
    """Export what the tenants can see, and look once."""
    at.lab.export(at.logs)
    return watching.look(at.books.ledger, [at.logs], clock.now())


def the_place(at):
    """The one place of the one campaign."""
    (where,) = Campaigns(at.books.ledger).places("c1").values()
    return where


def test_a_try_with_the_dead_key_opens_a_review_once(at, thief):
    """Nothing is seen at first; a refused sign-in with the old key is a review and no use; it is told once."""
    shared = shared_key()
    mail = with_shared_key(at, "one", shared)
    enter_shared(at, mail, shared)
    wish = campaigning.Wanted((shared.thumbprint,))
    plan = campaigning.make_plan(at.books, "c1", Kind.COMPROMISE, wish, now=clock.now(), actor="test")
    campaigning.open_campaign(at.books, plan)
    assert run(driving.driver(at.books, PACE, Brakes(bake=timedelta(seconds=0.2))))
    (first,) = look(at)
    assert (first.seen.uses, first.seen.tries, first.incidents) == ((), (), ())
    assert thief.sign_in(mail.tenant_id, mail.app, shared.key_pem, shared.certificate_pem) is None
    (second,) = look(at)
    assert (len(second.seen.uses), len(second.seen.tries), second.incidents) == (0, 1, ("c1-tried-again",))
    (third,) = look(at)
    assert third.incidents == ()
    where = the_place(at)
    assert (where.state, where.used_since, where.tried_since, len(where.sighted)) == (State.DONE, 0, 1, 1)
    assert where.looked_at is not None
    assert where.unproven == 0
    assert where.proven_until > where.removed_at
    incident = Incidents(at.books.ledger).one("c1-tried-again")
    assert incident.status is Status.REVIEW
    assert incident.subject.thumbprints == where.old
    assert alarms(Incidents(at.books.ledger)) == []


def test_who_waits_for_the_end_of_the_rotation_is_found_when_he_comes_back(at, thief):
    """His token outlives what was counted with; after done he plants a key and signs in: an alarm, and an incident."""
    roles = ("Application.ReadWrite.All",)
    at.lab.set(token_life_min=200.0, token_life_max=200.0)
    mail, control, hold = robbed(at, thief, *roles)
    driver, campaigns = campaign(at, Kind.COMPROMISE, [(replace(mail, roles=(*mail.roles, *roles)), control)])
    assert run(driver)
    assert next(iter(campaigns.places("c1").values())).state is State.DONE
    (before,) = look(at)
    assert before.incidents == ()
    assert hold.put_keys(mail.object_id, [ours(at, mail), OTHER.pem]), "his token lives still"
    assert thief.sign_in(mail.tenant_id, mail.app, OTHER.key_pem, OTHER.pem) is not None
    (after,) = look(at)
    assert {one.kind for one in after.seen.uses} >= {"foreign-credential"}
    assert after.incidents == ("c1-used-again",)
    incidents = Incidents(at.books.ledger)
    assert incidents.one("c1-used-again").status is Status.OPEN
    assert [(one.what, one.incident) for one in alarms(incidents)] == [("used-after-rotation", "c1-used-again")]
    assert the_place(at).used_since == len(after.seen.uses)


def test_a_key_that_he_adds_with_the_stolen_one_is_evicted(at, thief):
    """By addKey, proven with the copied key itself, he plants a successor: gone before anything is called dead."""
    shared = shared_key()
    mail = with_shared_key(at, "one", shared)
    enter_shared(at, mail, shared)
    hold = thief.sign_in(mail.tenant_id, mail.app, shared.key_pem, shared.certificate_pem)
    assert hold.add_key(mail.object_id, shared.key_pem, MINE.pem)
    plan = campaigning.make_plan(
        at.books, "c1", Kind.COMPROMISE, campaigning.Wanted((shared.thumbprint,)), now=clock.now(), actor="test"
    )
    campaigning.open_campaign(at.books, plan)
    assert run(driving.driver(at.books, PACE, Brakes(bake=timedelta(seconds=0.2))))
    assert thief.sign_in(mail.tenant_id, mail.app, MINE.key_pem, MINE.pem) is None
    keys = at.lab.operate("credentials", app_id=mail.app)["keys"]
    assert [key["thumbprint_sha256"].upper() for key in keys] == [at.books.connections.current(mail).thumbprint_sha256]


def test_a_token_that_he_kept_is_waited_for(at, thief):
    """While a token of the old key may live nobody says that he is out, though the key is proven dead."""
    at.lab.set(token_life_min=14.0, token_life_max=15.0)
    shared = shared_key()
    mail = with_shared_key(at, "one", shared)
    enter_shared(at, mail, shared)
    hold = thief.sign_in(mail.tenant_id, mail.app, shared.key_pem, shared.certificate_pem)
    plan = campaigning.make_plan(
        at.books, "c1", Kind.COMPROMISE, campaigning.Wanted((shared.thumbprint,)), now=clock.now(), actor="test"
    )
    campaigning.open_campaign(at.books, plan)
    pace = replace(PACE, longest_token_life=timedelta(seconds=15), peek=timedelta(seconds=0.5))
    worked = []

    def told(places):
        (where,) = places.values()
        worked.append((where.dead_at is not None, where.out_at is not None, hold.works()))

    assert driving.driver(at.books, pace, Brakes(bake=timedelta(seconds=0.2))).run("c1", threading.Event(), 0.3, told)
    assert (True, False, True) in worked, "the key was dead and the token alive: the two facts are two"
    assert (True, True, True) not in worked, "out was never said while the token worked"
