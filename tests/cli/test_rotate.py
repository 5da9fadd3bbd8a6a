"""``counterfoil rotate`` by hand, against the laboratory."""

import pytest
from tests.app.laboratory import place


@pytest.fixture
def at(tmp_path):
    """A laboratory whose tokens live three seconds, with one tenant that has both applications."""
    with place(tmp_path, token_life_min=2.0, token_life_max=3.0) as made:
        control = made.register("alpha", "control", ["Application.ReadWrite.OwnedBy"])
        made.connect(control)
        owners = [control.service_principal]
        mail = made.register("alpha", "mail", ["Mail.ReadWrite"], owners=owners, tenant_id=control.tenant_id)
        made.connect(mail)
        made.mail = mail
        yield made


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
    assert keys(at) == before
    assert at.books.connections.current(at.mail) == current


def test_apply_asks_before_it_changes_anything(at):
    """Without a terminal and without --yes nothing is begun."""
    code, _, messages = at.command("rotate", "apply", "c1")
    assert code == 2
    assert "say --yes" in messages
    assert at.command("rotate", "status")[1] == []


def test_a_held_campaign_says_why_and_goes_on_when_resumed(at):
    """Apply of a held campaign ends at once with 1; after resume the same command drives it to its end."""
    at.command("rotate", "plan", "c1")
    code, _, _ = at.command("rotate", "hold", "c1", "--why", "too early")
    assert code == 2, "there is no campaign to hold yet"
    at.command("rotate", "rehearse", "c1", "--yes")
    code, status, _ = at.command("rotate", "hold", "c1", "--why", "too early")
    assert (code, status[0]["held"]) == (0, "too early")
    code, status, _ = at.command("rotate", "resume", "c1")
    assert (code, status[0]["held"]) == (0, None)


def test_no_connection_fits_is_said(at):
    """A thumbprint that nobody uses is refused with what to do."""
    code, _, messages = at.command("rotate", "plan", "c1", "--thumbprint", "00" * 32)
    assert code == 2
    assert "no connection fits" in messages
