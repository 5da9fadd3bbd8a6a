"""A standby in the laboratory: published beside the active one, an alarm if used, in use the moment it is needed."""

import pytest
from tests.app.laboratory import place
from tests.app.test_rotation import PACE, connected, run

from counterfoil import clock
from counterfoil.app import campaigning, driving, standby
from counterfoil.credential.campaigns import Campaigns
from counterfoil.credential.registry import listed
from counterfoil.credential.rotation import Kind, State
from counterfoil.credential.waves import Brakes
from counterfoil.model.errors import Refused
from counterfoil.model.trust import CredentialState
from counterfoil.tenant.door import Door
from counterfoil.tenant.endpoints import GRAPH
from counterfoil.tenant.token import Tokens


@pytest.fixture
def at(tmp_path):
    """A laboratory whose tokens live three seconds and whose replicas lag behind."""
    with place(tmp_path, token_life_min=2.0, token_life_max=3.0, replication_seconds=0.4) as made:
        yield made


def prepared(at):
    """A connected tenant with a standby; returns its mail connection and the standby."""
    mail, control = connected(at, "one")
    tokens = Tokens(control, at.books.connections.current(control), at.books.through.for_use, at.books.means)
    return mail, standby.prepare(at.books, mail, Door(tokens), sleep=clock.sleep)


def use(at, mail, credential, reason):
    """Get a token with a credential for a reason."""
    tokens = Tokens(mail, credential, at.books.through.for_use, at.books.means)
    return tokens.fresh(GRAPH, at.books.new_job(reason, ""))


def test_a_standby_is_published_beside_the_active_one_and_its_key_lies_apart(at):
    """Both certificates are on the application, the active one works on, and the standby's key is in its own place."""
    before = at.data / "signer" / "standby"
    mail, made = prepared(at)
    assert made.state is CredentialState.STANDBY
    keys = {key["thumbprint_sha256"].upper() for key in at.lab.operate("credentials", app_id=mail.app)["keys"]}
    current = at.books.connections.current(mail)
    assert keys == {current.thumbprint_sha256, made.thumbprint_sha256}
    assert len(list(before.glob("*.key"))) == 1
    assert use(at, mail, current, "heartbeat")
    with pytest.raises(Refused, match="has a standby already"):
        prepare_again(at, mail)


def prepare_again(at, mail):
    """Ask for a second standby."""
    standby.prepare(at.books, mail, None, sleep=clock.sleep)


def test_any_use_of_a_standby_is_an_alarm_that_incident_sees(at):
    """Making it leaves no alarm; a signature with it afterwards does, by command, with the credential's name."""
    mail, made = prepared(at)
    assert at.command("incident", "watch")[1] == []
    with pytest.raises(Refused, match="is a standby: a job for heartbeat may not use it"):
        use(at, mail, made, "heartbeat")
    use(at, mail, made, "verify")
    (alarm,) = at.command("incident", "watch")[1]
    assert made.name in str(alarm)


def test_cut_over_waits_for_nothing_and_a_campaign_proves_the_old_one_dead(at):
    """The next job after it works with the standby; the old one signs nothing; a rotation ends and buries both."""
    mail, made = prepared(at)
    at.lab.set(replication_seconds=0.0)  # by the time of an emergency every token server knows the standby
    old = at.books.connections.current(mail)
    asked = [len(at.lab.operate("rows", log=log, tenant=mail.tenant_id)) for log in ("signin", "activity")]
    code, said, words = at.command("credential", "cut-over", "--tenant", "one", "--yes")
    assert (code, said) == (0, {"old": old.name, "current": made.name, "tenant": "one"}), words
    after = [len(at.lab.operate("rows", log=log, tenant=mail.tenant_id)) for log in ("signin", "activity")]
    assert after == asked, "nothing has to be published: the tenant is not asked at all"
    assert at.books.connections.current(mail).generation == made.generation
    assert use(at, mail, at.books.connections.current(mail), "heartbeat"), "at once, for any reason"
    with pytest.raises(Refused, match="is tainted"):
        use(at, mail, old, "verify")
    assert standby_states(at, mail) == {old.generation: "tainted", made.generation: "current"}
    with pytest.raises(Refused, match="has no standby"):
        standby.cut_over(at.books, mail, "test")
    plan = campaigning.make_plan(at.books, "c1", Kind.ROUTINE, campaigning.Wanted(), now=clock.now(), actor="test")
    campaigning.open_campaign(at.books, plan)
    driver = driving.driver(at.books, PACE, Brakes())
    assert run(driver), Campaigns(at.books.ledger).places("c1")
    (where,) = Campaigns(at.books.ledger).places("c1").values()
    assert where.state is State.DONE
    assert set(where.old) == {old.thumbprint_sha256, made.thumbprint_sha256}
    assert standby_states(at, mail)[old.generation] == "dead"


def standby_states(at, mail):
    """The state of every credential of a connection by its generation, negative controls left out."""
    found = listed(at.books.ledger.engine, mail.tenant_id)
    return {c.generation: c.state.value for c in found if c.app == mail.app and c.generation < 1_000_000}


def test_a_standby_is_made_by_command_once(at):
    """The command publishes it through the control application; a second one is refused with a sentence."""
    connected(at, "one")
    code, said, words = at.command("credential", "standby", "--tenant", "one")
    assert (code, said["state"], said["tenant"]) == (0, "standby", "one"), words
    code, _, words = at.command("credential", "standby", "--tenant", "one")
    assert (code, "has a standby already" in words) == (2, True)
    code, _, words = at.command("credential", "cut-over", "--tenant", "one")
    assert (code, "say --yes" in words) == (2, True), "nobody is asked where nobody is"
