"""``counterfoil rotate`` by hand, against the laboratory."""

import base64
from dataclasses import replace

import pytest
from tests.app.laboratory import place

from counterfoil import clock
from counterfoil.app import campaigning, driving
from counterfoil.app.graveyard import CONTROLS_FROM
from counterfoil.credential.campaign import Pace
from counterfoil.credential.campaigns import Campaigns
from counterfoil.credential.registry import listed
from counterfoil.credential.rotation import Kind, Move, State, Step
from counterfoil.credential.waves import Brakes


@pytest.fixture
def at(tmp_path):
    """A laboratory whose tokens live three seconds, with one tenant that has both applications."""
    with place(tmp_path, token_life_min=2.0, token_life_max=3.0) as made:
        made.mail = joined(made, "alpha")
        yield made


def joined(at, name):
    """Take a tenant on board with a control application and a mail application; return the latter's connection."""
    control = at.register(name, "control", ["Application.ReadWrite.OwnedBy"])
    at.connect(control)
    owners = [control.service_principal]
    mail = at.register(name, "mail", ["Mail.ReadWrite"], owners=owners, tenant_id=control.tenant_id)
    at.connect(mail)
    return mail


def keys(at):
    """The thumbprints on the mail application, as the laboratory has them."""
    listed = at.lab.operate("credentials", app_id=at.mail.app)
    return [key["thumbprint_sha256"].upper() for key in listed["keys"]]


def test_plan_says_what_will_happen_and_changes_nothing(at):
    """A plan names waves and tenants; the application keeps its one key and no campaign exists."""
    before = keys(at)
    code, plan, _ = at.command("rotate", "plan", "c1", "--compromise")
    assert code == 0
    assert plan["waves"] == [["alpha"]]
    assert "the old credentials are tainted at once: jobs that need them wait, mail does not" in plan["words"]
    assert keys(at) == before
    assert at.command("rotate", "status")[1] == []


def test_apply_drives_a_compromise_to_its_end_and_status_tells_three_facts(at):
    """One command from plan to proven dead; removed, dead and out are three times, in this order."""
    old = keys(at)[0]
    code, status, messages = at.command("rotate", "apply", "c1", "--compromise", "--thumbprint", old, "--yes")
    assert code == 0, messages
    tenant = status[0]["tenants"][0]
    assert tenant["state"] == "done"
    assert tenant["removed"] < tenant["proven_dead"] < tenant["attacker_out"]
    assert keys(at) == [at.books.connections.current(at.mail).thumbprint_sha256] != [old]


def test_a_rehearsal_ends_where_it_began(at):
    """The whole machine runs with a key that never becomes current, and takes it away again."""
    before, current = keys(at), at.books.connections.current(at.mail)
    code, status, messages = at.command("rotate", "rehearse", "r1", "--yes")
    assert code == 0, messages
    assert status[0]["tenants"][0]["state"] == "rolled-back"
    assert status[0]["tenants"][0]["words"] == "rehearsed: published, accepted, taken away again"
    told = [line.partition(" s  ")[2] for line in messages.splitlines() if " s  1 " in line]
    assert told[-2:] == ["1 rolling-back", "1 rolled-back"]
    assert len(told) == len(set(told))
    assert keys(at) == before
    assert at.books.connections.current(at.mail).key == current.key
    kept = [one for one in at.command("credential", "list", "--tenant", "alpha")[1] if one["app"] == at.mail.app]
    assert [(one["name"], one["generation"], one["state"], one["control"]) for one in kept] == [
        ("alpha", 1, "current", False),
        ("alpha", 2, "retired", False),
        ("alpha", CONTROLS_FROM + 2, "dead", True),
    ]
    assert [one["key_id"] is None for one in kept] == [False, False, True], "what was listed is known by its key id"
    assert at.command("credential", "list", "--tenant", "beta")[0] == 2


def test_apply_asks_before_it_changes_anything(at):
    """Without a terminal and without --yes nothing is begun."""
    code, _, messages = at.command("rotate", "apply", "c1")
    assert code == 2
    assert "say --yes" in messages
    assert at.command("rotate", "status")[1] == []


def begun(at, name, kind=Kind.ROUTINE):
    """Open a campaign and take one step, as an apply whose terminal was closed would have."""
    plan = campaigning.make_plan(at.books, name, kind, campaigning.Wanted(), now=clock.now(), actor="test")
    campaigning.open_campaign(at.books, plan)
    driving.driver(at.books, Pace(), Brakes()).round(name)


def test_a_held_campaign_says_why_and_goes_on_when_resumed(at):
    """Apply of a held campaign ends at once with 1; after resume the same command drives it to its end."""
    code, _, messages = at.command("rotate", "hold", "c1", "--why", "too early")
    assert (code, "there is no campaign c1" in messages) == (2, True)
    begun(at, "c1")
    code, status, _ = at.command("rotate", "hold", "c1", "--why", "too early")
    assert (code, status[0]["held"]) == (0, "too early")
    code, status, _ = at.command("rotate", "apply", "c1")
    assert (code, status[0]["held"]) == (1, "too early")
    code, status, _ = at.command("rotate", "resume", "c1")
    assert (code, status[0]["held"]) == (0, None)
    code, _, messages = at.command("rotate", "resume", "c1")
    assert (code, "is not held" in messages) == (2, True)
    code, status, _ = at.command("rotate", "apply", "c1")
    assert (code, status[0]["tenants"][0]["state"]) == (0, "done")
    code, _, messages = at.command("rotate", "hold", "c1", "--why", "too late")
    assert (code, "is at its end: there is nothing to hold" in messages) == (2, True)


def test_a_rehearsal_that_was_cut_off_stays_one(at):
    """Going on with it by apply cuts nobody over: its key goes away again."""
    plan = campaigning.make_plan(at.books, "r1", Kind.ROUTINE, campaigning.Wanted(), now=clock.now(), actor="test")
    campaigning.open_campaign(at.books, replace(plan, campaign=replace(plan.campaign, waves=())))
    code, status, _ = at.command("rotate", "apply", "r1")
    assert (code, status[0]["tenants"][0]["state"]) == (0, "rolled-back")
    assert at.books.connections.current(at.mail).generation == 1


def test_a_mistyped_name_begins_nothing(at):
    """With a campaign of nearly that name, or one that has not ended, apply refuses until it is told to begin."""
    begun(at, "october")
    for name in ("octobre", "november"):
        code, _, messages = at.command("rotate", "apply", name, "--yes")
        assert (code, f"there is no campaign {name}, and there is october" in messages) == (2, True)
    code, _, messages = at.command("rotate", "apply", "october", "--compromise")
    assert (code, "has its plan already (routine): apply only goes on with it" in messages) == (2, True)
    assert [one["campaign"] for one in at.command("rotate", "status")[1]] == ["october"]


def test_a_connection_is_in_one_campaign_at_a_time(at):
    """A second routine one is refused; a compromise supersedes the first and ends both keys, the unused one too."""
    begun(at, "first")
    code, _, messages = at.command("rotate", "apply", "second", "--begin", "--yes")
    assert (code, "alpha is in the campaign first, which has not ended" in messages) == (2, True)
    code, status, messages = at.command("rotate", "apply", "urgent", "--begin", "--compromise", "--yes")
    assert code == 0, messages
    assert "ended in first, which this supersedes: alpha" in messages
    assert status[0]["tenants"][0]["state"] == "done"
    first = at.command("rotate", "status", "first")[1][0]["tenants"][0]
    assert (first["state"], first["words"]) == ("superseded", "superseded by urgent")
    current = at.books.connections.current(at.mail)
    assert keys(at) == [current.thumbprint_sha256]
    states = {
        c.generation: c.state.value for c in listed(at.books.ledger.engine, at.mail.tenant_id) if c.app == at.mail.app
    }
    assert {g: s for g, s in states.items() if g < CONTROLS_FROM} == {1: "dead", 2: "dead", 3: "current"}


def test_planning_and_looking_need_no_signer(at):
    """With the signer away a plan is made, a campaign shown, held and resumed; only apply says that it is away."""
    begun(at, "c1")
    at.signer.terminate()
    at.signer.wait(10)
    assert at.command("rotate", "plan", "c2", "--compromise")[0] == 0
    assert at.command("rotate", "hold", "c1", "--why", "no signer")[0] == 0
    assert at.command("rotate", "resume", "c1")[0] == 0
    assert at.command("rotate", "status")[1][0]["tenants"][0]["state"] == "publishing"
    code, _, messages = at.command("rotate", "apply", "c1")
    assert (code, "signer" in messages) == (2, True)


@pytest.mark.parametrize("text", ["ab", "zz" * 20, "abc" * 13])
def test_what_is_no_thumbprint_is_refused(at, text):
    """It is said what a thumbprint looks like, and nothing is planned."""
    code, _, messages = at.command("rotate", "plan", "c1", "--thumbprint", text)
    assert (code, "is no thumbprint" in messages, "40 or 64 hex digits" in messages) == (2, True, True)


def test_a_thumbprint_is_taken_in_every_spelling(at):
    """SHA-1 or SHA-256, with colons, in small letters, or as the base64url of a token's header."""
    current = at.books.connections.current(at.mail)
    sha1, raw = current.thumbprint_sha1, bytes.fromhex(current.thumbprint_sha256)
    colons = ":".join(sha1[i : i + 2] for i in range(0, 40, 2))
    for spelled in (
        sha1,
        colons,
        current.thumbprint_sha256.lower(),
        base64.urlsafe_b64encode(raw).decode().rstrip("="),
    ):
        code, plan, messages = at.command("rotate", "plan", "c1", f"--thumbprint={spelled}")
        assert (code, plan and plan["waves"]) == (0, [["alpha"]]), messages


def test_except_leaves_a_tenant_out_and_pause_after_holds_between_waves(at):
    """Of three tenants one is left out; after the first wave the campaign holds; resumed, it ends."""
    others = {name: joined(at, name) for name in ("beta", "gamma")}
    code, _, messages = at.command("rotate", "plan", "c1", "--except", "betta")
    assert (code, "there is no connection of betta" in messages) == (2, True)
    code, plan, _ = at.command("rotate", "plan", "c1", "--except", "beta")
    assert plan["waves"] == [["alpha"], ["gamma"]]
    code, status, _ = at.command("rotate", "apply", "c1", "--except", "beta", "--pause-after", "1", "--yes")
    assert (code, status[0]["held"]) == (1, "paused after wave 1 of 2, as was asked")
    generation = {name: at.books.connections.current(one).generation for name, one in others.items()}
    assert (at.books.connections.current(at.mail).generation, generation) == (2, {"beta": 1, "gamma": 1})
    at.command("rotate", "resume", "c1")
    code, status, _ = at.command("rotate", "apply", "c1")
    assert (code, {one["tenant"]: one["state"] for one in status[0]["tenants"]}) == (
        0,
        dict.fromkeys(["alpha", "gamma"], "done"),
    )
    assert at.books.connections.current(others["beta"]).generation == 1


def test_back_after_something_was_removed_is_refused_and_said(at):
    """From retiring on there is no way back, and the tenant goes on as it was."""
    begun(at, "c1")
    campaigns = Campaigns(at.books.ledger)
    here = campaigns.lease(next(iter(campaigns.places("c1").values())), clock.now())
    campaigns.save(replace(here, here=Move(State.RETIRING, Step.RETIRE)), clock.now())
    code, _, messages = at.command("rotate", "back", "c1")
    assert (code, "has no way back" in messages) == (2, True)
    assert at.command("rotate", "status", "c1")[1][0]["tenants"][0]["state"] == "retiring"


def test_no_connection_fits_is_said(at):
    """A thumbprint that nobody uses is refused with what to do."""
    code, _, messages = at.command("rotate", "plan", "c1", "--thumbprint", "00" * 32)
    assert code == 2
    assert "no connection fits" in messages
